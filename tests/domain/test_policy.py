"""Who may do what: everything that is not granted is refused."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.domain.policy import Policy, Role, approvers, may_approve, may_request
from bot.domain.service import Service

ACTIONS = ("rollback-alias", "rollback-ecs", "shift-zone", "enable-provisioned-concurrency")
PATTERNS = ("*", "rollback-*", *ACTIONS)
USERS = ("U0ANN", "U0BOB", "W0CAT", "U0NOBODY")

roles = st.builds(
    Role,
    request=st.lists(st.sampled_from(PATTERNS), max_size=3).map(tuple),
    approve=st.lists(st.sampled_from(PATTERNS), max_size=3).map(tuple),
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


@given(st.sampled_from(USERS), st.sampled_from(ACTIONS), st.integers(1, 4))
def test_an_empty_policy_refuses_everybody(user: str, action: str, tier: int) -> None:
    service = Service(name="checkout", tier=tier)
    refusal = may_request(Policy(), user, action, service)
    assert refusal is not None
    assert user in refusal.reason
    assert "checkout" in refusal.reason
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
