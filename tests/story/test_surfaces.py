"""What Slack has beside messages, on the running bot: Home tab, shortcut, greeting, replies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sandbox import people_and_channels as slack
from tests.render.reading import transcript
from tests.support.play import Play, said

pytestmark = [pytest.mark.story, pytest.mark.slow, pytest.mark.xdist_group("story")]

ENABLE = "Enable provisioned concurrency"


def home(on: Play, user: str, *words: str) -> str:
    """Open the Home tab until it has all these words; it is read anew each time."""

    def look() -> str | None:
        on.session.slack.act(user, "open_home", app_id=slack.BOT_APP)
        modals = on.session.slack.site.modals
        view = modals.home(on.session.workspace.apps[slack.BOT_APP], user)
        text = transcript(modals.as_json(view)) if view else ""
        return text if all(word in text for word in words) else None

    text: str = on.until(f"a Home tab with {words}", look)
    return text


def test_home_shortcut_greeting_and_replies(play: Callable[..., Play]) -> None:
    on = play(speed=10.0)
    workspace, act = on.session.workspace, on.session.slack.act
    on.start_bot()
    assert "No open incident" in home(on, slack.OBSERVER, "as of")

    # invited into a channel that no service has
    room = workspace.create_channel("war-room", slack.RESPONDER)
    act(slack.RESPONDER, "command", channel=room.id, name="/invite", text="@incident")
    greeting = on.until("a greeting", lambda: workspace.messages(room.id))[0]
    assert f"channel: {room.id}" in said(greeting)

    # a message without an alarm: a form; its answer comes into that message's thread
    asked = workspace.say(slack.RESPONDER, room.id, "checkout is slow, is it us?")
    act(slack.RESPONDER, "shortcut", callback_id="triage_alarm", channel=room.id, ts=asked.ts)
    form = on.modal(slack.RESPONDER, "no CloudWatch alarm")
    chosen = {"type": {"type": "5xx"}, "service": {"service": on.session.scenario.service.name}}
    act(slack.RESPONDER, "submit", view_id=form["id"], values=chosen)

    def card() -> Any:
        found = [each for each in workspace.thread(room.id, asked.ts) if each.app is not None]
        return found[0] if found and ENABLE in said(found[0]) else None

    shown = on.until("the card under the message", card, 150)

    # a request mentions the approver, a second person's Home tab has it, both are told once
    on.click(slack.RESPONDER, shown, ENABLE)
    view = on.modal(slack.RESPONDER, "lambda:PutProvisionedConcurrencyConfig")
    why = {"reason": {"reason": "cold starts"}}
    act(slack.RESPONDER, "submit", view_id=view["id"], values=why)

    def in_room(*words: str) -> Any:
        found = workspace.thread(room.id, asked.ts)
        return next((each for each in found if all(word in said(each) for word in words)), None)

    request = on.until("the request", lambda: in_room("Needs approval: ", "cold starts"))
    assert f"<@{slack.COMMANDER}>, please approve or reject" in request.text
    assert "Waiting for your approval (1)" in home(on, slack.COMMANDER, "Waiting")
    on.click(slack.COMMANDER, request, "Approve")
    mended = on.until("verified", lambda: in_room("mended by", "approved."), 150)
    assert f"<@{slack.RESPONDER}> asked, <@{slack.COMMANDER}> approved." in mended.text
    told = [each for each in workspace.thread(room.id, asked.ts) if "mended by" in each.text]
    assert len(told) == 1
    assert mended.edited is None
    on.kill_bot()  # it investigates the minutes since the change, which nobody waits for here
