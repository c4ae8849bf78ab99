"""Which requests are accepted: those of this bot's workspace and app. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.config.settings import AMAZON_Q
from handlers.json_access import dict_in, text_in


@dataclass(frozen=True, slots=True)
class Authorization:
    """The accepted ids. Empty `teams` means the workspace of the bot token.

    `alarm_apps` are the apps whose alarm posts are trusted by their title line.
    """

    teams: frozenset[str] = frozenset()
    app_id: str | None = None
    alarm_apps: frozenset[str] = frozenset({AMAZON_Q})

    def refusal(
        self, body: Mapping[str, Any], own_team: str | None, own_enterprise: str | None = None
    ) -> str | None:
        """Why a request is refused; None when it is accepted.

        Args:
            body: the payload of an event, a command or an interaction.
            own_team: the workspace of the bot token, from auth.test.
            own_enterprise: id of its Enterprise Grid, which mentions may have instead.
        """
        allowed = self.teams or frozenset({own_team} if own_team else ())
        if allowed and own_enterprise:
            allowed |= {own_enterprise}
        app = text_in(body.get("api_app_id"))
        if self.app_id and app != self.app_id:
            return "This request is for another app."
        if not allowed:
            return "I can't tell which workspace I belong to: my token could not be checked."
        foreign = [team for team in teams(body) if team not in allowed]
        if foreign:
            return "I only answer members of the workspace I am installed in."
        return None if teams(body) else "This request names no workspace."


def teams(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The workspaces a request names: of the installation, and of the person who acts.

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
