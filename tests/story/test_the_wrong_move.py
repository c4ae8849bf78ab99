"""An inconclusive night: the tempting moves are answered with the evidence, the one read that would
decide is named with its permission, and once that is granted another look finds the cause."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bot.render import ACTION
from sandbox import people_and_channels as slack
from tests.support.play import Play, said

pytestmark = [pytest.mark.story, pytest.mark.xdist_group("story")]

REFUTED = "raise-reserved-concurrency"
UNPROVEN = "enable-provisioned-concurrency"


def test_the_wrong_move_is_guarded_and_the_missing_read_decides(play: Callable[..., Play]) -> None:
    on = play("5xx-logs-denied", speed=10.0)
    on.start_bot()
    on.session.start_alarms()
    card = on.reply("No single cause found.", "No access: ", seconds=90)
    assert "Look again once logs:StartQuery is granted" in said(card)
    assert "First guess ruled out: " in said(card)

    # what is refuted: the figure comes first, and nothing was planned
    view = the_evidence_against(on, card, REFUTED)
    assert "The evidence refutes it: " in str(view)
    assert "0 " in str(view)
    on.session.slack.act(slack.RESPONDER, "close", view_id=view["id"])

    # what is not proven: "Plan it anyway" is a step of its own, and the warning goes with the plan
    view = the_evidence_against(on, card, UNPROVEN)
    assert "possible, not proven; not known: " in str(view)
    on.session.slack.act(slack.RESPONDER, "submit", view_id=view["id"])
    preview = on.modal(slack.RESPONDER, "The evidence does not call for it", "Exact calls")
    on.session.slack.act(slack.RESPONDER, "submit", view_id=preview["id"])
    request = on.reply("Needs approval: ", "The evidence does not call for it")
    on.click(slack.COMMANDER, request, "Reject")
    why = on.modal(slack.COMMANDER, "Reject this change?")
    values = {"reason": {"reason": "the evidence refutes it"}}
    on.session.slack.act(slack.COMMANDER, "submit", view_id=why["id"], values=values)
    on.reply("Rejected: ")
    assert on.writes() == []

    # the permission is granted, and the look that was offered decides
    on.session.simulation.lift_faults("logs:StartQuery")
    on.click(slack.RESPONDER, card, "Look again once logs:StartQuery is granted")
    on.reply("Likely cause", "Lambda cold starts", seconds=90)


def the_evidence_against(on: Play, card: Any, action: str) -> dict[str, Any]:
    """Reach for an action by the card's button, as far as the guard."""
    on.click(slack.RESPONDER, card, "Other actions")
    choice = on.modal(slack.RESPONDER, "The findings call for none of these")
    options = choice["blocks"][-1]["element"]["options"]
    offer = next(each["value"] for each in options if each["value"].endswith(f":{action}"))
    values = {ACTION: {ACTION: offer}}
    on.session.slack.act(slack.RESPONDER, "submit", view_id=choice["id"], values=values)
    return on.modal(slack.RESPONDER, "Plan it anyway", "It is made for: ")
