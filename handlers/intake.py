"""What a listener writes once: envelopes, as JSON, each with the key it is deduplicated by.

An envelope says what happened and where, in ids; what to do about it is decided when it is taken
out. The key is the same for every delivery of one thing: Slack's retries, a replayed request, the
`message` and the `app_mention` of one post.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal, Protocol

from pydantic import Field, TypeAdapter

from bot.errors import IncidentHelperError
from bot.model import Alarm, Frozen
from bot.render import Click
from handlers.commands import Command


class AlarmSeen(Frozen):
    """An alarm was posted in a channel."""

    kind: Literal["alarm"] = "alarm"
    team: str
    channel: str
    ts: str
    thread_ts: str | None = None
    alarm: Alarm

    @property
    def key(self) -> str:
        return _key("post", self.team, self.channel, self.ts)


class CommandGiven(Frozen):
    """Somebody used the slash command."""

    kind: Literal["command"] = "command"
    team: str
    channel: str
    user: str
    trigger: str  # digest of the trigger id: one for each time it is used
    command: Command

    @property
    def key(self) -> str:
        return _key("command", self.team, self.channel, self.user, self.trigger)


class MentionGiven(Frozen):
    """Somebody mentioned the bot, perhaps in a thread; also when it wasn't understood."""

    kind: Literal["mention"] = "mention"
    team: str
    channel: str
    user: str
    ts: str
    thread_ts: str | None = None
    command: Command

    @property
    def key(self) -> str:
        return _key("post", self.team, self.channel, self.ts)


class ButtonClicked(Frozen):
    """Somebody pressed a button; `value` is the opaque id it carries."""

    kind: Literal["button"] = "button"
    team: str
    channel: str
    user: str
    click: Click
    value: str
    message_ts: str | None = None
    thread_ts: str | None = None
    trigger: str
    view: str | None = None  # external_id of the modal that was opened for it

    @property
    def key(self) -> str:
        return _key("button", self.team, self.user, self.click, self.value, self.trigger)


class ViewSubmitted(Frozen):
    """Somebody submitted the preview: asks for approval of the run."""

    kind: Literal["view"] = "view"
    team: str
    user: str
    callback: str
    run: str
    view_id: str

    @property
    def key(self) -> str:
        return _key("view", self.team, self.user, self.view_id)


Envelope = Annotated[
    AlarmSeen | CommandGiven | MentionGiven | ButtonClicked | ViewSubmitted,
    Field(discriminator="kind"),
]
_ENVELOPE: TypeAdapter[Envelope] = TypeAdapter(Envelope)


class NotSaved(IncidentHelperError):
    """The durable write failed: nothing was promised, and the sender must hear so."""


class Inbox(Protocol):
    """Where envelopes survive a crash."""

    async def accept(self, envelope: Envelope) -> None:
        """Write it durably, once per key. Raises NotSaved when that could not be done."""
        ...


def envelope_from(text: str | bytes) -> Envelope:
    """An envelope from its JSON (`envelope.model_dump_json()`). Raises ValueError."""
    return _ENVELOPE.validate_json(text)


def digest(secret: str) -> str:
    """A trigger id and the like, for keys: the same, but of no use to anybody."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()[:24]


def _key(*parts: str) -> str:
    return ":".join(parts)
