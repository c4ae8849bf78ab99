"""reactions, pins, bookmarks and canvases."""

from __future__ import annotations

import re

from sandbox.slack.api.core import Call, method
from sandbox.slack.emoji import EMOJI
from sandbox.slack.records import JSON, Canvas, SlackError

BOOKMARKS = 100


@method("reactions.add", "reactions:write", tier=3)
def reactions_add(call: Call) -> JSON:
    """React to a message."""
    channel = call.open_channel()
    name = call.need("name").strip(":")
    known = name.partition("::")[0] in EMOJI  # "wave::skin-tone-3"
    if not re.fullmatch(r"[a-z0-9_'+\-:]+", name) or not known:
        raise SlackError("invalid_name")
    message = call.workspace.message(channel.id, call.need("timestamp"))
    call.workspace.react(call.app.user_id, message, name)
    return {}


@method("reactions.remove", "reactions:write", tier=2)
def reactions_remove(call: Call) -> JSON:
    """Take a reaction back."""
    channel = call.channel()
    message = call.workspace.message(channel.id, call.need("timestamp"))
    call.workspace.unreact(call.app.user_id, message, call.need("name").strip(":"))
    return {}


@method("pins.add", "pins:write", tier=2)
def pins_add(call: Call) -> JSON:
    """Pin a message."""
    channel = call.open_channel()
    message = call.workspace.message(channel.id, call.need("timestamp"))
    if message.ts in channel.pins:
        raise SlackError("already_pinned")
    call.workspace.change_channel(channel, call.app.user_id, pins=[*channel.pins, message.ts])
    return {}


@method("bookmarks.add", "bookmarks:write", tier=2)
def bookmarks_add(call: Call) -> JSON:
    """Add a link to the top of a channel."""
    channel = call.open_channel("channel_id")
    if call.need("type") != "link":
        raise SlackError("invalid_bookmark_type")
    link = call.text("link")
    if not re.match(r"https?://", link):
        raise SlackError("invalid_link")
    if len(channel.bookmarks) >= BOOKMARKS:
        raise SlackError("too_many_bookmarks")
    bookmark: JSON = {
        "id": call.workspace.ids.new("Bk"),
        "channel_id": channel.id,
        "title": call.need("title"),
        "link": link,
        "emoji": call.text("emoji"),
        "type": "link",
        "app_id": call.app.id,
        "date_created": int(call.workspace.now()),
    }
    bookmarks = [*channel.bookmarks, bookmark]
    call.workspace.change_channel(channel, call.app.user_id, bookmarks=bookmarks)
    return {"bookmark": bookmark}


def _markdown(content: object) -> str:
    """The markdown of a `document_content`; canvases take nothing else."""
    if content is None:
        return ""
    if not isinstance(content, dict) or content.get("type") != "markdown":
        raise SlackError("invalid_arguments", ["document_content must be of type markdown"])
    return str(content.get("markdown") or "")


def _create_canvas(call: Call, channel_id: str | None) -> JSON:
    canvas = Canvas(
        id=call.workspace.ids.new("F"),
        title=call.text("title", "Untitled"),
        markdown=_markdown(call.data("document_content")),
        channel=channel_id,
    )
    call.workspace.canvases[canvas.id] = canvas
    if channel_id:
        channel = call.workspace.channel(channel_id)
        call.workspace.change_channel(channel, call.app.user_id, canvas_id=canvas.id)
    return {"canvas_id": canvas.id}


@method("canvases.create", "canvases:write", tier=2)
def canvases_create(call: Call) -> JSON:
    """Create a canvas, shown in a channel when `channel_id` is given."""
    if not call.text("channel_id"):
        return _create_canvas(call, None)
    return _create_channel_canvas(call)


@method("conversations.canvases.create", "canvases:write", tier=2)
def _create_channel_canvas(call: Call) -> JSON:
    """Create the canvas of a channel."""
    channel = call.open_channel("channel_id")
    if channel.canvas_id:
        raise SlackError("channel_canvas_already_exists")
    return _create_canvas(call, channel.id)


@method("canvases.edit", "canvases:write", tier=3)
def canvases_edit(call: Call) -> JSON:
    """Change a canvas: replace it, or add at its start or end."""
    canvas = call.workspace.canvases.get(call.need("canvas_id"))
    if canvas is None:
        raise SlackError("canvas_not_found")
    changes = call.data("changes")
    if not isinstance(changes, list) or len(changes) != 1:
        raise SlackError("invalid_arguments", ["changes must hold exactly one change"])
    operation = changes[0].get("operation")
    text = _markdown(changes[0].get("document_content"))
    if operation == "replace":
        canvas.markdown = text
    elif operation == "insert_at_end":
        canvas.markdown = f"{canvas.markdown}\n\n{text}"
    elif operation == "insert_at_start":
        canvas.markdown = f"{text}\n\n{canvas.markdown}"
    elif operation == "rename":
        canvas.title = str(changes[0].get("title_content", {}).get("markdown") or canvas.title)
    else:
        raise SlackError("canvas_editing_failed", [f"operation not played here: {operation}"])
    if canvas.channel:
        call.workspace.change_channel(call.workspace.channel(canvas.channel), call.app.user_id)
    return {}
