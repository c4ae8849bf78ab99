"""The workspace itself: channels, messages and members, kept in memory, safe across threads.

Subscribers get everything that happens as a `Change`: the delivery to apps and the page in the
browser are such subscribers.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sandbox.slack.blocks import with_ids
from sandbox.slack.clock import Identifiers, Now, Timing
from sandbox.slack.people import App, Channel, Person, Seed, UserGroup
from sandbox.slack.records import JSON, Canvas, Change, File, Message, SlackError
from sandbox.slack.rich_text import rich_text


class Workspace:
    """A Slack workspace in memory.

    Args:
        seed: people, channels and apps at the start.
        now: the clock, in seconds since the epoch.
        timing: how long triggers, acknowledgements and response URLs last.
        id_seed: makes the generated ids the same in every run.
    """

    def __init__(
        self,
        seed: Seed,
        *,
        now: Now = time.time,
        timing: Timing | None = None,
        id_seed: int | None = None,
    ) -> None:
        self.team_id = seed.team_id
        self.team_name = seed.team_name
        self.team_domain = seed.team_domain
        self.now = now
        self.timing = timing or Timing()
        self.ids = Identifiers(now, id_seed)
        self.lock = threading.RLock()
        self.apps: dict[str, App] = {app.id: app for app in seed.apps}
        self.people: dict[str, Person] = {person.id: person for person in seed.people}
        self.people |= {app.user_id: app.person for app in seed.apps}
        self.user_groups: tuple[UserGroup, ...] = seed.user_groups
        self.channels: dict[str, Channel] = {}
        self.files: dict[str, File] = {}
        self.canvases: dict[str, Canvas] = {}
        self.base_url = "http://127.0.0.1"
        self._messages: dict[str, dict[str, Message]] = defaultdict(dict)
        self._read: dict[tuple[str, str], str] = {}
        self._subscribers: list[Callable[[Change], None]] = []
        humans = [person.id for person in seed.people]
        for one in seed.channels:
            self.channels[one.id] = Channel(
                id=one.id,
                name=one.name,
                created=int(now()),
                creator=humans[0] if humans else "",
                kind="group" if one.private else "channel",
                topic=one.topic,
                purpose=one.purpose,
                members=list(one.members or humans),
            )

    # --- listening ---------------------------------------------------------------------
    def subscribe(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        """Call a function with every change, in order, on the thread that made it.

        Returns a function that ends the subscription.
        """
        with self.lock:
            self._subscribers.append(listener)

        def leave() -> None:
            with self.lock:
                self._subscribers.remove(listener)

        return leave

    def tell(self, change: Change) -> None:
        """Tell every subscriber of a change."""
        for listener in list(self._subscribers):
            listener(change)

    # --- looking up --------------------------------------------------------------------
    @property
    def humans(self) -> list[Person]:
        return [person for person in self.people.values() if person.app_id is None]

    def channel(self, name_or_id: str) -> Channel:
        """A channel by id, ``#name`` or name.

        Raises:
            SlackError: ``channel_not_found``.
        """
        if found := self.channels.get(name_or_id):
            return found
        wanted = name_or_id.removeprefix("#")
        for channel in self.channels.values():
            if channel.name == wanted and channel.kind != "im":
                return channel
        raise SlackError("channel_not_found")

    def person(self, user_id: str) -> Person:
        """A member by id.

        Raises:
            SlackError: ``user_not_found``.
        """
        if found := self.people.get(user_id):
            return found
        raise SlackError("user_not_found")

    def app_by(self, **wanted: str) -> App | None:
        """The app whose field has a value, e.g. ``app_by(bot_token="xoxb-…")``."""
        for app in self.apps.values():
            if all(getattr(app, name) == value for name, value in wanted.items()):
                return app
        return None

    def message(self, channel: str, ts: str) -> Message:
        """A message by channel and timestamp.

        Raises:
            SlackError: ``message_not_found``.
        """
        if found := self._messages[channel].get(ts):
            return found
        raise SlackError("message_not_found")

    def messages(self, channel: str, *, viewer: str | None = None) -> list[Message]:
        """Top-level messages, oldest first, with those only ``viewer`` may see."""
        return [
            message
            for message in self._all(channel, viewer)
            if not message.is_reply or message.broadcast
        ]

    def thread(self, channel: str, ts: str, *, viewer: str | None = None) -> list[Message]:
        """A parent and its replies, oldest first."""
        return [
            message
            for message in self._all(channel, viewer)
            if message.ts == ts or message.thread_ts == ts
        ]

    def _all(self, channel: str, viewer: str | None) -> list[Message]:
        with self.lock:
            found = list(self._messages[channel].values())
        visible = [one for one in found if one.only_for is None or one.only_for == viewer]
        return sorted(visible, key=lambda one: one.ts)

    def unread(self, user: str, channel: str) -> int:
        """Top-level messages of others since the person last looked."""
        since = self._read.get((user, channel), "0")
        return sum(
            1
            for message in self.messages(channel, viewer=user)
            if message.ts > since and message.user != user
        )

    def mark_read(self, user: str, channel: str) -> None:
        """The person has seen everything in a channel."""
        with self.lock:
            latest = self.messages(channel, viewer=user)
            self._read[user, channel] = latest[-1].ts if latest else "0"
            self.tell(Change("read", channel=channel, user=user))

    # --- messages ----------------------------------------------------------------------
    def post(self, message: Message) -> Message:
        """Put a message in its channel and tell everyone. Ids are filled in where they lack.

        Raises:
            SlackError: ``thread_not_found`` when the thread has no parent.
        """
        with self.lock:
            message.ts = message.ts or self.ids.timestamp()
            message.blocks = with_ids(message.blocks, self.ids)
            message.attachments = [
                {"id": number, **attachment}
                | (
                    {"blocks": with_ids(attachment["blocks"], self.ids)}
                    if attachment.get("blocks")
                    else {}
                )
                for number, attachment in enumerate(message.attachments, start=1)
            ]
            if message.thread_ts:
                parent = self._messages[message.channel].get(message.thread_ts)
                if parent is None:
                    raise SlackError("thread_not_found")
                if parent.is_reply:
                    message.thread_ts = parent.thread_ts
                    parent = self._messages[message.channel][str(parent.thread_ts)]
                if message.only_for is None:
                    parent.thread_ts = parent.ts
                    parent.replies.append(message.ts)
            self._messages[message.channel][message.ts] = message
            self.tell(Change("posted", channel=message.channel, message=message))
            return message

    def say(self, user: str, channel: str, text: str, thread_ts: str | None = None) -> Message:
        """A person writes a message; ``text`` is Slack's mrkdwn, already escaped."""
        place = self.channel(channel)
        return self.post(
            Message(
                ts="",
                channel=place.id,
                user=self.person(user).id,
                text=text,
                blocks=rich_text(text),
                thread_ts=thread_ts,
                client_msg_id=self.ids.secret(),
            )
        )

    def post_as_app(self, app_id: str, channel: str, message: Mapping[str, Any]) -> str:
        """Post a message as an installed app, as integrations such as Amazon Q do.

        ``message`` is as for chat.postMessage: text, blocks, attachments, thread_ts, metadata,
        username. Limits are not checked: whatever Slack once showed can be shown. Returns the ts.

        Raises:
            SlackError: the app or the channel doesn't exist.
        """
        app = self.apps.get(app_id)
        if app is None:
            raise SlackError("app_not_found")
        place = self.channel(channel)
        with self.lock:
            if app.user_id not in place.members:
                place.members.append(app.user_id)
            return self.post(self.message_of(app, place.id, message)).ts

    def message_of(self, app: App, channel: str, body: Mapping[str, Any]) -> Message:
        """The message an app's call describes, not posted yet."""
        username = body.get("username") or app.username
        return Message(
            ts="",
            channel=channel,
            text=str(body.get("text") or ""),
            user=None if username else app.user_id,
            app=app,
            username=username,
            icon_emoji=body.get("icon_emoji"),
            subtype="bot_message" if username else None,
            blocks=list(body.get("blocks") or ()),
            attachments=list(body.get("attachments") or ()),
            metadata=body.get("metadata"),
            thread_ts=body.get("thread_ts"),
            broadcast=bool(body.get("reply_broadcast")),
            files=list(body.get("files") or ()),
        )

    def edit(self, message: Message, editor: str, before: JSON, **changes: Any) -> None:
        """Change a message in place; ``before`` is what it looked like on the wire."""
        with self.lock:
            if message.app is None and "text" in changes:
                changes = {"blocks": rich_text(str(changes["text"])), **changes}
            if "blocks" in changes:
                changes["blocks"] = with_ids(changes["blocks"], self.ids)
            for name, value in changes.items():
                setattr(message, name, value)
            message.edited = {"user": editor, "ts": self.ids.timestamp()}
            self.tell(Change("edited", channel=message.channel, message=message, before=before))

    def delete(self, message: Message, before: JSON | None = None) -> None:
        """Remove a message and, from its parent, the trace of it.

        A parent that has replies stays as a tombstone, as in Slack.
        """
        with self.lock:
            if message.replies:
                message.subtype, message.text = "tombstone", "This message was deleted."
                message.blocks, message.attachments, message.files = [], [], []
            else:
                self._messages[message.channel].pop(message.ts, None)
            if message.is_reply and message.only_for is None:
                parent = self._messages[message.channel].get(str(message.thread_ts))
                if parent and message.ts in parent.replies:
                    parent.replies.remove(message.ts)
            self.tell(Change("deleted", channel=message.channel, message=message, before=before))

    def react(self, user: str, message: Message, name: str) -> None:
        """Add a reaction.

        Raises:
            SlackError: ``already_reacted``.
        """
        with self.lock:
            users = message.reactions.setdefault(name, [])
            if user in users:
                raise SlackError("already_reacted")
            users.append(user)
            detail = {"reaction": name}
            self.tell(Change("reacted", message.channel, message, user=user, detail=detail))

    def unreact(self, user: str, message: Message, name: str) -> None:
        """Take a reaction back.

        Raises:
            SlackError: ``no_reaction``.
        """
        with self.lock:
            if user not in message.reactions.get(name, []):
                raise SlackError("no_reaction")
            message.reactions[name].remove(user)
            if not message.reactions[name]:
                del message.reactions[name]
            detail = {"reaction": name}
            self.tell(Change("unreacted", message.channel, message, user=user, detail=detail))

    # --- channels ----------------------------------------------------------------------
    def create_channel(self, name: str, creator: str, *, private: bool = False) -> Channel:
        """Create a channel whose only member is its creator.

        Raises:
            SlackError: ``name_taken``.
        """
        with self.lock:
            if any(one.name == name for one in self.channels.values()):
                raise SlackError("name_taken")
            channel = Channel(
                id=self.ids.new("C", 9),
                name=name,
                created=int(self.now()),
                creator=creator,
                kind="group" if private else "channel",
                members=[creator],
            )
            self.channels[channel.id] = channel
            self.tell(
                Change("channel", channel.id, user=creator, detail={"event": "channel_created"})
            )
            return channel

    def direct(self, users: Iterable[str]) -> Channel:
        """The direct message between people, opened if there was none."""
        members = sorted(set(users))
        with self.lock:
            for channel in self.channels.values():
                if channel.kind == "im" and sorted(channel.members) == members:
                    return channel
            channel = Channel(
                id=self.ids.new("D", 9),
                name="",
                created=int(self.now()),
                creator=members[0],
                kind="im",
                members=members,
            )
            self.channels[channel.id] = channel
            self.tell(Change("channel", channel.id, detail={"event": "im_created"}))
            return channel

    def join(self, channel: Channel, user: str, inviter: str | None = None) -> None:
        """Make someone a member and tell the channel's apps."""
        with self.lock:
            if user not in channel.members:
                channel.members.append(user)
                detail = {"inviter": inviter} if inviter else {}
                self.tell(Change("joined", channel.id, user=user, detail=detail))

    def change_channel(self, channel: Channel, by: str, event: str = "", **changes: Any) -> None:
        """Change a channel's topic, archive it, pin, bookmark; the page follows."""
        with self.lock:
            for name, value in changes.items():
                setattr(channel, name, value)
            self.tell(Change("channel", channel.id, user=by, detail={"event": event, **changes}))
