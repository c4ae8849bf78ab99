"""Who may do what: everything that is not granted is refused."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.domain.policy import (
    Policy,
    Role,
    approvers,
    may_approve,
    may_break_glass,
    may_request,
    own_request,
)
from bot.domain.service import Service

ACTIONS = ("rollback-alias", "rollback-ecs", "shift-zone", "enable-provisioned-concurrency")
PATTERNS = ("*", "rollback-*", *ACTIONS)
USERS = ("U0ANN", "U0BOB", "W0CAT", "U0NOBODY")

roles = st.builds(
    Role,
    request=st.lists(st.sampled_from(PATTERNS), max_size=3).map(tuple),
    approve=st.lists(st.sampled_from(PATTERNS), max_size=3).map(tuple),
    break_glass=st.lists(st.sampled_from(PATTERNS), max_size=2).map(tuple),
    tiers=st.frozensets(st.integers(1, 4)),
)
ROLE_NAMES = ("a", "b", "c")
policies = st.builds(
    Policy,
    people=st.dictionaries(
        st.sampled_from(USERS[:3]), st.lists(st.sampled_from(ROLE_NAMES), max_size=3).map(tuple)
    ),
    roles=st.fixed_dictionaries(dict.fromkeys(ROLE_NAMES, roles)),
)


@settings(max_examples=50, deadline=None)
@given(policies)
def test_every_cell_of_the_matrix_is_granted_by_a_role_or_refused(policy: Policy) -> None:
    for user in USERS:
        for action in ACTIONS:
            for tier in (1, 2, 3, 4):
                service = Service(name="checkout", tier=tier)
                held = [policy.roles[name] for name in policy.people.get(user, ())]
                asks = any(
                    tier in role.tiers and any(fnmatchcase(action, each) for each in role.request)
                    for role in held
                )
                approves = any(
                    tier in role.tiers and any(fnmatchcase(action, each) for each in role.approve)
                    for role in held
                )
                assert (may_request(policy, user, action, service) is None) == asks
                assert (may_approve(policy, user, action, service) is None) == approves
                assert (user in approvers(policy, action, service)) == approves
                glass = any(
                    tier in role.tiers
                    and any(fnmatchcase(action, each) for each in role.break_glass)
                    for role in held
                )
                assert (may_break_glass(policy, user, action, service) is None) == glass


@given(st.sampled_from(USERS), st.sampled_from(ACTIONS), st.integers(1, 4))
def test_an_empty_policy_refuses_everybody(user: str, action: str, tier: int) -> None:
    service = Service(name="checkout", tier=tier)
    refusal = may_request(Policy(), user, action, service)
    assert refusal is not None
    assert refusal.reason == (
        "You have no role here; the policy lets nobody ask for this on checkout."
    )
    assert may_approve(Policy(), user, action, service) is not None


def test_the_standard_roles() -> None:
    policy = Policy(
        people={"U0OBS": ("observer",), "U0RES": ("responder",), "U0COM": ("commander",)}
    )
    service = Service(name="checkout", tier=1)
    assert may_request(policy, "U0OBS", "shift-zone", service) is not None
    assert may_request(policy, "U0RES", "shift-zone", service) is None
    assert may_approve(policy, "U0RES", "shift-zone", service) is not None
    assert may_approve(policy, "U0COM", "shift-zone", service) is None


@pytest.mark.parametrize("name", ["ann", "@ann", "Ann Smith", "", "U", "u0ann", "C0CHANNEL"])
def test_people_are_named_by_id(name: str) -> None:
    with pytest.raises(ValidationError, match="Slack user id"):
        Policy(people={name: ("responder",)})


def test_a_role_nobody_defined_is_a_mistake_in_the_file() -> None:
    with pytest.raises(ValidationError, match=r"no such role: respnder; use one of commander"):
        Policy(people={"U0ANN": ("respnder",)})


# --- usergroups -----------------------------------------------------------------------------------

CHECKOUT = Service(name="checkout", tier=1)
GROUPS = Policy(
    people={"U0COM": ("commander",), "U0OBS": ("observer",)}, groups={"S0ONCALL": ("responder",)}
)


def test_whoever_is_in_a_usergroup_has_its_roles() -> None:
    assert may_request(GROUPS, "U0RES", "shift-zone", CHECKOUT) is not None
    now = GROUPS.with_members({"S0ONCALL": {"U0RES", "U0OBS"}})
    assert may_request(now, "U0RES", "shift-zone", CHECKOUT) is None
    assert now.role_names("U0OBS") == ("observer", "responder")
    assert may_request(now, "U0ELSE", "shift-zone", CHECKOUT) is not None
    left = now.with_members({"S0ONCALL": set()})
    assert may_request(left, "U0RES", "shift-zone", CHECKOUT) is not None
    assert may_request(GROUPS.with_members({}), "U0RES", "shift-zone", CHECKOUT) is not None


def test_a_refusal_says_what_you_are_and_who_may() -> None:
    told = may_request(GROUPS, "U0OBS", "shift-zone", CHECKOUT)
    assert told is not None
    assert told.reason == (
        "You are an observer here; <@U0COM> or <!subteam^S0ONCALL> may ask for this."
    )
    assert told.mentions == ("<@U0COM>", "<!subteam^S0ONCALL>")
    both = Policy(people={"U0JONAS": ("commander",), "U0ANN": ("commander",)})
    own = own_request(both, "U0ANN", "shift-zone", CHECKOUT)
    assert own.reason == "You asked for this; a second person has to approve it: <@U0JONAS>."
    alone = Policy(people={"U0ANN": ("commander",)})
    assert "names nobody else" in own_request(alone, "U0ANN", "shift-zone", CHECKOUT).reason


def test_many_who_may_are_counted() -> None:
    many = Policy(people={f"U0{number:03}": ("commander",) for number in range(12)})
    told = may_approve(many, "U0OBS", "shift-zone", CHECKOUT)
    assert told is not None
    assert told.reason.endswith("<@U0004> or 7 others may approve this.")


def test_groups_and_people_are_not_mixed_up() -> None:
    with pytest.raises(ValidationError, match=r"S0ONCALL: a usergroup stands under policy\.groups"):
        Policy(people={"S0ONCALL": ("responder",)})
    with pytest.raises(ValidationError, match="Slack usergroup id"):
        Policy(groups={"@sre": ("responder",)})
    with pytest.raises(ValidationError, match="no such role: sre"):
        Policy(groups={"S0ONCALL": ("sre",)})


def test_an_unreadable_policy_lets_nobody_do_anything() -> None:
    policy = Policy.unreadable("catalogue.yaml: line 3")
    assert policy.fault == "catalogue.yaml: line 3"
    assert may_request(policy, "U0COM", "shift-zone", CHECKOUT) is not None
    assert GROUPS.fault is None
