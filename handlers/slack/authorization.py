"""Which requests are accepted: those of this bot's workspace or organisation, and app. Pure.

A request names workspaces (T…) and Enterprise organisations (E…) twice: those it was made in, and
those of the person who acts. In a channel shared with another organisation (Slack Connect) the two
differ; on Enterprise Grid the workspaces may differ within one organisation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.config.settings import AMAZON_Q
from handlers.json_access import dict_in, list_in, text_in

STRANGER = "I only answer members of the workspace I am installed in."


@dataclass(frozen=True, slots=True)
class Own:
    """What the bot token belongs to, by auth.test: a workspace, and on Grid its organisation. The
    token of an org-wide installation has an organisation only."""

    team: str | None = None
    enterprise: str | None = None

    @classmethod
    def of(cls, team: str | None, enterprise: str | None) -> Own:
        """auth.test may name the organisation in place of the workspace."""
        if team and team.startswith("E"):
            return cls(None, enterprise or team)
        return cls(team, enterprise)


@dataclass(frozen=True, slots=True)
class Authorization:
    """The accepted ids. Empty `teams` means the workspace of the bot token, and on Enterprise Grid
    all workspaces of its organisation. With `teams` only these are accepted, unless `enterprise`
    is given too: then all workspaces of that organisation as well.

    `enterprise` is the only organisation that is accepted; None: that of the bot token.
    `alarm_apps` are the apps whose alarm posts are trusted by their title line.
    """

    teams: frozenset[str] = frozenset()
    app_id: str | None = None
    alarm_apps: frozenset[str] = frozenset({AMAZON_Q})
    enterprise: str | None = None

    def refusal(
        self, body: Mapping[str, Any], own_team: str | None, own_enterprise: str | None = None
    ) -> str | None:
        """Why a request is refused; None when it is accepted.

        Args:
            body: the payload of an event, a command or an interaction.
            own_team: the workspace of the bot token, from auth.test.
            own_enterprise: id of its Enterprise organisation, which mentions may have instead.
        """
        own = Own.of(own_team, own_enterprise)
        if self.app_id and text_in(body.get("api_app_id")) != self.app_id:
            return "This request is for another app."
        if self.enterprise and own.enterprise and self.enterprise != own.enterprise:
            return "My token belongs to another organisation than SLACK_ENTERPRISE_ID."
        if not (self.teams or own.team or self._organisation(own)):
            return "I can't tell which workspace I belong to: my token could not be checked."
        organisations = set(_organisations_of_request(body))
        if organisations - {self._organisation(own)}:
            return "I only answer members of the organisation I am installed in."
        named = set(teams(body))
        if named - self._accepted(body, own):
            return STRANGER
        return None if named or organisations else "This request names no workspace."

    def to_look_up(
        self, body: Mapping[str, Any], own_team: str | None, own_enterprise: str | None = None
    ) -> str | None:
        """Whose account tells whether a refused request is accepted: that of a person from a
        workspace that may be another one of the same organisation. None for all others."""
        own = Own.of(own_team, own_enterprise)
        if self._organisation(own) is None or (self.teams and not self.enterprise):
            return None
        made_in = {
            name: body[name]
            for name in ("api_app_id", "team_id", "enterprise_id", "enterprise", "team")
            if name in body
        }
        if self.refusal(made_in, own_team, own_enterprise):
            return None
        user = text_in(body.get("user_id")) or text_in(dict_in(body.get("user")).get("id"))
        event = dict_in(body.get("event"))
        return user or (text_in(event.get("user")) if not event.get("bot_id") else "") or None

    def is_alarm_of_others(
        self, body: Mapping[str, Any], own_team: str | None, own_enterprise: str | None = None
    ) -> bool:
        """Whether a refused request is a post of an alarm app that another organisation has
        installed, in a channel that is shared with the bot's own."""
        event = dict_in(body.get("event"))
        profile = dict_in(event.get("bot_profile"))
        app = text_in(event.get("app_id")) or text_in(profile.get("app_id"))
        if event.get("type") != "message" or app not in self.alarm_apps:
            return False
        if self.app_id and text_in(body.get("api_app_id")) != self.app_id:
            return False
        own = Own.of(own_team, own_enterprise)
        ours = {*self.teams, own.team, self._organisation(own)} - {None}
        received = [dict_in(each) for each in list_in(body.get("authorizations"))]
        names = [text_in(body.get("team_id")), text_in(body.get("context_team_id"))]
        names += [
            text_in(each.get(key)) for each in received for key in ("team_id", "enterprise_id")
        ]
        return any(name in ours for name in names if name)

    def _organisation(self, own: Own) -> str | None:
        return self.enterprise or own.enterprise

    def _accepted(self, body: Mapping[str, Any], own: Own) -> set[str]:
        """The workspaces that are accepted in this request, and the organisation in their place."""
        organisation = self._organisation(own)
        accepted = set(self.teams or filter(None, (own.team,)))
        if organisation:
            accepted.add(organisation)
            if not self.teams or self.enterprise:
                accepted |= set(_workspaces_of(body, organisation))
        return accepted


def teams(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The workspaces a request names: of the installation, and of the person who acts."""
    event = dict_in(body.get("event"))
    return _distinct(
        (
            *_teams_of_request(body),
            text_in(dict_in(body.get("user")).get("team_id")),
            text_in(event.get("user_team")),
            text_in(event.get("source_team")),
            text_in(event.get("team")),
        )
    )


def _teams_of_request(body: Mapping[str, Any]) -> tuple[str, ...]:
    team = body.get("team")
    return _distinct(
        (text_in(body.get("team_id")), text_in(team) or text_in(dict_in(team).get("id")))
    )


def _organisations_of_request(body: Mapping[str, Any]) -> tuple[str, ...]:
    return _distinct(
        (
            text_in(body.get("enterprise_id")),
            text_in(dict_in(body.get("enterprise")).get("id")),
            text_in(dict_in(body.get("team")).get("enterprise_id")),
        )
    )


def _workspaces_of(body: Mapping[str, Any], organisation: str) -> Iterator[str]:
    """The workspaces of which the request itself says that they are of this organisation.

    Slack signs the request, so the pair of the two ids is Slack's word. An organisation in place of
    the workspace ("E…") is none of another organisation's.
    """
    team = dict_in(body.get("team"))
    pairs = (
        (text_in(body.get("team_id")), text_in(body.get("enterprise_id"))),
        (text_in(team.get("id")), text_in(team.get("enterprise_id"))),
        (text_in(team.get("id")), text_in(dict_in(body.get("enterprise")).get("id"))),
    )
    for workspace, of in pairs:
        if of == organisation and not workspace.startswith("E"):
            yield workspace


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))
