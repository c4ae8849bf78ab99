"""Listeners for what Slack has beside messages: the Home tab, the message shortcut, invitations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncRespond
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.render import triage_form
from handlers.envelopes import AlarmAsked, BotInvited, HomeOpened, digest
from handlers.json_access import Ignored, dict_in, text_in
from handlers.slack.alarm_messages import alarm_in
from handlers.slack.authorization import Authorization
from handlers.slack.commands import Vocabulary
from handlers.slack.saving import TRY_AGAIN, Saving, answer, open_modal, team_of, user_of
from handlers.slack.view_listeners import FormPlace


@dataclass(frozen=True, slots=True)
class SurfaceListeners(Saving):
    """Bolt passes arguments by name, and None for an unknown name: use only its names."""

    authorization: Authorization
    vocabulary: Vocabulary

    async def home(self, body: dict[str, Any], event: dict[str, Any]) -> BoltResponse | None:
        """Somebody opened the app. Its other tab, with messages, needs nothing."""
        if text_in(event.get("tab")) != "home":
            return None
        return await self.save_event(
            HomeOpened(
                team=text_in(body.get("team_id")),
                user=text_in(event.get("user")),
                event=text_in(event.get("event_ts")) or text_in(body.get("event_id")),
            )
        )

    async def refresh(self, ack: AsyncAck, body: dict[str, Any]) -> BoltResponse | None:
        """ "Refresh" was pressed in the Home tab."""
        opened = HomeOpened(
            team=team_of(body),
            user=user_of(body),
            event=digest(text_in(body.get("trigger_id"))),
        )
        if not await self.save(opened):
            return BoltResponse(status=503, body="")  # Slack shows a warning at the button
        await ack()
        return None

    async def invited(
        self, body: dict[str, Any], event: dict[str, Any], context: dict[str, Any]
    ) -> BoltResponse | None:
        """Somebody joined a channel: only the bot itself counts."""
        if text_in(event.get("user")) != text_in(context.get("bot_user_id")):
            return None
        return await self.save_event(
            BotInvited(
                team=text_in(body.get("team_id")),
                channel=text_in(event.get("channel")),
                inviter=text_in(event.get("inviter")) or None,
                event=text_in(event.get("event_ts")) or text_in(body.get("event_id")),
            )
        )

    async def shortcut(
        self, ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient, respond: AsyncRespond
    ) -> BoltResponse | None:
        """ "Triage this alarm" was used at a message; without an alarm in it, a form asks."""
        message = dict_in(body.get("message"))
        channel = text_in(dict_in(body.get("channel")).get("id"))
        ts = text_in(message.get("ts")) or text_in(body.get("message_ts"))
        thread = text_in(message.get("thread_ts")) or None
        trigger = digest(text_in(body.get("trigger_id")))
        found = alarm_in(message, self.authorization.alarm_apps, asked=True)
        if isinstance(found, Ignored):
            form = triage_form(
                f"form-{trigger}",
                FormPlace(channel=channel, thread_ts=thread or ts).model_dump_json(),
                self.vocabulary.playbooks,
                self.vocabulary.services,
            )
            await open_modal(client, body, form, respond)
            await ack()
            return None
        asked = AlarmAsked(
            team=team_of(body),
            channel=channel,
            user=user_of(body),
            ts=ts,
            thread_ts=thread,
            trigger=trigger,
            alarm=found,
            response_url=text_in(body.get("response_url")) or None,
        )
        if not await self.save(asked):
            await answer(respond, TRY_AGAIN)
            return BoltResponse(status=503, body="")
        await answer(respond, f"I look at {found.name} now. Its card is in this message's thread.")
        await ack()
        return None
