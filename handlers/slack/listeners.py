"""The listeners for Slack: check who asks, save an envelope, acknowledge. All else is done later.

Two exceptions, because a person waits: help and commands that were not understood are answered in
the acknowledgement, and a button that previews a change opens its loading modal at once, because
its trigger id is valid for 3 seconds. When saving fails, the person is told; an event gets no 2xx,
so Slack sends it again.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import ConfigError
from bot.domain.slack_ports import People
from bot.render import (
    ALONE,
    INSIST,
    PROPOSE,
    REACH,
    REFRESH,
    TRIAGE_FORM,
    TRIAGE_SHORTCUT,
    TURN_DOWN,
    Click,
    Message,
    all_evidence_loading,
    alone_loading_modal,
    evidence_modal,
    help_message,
    loading_modal,
    notice,
    playbooks_message,
    reject_modal,
    unknown_message,
)
from bot.slack.response_urls import ResponseUrls
from handlers.envelopes import (
    AlarmSeen,
    ButtonClicked,
    Command,
    CommandGiven,
    Help,
    Inbox,
    MentionGiven,
    Misunderstood,
    Playbooks,
    Triage,
    digest,
)
from handlers.json_access import Ignored, dict_in, list_in, text_in
from handlers.slack.admission import alarm_of_others, is_of_organisation
from handlers.slack.alarm_posts import alarm_seen
from handlers.slack.authorization import Authorization
from handlers.slack.commands import SLASH, Vocabulary, command_in, without_mention
from handlers.slack.response_urls import OnlySlackIsAnswered
from handlers.slack.saving import TRY_AGAIN, Saving, answer, open_modal, team_of, user_of
from handlers.slack.surface_listeners import SurfaceListeners
from handlers.slack.view_listeners import ViewListeners

log = logging.getLogger(__name__)

_CLICKS = re.compile(rf"^(?:{'|'.join(Click)})(?:\.\d+)?$")
LOADING = {
    Click.PREPARE: loading_modal,
    Click.OTHERS: evidence_modal,
    Click.EVIDENCE: all_evidence_loading,
    Click.ALONE: alone_loading_modal,
}
"""What is opened at once by the buttons that lead to a modal, whose trigger id lives 3 seconds."""


def slack_app(client: AsyncWebClient, signing_secret: str | None) -> AsyncApp:
    """The Bolt app, which acknowledges events only after they are saved.

    By default Bolt acknowledges an event before its listener runs; `process_before_response`
    changes that. Without a signing secret (Socket Mode only) every HTTP request is refused.
    """
    return AsyncApp(
        client=client,
        signing_secret=signing_secret or "",
        process_before_response=True,
        before_authorize=OnlySlackIsAnswered(ResponseUrls(client.base_url)),
    )


def register(
    app: AsyncApp,
    inbox: Inbox,
    authorization: Authorization,
    vocabulary: Vocabulary,
    people: People | None = None,
) -> None:
    """Register the listeners. Raises ConfigError when the app acknowledges before saving.

    Args:
        app: made by `slack_app`.
        inbox: where envelopes are saved.
        authorization: whose requests are accepted.
        vocabulary: what a command may name.
        people: looks up people of other workspaces of the organisation; None: they are refused.
    """
    if not app.listener_runner.process_before_response:
        raise ConfigError(
            "the Slack app acknowledges events before they are saved; "
            "create it with handlers.slack.listeners.slack_app"
        )
    listeners = _Listeners(inbox, authorization, vocabulary, people)
    app.middleware(listeners.authorize)
    app.command(SLASH)(listeners.slash)
    app.event("message")(listeners.message)
    app.event("app_mention")(listeners.mention)
    app.action(_CLICKS)(listeners.button)
    views = ViewListeners(inbox)
    app.view(PROPOSE)(views.submission)
    app.view(REACH)(views.reached)
    app.view(INSIST)(views.reached)
    app.view(ALONE)(views.alone)
    app.view(TURN_DOWN)(views.rejected)
    app.view(TRIAGE_FORM)(views.triage)
    surfaces = SurfaceListeners(inbox, authorization, vocabulary)
    app.event("app_home_opened")(surfaces.home)
    app.action(REFRESH)(surfaces.refresh)
    app.event("member_joined_channel")(surfaces.invited)
    app.message_shortcut(TRIAGE_SHORTCUT)(surfaces.shortcut)


@dataclass(frozen=True, slots=True)
class _Listeners(Saving):
    """Bolt passes arguments by name, and None for an unknown name: use only its names."""

    authorization: Authorization
    vocabulary: Vocabulary
    people: People | None = None

    async def authorize(
        self,
        body: dict[str, Any],
        context: dict[str, Any],
        respond: AsyncRespond,
        next: Callable[[], Awaitable[None]],
    ) -> BoltResponse | None:
        """Refuse requests of other workspaces and apps, and of guests in shared channels."""
        result = context.get("authorize_result")
        own = (getattr(result, "team_id", None), getattr(result, "enterprise_id", None))
        refusal = self.authorization.refusal(body, *own)
        if refusal is None or await is_of_organisation(
            self.people, self.authorization.to_look_up(body, *own)
        ):
            await next()
            return None
        if self.authorization.is_alarm_of_others(body, *own):
            seen = alarm_of_others(body)
            saved = await self.save_event(seen) if seen else None
            return saved or BoltResponse(status=200, body="")
        log.warning("not authorized: %s", refusal)
        if "command" in body:
            return BoltResponse(status=200, body={"text": refusal})
        if body.get("response_url") or body.get("response_urls"):
            await answer(respond, refusal)
        return BoltResponse(status=200, body="")

    async def slash(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """`/incident` was used."""
        command = command_in(body.get("text"), self.vocabulary)
        said = _immediate_answer(command, self.vocabulary)
        if said is None:
            envelope = CommandGiven(
                team=text_in(body.get("team_id")),
                channel=text_in(body.get("channel_id")),
                user=text_in(body.get("user_id")),
                trigger=digest(text_in(body.get("trigger_id"))),
                command=command,
                response_url=text_in(body.get("response_url")) or None,
            )
            saved = await self.save(envelope)
            said = _acknowledgement(command) if saved else notice(TRY_AGAIN)
        if said is None:
            await ack()
        else:
            await ack(text=said.text, blocks=said.blocks, response_type="ephemeral")

    async def message(self, body: dict[str, Any], event: dict[str, Any]) -> BoltResponse | None:
        """A post in a channel: only alarms are handled here, posted by apps, forwarded by
        somebody, or sent by e-mail."""
        team, channel = text_in(body.get("team_id")), text_in(event.get("channel"))
        own_app, apps = text_in(body.get("api_app_id")), self.authorization.alarm_apps
        seen = alarm_seen(event, team, channel, own_app, apps)
        if isinstance(seen, Ignored):
            log.info("post %s has no alarm: %s", text_in(event.get("ts")), seen.reason)
        return await self.save_event(seen) if isinstance(seen, AlarmSeen) else None

    async def mention(self, body: dict[str, Any], event: dict[str, Any]) -> BoltResponse | None:
        """A person mentioned the bot."""
        if event.get("bot_id") or event.get("edited") or not event.get("user"):
            return None
        return await self.save_event(
            MentionGiven(
                team=text_in(body.get("team_id")),
                channel=text_in(event.get("channel")),
                user=text_in(event.get("user")),
                ts=text_in(event.get("ts")),
                thread_ts=text_in(event.get("thread_ts")) or None,
                command=command_in(without_mention(event.get("text")), self.vocabulary),
            )
        )

    async def button(
        self, ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient, respond: AsyncRespond
    ) -> BoltResponse | None:
        """A button was pressed; those that lead to a modal open one that is loading."""
        clicked = _button_clicked(body)
        if clicked is None:
            await ack()
            return None
        if clicked.click is Click.REJECT:  # nothing happens before the modal is submitted
            modal = reject_modal(f"reject-{clicked.trigger}", clicked.value)
            await open_modal(client, body, modal, respond)
            await ack()
            return None
        if not await self.save(clicked):
            await answer(respond, TRY_AGAIN)
            return BoltResponse(status=503, body="")
        if clicked.view is not None:
            loading = LOADING[clicked.click]
            await open_modal(client, body, loading(clicked.view), respond)
        await ack()
        return None


def _immediate_answer(command: Command, vocabulary: Vocabulary) -> Message | None:
    """The answer to a command that needs nothing but the vocabulary; None for the others."""
    match command:
        case Help():
            return help_message()
        case Playbooks():
            return playbooks_message(vocabulary.playbooks)
        case Misunderstood():
            return unknown_message(command.what, command.suggestion)
        case _:
            return None


def _acknowledgement(command: Command) -> Message | None:
    if not isinstance(command, Triage):
        return None
    service = command.service or "this channel's service"
    doing = f"Investigating {command.playbook} for" if command.playbook else "Looking around at"
    return notice(f"{doing} {service}…")


def _button_clicked(body: dict[str, Any]) -> ButtonClicked | None:
    action = dict_in(next(iter(list_in(body.get("actions"))), None))
    click = Click.of(text_in(action.get("action_id")))
    if click is None:
        return None
    container = dict_in(body.get("container"))
    trigger = digest(text_in(body.get("trigger_id")))
    thread = container.get("thread_ts") or dict_in(body.get("message")).get("thread_ts")
    return ButtonClicked(
        team=team_of(body),
        channel=text_in(dict_in(body.get("channel")).get("id")),
        user=user_of(body),
        click=click,
        value=text_in(action.get("value")),
        message_ts=text_in(container.get("message_ts")) or None,
        thread_ts=text_in(thread) or None,
        trigger=trigger,
        view=f"{click}-{trigger}" if click in LOADING else None,
        response_url=text_in(body.get("response_url")) or None,
    )
