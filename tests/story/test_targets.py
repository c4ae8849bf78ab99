"""Unhealthy targets, from the alarm to more time for the health check and back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox import people_and_channels as slack
from tests.support.play import Play, said

pytestmark = [pytest.mark.story, pytest.mark.slow, pytest.mark.xdist_group("story")]


def test_a_hasty_health_check_gets_more_time_and_back(play: Callable[..., Play]) -> None:
    on = play("targets-health-check-too-aggressive")
    on.start_bot()
    on.session.start_alarms()
    card = on.reply("The health check is too aggressive", "high confidence")
    assert "every 5 s, 2 s to answer" in said(card)

    on.click(slack.RESPONDER, card, "Give health checks more time")
    view = on.modal(slack.RESPONDER, "elasticloadbalancing:ModifyTargetGroup", "Undone by")
    on.session.slack.act(slack.RESPONDER, "submit", view_id=view["id"])
    request = on.reply("Needs approval: ", "Health check of search-tg")
    assert "after 45 s, now after 10 s" in said(request)
    on.click(slack.COMMANDER, request, "Approve")

    mended = on.reply("Done, verified", seconds=120)
    on.click(slack.RESPONDER, mended, "Undo")
    asked = on.reply("Undo needs approval: ")  # the fix is verified, the service of tier 1
    on.click(slack.COMMANDER, asked, "Approve undo")
    on.reply("Undone")
    assert on.writes().count("ModifyTargetGroup") == 2
