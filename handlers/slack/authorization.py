"""Whose requests are heard at all: the workspace and the app this bot was installed as. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.config.settings import AMAZON_Q
from handlers.json_access import dict_in, text_in


@dataclass(frozen=True, slots=True)
class Authorization:
    """The ids that are let in. Empty `teams` means the one workspace the bot token belongs to.

    `alarm_apps` are apps whose alarm posts are believed by their title line.
    """

    teams: frozenset[str] = frozenset()
    app_id: str | None = None
    alarm_apps: frozenset[str] = frozenset({AMAZON_Q})

    def refusal(
        self, body: Mapping[str, Any], own_team: str | None, own_enterprise: str | None = None
    ) -> str | None:
        """Why a payload is not heard; None when it is.

        Args:
            body: the payload of an event, a command or an interaction.
            own_team: the workspace of the bot token, from auth.test.
            own_enterprise: its Enterprise Grid, which mentions may name instead.
        """
        allowed = self.teams or frozenset({own_team} if own_team else ())
        if allowed and own_enterprise:
            allowed |= {own_enterprise}
        app = text_in(body.get("api_app_id"))
        if self.app_id and app != self.app_id:
            return "This request is for another app."
        if not allowed:
            return "I don't know which workspace I belong to; the token could not be checked."
        strangers = [team for team in teams(body) if team not in allowed]
        if strangers:
            return "I only listen to members of the workspace I was installed in."
        return None if teams(body) else "This request names no workspace."


def teams(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The workspaces a payload names: of the installation, and of whoever acts.

    In a channel shared with another organisation (Slack Connect) the two differ.
    """
    event = dict_in(body.get("event"))
    user = body.get("user")
    team = body.get("team")
    named = (
        text_in(body.get("team_id")),
        text_in(team) or text_in(dict_in(team).get("id")),
        text_in(dict_in(user).get("team_id")),
        text_in(event.get("user_team")),
        text_in(event.get("source_team")),
        text_in(event.get("team")),
    )
    return tuple(dict.fromkeys(name for name in named if name))
