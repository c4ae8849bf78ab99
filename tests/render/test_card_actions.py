"""The buttons on the card, and the actions that have none."""

from __future__ import annotations

from bot.domain.report import Offer
from bot.render import card
from tests.render.reading import buttons, read
from tests.render.test_card import told
from tests.support.change_samples import DONE, OFFERS
from tests.support.samples import FOUND, INCIDENT, RECOVERED


def test_buttons_are_the_actions_that_fit_under_opaque_ids() -> None:
    pressed = buttons(card(INCIDENT, FOUND, (), OFFERS).blocks)
    assert [(each["text"]["text"], each["value"], each.get("style")) for each in pressed] == [
        ("Enable provisioned concurrency…", "ofr-51c2", "primary"),
        ("Raise the memory back…", "ofr-51c3", None),
        ("Other actions…", "inc-7f3a", None),
        ("All evidence", "inc-7f3a", None),
        ("Look again", "inc-7f3a", None),
        ("Timeline", "inc-7f3a", None),
    ]


def test_at_most_two_actions_have_a_button() -> None:
    made = card(INCIDENT, FOUND, (), OFFERS * 3)
    pressed = [each["action_id"] for each in buttons(made.blocks)]
    assert [each for each in pressed if each.startswith("prepare")] == ["prepare.0", "prepare.1"]


def test_a_blocked_action_has_its_reason_and_no_button() -> None:
    blocked = Offer(
        action="x", title="Roll back", fits=False, why="does not hold: it runs 23; more"
    )
    made = read(card(INCIDENT, FOUND.model_copy(update={"actions": (blocked,)}), (), ()).blocks)
    assert "• Roll back is blocked: it runs 23" in made.splitlines()
    assert "[Roll back" not in made


def test_an_action_that_could_not_be_planned_says_why() -> None:
    unsure = Offer(action="x", title="Raise the memory", fits=None, why="lambda throttled the read")
    assert "• Whether this helps: Raise the memory (lambda throttled the read)" in told(
        actions=(unsure,)
    )


def test_undo_on_the_card_says_what_undoing_would_do_now() -> None:
    undo = next(
        each
        for each in buttons(card(RECOVERED, FOUND, (DONE,), ()).blocks)
        if each["action_id"] == "undo"
    )
    asked = undo["confirm"]["text"]["text"]
    assert "This fix is holding: without it the incident may come back." in asked
    assert "It was 8.4 % before." in asked
