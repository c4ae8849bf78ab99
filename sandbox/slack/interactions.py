"""What people do in Slack: write, give commands, click, fill in modals; and Slack's answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.slack.blocks import interactive_elements
from sandbox.slack.delivery import Delivery
from sandbox.slack.limits import validate_view
from sandbox.slack.modals import Modals, View, state_values
from sandbox.slack.payloads import (
    action_json,
    command_payload,
    message_action_payload,
    shortcut_payload,
    suggestion_in_message,
    suggestion_in_view,
    suggestion_payload,
    view_action_payload,
    view_payload,
)
from sandbox.slack.people import App
from sandbox.slack.records import JSON, Change, Message, SlackError
from sandbox.slack.responses import Responses
from sandbox.slack.sockets import Undelivered
from sandbox.slack.tickets import ResponseUrls, Triggers
from sandbox.slack.typed import as_mrkdwn
from sandbox.slack.workspace import Workspace

REQUIRED = "Please complete this required field."
TROUBLE = "We had some trouble connecting. Try again?"


@dataclass(slots=True)
class Interactions:
    """Everything a person can do, as coroutines of the server's event loop."""

    workspace: Workspace
    modals: Modals
    triggers: Triggers
    urls: ResponseUrls
    responses: Responses
    delivery: Delivery

    async def say(self, user: str, channel: str, text: str, thread_ts: str | None = None) -> JSON:
        """Send what was typed: a message, or a slash command when it begins with one."""
        if text.startswith("/") and not text.startswith("//"):
            name, _, rest = text.partition(" ")
            return await self.command(user, channel, name, rest.strip(), thread_ts)
        if not text.strip():
            raise SlackError("no_text")
        place = self.workspace.channel(channel)
        if user not in place.members:
            raise SlackError("not_in_channel")
        if place.archived:
            raise SlackError("is_archived")
        marked = as_mrkdwn(self.workspace, text)
        message = self.workspace.say(user, place.id, marked, thread_ts)
        self.workspace.mark_read(user, place.id)
        return {"ts": message.ts}

    async def command(
        self, user: str, channel: str, name: str, text: str = "", thread_ts: str | None = None
    ) -> JSON:
        """Give a slash command. What goes wrong is told to the person as Slack tells it."""
        place = self.workspace.channel(channel)
        found = self._app_of_command(name)
        if found is None:
            sorry = f"`{name}` is not a valid command."
            return self._slackbot(user, place.id, sorry, thread_ts)
        if thread_ts:
            sorry = f"{name} is not supported in threads. Sorry!"
            return self._slackbot(user, place.id, sorry, thread_ts)
        payload = command_payload(self.workspace, found, user, place, name, text)
        payload["response_url"] = self.urls.issue(found, place.id, user)
        payload["trigger_id"] = self.triggers.issue(user, found)
        try:
            answer = await self.delivery.ask(found, "slash_commands", payload)
        except Undelivered as problem:
            error = "operation_timeout" if problem.reason == "timeout" else "dispatch_failed"
            return self._slackbot(user, place.id, f'{name} failed with the error "{error}"')
        if answer:
            self.responses.to_command(found, place.id, user, answer)
        return {}

    async def click(
        self,
        user: str,
        channel: str,
        ts: str,
        action_id: str,
        block_id: str | None = None,
        value: Any = None,
        values: JSON | None = None,
    ) -> JSON:
        """Click a button or choose from a menu in a message.

        Raises:
            SlackError: ``message_not_found`` or ``action_not_found``.
        """
        message = self.workspace.message(channel, ts)
        app = message.app
        if message.only_for not in (None, user):
            raise SlackError("message_not_found")
        block, element, attachment = _element_in(message, action_id, block_id)
        if app is None or not (app.request_url or app.app_token):
            return {}
        action = action_json(self.workspace, block, element, value)
        everything = message.blocks if attachment is None else attachment["blocks"]
        state = state_values(everything, values or {})
        payload = message_action_payload(
            self.workspace, app, user, message, action, state, attachment
        )
        payload["response_url"] = self.urls.issue(
            app, message.channel, user, source=ts, thread_ts=message.thread_ts
        )
        return await self._interact(app, user, payload)

    async def act_in_view(
        self,
        user: str,
        view_id: str,
        action_id: str,
        block_id: str | None = None,
        value: Any = None,
        values: JSON | None = None,
    ) -> JSON:
        """Click or choose inside a modal or home tab."""
        view = self._view(user, view_id)
        if values is not None:
            self.modals.fill(view, values)
        for block, element in interactive_elements(view.blocks):
            if element["action_id"] == action_id and block_id in (None, block["block_id"]):
                action = action_json(self.workspace, block, element, value)
                payload = view_action_payload(self.workspace, self.modals, user, view, action)
                return await self._interact(view.app, user, payload)
        raise SlackError("action_not_found")

    async def suggest(
        self,
        user: str,
        action_id: str,
        value: str = "",
        *,
        channel: str | None = None,
        ts: str | None = None,
        view_id: str | None = None,
    ) -> JSON:
        """Type into an external select: the app is asked for its options (`block_suggestion`).

        Returns the options; one of them is then the `value` of `click` or of a submission.

        Raises:
            SlackError: ``action_not_found``.
        """
        if view_id is not None:
            view = self._view(user, view_id)
            app, place = view.app, suggestion_in_view(self.modals, view)
            found = interactive_elements(view.blocks)
        else:
            message = self.workspace.message(str(channel), str(ts))
            if message.app is None:
                raise SlackError("action_not_found")
            app, place = message.app, suggestion_in_message(self.workspace, message)
            found = interactive_elements(message.blocks)
        for block, element in found:
            if element["action_id"] == action_id and "external_select" in element["type"]:
                payload = suggestion_payload(self.workspace, app, user, block, element, value)
                try:
                    answer = await self.delivery.ask(app, "interactive", payload | place)
                except Undelivered:
                    return {"options": []}
                groups = (answer or {}).get("option_groups") or ()
                options = (answer or {}).get("options") or [
                    one for group in groups for one in group.get("options", ())
                ]
                return {"options": options}
        raise SlackError("action_not_found")

    async def submit(self, user: str, view_id: str, values: JSON | None = None) -> JSON:
        """Submit a modal and do what the app answers: errors, update, push, clear, or close."""
        view = self._view(user, view_id)
        self.modals.fill(view, values or {})
        if missing := _incomplete(view):
            self.modals.complain(view, missing)
            return {"errors": missing}
        payload = view_payload(self.workspace, self.modals, view, "view_submission")
        payload["trigger_id"] = self.triggers.issue(user, view.app)
        try:
            answer = await self.delivery.ask(view.app, "interactive", payload) or {}
        except Undelivered:
            self._notice(user, TROUBLE)
            return {"error": TROUBLE}
        return await self._follow(view, answer)

    async def close(self, user: str, view_id: str, *, everything: bool = False) -> JSON:
        """Cancel a modal, or close the whole stack."""
        self._view(user, view_id)
        for view in self.modals.close(user, everything=everything):
            if view.body.get("notify_on_close"):
                payload = view_payload(
                    self.workspace, self.modals, view, "view_closed", is_cleared=everything
                )
                try:
                    await self.delivery.ask(view.app, "interactive", payload)
                except Undelivered:
                    continue
        return {}

    async def shortcut(
        self, user: str, callback_id: str, channel: str | None = None, ts: str | None = None
    ) -> JSON:
        """Use a shortcut, at a message when one is given."""
        for app in self.workspace.apps.values():
            if any(one.callback_id == callback_id for one in app.shortcuts):
                message = self.workspace.message(channel, ts) if channel and ts else None
                payload = shortcut_payload(self.workspace, app, user, callback_id, message)
                if message is not None:
                    payload["response_url"] = self.urls.issue(
                        app, message.channel, user, thread_ts=message.thread_ts
                    )
                return await self._interact(app, user, payload)
        raise SlackError("shortcut_not_found")

    async def react(self, user: str, channel: str, ts: str, name: str) -> JSON:
        """Add a reaction, or take it back."""
        message = self.workspace.message(channel, ts)
        if user in message.reactions.get(name, []):
            self.workspace.unreact(user, message, name)
        else:
            self.workspace.react(user, message, name)
        return {}

    async def open_home(self, user: str, app_id: str) -> JSON:
        """Look at an app's home tab."""
        app = self.workspace.apps[app_id]
        event: JSON = {
            "type": "app_home_opened",
            "user": user,
            "channel": self.workspace.direct((user, app.user_id)).id,
            "tab": "home",
            "event_ts": self.workspace.ids.timestamp(),
        }
        if view := self.modals.home(app, user):
            event["view"] = self.modals.as_json(view)
        self.delivery.send_event(app, event)
        return {}

    async def _interact(self, app: App, user: str, payload: JSON) -> JSON:
        payload["trigger_id"] = self.triggers.issue(user, app)
        try:
            await self.delivery.ask(app, "interactive", payload)
        except Undelivered as problem:
            self._notice(user, f"{app.name} didn't respond ({problem.reason}).")
            return {"error": problem.reason}
        return {}

    async def _follow(self, view: View, answer: JSON) -> JSON:
        action = answer.get("response_action")
        if action == "errors":
            self.modals.complain(view, dict(answer.get("errors") or {}))
            return {"errors": answer.get("errors")}
        if action in ("update", "push"):
            body = answer.get("view") or {}
            if findings := validate_view(body):
                self._notice(view.user, TROUBLE)
                return {"error": TROUBLE, "messages": findings}
            if action == "update":
                self.modals.update(view, body)
            else:
                self.modals.push(view.user, view.app, body)
            return {}
        if action == "clear" or self.modals.top(view.user) is view:
            self.modals.close(view.user, everything=action == "clear")
        return {}

    def _app_of_command(self, name: str) -> App | None:
        for app in self.workspace.apps.values():
            if any(command.name == name for command in app.commands):
                return app
        return None

    def _view(self, user: str, view_id: str) -> View:
        top = self.modals.top(user)
        if top is not None and top.id == view_id:
            return top
        for app in self.workspace.apps.values():
            home = self.modals.home(app, user)
            if home is not None and home.id == view_id:
                return home
        raise SlackError("view_not_found")

    def _slackbot(self, user: str, channel: str, text: str, thread_ts: str | None = None) -> JSON:
        self.workspace.post(
            Message(
                ts="",
                channel=channel,
                text=text,
                username="Slackbot",
                subtype="bot_message",
                only_for=user,
                thread_ts=thread_ts,
            )
        )
        return {"error": text}

    def _notice(self, user: str, text: str) -> None:
        with self.workspace.lock:
            self.workspace.tell(Change("notice", user=user, detail={"text": text}))


