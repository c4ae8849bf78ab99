"""What the Slack app needs: scopes of the bot token, and events it subscribes to, each with why.

`incident doctor` checks the scopes, deploy/slack-manifest*.yaml and docs/slack.md repeat both, and
a test holds all of them together. Whoever adds a call to Slack adds its scope here.
"""

from __future__ import annotations

SCOPES = {
    "app_mentions:read": "hears when it is mentioned",
    "channels:history": "reads alarm posts in public channels, and finds its own messages",
    "channels:read": "knows a public channel's name, and whether the bot is a member",
    "chat:write": "posts and edits cards, answers and requests for approval",
    "commands": "the slash command /incident and the shortcut “Triage this alarm”",
    "groups:history": "the same as channels:history, in private channels",
    "groups:read": "the same as channels:read, and who may see a private channel's incidents",
    "usergroups:read": "who is in a user group that the policy names",
    "users:read": "whether a person who acts is a guest or was deactivated",
}
"""Scopes of the bot token, and what each is for."""

EVENTS = {
    "app_home_opened": "shows the Home tab",
    "app_mention": "answers a mention",
    "member_joined_channel": "greets the channel it is invited into",
    "message.channels": "alarm posts in public channels",
    "message.groups": "alarm posts in private channels",
}
"""Bot events, and what each is for. Slack's API does not tell which ones an app subscribes to."""
