"""files.*: the upload in three steps, as files_upload_v2 does it."""

from __future__ import annotations

from sandbox.slack.api.core import Call, method
from sandbox.slack.records import JSON, File, Message, SlackError
from sandbox.slack.wire import file_json

FILE_BYTES = 1_000_000_000


@method("files.getUploadURLExternal", "files:write", tier=4)
def get_upload_url(call: Call) -> JSON:
    """Step one: an address to send the bytes to."""
    name = call.need("filename")
    try:
        size = int(call.need("length"))
    except ValueError:
        raise SlackError("invalid_arguments", ["length must be a number of bytes"]) from None
    if not 0 < size <= FILE_BYTES:
        raise SlackError("file_upload_size_restricted")
    file = File(
        call.workspace.ids.new("F"),
        name,
        size,
        call.app.id,
        user=call.app.user_id,
        created=int(call.workspace.now()),
    )
    call.workspace.files[file.id] = file
    secret = call.workspace.ids.secret()
    url = f"{call.workspace.base_url}/upload/{file.id}/{secret}"
    return {"upload_url": url, "file_id": file.id}


@method("files.completeUploadExternal", "files:write", tier=4)
def complete_upload(call: Call) -> JSON:
    """Step three: share what was uploaded, in a channel or a thread when one is given."""
    wanted = call.data("files")
    if not isinstance(wanted, list) or not wanted:
        raise SlackError("invalid_arguments", ["missing required field: files"])
    files = [_uploaded(call, entry) for entry in wanted]
    if call.text("channel_id"):
        channel = call.open_channel("channel_id")
        content = {
            "text": call.text("initial_comment"),
            "thread_ts": call.text("thread_ts") or None,
            "files": [file.id for file in files],
        }
        message: Message = call.workspace.message_of(call.app, channel.id, content)
        message.subtype = message.subtype or "file_share"
        posted = call.workspace.post(message)
        for file in files:
            file.shares[channel.id] = posted.ts
    for file in files:
        file.shared = True
    return {"files": [file_json(call.workspace, file) for file in files]}


def _uploaded(call: Call, entry: object) -> File:
    found = call.workspace.files.get(str(entry.get("id"))) if isinstance(entry, dict) else None
    if found is None or found.app_id != call.app.id or not found.uploaded:
        raise SlackError("file_not_found")
    if found.shared:
        raise SlackError("file_already_completed")
    if isinstance(entry, dict) and entry.get("title"):
        found.title = str(entry["title"])
    return found
