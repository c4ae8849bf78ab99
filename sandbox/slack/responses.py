"""What an app answers to an interaction: in the acknowledgement, or to its response URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.slack.limits import validate_blocks
from sandbox.slack.people import App
from sandbox.slack.records import JSON, SlackError
from sandbox.slack.tickets import ResponseUrls
from sandbox.slack.wire import message_json
from sandbox.slack.workspace import Workspace


@dataclass(slots=True)
class Responses:
    """Turns such answers into messages."""

    workspace: Workspace
    urls: ResponseUrls

    def to_command(self, app: App, channel: str, user: str, answer: Mapping[str, Any]) -> None:
        """Show the answer given with the acknowledgement of a slash command."""
        if answer.get("text") or answer.get("blocks") or answer.get("attachments"):
            self._show(app, channel, user, answer, None)

    def to_url(self, secret: str, answer: Mapping[str, Any]) -> None:
        """Play an answer sent to a response URL.

        Raises:
            SlackError: ``used_url``, ``expired_url``, ``invalid_blocks``, ``no_text``.
        """
        url = self.urls.use(secret)
        if findings := validate_blocks(answer.get("blocks") or []):
            raise SlackError("invalid_blocks", findings)
        source = None
        if url.source is not None:
            source = self.workspace.message(url.channel, url.source)
        if answer.get("delete_original"):
            if source is not None:
                self.workspace.delete(source, message_json(self.workspace, source))
            return
        if not (answer.get("text") or answer.get("blocks") or answer.get("attachments")):
            raise SlackError("no_text")
        if answer.get("replace_original") and source is not None:
            self.workspace.edit(
                source,
                url.app.user_id,
                message_json(self.workspace, source),
                text=str(answer.get("text") or ""),
                blocks=list(answer.get("blocks") or ()),
                attachments=list(answer.get("attachments") or ()),
            )
            return
        thread_ts = answer.get("thread_ts") or url.thread_ts
        self._show(url.app, url.channel, url.user, answer, thread_ts)

    def _show(
        self,
        app: App,
        channel: str,
        user: str,
        answer: Mapping[str, Any],
        thread_ts: str | None,
    ) -> None:
        body: JSON = {**answer, "thread_ts": thread_ts}
        message = self.workspace.message_of(app, channel, body)
        if answer.get("response_type") != "in_channel":
            message.only_for = user
        self.workspace.post(message)
