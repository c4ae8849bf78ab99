"""Whose requests are accepted: those of the workspace, on Grid those of its organisation."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config.settings import AMAZON_Q
from bot.domain.people import Standing
from handlers.envelopes import AlarmOfOthers
from handlers.slack.authorization import Authorization
from tests.handlers.slack.running_bot import APP, CHANNEL, TEAM, Bot, running
from tests.support.members import Members

OURS, SISTER, THEIRS = "T0OURS", "T0SISTER", "T0THEIRS"
GRID, OTHER_GRID = "E0OURS", "E0OTHERS"
STANDARD = Authorization()

named = st.sampled_from([None, "", OURS, SISTER, THEIRS, GRID, OTHER_GRID])
grids = st.sampled_from([None, "", GRID, OTHER_GRID])
bodies = st.fixed_dictionaries(
    {},
    optional={
        "team_id": named,
        "enterprise_id": grids,
        "enterprise": st.one_of(st.none(), st.builds(lambda grid: {"id": grid}, grids)),
        "team": st.one_of(
            st.none(),
            st.builds(lambda team, grid: {"id": team, "enterprise_id": grid}, named, grids),
        ),
        "user": st.builds(lambda team: {"id": "U1", "team_id": team}, named),
        "event": st.fixed_dictionaries(
            {}, optional={"user_team": named, "source_team": named, "team": named}
        ),
    },
)


def every_name(value: object) -> set[str]:
    """Every workspace and organisation a body names anywhere."""
    if isinstance(value, dict):
        return {name for each in value.values() for name in every_name(each)}
    return {value} if isinstance(value, str) and value[:1] in ("T", "E") else set()


@given(bodies)
def test_off_the_grid_only_the_own_workspace_is_accepted(body: dict[str, Any]) -> None:
    accepted = STANDARD.refusal(body, OURS) is None
    assert accepted == (every_name(body) == {OURS})


@given(bodies)
def test_on_the_grid_nothing_of_another_organisation_is_accepted(body: dict[str, Any]) -> None:
    if STANDARD.refusal(body, OURS, GRID) is None:
        names = every_name(body)
        assert names
        assert not names & {OTHER_GRID}
        if names & {SISTER, THEIRS}:  # only where the request itself says it is of ours
            assert GRID in names


@given(bodies)
def test_a_pinned_organisation_is_the_only_one(body: dict[str, Any]) -> None:
    pinned = Authorization(enterprise=GRID)
    assert pinned.refusal(body, OURS, OTHER_GRID) is not None
    if pinned.refusal(body, OURS, GRID) is None:
        assert OTHER_GRID not in every_name(body)


@given(bodies)
def test_with_a_pinned_workspace_its_organisation_does_not_widen_it(body: dict[str, Any]) -> None:
    pinned = Authorization(teams=frozenset({OURS}))
    if pinned.refusal(body, OURS, GRID) is None:
        assert every_name(body) <= {OURS, GRID}


@given(bodies, st.sampled_from([None, "A0OURS", "A0THEIRS"]))
def test_another_app_is_refused_whatever_it_names(body: dict[str, Any], app: str | None) -> None:
    body = body | {"api_app_id": app}
    if Authorization(app_id="A0OURS").refusal(body, OURS) is None:
        assert app == "A0OURS"


@pytest.mark.parametrize(
    "body",
    [
        {"team_id": SISTER, "enterprise_id": GRID},
        {"team": {"id": SISTER, "enterprise_id": GRID}, "user": {"id": "U1", "team_id": SISTER}},
        {"team": None, "enterprise": {"id": GRID}, "user": {"id": "U1", "team_id": GRID}},
        {"enterprise_id": GRID, "event": {"user_team": GRID}},  # an org-wide installation
    ],
)
def test_workspaces_of_the_own_organisation_are_accepted(body: dict[str, Any]) -> None:
    assert STANDARD.refusal(body, OURS, GRID) is None
    assert STANDARD.refusal(body, None, GRID) is None
    assert STANDARD.refusal(body, GRID, None) is None  # auth.test of an org-wide token
    assert STANDARD.refusal(body, OURS, None) is not None
    assert STANDARD.refusal(body, "T0ELSE", OTHER_GRID) is not None


def click_of(team: str) -> dict[str, Any]:
    """A click in our workspace, by somebody of another one."""
    return {
        "team": {"id": TEAM, "enterprise_id": GRID},
        "user": {"id": "U0ANNA", "team_id": team},
    }


@pytest.mark.parametrize(
    ("standing", "accepted"),
    [
        (Standing.MEMBER, True),
        (Standing.FOREIGN, False),
        (Standing.DEACTIVATED, False),
        (Standing.UNKNOWN, False),
    ],
)
async def test_a_person_from_another_workspace_is_looked_up(
    standing: Standing, accepted: bool
) -> None:
    people = Members({"U0ANNA": standing})
    door = Authorization(app_id=APP, enterprise=GRID)
    async with running(door, people=people) as bot:
        await bot.click("approve", "run-1", **click_of(SISTER))
        assert bool(bot.memory.envelopes) == accepted
    assert people.asked == [frozenset({"U0ANNA"})]


async def test_off_the_grid_nobody_is_looked_up() -> None:
    people = Members()
    async with running(people=people) as bot:
        stranger = {"id": "U0GUEST", "team_id": "T0GUEST"}
        await bot.click("approve", "run-1", user=stranger)
        assert bot.memory.envelopes == []
    assert people.asked == []


# --- alarms of other organisations ----------------------------------------------------------------

Q_POST = {
    "type": "message",
    "subtype": "bot_message",
    "bot_id": "B0THEIRQ",
    "bot_profile": {"app_id": AMAZON_Q, "team_id": THEIRS},
    "team": THEIRS,
    "channel": CHANNEL,
    "ts": "1.0",
    "attachments": [{"fallback": "CloudWatch Alarm | their-alarm"}],
}


async def test_an_alarm_of_another_organisation_is_told_once_and_opens_nothing(bot: Bot) -> None:
    for ts in ("1.0", "2.0"):
        assert (await bot.event({**Q_POST, "ts": ts})).status_code == 200
    [seen] = bot.memory.envelopes
    assert seen == AlarmOfOthers(team=TEAM, channel=CHANNEL)


@pytest.mark.parametrize(
    ("event", "outer"),
    [
        ({"bot_profile": {"app_id": "A0WEEKLY"}}, {}),  # no alarm app
        ({"subtype": "message_changed"}, {}),
        ({}, {"team_id": THEIRS}),  # nothing says that we share the channel
        ({}, {"api_app_id": "A0THEIRS"}),
    ],
)
async def test_other_posts_of_strangers_have_no_effect(
    bot: Bot, event: dict[str, Any], outer: dict[str, Any]
) -> None:
    assert (await bot.event({**Q_POST, **event}, **outer)).status_code == 200
    assert bot.memory.envelopes == []


async def test_the_authorizations_tell_that_we_share_the_channel(bot: Bot) -> None:
    ours = [{"team_id": TEAM, "enterprise_id": None, "is_bot": True}]
    await bot.event(Q_POST, team_id=THEIRS, authorizations=ours)
    assert json.loads(next(iter(bot.memory.kept.values())))["kind"] == "alarm-of-others"
