"""Envelopes: what happened in Slack, as JSON, each with the key it is deduplicated by.

A listener saves one; `handlers.dispatch` decides later what to do about it. The key is the same for
every delivery of the same thing: Slack's retries, a replayed request, the `message` and the
`app_mention` of one post.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, Protocol

from pydantic import AwareDatetime, Field, TypeAdapter

from bot.domain.alarm import Alarm
from bot.domain.base import Frozen
from bot.domain.errors import IncidentHelperError
from bot.render import Click

# --- what somebody typed --------------------------------------------------------------------------


class Ago(Frozen):
    """A number of seconds before the request."""

    kind: Literal["ago"] = "ago"
    seconds: int

    def resolve(self, now: datetime) -> datetime:
        """The time meant, at most `now`."""
        return now - timedelta(seconds=self.seconds)


class Clock(Frozen):
    """The latest time with this time of day, UTC."""

    kind: Literal["clock"] = "clock"
    hour: int
    minute: int

    def resolve(self, now: datetime) -> datetime:
        """The time meant, at most `now`."""
        today = now.astimezone(UTC).replace(
            hour=self.hour, minute=self.minute, second=0, microsecond=0
        )
        return today if today <= now else today - timedelta(days=1)


class Instant(Frozen):
    """A date with a time."""

    kind: Literal["instant"] = "instant"
    at: AwareDatetime

    def resolve(self, now: datetime) -> datetime:
        """The time meant, at most `now`."""
        return min(self.at, now)


Since = Annotated[Ago | Clock | Instant, Field(discriminator="kind")]


class Triage(Frozen):
    """Investigate; without `playbook`, look around. Without `service`, that of the thread's
    incident or of the channel is meant."""

    word: Literal["triage"] = "triage"
    playbook: str | None = None
    service: str | None = None
    alarm: str | None = None
    region: str | None = None  # of the alarm, when it was given as a console link
    since: Since | None = None


class Timeline(Frozen):
    word: Literal["timeline"] = "timeline"


class Status(Frozen):
    word: Literal["status"] = "status"


class Playbooks(Frozen):
    word: Literal["playbooks"] = "playbooks"


class Help(Frozen):
    word: Literal["help"] = "help"


class Misunderstood(Frozen):
    """What was not understood, and the nearest valid command, ready to be typed."""

    word: Literal["misunderstood"] = "misunderstood"
    what: str
    suggestion: str | None = None


Command = Annotated[
    Triage | Timeline | Status | Playbooks | Help | Misunderstood, Field(discriminator="word")
]


# --- what happened in Slack -----------------------------------------------------------------------


class AlarmSeen(Frozen):
    """An alarm was posted in a channel."""

    kind: Literal["alarm"] = "alarm"
    team: str
    channel: str
    ts: str
    thread_ts: str | None = None
    alarm: Alarm
    known_sender: bool = True  # False: an app not known to post alarms, or a person
    forwarded_by: str | None = None  # the person's Slack user id

    @property
    def key(self) -> str:
        return _key("post", self.team, self.channel, self.ts)


class AlarmOfOthers(Frozen):
    """The alarm app of another organisation posted in a shared channel."""

    kind: Literal["alarm-of-others"] = "alarm-of-others"
    team: str
    channel: str

    @property
    def key(self) -> str:
        return _key("alarm-of-others", self.team, self.channel)


class CommandGiven(Frozen):
    """Somebody used the slash command."""

    kind: Literal["command"] = "command"
    team: str
    channel: str
    user: str
    trigger: str  # digest of the trigger id, which is new for each use
    command: Command
    response_url: str | None = None

    @property
    def key(self) -> str:
        return _key("command", self.team, self.channel, self.user, self.trigger)


class MentionGiven(Frozen):
    """Somebody mentioned the bot, in a channel or a thread."""

    kind: Literal["mention"] = "mention"
    team: str
    channel: str
    user: str
    ts: str
    thread_ts: str | None = None
    command: Command

    @property
    def key(self) -> str:
        return _key("mention", self.team, self.channel, self.ts)


class ButtonClicked(Frozen):
    """Somebody pressed a button; `value` is the id the button has."""

    kind: Literal["button"] = "button"
    team: str
    channel: str
    user: str
    click: Click
    value: str
    message_ts: str | None = None
    thread_ts: str | None = None
    trigger: str
    view: str | None = None  # external_id of the modal that was opened at the click
    response_url: str | None = None

    @property
    def key(self) -> str:
        return _key("button", self.team, self.user, self.click, self.value, self.trigger)


class ViewSubmitted(Frozen):
    """Somebody submitted the preview: to request approval of the run, or with another number."""

    kind: Literal["view"] = "view"
    team: str
    user: str
    callback: str
    run: str
    view_id: str
    external: str | None = None  # external_id of the modal
    amount: int | None = None  # a number other than the one shown: the plan is computed anew
    reason: str = ""  # why approval is asked for, if somebody said so

    @property
    def key(self) -> str:
        chosen = "" if self.amount is None else str(self.amount)
        return _key("view", self.team, self.user, self.view_id, self.run, chosen)


class AloneSubmitted(Frozen):
    """Somebody approved their own request, with a reason, because no second person is there."""

    kind: Literal["alone"] = "alone"
    team: str
    user: str
    run: str
    reason: str
    view_id: str

    @property
    def key(self) -> str:
        return _key("alone", self.team, self.user, self.view_id, self.run)


class ActionReached(Frozen):
    """Somebody chose an action that the findings do not call for, or insisted on its plan after
    having seen what speaks against it."""

    kind: Literal["reached"] = "reached"
    team: str
    user: str
    offer: str  # "<incident id>:<action id>"
    view_id: str
    external: str  # external_id of the modal
    insisted: bool = False

    @property
    def key(self) -> str:
        step = "insisted" if self.insisted else "chosen"
        return _key("reached", self.team, self.user, self.view_id, self.offer, step)


class ChangeRejected(Frozen):
    """Somebody rejected a change, in the modal that asks for a reason."""

    kind: Literal["rejected"] = "rejected"
    team: str
    user: str
    run: str
    view_id: str
    reason: str = ""

    @property
    def key(self) -> str:
        return _key("rejected", self.team, self.user, self.view_id, self.run)


class AlarmAsked(Frozen):
    """Somebody used the shortcut "Triage this alarm" at a message that has an alarm in it."""

    kind: Literal["asked"] = "asked"
    team: str
    channel: str
    user: str
    ts: str  # of the message
    thread_ts: str | None = None
    trigger: str
    alarm: Alarm
    response_url: str | None = None

    @property
    def key(self) -> str:
        return _key("asked", self.team, self.channel, self.ts, self.user, self.trigger)


class TriageAsked(Frozen):
    """Somebody submitted the form that the shortcut opens at a message without an alarm."""

    kind: Literal["form"] = "form"
    team: str
    channel: str
    user: str
    thread_ts: str  # of the message, or of the thread it is in
    view_id: str
    command: Triage

    @property
    def key(self) -> str:
        return _key("form", self.team, self.user, self.view_id)


class HomeOpened(Frozen):
    """Somebody opened the Home tab of the app, or pressed "Refresh" there."""

    kind: Literal["home"] = "home"
    team: str
    user: str
    event: str  # the event's timestamp, or the digest of the trigger id

    @property
    def key(self) -> str:
        return _key("home", self.team, self.user, self.event)


class BotInvited(Frozen):
    """The bot was made a member of a channel, for the first time or again."""

    kind: Literal["invited"] = "invited"
    team: str
    channel: str
    inviter: str | None = None
    event: str  # the event's timestamp: each invitation has another

    @property
    def key(self) -> str:
        return _key("invited", self.team, self.channel, self.event)


Envelope = Annotated[
    AlarmSeen
    | AlarmOfOthers
    | CommandGiven
    | MentionGiven
    | ButtonClicked
    | ViewSubmitted
    | AloneSubmitted
    | ActionReached
    | ChangeRejected
    | AlarmAsked
    | TriageAsked
    | HomeOpened
    | BotInvited,
    Field(discriminator="kind"),
]
_ENVELOPE: TypeAdapter[Envelope] = TypeAdapter(Envelope)


class NotSaved(IncidentHelperError):
    """The envelope could not be saved; the sender has to be told."""


class Inbox(Protocol):
    """Saves envelopes so that they survive a crash."""

    async def accept(self, envelope: Envelope) -> None:
        """Save the envelope durably, once per key. Raises NotSaved when that failed."""
        ...


def envelope_from(text: str | bytes) -> Envelope:
    """An envelope from its JSON (`envelope.model_dump_json()`). Raises ValueError."""
    return _ENVELOPE.validate_json(text)


def digest(secret: str) -> str:
    """A digest of a trigger id, for keys: the id itself could be used by whoever reads it."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()[:24]


def _key(*parts: str) -> str:
    return ":".join(parts)
