"""Reaching for an action that the findings do not call for: a choice, then a step of its own."""

from __future__ import annotations

import json

from bot.render import ACTION, INSIST, REACH, Click, card
from handlers.envelopes import ActionReached, ButtonClicked
from tests.handlers.slack.running_bot import USER, Bot
from tests.handlers.slack.test_listeners import submission
from tests.support.samples import FOUND, INCIDENT


async def test_other_actions_open_a_modal_and_the_choice_and_the_second_step_are_kept(
    bot: Bot,
) -> None:
    blocks = card(INCIDENT, FOUND, (), ()).blocks
    buttons = [one for block in blocks for one in block.get("elements", ()) if "action_id" in one]
    (other,) = (one for one in buttons if one["action_id"] == Click.OTHERS)
    assert (await bot.click(other["action_id"], other["value"])).status_code == 200
    [opened] = bot.api.of("views.open")
    assert "Looking up what the findings say" in str(opened["view"])
    offer = f"{INCIDENT.id}:rollback-alias"
    values = {ACTION: {ACTION: {"type": "radio_buttons", "selected_option": {"value": offer}}}}
    view = {"callback_id": REACH, "private_metadata": INCIDENT.id, "state": {"values": values}}
    for number in range(2):  # delivered twice
        again = {**submission(**view), "trigger_id": f"11.22.{number}"}
        said = (await bot.interact(again)).json()
        assert said["response_action"] == "update"
    insist = submission(callback_id=INSIST, private_metadata=offer)
    said = (await bot.interact(insist)).json()
    assert "computing the exact calls" in str(said["view"])
    clicked, chosen, insisted = bot.memory.envelopes
    assert isinstance(clicked, ButtonClicked)
    assert clicked.view is not None
    assert isinstance(chosen, ActionReached)
    assert (chosen.offer, chosen.external, chosen.insisted) == (offer, "p-1", False)
    assert isinstance(insisted, ActionReached)
    assert (insisted.offer, insisted.user, insisted.insisted) == (offer, USER, True)


async def test_a_choice_that_could_not_be_written_down_shows_in_the_modal(bot: Bot) -> None:
    bot.memory.broken = True
    said = (await bot.interact(submission(callback_id=INSIST, private_metadata="i:a"))).json()
    assert "Nothing was computed" in json.dumps(said["view"])
