"""Targets that are unhealthy, or cannot be connected to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.report import CauseStatus, Verdict
from bot.investigation.verdict import chain, rank
from playbooks.probes.backends import Backend
from playbooks.probes.balancer import Balancer, Hosts, TargetHealth
from playbooks.probes.metrics import TimeSeries
from tests.playbooks.samples import (
    TARGETS_ONLY,
    balancer,
    edge,
    health,
    series,
    verdict,
    weighed,
)
from tests.playbooks.stories import NOBODY, TASKS, UNREACHABLE


def fails_open(**answers: object) -> dict[str, object]:
    """All targets are unhealthy and registered, so that the load balancer sends to them all."""
    return TARGETS_ONLY | {
        "balancer": balancer(healthy=(4, 0), **answers),  # type: ignore[arg-type]
        "health": health(0, 4, "Target.ResponseCodeMismatch"),
    }


def test_silent_connections_are_not_zero_failures() -> None:
    silent = balancer(own={"504": 180}, connections=(None, None))
    found = weighed(UNREACHABLE | {"balancer": replace(silent, connection_errors=TimeSeries())})
    assert [clue.holds for clue in found["connection-errors"].clues[:2]] == [None, None]
    assert found["connection-errors"].status is not CauseStatus.REFUTED


def test_a_balancer_without_target_groups_is_not_one_of_functions() -> None:
    bare = replace(balancer(own={"503": 180}), healthy={})
    found = weighed(NOBODY | {"balancer": bare})["no-healthy-targets"]
    assert found.clues[0].holds is None
    of_functions = replace(bare, lambdas=("fn",))
    found = weighed(NOBODY | {"balancer": of_functions})["no-healthy-targets"]
    assert found.status is CauseStatus.REFUTED
    assert "fn (Lambda)" in found.clues[0].text


@pytest.mark.parametrize(
    "answers", [{"own": {"502": 180}}, {"own": {"504": 180}}, {"targets": 180}, {"targets": 90}]
)
def test_with_all_targets_unhealthy_the_balancer_sends_to_all(answers: dict[str, object]) -> None:
    assert verdict(fails_open(**answers)) == (Verdict.HIGH, "no-healthy-targets")


def test_no_registered_targets_are_none_that_are_healthy() -> None:
    """CloudWatch publishes no HealthyHostCount for an empty group."""
    empty = balancer(own={"503": 180}, healthy=(4, None))
    evidence = TARGETS_ONLY | {"balancer": empty, "health": TargetHealth(("shop",), ())}
    assert verdict(evidence) == (Verdict.HIGH, "no-healthy-targets")


def test_connections_that_fail_are_the_cause_and_no_healthy_targets_the_effect() -> None:
    evidence = fails_open(own={"504": 180}, connections=(0, 185))
    assert verdict(evidence) == (Verdict.HIGH, "connection-errors")
    ranked = rank(tuple(weighed(evidence).values()))
    assert chain(ranked) == ("connection-errors", "no-healthy-targets")


def lost_later(minutes: int, shown: Balancer) -> Balancer:
    """The targets became unhealthy `minutes` after the errors began."""
    points = dict.fromkeys(shown.requests.points, 4.0) | dict(series(4, 0, -3 + minutes).points)
    return replace(shown, healthy={"shop": TimeSeries(points)})


def test_errors_that_came_long_before_make_unhealthy_targets_the_consequence() -> None:
    full = TASKS | {
        "balancer": lost_later(7, balancer(targets=180, p50=(80, 9_000), p99=(400, 30_000))),
        "health": health(0, 4),
    }
    assert verdict(full) == (Verdict.MEDIUM, "backend-overload")
    found = weighed(full)["no-healthy-targets"]
    assert any("is a consequence" in clue.text for clue in found.clues)
    alone = full | {
        "balancer": lost_later(7, balancer(targets=180)),
        "tasks": (Backend("ecs", "shop", {"cpu": series(30, 31)}),),
    }
    assert verdict(alone)[0] is not Verdict.HIGH


def test_health_checks_take_some_minutes_to_find_out() -> None:
    found = lost_later(3, balancer(targets=180))
    evidence = TARGETS_ONLY | {"balancer": found, "health": health(0, 4)}
    assert verdict(evidence) == (Verdict.HIGH, "no-healthy-targets")


def test_a_group_that_was_never_healthy_is_idle() -> None:
    """The green group of a blue/green deployment waits without healthy targets."""
    idle = replace(balancer(targets=180), healthy={"shop": series(4, 4), "green": series(0, 0)})
    evidence = TARGETS_ONLY | {"balancer": idle, "health": health(4)}
    assert weighed(evidence)["no-healthy-targets"].status is CauseStatus.REFUTED


def test_of_several_groups_the_one_without_targets_may_get_no_requests() -> None:
    two = replace(balancer(targets=180), healthy={"shop": series(4, 4), "admin": series(2, 0)})
    evidence = TARGETS_ONLY | {"balancer": two, "health": health(4)}
    assert weighed(evidence)["no-healthy-targets"].status is not CauseStatus.SUPPORTED
    sent = replace(two, hosts={"admin": Hosts(sent_to_unhealthy=series(0, 170))})
    found = weighed(evidence | {"balancer": sent})["no-healthy-targets"]
    assert found.status is CauseStatus.SUPPORTED
    assert any("19 % of the requests were sent to unhealthy ones" in c.text for c in found.clues)


def test_a_shared_balancers_own_answers_are_nobodys() -> None:
    """Measured by target group, AWS does not tell what the balancer answered itself."""
    group = "what shop answers itself (502, 503, 504) is not counted: AWS does not tell it by "
    shared = balancer(targets=180, groups=("shop",), unread=(f"{group}target group",))
    evidence = TARGETS_ONLY | {
        "edge": edge(kind="alb", groups=("shop",), unread=(f"{group}target group",)),
        "balancer": shared,
        "health": health(4),
    }
    found = weighed(evidence)
    # how many targets were healthy is known all the same
    assert found["no-healthy-targets"].status is CauseStatus.REFUTED
    own = [c for c in found["connection-errors"].clues if "502 and 504" in c.text]
    assert all(clue.holds is None for clue in own)


def test_a_failed_connection_or_two_are_on_any_day() -> None:
    stray = balancer(own={"502": 0.2}, connections=(0, 0.2))
    evidence = UNREACHABLE | {"edge": edge(errors=(0, 0.2)), "balancer": stray}
    assert weighed(evidence)["connection-errors"].status is not CauseStatus.SUPPORTED
