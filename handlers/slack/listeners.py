"""The listeners for Slack: check who asks, save an envelope, acknowledge. All else is done later.

Two exceptions, because a person waits: help and commands that were not understood are answered in
the acknowledgement, and a button that previews a change opens its loading modal at once, because
its trigger id is valid for 3 seconds. When saving fails, the person is told; an event gets no 2xx,
so Slack sends it again.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import ConfigError
from bot.render import (
    ACTION,
    INSIST,
    NUMBER,
    PROPOSE,
    REACH,
    Click,
    Message,
    error_modal,
    evidence_modal,
    help_message,
    loading_modal,
    notice,
    playbooks_message,
    unknown_message,
)
from handlers.envelopes import (
    ActionReached,
    AlarmSeen,
    ButtonClicked,
    Command,
    CommandGiven,
    Envelope,
    Help,
    Inbox,
    MentionGiven,
    Misunderstood,
    NotSaved,
    Playbooks,
    Triage,
    ViewSubmitted,
    digest,
)
from handlers.json_access import Ignored, dict_in, list_in, text_in
from handlers.slack.alarm_messages import alarm_in, is_forwarded
from handlers.slack.authorization import Authorization
from handlers.slack.commands import SLASH, Vocabulary, command_in, without_mention
from handlers.slack.response_urls import OnlySlackIsAnswered, ResponseUrls

log = logging.getLogger(__name__)

SAVE_SECONDS = 1.5  # Slack waits 3 seconds for an acknowledgement
OPEN_SECONDS = 1.0
_CLICKS = re.compile(rf"^(?:{'|'.join(Click)})(?:\.\d+)?$")
_POSTS = frozenset({"", "bot_message", "file_share", "thread_broadcast"})  # new posts
_SLACKBOT = "USLACKBOT"
_SLACK_FAULTS = (SlackClientError, aiohttp.ClientError, OSError, TimeoutError)
TRY_AGAIN = "I could not save your request, so nothing will happen. Please try again."


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
    app: AsyncApp, inbox: Inbox, authorization: Authorization, vocabulary: Vocabulary
) -> None:
    """Register the listeners. Raises ConfigError when the app acknowledges before saving."""
    if not app.listener_runner.process_before_response:
        raise ConfigError(
            "the Slack app acknowledges events before they are saved; "
            "create it with handlers.slack.listeners.slack_app"
        )
    listeners = _Listeners(inbox, authorization, vocabulary)
    app.middleware(listeners.authorize)
    app.command(SLASH)(listeners.slash)
    app.event("message")(listeners.message)
    app.event("app_mention")(listeners.mention)
    app.action(_CLICKS)(listeners.button)
    app.view(PROPOSE)(listeners.submission)
    app.view(REACH)(listeners.reached)
    app.view(INSIST)(listeners.reached)


@dataclass(frozen=True, slots=True)
class _Listeners:
    """Bolt passes arguments by name, and None for an unknown name: use only its names."""

    inbox: Inbox
    authorization: Authorization
    vocabulary: Vocabulary

    async def authorize(
        self,
        body: dict[str, Any],
        context: dict[str, Any],
        respond: AsyncRespond,
        next: Callable[[], Awaitable[None]],
    ) -> BoltResponse | None:
        """Refuse requests of other workspaces and apps, and of guests in shared channels."""
        own = context.get("authorize_result")
        refusal = self.authorization.refusal(
            body, getattr(own, "team_id", None), getattr(own, "enterprise_id", None)
        )
        if refusal is None:
            await next()
            return None
        log.warning("not authorized: %s", refusal)
        if "command" in body:
            return BoltResponse(status=200, body={"text": refusal})
        if body.get("response_url") or body.get("response_urls"):
            await _respond(respond, refusal)
        return BoltResponse(status=200, body="")

    async def slash(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """`/incident` was used."""
        command = command_in(body.get("text"), self.vocabulary)
        answer = _immediate_answer(command, self.vocabulary)
        if answer is None:
            envelope = CommandGiven(
                team=text_in(body.get("team_id")),
                channel=text_in(body.get("channel_id")),
                user=text_in(body.get("user_id")),
                trigger=digest(text_in(body.get("trigger_id"))),
                command=command,
            )
            saved = await self._save(envelope)
            answer = _acknowledgement(command) if saved else notice(TRY_AGAIN)
        if answer is None:
            await ack()
        else:
            await ack(text=answer.text, blocks=answer.blocks, response_type="ephemeral")

    async def message(self, body: dict[str, Any], event: dict[str, Any]) -> BoltResponse | None:
        """A post in a channel: only alarms are handled here, posted by apps, forwarded by
        somebody, or sent by e-mail."""
        if text_in(event.get("subtype")) not in _POSTS:
            return None
        if not (event.get("bot_id") or is_forwarded(event) or _is_slackbots(event)):
            return None
        if _is_own(body, event):
            return None
        found = alarm_in(event, self.authorization.alarm_apps)
        if isinstance(found, Ignored):
            log.info("post %s has no alarm: %s", text_in(event.get("ts")), found.reason)
            return None
        return await self._save_event(
            AlarmSeen(
                team=text_in(body.get("team_id")),
                channel=text_in(event.get("channel")),
                ts=text_in(event.get("ts")),
                thread_ts=text_in(event.get("thread_ts")) or None,
                alarm=found,
            )
        )

    async def mention(self, body: dict[str, Any], event: dict[str, Any]) -> BoltResponse | None:
        """A person mentioned the bot."""
        if event.get("bot_id") or event.get("edited") or not event.get("user"):
            return None
        return await self._save_event(
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
        if not await self._save(clicked):
            await _respond(respond, TRY_AGAIN)
            return BoltResponse(status=503, body="")
        if clicked.view is not None:
            loading = evidence_modal if clicked.click is Click.OTHERS else loading_modal
            try:
                async with asyncio.timeout(OPEN_SECONDS):
                    await client.views_open(
                        trigger_id=text_in(body.get("trigger_id")),
                        view=loading(clicked.view),
                    )
            except _SLACK_FAULTS as fault:
                log.warning("the preview could not be opened: %s", fault)
                await _respond(respond, "Slack did not open the preview. Press the button again.")
        await ack()
        return None

    async def submission(self, ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        """The preview was submitted: request approval, or compute the plan for another number."""
        typed = _number_typed(view)
        if isinstance(typed, Ignored):
            await ack(response_action="errors", errors={NUMBER: typed.reason})
            return
        external = text_in(view.get("external_id")) or text_in(view.get("id"))
        submitted = ViewSubmitted(
            team=_team(body),
            user=text_in(dict_in(body.get("user")).get("id")),
            callback=text_in(view.get("callback_id")),
            run=text_in(view.get("private_metadata")),
            view_id=text_in(view.get("id")),
            external=external,
            amount=typed,
        )
        if await self._save(submitted):
            if typed is None:
                await ack()
            else:
                await ack(response_action="update", view=loading_modal(external))
            return
        failed = error_modal(external, "Approval was not requested.", TRY_AGAIN)
        await ack(response_action="update", view=failed)

    async def reached(self, ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        """An action that the findings do not call for was chosen, or insisted on."""
        insisted = text_in(view.get("callback_id")) == INSIST
        external = text_in(view.get("external_id")) or text_in(view.get("id"))
        reached = ActionReached(
            team=_team(body),
            user=text_in(dict_in(body.get("user")).get("id")),
            offer=text_in(view.get("private_metadata")) if insisted else _action_chosen(view),
            view_id=text_in(view.get("id")),
            external=external,
            insisted=insisted,
        )
        if await self._save(reached):
            loading = loading_modal if insisted else evidence_modal
            await ack(response_action="update", view=loading(external))
            return
        failed = error_modal(external, "Nothing was computed.", TRY_AGAIN)
        await ack(response_action="update", view=failed)

    async def _save_event(self, envelope: Envelope) -> BoltResponse | None:
        """Save the envelope of an event; 503 when that failed, so Slack sends it again."""
        return None if await self._save(envelope) else BoltResponse(status=503, body="")

    async def _save(self, envelope: Envelope) -> bool:
        try:
            async with asyncio.timeout(SAVE_SECONDS):
                await self.inbox.accept(envelope)
        except (NotSaved, TimeoutError) as fault:
            log.error("not saved: %s %s: %s", envelope.kind, envelope.key, fault)
            return False
        return True


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
    return notice(f"Investigating {command.playbook} for {service}…")


def _button_clicked(body: dict[str, Any]) -> ButtonClicked | None:
    action = dict_in(next(iter(list_in(body.get("actions"))), None))
    click = Click.of(text_in(action.get("action_id")))
    if click is None:
        return None
    container = dict_in(body.get("container"))
    trigger = digest(text_in(body.get("trigger_id")))
    thread = container.get("thread_ts") or dict_in(body.get("message")).get("thread_ts")
    return ButtonClicked(
        team=_team(body),
        channel=text_in(dict_in(body.get("channel")).get("id")),
        user=text_in(dict_in(body.get("user")).get("id")),
        click=click,
        value=text_in(action.get("value")),
        message_ts=text_in(container.get("message_ts")) or None,
        thread_ts=text_in(thread) or None,
        trigger=trigger,
        view=f"{click}-{trigger}" if click in (Click.PREPARE, Click.OTHERS) else None,
    )


def _action_chosen(view: dict[str, Any]) -> str:
    """The offer of the action chosen among the other ones; empty when none is."""
    state = dict_in(dict_in(view.get("state")).get("values"))
    chosen = dict_in(dict_in(state.get(ACTION)).get(ACTION)).get("selected_option")
    return text_in(dict_in(chosen).get("value"))


def _number_typed(view: dict[str, Any]) -> int | Ignored | None:
    """The number in the preview's field if it is not the one shown; None when there is no field, or
    it is unchanged. Ignored, with a sentence for the person, when it is out of its bounds.

    The bounds are those of the field that Slack sends back; `bot.changes` has the plan's own.
    """
    blocks = (dict_in(each) for each in list_in(view.get("blocks")))
    block = next((each for each in blocks if each.get("block_id") == NUMBER), None)
    if block is None:
        return None
    field = dict_in(block.get("element"))
    state = dict_in(dict_in(view.get("state")).get("values"))
    typed = text_in(dict_in(dict_in(state.get(NUMBER)).get(NUMBER)).get("value")).strip()
    shown, least, most = (
        text_in(field.get(name)) for name in ("initial_value", "min_value", "max_value")
    )
    if not re.fullmatch(r"[0-9]{1,9}", typed):
        return Ignored(f"A whole number from {least} to {most}.")
    amount = int(typed)
    if typed == shown or str(amount) == shown:
        return None
    if least.isdecimal() and amount < int(least):
        return Ignored(f"At least {least}, by the preconditions shown above.")
    if most.isdecimal() and amount > int(most):
        return Ignored(f"At most {most}: more is not within the limits shown above.")
    return amount


def _team(body: dict[str, Any]) -> str:
    user = dict_in(body.get("user"))
    return text_in(dict_in(body.get("team")).get("id")) or text_in(user.get("team_id"))


def _is_own(body: dict[str, Any], event: dict[str, Any]) -> bool:
    """Whether this app posted it. Bolt itself drops only the posts of its bot user."""
    poster = event.get("app_id") or dict_in(event.get("bot_profile")).get("app_id")
    return bool(poster) and poster == body.get("api_app_id")


def _is_slackbots(event: dict[str, Any]) -> bool:
    """Whether Slackbot posted it: it posts the e-mails sent to a channel's address."""
    return event.get("user") == _SLACKBOT


async def _respond(respond: AsyncRespond, text: str) -> None:
    """Answer one person through the response URL; if that fails, Slack shows its own warning."""
    message = notice(text)
    try:
        async with asyncio.timeout(OPEN_SECONDS):
            await respond(
                text=message.text,
                blocks=message.blocks,
                response_type="ephemeral",
                replace_original=False,
            )
    except (*_SLACK_FAULTS, ValueError) as fault:
        log.warning("the person could not be answered: %s", fault)
