"""chat.*: post, change and delete messages."""

from __future__ import annotations

import json
from typing import Any

from sandbox.slack.api.core import Call, method
from sandbox.slack.limits import (
    ATTACHMENTS_PER_MESSAGE,
    MESSAGE_BLOCKS_TEXT,
    MESSAGE_TEXT,
    METADATA_BYTES,
    UPDATED_TEXT,
    text_length,
    validate_blocks,
)
from sandbox.slack.people import Channel
from sandbox.slack.records import JSON, Message, SlackError
from sandbox.slack.shapes import MARKDOWN_PER_MESSAGE
from sandbox.slack.wire import message_json, permalink


def _content(call: Call, most_text: int | None) -> JSON:
    """Text, blocks, attachments and metadata of a call, checked as Slack checks them.

    Text longer than `most_text` is refused; without it Slack truncates to MESSAGE_TEXT
    (docs.slack.dev, reference/methods/chat.postMessage, "Truncating content").
    """
    blocks = _list(call.data("blocks", "invalid_blocks_format"), "invalid_blocks_format")
    attachments = _list(call.data("attachments", "invalid_attachments"), "invalid_attachments")
    text = call.text("text")
    if markdown := call.text("markdown_text"):
        if text or blocks:
            raise SlackError("markdown_text_conflict")
        if len(markdown) > MARKDOWN_PER_MESSAGE:
            raise SlackError("msg_too_long")
        blocks = [{"type": "markdown", "text": markdown}]
    if not (text or blocks or attachments):
        raise SlackError("no_text")
    if most_text is not None and len(text) > most_text:
        raise SlackError("msg_too_long")
    text = text[:MESSAGE_TEXT]
    if len(attachments) > ATTACHMENTS_PER_MESSAGE:
        raise SlackError("too_many_attachments")
    if text_length([one for one in blocks if one.get("type") != "data_table"]) > (
        MESSAGE_BLOCKS_TEXT
    ):
        raise SlackError("msg_blocks_too_long")
    if findings := validate_blocks(blocks):
        raise SlackError("invalid_blocks", findings)
    for index, attachment in enumerate(attachments):
        inner = attachment.get("blocks") or []
        if findings := validate_blocks(inner, path=f"/attachments/{index}/blocks"):
            raise SlackError("invalid_attachments", findings)
    return {
        "text": text,
        "blocks": blocks,
        "attachments": attachments,
        "metadata": _metadata(call),
        "username": call.args.get("username"),
        "icon_emoji": call.args.get("icon_emoji"),
    }


def _list(value: Any, error: str) -> list[JSON]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise SlackError(error)
    return value


def _metadata(call: Call) -> JSON | None:
    metadata = call.data("metadata", "invalid_metadata_format")
    if metadata is None:
        return None
    if not isinstance(metadata, dict):
        raise SlackError("invalid_metadata_format")
    if not isinstance(metadata.get("event_payload"), dict) or not metadata.get("event_type"):
        raise SlackError("invalid_metadata_schema")
    if len(json.dumps(metadata)) > METADATA_BYTES:
        raise SlackError("metadata_too_large")
    return metadata


def _where(call: Call) -> Channel:
    """The channel to post in; a user's id means the direct message with them."""
    wanted = call.need("channel")
    if wanted in call.workspace.people:
        return call.workspace.direct((wanted, call.app.user_id))
    return call.open_channel()


def _parent(call: Call, channel: Channel) -> str | None:
    """The parent of a reply. A reply to a message that is gone lands in the channel itself: no
    error of chat.postMessage says that a thread is missing."""
    wanted = call.text("thread_ts")
    try:
        return call.workspace.message(channel.id, wanted).ts if wanted else None
    except SlackError:
        return None


@method("chat.postMessage", "chat:write", tier=4)
def post_message(call: Call) -> JSON:
    """Post a message, in a thread when `thread_ts` is given."""
    channel = _where(call)
    content = _content(call, None)
    if wait := call.site.limiter.wait_for_channel(call.token, channel.id):
        raise SlackError("ratelimited", retry_after=wait)
    content["thread_ts"] = _parent(call, channel)
    content["reply_broadcast"] = call.flag("reply_broadcast")
    message = call.workspace.post(call.workspace.message_of(call.app, channel.id, content))
    told = message_json(call.workspace, message, metadata=True)
    return {"channel": channel.id, "ts": message.ts, "message": told}


@method("chat.postEphemeral", "chat:write", tier=4)
def post_ephemeral(call: Call) -> JSON:
    """Post a message that only one member of the channel sees."""
    channel = call.open_channel()
    user = call.need("user")
    if user not in channel.members:
        raise SlackError("user_not_in_channel")
    content = _content(call, None)
    content["thread_ts"] = call.text("thread_ts") or None
    message = call.workspace.message_of(call.app, channel.id, content)
    message.only_for = user
    return {"message_ts": call.workspace.post(message).ts}


def _own_message(call: Call, denied: str) -> Message:
    channel = call.channel()
    message = call.workspace.message(channel.id, call.need("ts"))
    if message.only_for is not None:
        raise SlackError("message_not_found")
    if message.app is None or message.app.id != call.app.id:
        raise SlackError(denied)
    return message


@method("chat.update", "chat:write", tier=3)
def update(call: Call) -> JSON:
    """Change a message of this app. With text alone its blocks are removed; attachments that
    aren't sent stay."""
    message = _own_message(call, "cant_update_message")
    given = {name for name in ("blocks", "attachments") if call.args.get(name) is not None}
    changes = _content(call, UPDATED_TEXT)
    kept = {"text": changes["text"]}
    if "blocks" not in given and call.text("text") and "attachments" not in given:
        kept["blocks"] = []
    for name in ("blocks", "attachments"):
        if name in given:
            kept[name] = changes[name]
    if call.args.get("metadata") is not None:
        kept["metadata"] = changes["metadata"]
    before = message_json(call.workspace, message, metadata=True)
    call.workspace.edit(message, call.app.user_id, before, **kept)
    told = message_json(call.workspace, message, metadata=True)
    return {"channel": message.channel, "ts": message.ts, "text": message.text, "message": told}


@method("chat.delete", "chat:write", tier=3)
def delete(call: Call) -> JSON:
    """Delete a message of this app."""
    message = _own_message(call, "cant_delete_message")
    call.workspace.delete(message, message_json(call.workspace, message, metadata=True))
    return {"channel": message.channel, "ts": message.ts}


@method("chat.getPermalink", tier=4)
def get_permalink(call: Call) -> JSON:
    """The address of a message."""
    channel = call.channel()
    message = call.workspace.message(channel.id, call.need("message_ts"))
    return {"channel": channel.id, "permalink": permalink(call.workspace, message)}
