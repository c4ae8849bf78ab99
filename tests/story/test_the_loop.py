"""From an alarm to a mended service and back, over real HTTP and WebSockets."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox import people_and_channels as slack
from tests.support.play import Play, said

pytestmark = [pytest.mark.story, pytest.mark.xdist_group("story")]

ENABLE = "Enable provisioned concurrency"


def test_from_alarm_to_undo(play: Callable[..., Play]) -> None:
    on = play()
    on.start_bot()
    on.session.start_alarms()

    card = on.reply("Lambda cold starts", "high confidence")
    assert "504" in said(card)
    assert "Ruled out" in said(card)

    # somebody who may only look is refused, in words
    on.click(slack.OBSERVER, card, ENABLE)
    on.modal(slack.OBSERVER, "You are an observer here")

    # the responder sees the exact calls before anything happens
    on.click(slack.RESPONDER, card, ENABLE)
    view = on.modal(slack.RESPONDER, "lambda:PutProvisionedConcurrencyConfig", "Undone by")
    assert "PutProvisionedConcurrencyConfig" not in on.writes()
    on.session.slack.act(slack.RESPONDER, "submit", view_id=view["id"])

    # the one who asked can't approve; a second person can
    request = on.reply("Needs approval: ", "provisioned executions")
    on.click(slack.RESPONDER, request, "Approve")
    on.reply("a second person has to approve")
    assert "PutProvisionedConcurrencyConfig" not in on.writes()
    on.click(slack.COMMANDER, request, "Approve")

    mended = on.reply("Done, verified", seconds=90)
    assert on.writes().count("PutProvisionedConcurrencyConfig") == 1

    on.click(slack.RESPONDER, mended, "Undo")
    asked = on.reply("Undo needs approval: ", "The fix is holding")  # checkout is tier 1
    on.click(slack.COMMANDER, asked, "Approve undo")
    on.reply("Undone")
    assert on.writes().count("DeleteProvisionedConcurrencyConfig") == 1


@pytest.mark.slow
def test_from_alarm_to_undo_for_a_service_that_only_tags_describe(
    play: Callable[..., Play],
) -> None:
    on = play(bare=True)
    assert "functions" not in on.session.catalogue_text()
    on.start_bot()
    on.session.start_alarms()
    card = on.reply("Lambda cold starts", "high confidence")
    on.click(slack.RESPONDER, card, ENABLE)
    view = on.modal(slack.RESPONDER, "lambda:PutProvisionedConcurrencyConfig", "Undone by")
    on.session.slack.act(slack.RESPONDER, "submit", view_id=view["id"])
    request = on.reply("Needs approval: ", "provisioned executions")
    on.click(slack.COMMANDER, request, "Approve")
    mended = on.reply("Done, verified", seconds=90)
    on.click(slack.RESPONDER, mended, "Undo")
    asked = on.reply("Undo needs approval: ", "The fix is holding")  # checkout is tier 1
    on.click(slack.COMMANDER, asked, "Approve undo")
    on.reply("Undone")
    assert on.writes().count("PutProvisionedConcurrencyConfig") == 1
    assert on.writes().count("DeleteProvisionedConcurrencyConfig") == 1
