"""The Events API envelopes that apps get for a change in the workspace."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sandbox.slack.people import App, Channel
from sandbox.slack.records import JSON, Change, Message
from sandbox.slack.wire import channel_json, message_json
from sandbox.slack.workspace import Workspace

_CHANNEL_TYPES = {"channel": "channel", "group": "group", "im": "im"}


def events_for(workspace: Workspace, app: App, change: Change) -> Iterator[JSON]:
    """The events a change causes for an app, in the order Slack would send them.

    An app hears of a channel only while its bot user is a member.
    """
    channel = workspace.channels.get(change.channel)
    if channel is None:
        return
    created = change.detail.get("event") == "channel_created"
    if not created and app.user_id not in channel.members:
        return
    for event in _events(workspace, app, change, channel):
        if event["type"] in app.events:
            yield event


def _events(workspace: Workspace, app: App, change: Change, channel: Channel) -> Iterator[JSON]:
    message = change.message
    if message is not None and message.only_for is not None:
        return
    match change.kind:
        case "posted" if message is not None:
            event = message_event(workspace, message, channel)
            yield event
            mentioned = app.user_id in mentions(message.text) and message.user != app.user_id
            if mentioned and channel.kind != "im":
                yield {**event, "type": "app_mention"} | {"channel_type": None}
        case "edited" if message is not None:
            yield _wrapped(
                channel,
                "message_changed",
                workspace.ids.timestamp(),
                message=message_json(workspace, message, metadata=True),
                previous_message=change.before,
            )
        case "deleted" if message is not None:
            yield _wrapped(
                channel,
                "message_deleted",
                workspace.ids.timestamp(),
                deleted_ts=message.ts,
                previous_message=change.before,
            )
        case "reacted" | "unreacted" if message is not None:
            yield {
                "type": "reaction_added" if change.kind == "reacted" else "reaction_removed",
                "user": change.user,
                "reaction": change.detail["reaction"],
                "item_user": message.user,
                "item": {"type": "message", "channel": channel.id, "ts": message.ts},
                "event_ts": workspace.ids.timestamp(),
            }
        case "joined":
            yield {
                "type": "member_joined_channel",
                "user": change.user,
                "channel": channel.id,
                "channel_type": "G" if channel.private else "C",
                "team": workspace.team_id,
                "event_ts": workspace.ids.timestamp(),
            } | ({"inviter": change.detail["inviter"]} if "inviter" in change.detail else {})
        case "channel" if change.detail.get("event") in ("channel_created", "channel_archive"):
            told = channel_json(workspace, channel, app.user_id)
            created = change.detail["event"] == "channel_created"
            yield {
                "type": change.detail["event"],
                "channel": told if created else channel.id,
                "user": change.user,
                "event_ts": workspace.ids.timestamp(),
            }
        case _:
            return


def message_event(workspace: Workspace, message: Message, channel: Channel) -> JSON:
    """A `message` event: the message, and where it stands."""
    return {
        **message_json(workspace, message, metadata=True),
        "channel": channel.id,
        "channel_type": _CHANNEL_TYPES[channel.kind],
        "event_ts": message.ts,
    }


def _wrapped(channel: Channel, subtype: str, ts: str, **content: Any) -> JSON:
    return {
        "type": "message",
        "subtype": subtype,
        "channel": channel.id,
        "channel_type": _CHANNEL_TYPES[channel.kind],
        "hidden": True,
        "ts": ts,
        "event_ts": ts,
        **content,
    }


def envelope(workspace: Workspace, app: App, event: JSON) -> JSON:
    """The outer `event_callback` of an event. Source: docs.slack.dev, apis/events-api."""
    event = {name: value for name, value in event.items() if value is not None}
    return {
        "token": app.verification_token,
        "team_id": workspace.team_id,
        "api_app_id": app.id,
        "event": event,
        "type": "event_callback",
        "event_id": workspace.ids.new("Ev"),
        "event_time": int(workspace.now()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": workspace.team_id,
                "user_id": app.user_id,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
        "event_context": f"1-{event['type']}-{workspace.team_id}-{event.get('channel', '')}",
    }


def mentions(text: str) -> set[str]:
    """Ids of the people mentioned in mrkdwn."""
    return set(re.findall(r"<@([A-Z0-9]+)(?:\|[^>]*)?>", text))
