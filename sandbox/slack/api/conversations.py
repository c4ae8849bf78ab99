"""conversations.*: channels, their members and what was said."""

from __future__ import annotations

import re

from sandbox.slack.api.core import Call, method
from sandbox.slack.limits import CHANNEL_NAME, TOPIC
from sandbox.slack.people import Channel
from sandbox.slack.records import JSON, Message, SlackError
from sandbox.slack.wire import channel_json, message_json

_READ = ("channels:read", "groups:read", "im:read", "mpim:read")
_HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")
_MANAGE = ("channels:manage", "groups:write", "im:write", "mpim:write")
_TYPES = {"public_channel": "channel", "private_channel": "group", "im": "im"}


def _told(call: Call, channel: Channel) -> JSON:
    return {"channel": channel_json(call.workspace, channel, call.app.user_id)}


@method("conversations.list", *_READ, tier=2)
def list_channels(call: Call) -> JSON:
    """Public channels, and whatever else this app is a member of."""
    wanted = call.text("types", "public_channel").replace(" ", "").split(",")
    if unknown := set(wanted) - set(_TYPES) - {"mpim"}:
        raise SlackError("invalid_types", [f"unknown types: {', '.join(sorted(unknown))}"])
    kinds = {_TYPES[one] for one in wanted if one in _TYPES}
    viewer = call.app.user_id
    found = [
        channel_json(call.workspace, one, viewer)
        for one in call.workspace.channels.values()
        if one.kind in kinds
        and (one.kind == "channel" or viewer in one.members)
        and not (one.archived and call.flag("exclude_archived"))
    ]
    channels, metadata = call.page(found)
    return {"channels": channels, "response_metadata": metadata}


@method("users.conversations", *_READ, tier=3)
def own_channels(call: Call) -> JSON:
    """The channels this app is a member of."""
    wanted = call.text("types", "public_channel").replace(" ", "").split(",")
    kinds = {_TYPES[one] for one in wanted if one in _TYPES}
    found = [
        channel_json(call.workspace, one, call.app.user_id)
        for one in call.workspace.channels.values()
        if one.kind in kinds
        and call.app.user_id in one.members
        and not (one.archived and call.flag("exclude_archived"))
    ]
    channels, metadata = call.page(found)
    return {"channels": channels, "response_metadata": metadata}


@method("conversations.info", *_READ, tier=3)
def info(call: Call) -> JSON:
    """One channel."""
    return _told(call, call.channel(member=False))


@method("conversations.create", "channels:manage", "groups:write", tier=2)
def create(call: Call) -> JSON:
    """Create a channel with this app in it."""
    name = call.text("name")
    if not name:
        raise SlackError("invalid_name_required")
    if len(name) > CHANNEL_NAME:
        raise SlackError("invalid_name_maxlength")
    if not re.fullmatch(r"[a-z0-9_\-]+", name):
        raise SlackError("invalid_name_specials")
    channel = call.workspace.create_channel(name, call.app.user_id, private=call.flag("is_private"))
    return _told(call, channel)


@method("conversations.invite", *_MANAGE, tier=3)
def invite(call: Call) -> JSON:
    """Invite people; none is invited when one can't be."""
    channel = call.open_channel()
    users = [one for one in call.need("users").replace(" ", "").split(",") if one]
    for user in users:
        if user == call.app.user_id:
            raise SlackError("cant_invite_self")
        if user not in call.workspace.people:
            raise SlackError("user_not_found")
    if all(user in channel.members for user in users):
        raise SlackError("already_in_channel")
    for user in users:
        call.workspace.join(channel, user, call.app.user_id)
    return _told(call, channel)


@method("conversations.join", "channels:join", tier=3)
def join(call: Call) -> JSON:
    """Join a public channel."""
    channel = call.channel(member=False)
    if channel.archived:
        raise SlackError("is_archived")
    if channel.kind != "channel":
        raise SlackError("method_not_supported_for_channel_type")
    already = call.app.user_id in channel.members
    call.workspace.join(channel, call.app.user_id)
    return _told(call, channel) | ({"warning": "already_in_channel"} if already else {})


def _between(call: Call, messages: list[Message]) -> list[Message]:
    oldest, latest = call.text("oldest", "0"), call.text("latest", "99999999999")
    inclusive = call.flag("inclusive")
    return [
        one
        for one in messages
        if float(oldest) < float(one.ts) < float(latest)
        or (inclusive and float(one.ts) in (float(oldest), float(latest)))
    ]


def _messages(call: Call, channel: Channel, found: list[Message]) -> JSON:
    metadata = call.flag("include_all_metadata")
    page, cursor = call.page(found)
    return {
        "messages": [message_json(call.workspace, one, metadata=metadata) for one in page],
        "has_more": bool(cursor["next_cursor"]),
        "pin_count": len(channel.pins),
        "response_metadata": cursor,
    }


@method("conversations.history", *_HISTORY, tier=3)
def history(call: Call) -> JSON:
    """Top-level messages, newest first."""
    channel = call.channel()
    found = _between(call, call.workspace.messages(channel.id))
    return _messages(call, channel, found[::-1])


@method("conversations.replies", *_HISTORY, tier=3)
def replies(call: Call) -> JSON:
    """A message and its replies, oldest first."""
    channel = call.channel()
    asked = call.need("ts")
    found = call.workspace.thread(channel.id, asked)
    if not found:
        raise SlackError("thread_not_found")
    parent, answers = found[0], found[1:]
    if parent.is_reply:
        return _messages(call, channel, [parent])
    return _messages(call, channel, [parent, *_between(call, answers)])


@method("conversations.members", *_READ, tier=4)
def members(call: Call) -> JSON:
    """Ids of a channel's members."""
    found, metadata = call.page(call.channel(member=False).members)
    return {"members": found, "response_metadata": metadata}


@method("conversations.setTopic", *_MANAGE, tier=2)
def set_topic(call: Call) -> JSON:
    """Set a channel's topic."""
    channel = call.open_channel()
    topic = call.text("topic")
    if len(topic) > TOPIC:
        raise SlackError("too_long")
    call.workspace.change_channel(channel, call.app.user_id, topic=topic)
    return _told(call, channel)


@method("conversations.archive", *_MANAGE, tier=2)
def archive(call: Call) -> JSON:
    """Archive a channel."""
    channel = call.channel()
    if channel.archived:
        raise SlackError("already_archived")
    if channel.name == "general":
        raise SlackError("cant_archive_general")
    call.workspace.change_channel(channel, call.app.user_id, "channel_archive", archived=True)
    return {}


@method("conversations.open", "im:write", "mpim:write", "channels:manage", tier=3)
def open_direct(call: Call) -> JSON:
    """Open the direct message with one person."""
    users = [one for one in call.need("users").replace(" ", "").split(",") if one]
    for user in users:
        call.workspace.person(user)
    channel = call.workspace.direct((*users, call.app.user_id))
    if call.flag("return_im"):
        return _told(call, channel)
    return {"channel": {"id": channel.id}}