def _element_in(
    message: Message, action_id: str, block_id: str | None
) -> tuple[JSON, JSON, JSON | None]:
    places: list[tuple[list[JSON], JSON | None]] = [(message.blocks, None)]
    places += [(one["blocks"], one) for one in message.attachments if one.get("blocks")]
    for blocks, attachment in places:
        for block, element in interactive_elements(blocks):
            if element["action_id"] == action_id and block_id in (None, block["block_id"]):
                return block, element, attachment
    raise SlackError("action_not_found")


def _incomplete(view: View) -> dict[str, str]:
    """What Slack's client itself refuses before an app hears of a submission."""
    errors: dict[str, str] = {}
    for block in view.blocks:
        if block["type"] != "input":
            continue
        element = block["element"]
        state = view.values.get(block["block_id"], {}).get(element["action_id"], {})
        given = [value for name, value in state.items() if name != "type" and value]
        if not given:
            if not block.get("optional"):
                errors[block["block_id"]] = REQUIRED
            continue
        text = state.get("value")
        least, most = element.get("min_length"), element.get("max_length")
        if isinstance(text, str) and least and len(text) < least:
            errors[block["block_id"]] = f"Please enter at least {least} characters."
        elif isinstance(text, str) and most and len(text) > most:
            errors[block["block_id"]] = f"Please enter at most {most} characters."
    return errors
