"""The workspace in Slack's JSON: messages, channels, people, files and views as apps see them."""

from __future__ import annotations

from datetime import datetime
from mimetypes import guess_type
from zoneinfo import ZoneInfo

from sandbox.slack.people import App, Channel, Person
from sandbox.slack.records import JSON, File, Message
from sandbox.slack.workspace import Workspace

_AVATAR_SIZES = (24, 32, 48, 72, 192, 512)


def message_json(workspace: Workspace, message: Message, *, metadata: bool = False) -> JSON:
    """A message as chat and conversations methods return it.

    Source: docs.slack.dev, reference/events/message and messaging/retrieving-messages.
    """
    body: JSON = {"type": "message", "text": message.text, "ts": message.ts}
    if message.subtype:
        body["subtype"] = message.subtype
    if message.user:
        body["user"] = message.user
        body["team"] = workspace.team_id
    if message.app:
        body["bot_id"] = message.app.bot
        if message.app.names_itself:
            body["app_id"] = message.app.id
            body["bot_profile"] = bot_profile(workspace, message.app)
    if message.username:
        body["username"] = message.username
        body["icons"] = {"emoji": message.icon_emoji} if message.icon_emoji else {}
    optional: JSON = {
        "client_msg_id": message.client_msg_id,
        "blocks": message.blocks,
        "attachments": message.attachments,
        "edited": message.edited,
        "thread_ts": message.thread_ts,
        "metadata": message.metadata if metadata else None,
        "files": [file_json(workspace, workspace.files[one]) for one in message.files],
        "reactions": [
            {"name": name, "users": list(users), "count": len(users)}
            for name, users in message.reactions.items()
        ],
    }
    body |= {name: value for name, value in optional.items() if value}
    if message.only_for:
        body["is_ephemeral"] = True
    if message.is_reply:
        parent = workspace.message(message.channel, str(message.thread_ts))
        if parent.user:
            body["parent_user_id"] = parent.user
    elif message.replies:
        replies = [workspace.message(message.channel, ts) for ts in message.replies]
        users = list(dict.fromkeys(reply.user or reply.author for reply in replies))
        body |= {
            "reply_count": len(replies),
            "reply_users": users[:5],
            "reply_users_count": len(users),
            "latest_reply": replies[-1].ts,
            "is_locked": False,
            "subscribed": False,
        }
    return body


def bot_profile(workspace: Workspace, app: App) -> JSON:
    return {
        "id": app.bot,
        "app_id": app.id,
        "name": app.name,
        "team_id": workspace.team_id,
        "deleted": False,
        "updated": 0,
        "icons": {},
    }


def channel_json(workspace: Workspace, channel: Channel, viewer: str) -> JSON:
    """A conversation as `conversations.info` returns it to one member."""
    if channel.kind == "im":
        other = next((one for one in channel.members if one != viewer), viewer)
        return {
            "id": channel.id,
            "created": channel.created,
            "is_im": True,
            "is_org_shared": False,
            "user": other,
            "is_user_deleted": False,
            "is_open": True,
        }
    return {
        "id": channel.id,
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": channel.kind == "channel",
        "is_group": False,
        "is_im": False,
        "is_mpim": False,
        "is_private": channel.private,
        "is_archived": channel.archived,
        "is_general": channel.name == "general",
        "is_shared": False,
        "is_ext_shared": False,
        "is_org_shared": False,
        "is_pending_ext_shared": False,
        "updated": channel.created * 1000,
        "is_member": viewer in channel.members,
        "created": channel.created,
        "creator": channel.creator,
        "context_team_id": workspace.team_id,
        "topic": {"value": channel.topic, "creator": channel.creator, "last_set": channel.created},
        "purpose": {
            "value": channel.purpose,
            "creator": channel.creator,
            "last_set": channel.created,
        },
        "num_members": len(channel.members),
    }


def user_json(workspace: Workspace, person: Person) -> JSON:
    """A member as `users.info` returns it."""
    return {
        "id": person.id,
        "team_id": workspace.team_id,
        "name": person.username,
        "real_name": person.name,
        "deleted": person.deleted,
        "color": person.color.removeprefix("#"),
        "tz": person.timezone,
        "tz_label": person.timezone,
        "tz_offset": _offset(person.timezone),
        "is_bot": person.app_id is not None,
        "is_app_user": False,
        "is_admin": False,
        "is_owner": False,
        "is_restricted": False,
        "is_ultra_restricted": False,
        "updated": 0,
        "profile": {
            "real_name": person.name,
            "real_name_normalized": person.name,
            "display_name": person.username,
            "display_name_normalized": person.username,
            "title": person.title,
            "email": person.mail,
            "team": workspace.team_id,
            "avatar_hash": "sandbox",
            **{
                f"image_{size}": f"{workspace.base_url}/avatars/{person.id}-{size}.png"
                for size in _AVATAR_SIZES
            },
        }
        | ({"api_app_id": person.app_id} if person.app_id else {}),
    }


def _offset(timezone: str) -> int:
    """Seconds that a time zone is ahead of UTC now."""
    offset = datetime.now(ZoneInfo(timezone)).utcoffset()
    return int(offset.total_seconds()) if offset else 0


def file_json(workspace: Workspace, file: File) -> JSON:
    """A file as files.* methods return it (docs.slack.dev, reference/objects/file-object)."""
    kind = file.name.rsplit(".", 1)[-1].lower()
    return {
        "id": file.id,
        "name": file.name,
        "title": file.title or file.name,
        "size": file.size,
        "filetype": kind,
        "mimetype": guess_type(file.name)[0] or "application/octet-stream",
        "pretty_type": kind.upper(),
        "mode": "hosted",
        "user": file.user,
        "created": file.created,
        "timestamp": file.created,
        "is_external": False,
        "is_public": bool(file.shares),
        "shares": {"public": {place: [{"ts": ts}] for place, ts in file.shares.items()}}
        if file.shares
        else {},
        "channels": list(file.shares),
        "url_private": f"{workspace.base_url}/files/{file.id}",
        "url_private_download": f"{workspace.base_url}/files/{file.id}/download",
        "permalink": f"{workspace.base_url}/files/{file.id}",
    }


def permalink(workspace: Workspace, message: Message) -> str:
    """The address of a message, in the form Slack's permalinks have."""
    link = f"{workspace.base_url}/archives/{message.channel}/p{message.ts.replace('.', '')}"
    if message.is_reply:
        link += f"?thread_ts={message.thread_ts}&cid={message.channel}"
    return link
