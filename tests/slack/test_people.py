"""Who a person is, by the local Slack workspace, and by answers that are partial or missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.people import Standing
from bot.slack.client import web_client
from bot.slack.people import Organisation, SlackPeople, account_in
from bot.telemetry import metrics
from sandbox.slack.faults import Fault
from sandbox.slack.people import App, ChannelSeed, Person, Seed, UserGroup
from sandbox.slack.server import SlackServer
from sandbox.slack.workspace import Workspace

BOT = App(id="A0HELPER", name="Incident Helper", bot_token="xoxb-helper", signing_secret="s")
PEOPLE = (
    Person("U0ADA", "Ada"),
    Person("U0GONE", "Gone", deleted=True),
    Person("U0MULTI", "Multi", guest="restricted"),
    Person("U0SINGLE", "Single", guest="ultra_restricted"),
    Person("U0PARTNER", "Partner", team_id="T0PARTNER"),
    Person("U0STRANGE", "Stranger", stranger=True),
    Person("U0SISTER", "Sister", team_id="T0SISTER", enterprise_id="E0OURS"),
    Person("U0OTHERS", "Others", team_id="T0OTHERS", enterprise_id="E0OTHERS"),
)
SEED = Seed(
    people=PEOPLE,
    channels=(ChannelSeed("C0OPS", "ops"),),
    apps=(BOT,),
    user_groups=(UserGroup("S0SRE", "sre", "SRE", ("U0ADA", "U0GONE")),),
)


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer(Workspace(SEED)) as server:
        yield server


@pytest.fixture
def people(slack: SlackServer) -> SlackPeople:
    return SlackPeople(web_client(BOT.bot_token, slack.api_url))


async def standing(people: SlackPeople, user: str) -> Standing:
    return (await people.look_up({user})).account(user).standing


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ("U0ADA", Standing.MEMBER),
        ("U0GONE", Standing.DEACTIVATED),
        ("U0MULTI", Standing.GUEST),
        ("U0SINGLE", Standing.GUEST),
        (BOT.user_id, Standing.BOT),
        ("U0PARTNER", Standing.FOREIGN),
        ("U0STRANGE", Standing.FOREIGN),
        ("U0SISTER", Standing.FOREIGN),  # this workspace is on no Grid
        ("U0OTHERS", Standing.FOREIGN),
        ("U0NOBODY", Standing.UNKNOWN),
    ],
)
async def test_what_somebody_is(people: SlackPeople, user: str, expected: Standing) -> None:
    assert await standing(people, user) is expected


async def test_on_a_grid_the_workspaces_of_the_organisation_belong_together() -> None:
    with SlackServer(Workspace(replace(SEED, enterprise_id="E0OURS"))) as slack:
        web = web_client(BOT.bot_token, slack.api_url)
        people = SlackPeople(web)
        assert await standing(people, "U0ADA") is Standing.MEMBER
        assert await standing(people, "U0SISTER") is Standing.MEMBER
        assert await standing(people, "U0OTHERS") is Standing.FOREIGN
        assert await standing(people, "U0PARTNER") is Standing.FOREIGN
        only_ours = SlackPeople(web, teams=frozenset({"T0SANDBOX"}))
        assert await standing(only_ours, "U0ADA") is Standing.MEMBER
        assert await standing(only_ours, "U0SISTER") is Standing.FOREIGN
        pinned = SlackPeople(web, enterprise="E0OTHERS")
        assert await standing(pinned, "U0ADA") is Standing.FOREIGN


async def test_who_is_in_a_usergroup(people: SlackPeople) -> None:
    found = await people.look_up({"U0ADA"}, {"S0SRE", "S0GONE"})
    assert found.members == {"S0SRE": frozenset({"U0ADA", "U0GONE"})}
    assert "no_such_subteam" in found.unread["S0GONE"]
    assert found.transient is None
    assert "S0GONE" in found.unread_groups


@pytest.mark.parametrize(
    ("fault", "passing"),
    [
        (Fault("ratelimited", "users.info"), True),
        (Fault("server_error", "users.info"), True),
        (Fault("drop_request", "users.info", times=None), True),
        (Fault("refuse", "users.info", error="internal_error"), True),
        (Fault("refuse", "auth.test", error="fatal_error"), True),
        (Fault("refuse", "users.info", error="user_not_visible"), False),
        (Fault("refuse", "users.info", error="missing_scope"), False),
    ],
)
async def test_what_slack_does_not_tell_is_unknown(
    slack: SlackServer, people: SlackPeople, fault: Fault, passing: bool
) -> None:
    slack.site.faults.add(fault)
    found = await people.look_up({"U0ADA"})
    assert found.account("U0ADA").standing is Standing.UNKNOWN
    assert found.account("U0ADA").barred is not None
    assert (found.transient is not None) == passing
    slack.site.faults.clear()
    assert await standing(people, "U0ADA") is Standing.MEMBER  # nothing is remembered


async def test_a_token_that_is_refused_is_shown_until_it_is_valid_again(
    slack: SlackServer, people: SlackPeople
) -> None:
    slack.site.faults.add(Fault("token_revoked", BOT.bot_token))
    found = await people.look_up({"U0ADA"}, {"S0SRE"})
    assert found.account("U0ADA").standing is Standing.UNKNOWN
    assert "Slack refuses my token: token_revoked" in (found.transient or "")
    assert "S0SRE" in found.unread
    assert metrics.SLACK_TOKEN_REFUSED._value.get() == 1
    assert "token_revoked" in (await people.check_token() or "")
    slack.site.faults.clear()
    assert await people.check_token() is None
    assert metrics.SLACK_TOKEN_REFUSED._value.get() == 0
    assert await standing(people, "U0ADA") is Standing.MEMBER


WHOLE: dict[str, Any] = {
    "id": "U0ADA",
    "team_id": "T0OURS",
    "deleted": False,
    "is_bot": False,
    "is_restricted": False,
    "is_ultra_restricted": False,
}
OURS = Organisation("T0OURS")


@given(
    st.dictionaries(
        st.sampled_from([*WHOLE, "is_stranger", "enterprise_user", "is_workflow_bot"]),
        st.sampled_from([None, "", "no", 0, 1, [], {}, True, False, "T0OURS", "U0ADA"]),
        min_size=1,
        max_size=3,
    ),
    st.sets(st.sampled_from(list(WHOLE))),
)
def test_only_a_whole_answer_makes_a_member(changed: dict[str, Any], left: set[str]) -> None:
    told = {name: value for name, value in (WHOLE | changed).items() if name not in left}
    found = account_in({"ok": True, "user": told}, "U0ADA", OURS)
    whole = all(told.get(name) == value and name in told for name, value in WHOLE.items())
    whole = whole and not any(told[name] == 0 and told[name] is not False for name in told)
    if found.standing is Standing.MEMBER:
        assert whole
        assert told.get("is_stranger") in (None, False)
    assert (found.standing is Standing.MEMBER) == (found.barred is None)


@pytest.mark.parametrize("answer", [{}, {"user": None}, {"user": "U0ADA"}, {"user": {}}])
def test_an_answer_without_a_user_is_unknown(answer: dict[str, Any]) -> None:
    assert account_in(answer, "U0ADA", OURS).standing is Standing.UNKNOWN


def test_slackbot_is_a_bot_although_users_info_denies_it() -> None:
    told = {"user": WHOLE | {"id": "USLACKBOT"}}
    assert account_in(told, "USLACKBOT", OURS).standing is Standing.BOT
    other = {"user": WHOLE | {"id": "U0ELSE"}}
    assert account_in(other, "U0ADA", OURS).standing is Standing.UNKNOWN
