"""Somebody asks where the bot cannot post; then the real alarm comes in its own channel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sandbox import people_and_channels as slack
from tests.support.play import Play, said

pytestmark = [pytest.mark.slow, pytest.mark.story, pytest.mark.xdist_group("story")]


def test_the_alarm_gets_its_card_all_the_same(play: Callable[..., Play]) -> None:
    on = play()
    on.start_bot()
    workspace = on.session.workspace
    random = workspace.create_channel("random", slack.RESPONDER).id
    service = on.session.simulation.scenario.service.name

    def told(channel: str, *words: str) -> Any:
        return on.until(
            f"{words} in {channel}",
            lambda: [
                each
                for each in workspace.messages(channel, viewer=slack.RESPONDER)
                if all(word in said(each) for word in words)
            ],
        )

    def ask(channel: str) -> None:
        text = f"triage 5xx {service}"
        on.session.slack.act(
            slack.RESPONDER, "command", channel=channel, name="/incident", text=text
        )

    # the bot is no member: the person hears it, by the response URL
    ask(random)
    told(random, "I am not in this channel", "/invite @incident")

    # Slack refuses the card itself: the incident ends, and the person hears why
    on.session.slack.play("refuse", "chat.postMessage", error="restricted_action")
    ask(slack.TEAM_CHANNEL)
    told(slack.TEAM_CHANNEL, "could not post the card", "restricted_action")

    on.session.start_alarms()
    card = on.reply(service, "Timeline", seconds=90)
    assert card.channel == slack.ALERTS
    assert not [each for each in on.thread() if "already open" in said(each)]
    on.kill_bot()  # the investigation is not awaited
