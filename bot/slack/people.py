"""Who a person is in Slack, asked at the moment they act (users.info, usergroups.users.list).

Nothing is remembered of people: an account that was deactivated a second ago may not act. Each
call is made once; what fails is unknown, and whoever is unknown may not act.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.people import SLACKS_OWN, Account, Directory, Standing
from bot.slack.faults import FAULTS
from bot.slack.refusals import REVOKED, Refusal, refusal_of
from bot.telemetry import metrics

log = logging.getLogger(__name__)

SECONDS = 4.0  # for one call
OWN_SECONDS = 300.0  # the workspace of the token is asked for again after this
MOST_GROUPS = 20  # usergroups asked for at once

MOVING = "team_added_to_org"  # the error while a workspace moves to an Enterprise organisation


@dataclass(frozen=True, slots=True)
class Organisation:
    """The workspace a bot token belongs to, and its Enterprise organisation if it has one.

    `teams` are the only workspaces whose members may act, where a setting names them; empty: the
    token's own, and on Enterprise Grid all of the organisation.
    """

    team: str | None
    enterprise: str | None = None
    teams: frozenset[str] = frozenset()

    def has(self, team: str, enterprise: str) -> bool | None:
        """Whether a member of this workspace and organisation belongs here; None: not known.

        Args:
            team: workspace id of the person.
            enterprise: organisation id of the person; empty for one that is in none.
        """
        if enterprise and enterprise != self.enterprise:
            return False
        if self.teams:
            return team in self.teams if team else None
        if enterprise:
            return True
        if not team or not (self.team or self.enterprise):
            return None
        return team in (self.team, self.enterprise)


class SlackPeople:
    """Implements `bot.domain.slack_ports.People`.

    Args:
        web: a client that repeats no calls.
        teams: the only workspaces whose members may act, if a setting names them.
        enterprise: the Enterprise organisation, if a setting names it; else the token's.
    """

    def __init__(
        self,
        web: AsyncWebClient,
        *,
        teams: frozenset[str] = frozenset(),
        enterprise: str | None = None,
    ) -> None:
        self._web = web
        self._teams = teams
        self._enterprise = enterprise
        self._own: tuple[float, Organisation] | None = None

    async def look_up(self, users: Collection[str], groups: Collection[str] = ()) -> Directory:
        """The accounts of some people, and who is in some usergroups."""
        asked = sorted(set(users))
        named = sorted(set(groups))[:MOST_GROUPS]
        own, *answers = await asyncio.gather(
            self._organisation(),
            *(self._ask("users.info", user=user) for user in asked),
            *(self._ask("usergroups.users.list", usergroup=group) for group in named),
        )
        people, teams = answers[: len(asked)], answers[len(asked) :]
        failed = [each for each in (own, *answers) if isinstance(each, _Failed)]
        _show_token(failed)
        members: dict[str, frozenset[str]] = {}
        unread: dict[str, str] = {}
        for group, answer in zip(named, teams, strict=True):
            found = answer if isinstance(answer, _Failed) else _members(answer)
            if isinstance(found, _Failed):
                unread[group] = found.why
            else:
                members[group] = found
        return Directory(
            accounts={
                user: _account(user, answer, own)
                for user, answer in zip(asked, people, strict=True)
            },
            members=members,
            unread=unread | dict.fromkeys(sorted(set(groups))[MOST_GROUPS:], "too many groups"),
            transient=next((each.why for each in failed if each.passing), None),
        )

    async def check_token(self) -> str | None:
        """Why Slack refuses the bot token; None while it does not, or does not answer."""
        self._own = None
        own = await self._organisation()
        _show_token([own] if isinstance(own, _Failed) else [])
        return own.why if isinstance(own, _Failed) and own.revoked else None

    async def _organisation(self) -> Organisation | _Failed:
        if self._own is not None and time.monotonic() - self._own[0] < OWN_SECONDS:
            return self._own[1]
        answer = await self._ask("auth.test")
        if isinstance(answer, _Failed):
            return answer
        team = _text(answer.get("team_id"))
        enterprise = _text(answer.get("enterprise_id"))
        if team.startswith("E") and not enterprise:  # the token of an org-wide installation
            enterprise = team
        if not team and not enterprise:
            return _Failed("auth.test names no workspace", passing=False)
        own = Organisation(team or None, self._enterprise or enterprise or None, self._teams)
        self._own = (time.monotonic(), own)
        return own

    async def _ask(self, method: str, **params: str) -> Mapping[str, Any] | _Failed:
        try:
            async with asyncio.timeout(SECONDS):
                answer = await self._web.api_call(method, http_verb="GET", params=params)
        except SlackApiError as refused:
            return _refused(method, refused)
        except TimeoutError:
            return _Failed(f"{method}: no answer in {SECONDS:.0f} s", passing=True)
        except (*FAULTS, AttributeError, ValueError) as fault:
            return _Failed(f"{method}: {type(fault).__name__}", passing=True)
        if not isinstance(answer.data, dict):
            return _Failed(f"{method}: the answer is not JSON", passing=True)
        return answer.data


@dataclass(frozen=True, slots=True)
class _Failed:
    """Why there is no answer; `passing` when the same call may have one later."""

    why: str
    passing: bool
    revoked: bool = False


def _refused(method: str, refused: SlackApiError) -> _Failed:
    response = refused.response
    data = getattr(response, "data", None)
    code = _text(data.get("error")) if isinstance(data, dict) else ""
    status = getattr(response, "status_code", 0) or 0
    if code in REVOKED:
        return _Failed(f"Slack refuses my token: {code}", passing=True, revoked=True)
    if code == "missing_scope" and isinstance(data, dict):
        return _Failed(f"{method}: I lack the scope {_text(data.get('needed'))}", passing=False)
    again = refusal_of(code) in (Refusal.BUSY, Refusal.UNCLEAR) or code == MOVING
    passing = again or status == 429 or status >= 500 or not code
    return _Failed(f"{method}: {code or status}", passing=passing)


def _show_token(failed: list[_Failed]) -> None:
    revoked = next((each for each in failed if each.revoked), None)
    if revoked is not None:
        log.critical("%s: no change is approved or sent until it is valid again", revoked.why)
    metrics.SLACK_TOKEN_REFUSED.set(0 if revoked is None else 1)


def _account(
    user: str, answer: Mapping[str, Any] | _Failed, own: Organisation | _Failed
) -> Account:
    if isinstance(answer, _Failed):
        return Account(user, Standing.UNKNOWN, answer.why)
    if isinstance(own, _Failed):
        return Account(user, Standing.UNKNOWN, own.why)
    return account_in(answer, user, own)


def account_in(answer: Mapping[str, Any], user: str, own: Organisation) -> Account:
    """A person's account by the answer of `users.info`; unknown when a part of it is missing.

    Args:
        answer: of the call, as JSON.
        user: the id that was asked for.
        own: the bot's organisation.

    Source: docs.slack.dev, reference/objects/user-object; enterprise_user has the organisation
    of a person on Enterprise Grid. `is_stranger` is only there when it is true.
    """
    told = answer.get("user")
    if not isinstance(told, Mapping):
        return Account(user, Standing.UNKNOWN, "users.info names no user")
    on_grid = told.get("enterprise_user")
    grid: Mapping[str, Any] = on_grid if isinstance(on_grid, Mapping) else {}
    if user not in (told.get("id"), grid.get("id")):
        return Account(user, Standing.UNKNOWN, "users.info names somebody else")
    if told.get("deleted") is True:
        return Account(user, Standing.DEACTIVATED)
    if told.get("is_bot") is True or told.get("is_workflow_bot") is True or user in SLACKS_OWN:
        return Account(user, Standing.BOT)
    if told.get("is_stranger") is True:
        return Account(user, Standing.FOREIGN)
    ours = own.has(_text(told.get("team_id")), _text(grid.get("enterprise_id")))
    if ours is False:
        return Account(user, Standing.FOREIGN)
    flags = [told.get(name) for name in ("deleted", "is_bot", "is_restricted")]
    ultra = told.get("is_ultra_restricted")
    if True in (flags[-1], ultra):
        return Account(user, Standing.GUEST)
    if ours is None or any(each is not False for each in (*flags, ultra)):
        return Account(user, Standing.UNKNOWN, "users.info answered only a part")
    if told.get("is_stranger") not in (None, False):
        return Account(user, Standing.UNKNOWN, "users.info answered only a part")
    return Account(user, Standing.MEMBER)


def _members(answer: Mapping[str, Any]) -> frozenset[str] | _Failed:
    users = answer.get("users")
    if not isinstance(users, list) or not all(isinstance(each, str) for each in users):
        return _Failed("usergroups.users.list answered only a part", passing=False)
    return frozenset(users)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
