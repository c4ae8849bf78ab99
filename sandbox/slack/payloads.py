"""What an app is sent when a person does something: commands, clicks, submissions, shortcuts.

Source: docs.slack.dev, reference/interaction-payloads and interactivity (slash commands).
"""

from __future__ import annotations

from typing import Any

from sandbox.slack.modals import Modals, View, chosen
from sandbox.slack.people import App, Channel
from sandbox.slack.records import JSON, Message
from sandbox.slack.wire import message_json
from sandbox.slack.workspace import Workspace


def _base(workspace: Workspace, app: App, user: str, kind: str) -> JSON:
    person = workspace.person(user)
    return {
        "type": kind,
        "team": {"id": workspace.team_id, "domain": workspace.team_domain},
        "user": {
            "id": person.id,
            "username": person.username,
            "name": person.username,
            "team_id": workspace.team_id,
        },
        "api_app_id": app.id,
        "token": app.verification_token,
        "enterprise": None,
        "is_enterprise_install": False,
    }


def channel_name(channel: Channel) -> str:
    """The name payloads give a channel."""
    return {"im": "directmessage", "group": "privategroup"}.get(channel.kind, channel.name)


def command_payload(
    workspace: Workspace, app: App, user: str, channel: Channel, command: str, text: str
) -> JSON:
    """A slash command, without its trigger and response URL."""
    return {
        "token": app.verification_token,
        "team_id": workspace.team_id,
        "team_domain": workspace.team_domain,
        "channel_id": channel.id,
        "channel_name": channel_name(channel),
        "user_id": user,
        "user_name": workspace.person(user).username,
        "command": command,
        "text": text,
        "api_app_id": app.id,
        "is_enterprise_install": "false",
    }


def action_json(workspace: Workspace, block: JSON, element: JSON, value: Any) -> JSON:
    """One entry of `actions`: what was clicked or chosen."""
    kind = str(element["type"])
    action: JSON = {
        "type": kind,
        "action_id": element["action_id"],
        "block_id": block["block_id"],
        "action_ts": workspace.ids.timestamp(),
    }
    if kind in ("button", "workflow_button", "icon_button"):
        for name in ("text", "value", "style", "url"):
            if name in element:
                action[name] = element[name]
        return action
    if kind == "feedback_buttons":
        sides = (element["positive_button"], element["negative_button"])
        picked = next((side for side in sides if side.get("value") == value), sides[0])
        return {**action, "text": picked["text"], "value": picked.get("value", "")}
    return {**chosen(element, value), **action}


def message_action_payload(
    workspace: Workspace,
    app: App,
    user: str,
    message: Message,
    action: JSON,
    values: JSON,
    attachment: JSON | None,
) -> JSON:
    """A click in a message (`block_actions`)."""
    channel = workspace.channels[message.channel]
    ephemeral = message.only_for is not None
    container: JSON = {
        "type": "message_attachment" if attachment else "message",
        "message_ts": message.ts,
        "channel_id": channel.id,
        "is_ephemeral": ephemeral,
    }
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    if attachment:
        container |= {"attachment_id": attachment["id"], "is_app_unfurl": False}
    payload = {
        **_base(workspace, app, user, "block_actions"),
        "container": container,
        "channel": {"id": channel.id, "name": channel_name(channel)},
        "state": {"values": values},
        "actions": [action],
    }
    if not ephemeral:
        payload["message"] = message_json(workspace, message)
    return payload


def view_action_payload(
    workspace: Workspace, modals: Modals, user: str, view: View, action: JSON
) -> JSON:
    """A click in a modal or home tab (`block_actions`)."""
    return {
        **_base(workspace, view.app, user, "block_actions"),
        "container": {"type": "view", "view_id": view.id},
        "view": modals.as_json(view),
        "actions": [action],
    }


def suggestion_payload(
    workspace: Workspace, app: App, user: str, block: JSON, element: JSON, typed: str
) -> JSON:
    """What was typed into an external select (`block_suggestion`), without where it stands."""
    return {
        **_base(workspace, app, user, "block_suggestion"),
        "action_id": element["action_id"],
        "block_id": block["block_id"],
        "value": typed,
    }


def suggestion_in_message(workspace: Workspace, message: Message) -> JSON:
    """Where an external select stands in a message."""
    channel = workspace.channels[message.channel]
    return {
        "container": {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": channel.id,
            "is_ephemeral": message.only_for is not None,
        },
        "channel": {"id": channel.id, "name": channel_name(channel)},
        "message": message_json(workspace, message),
    }


def suggestion_in_view(modals: Modals, view: View) -> JSON:
    """Where an external select stands in a view."""
    return {"container": {"type": "view", "view_id": view.id}, "view": modals.as_json(view)}


def view_payload(workspace: Workspace, modals: Modals, view: View, kind: str, **own: Any) -> JSON:
    """A `view_submission` or `view_closed`."""
    return {
        **_base(workspace, view.app, view.user, kind),
        "view": modals.as_json(view),
        **({"response_urls": []} if kind == "view_submission" else {}),
        **own,
    }


def shortcut_payload(
    workspace: Workspace, app: App, user: str, callback_id: str, message: Message | None
) -> JSON:
    """A global shortcut, or a shortcut at a message (`message_action`)."""
    kind = "shortcut" if message is None else "message_action"
    payload = {
        **_base(workspace, app, user, kind),
        "callback_id": callback_id,
        "action_ts": workspace.ids.timestamp(),
    }
    if message is not None:
        channel = workspace.channels[message.channel]
        payload |= {
            "message_ts": message.ts,
            "message": message_json(workspace, message),
            "channel": {"id": channel.id, "name": channel_name(channel)},
        }
    return payload
