"""A backend that is at its limit, told from one that is only slow and from requests that hang."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.report import CauseStatus, Verdict
from playbooks.probes.backends import Backend
from tests.playbooks.samples import (
    access,
    balancer,
    counts,
    decisive,
    edge,
    gap,
    series,
    verdict,
    weighed,
)
from tests.playbooks.samples import reports as report_lines
from tests.playbooks.stories import HANGS, OVERLOAD, TARGETS_ONLY, TASKS

IDLE = (Backend("rds", "orders", {"cpu": series(30, 31), "read latency": series(4, 5)}),)
AS_USUAL = {"edge": edge(errors=(0, 180)), "counts": counts()}


def test_tasks_at_their_limit_are_overload() -> None:
    # no log of the tasks is known, so causes that only exceptions tell stay possible
    assert verdict(TASKS) == (Verdict.MEDIUM, "backend-overload")


def test_a_full_database_is_told_from_a_hanging_dependency() -> None:
    slow = Backend("rds", "orders", {"read latency": series(4, 90), "cpu": series(30, 95)})
    evidence = OVERLOAD | {"dependencies": (slow,)}
    assert verdict(evidence) == (Verdict.HIGH, "backend-overload")
    assert weighed(evidence)["function-timeout"].status is CauseStatus.REFUTED


def test_slowness_with_nothing_at_its_limit_is_no_overload() -> None:
    """Names that resolve badly: everything waits, and the CPU is at 31 %."""
    evidence = OVERLOAD | {"dependencies": IDLE, "edge": edge(errors=(0, 180))}
    found = weighed(evidence)["backend-overload"]
    assert found.status is CauseStatus.REFUTED
    assert any("CPU of orders 31 %" in clue.text for clue in found.clues)
    assert verdict(evidence)[0] is Verdict.INCONCLUSIVE
    tasks = TASKS | {"tasks": (Backend("ecs", "shop", {"cpu": series(30, 31)}),)}
    assert weighed(tasks)["backend-overload"].status is CauseStatus.REFUTED


def test_slowness_of_which_no_limit_is_measured_is_never_sure() -> None:
    """More traffic and everything slower suggests a limit; as much traffic as ever does not."""
    assert verdict(OVERLOAD | {"dependencies": None}) == (Verdict.MEDIUM, "backend-overload")
    usual = OVERLOAD | {"dependencies": None, "edge": edge(errors=(0, 180))}
    assert verdict(usual)[0] is Verdict.INCONCLUSIVE
    assert weighed(usual)["backend-overload"].status is CauseStatus.POSSIBLE


def test_a_database_that_is_slow_without_being_full_leaves_it_open() -> None:
    locked = (Backend("rds", "orders", {"cpu": series(30, 31), "read latency": series(4, 400)}),)
    usual = OVERLOAD | {"dependencies": locked, "edge": edge(errors=(0, 180))}
    found = weighed(usual)["backend-overload"]
    assert found.status is CauseStatus.POSSIBLE
    assert any("read latency of orders 100.0x" in clue.text for clue in found.clues)
    in_a_surge = weighed(OVERLOAD | {"dependencies": locked})["backend-overload"]
    assert in_a_surge.status is CauseStatus.POSSIBLE


def test_tasks_beside_a_slow_function_are_another_hop() -> None:
    """A worker's CPU says nothing of a function that is slow."""
    worker = (Backend("ecs", "worker", {"cpu": series(30, 99)}),)
    found = weighed(OVERLOAD | {"tasks": worker, "dependencies": IDLE})["backend-overload"]
    assert found.status is CauseStatus.REFUTED


def test_slow_targets_that_fail_nobody_are_not_why_the_api_answers_errors() -> None:
    """Behind an API: it answers 500 itself, the balancer counts its usual few errors."""
    evidence = TASKS | {
        "access": access("500", 180, p50=3, response_type="AUTHORIZER_FAILURE"),
        "balancer": replace(
            balancer(targets=1, p50=(80, 900), p99=(400, 30_000)), targets=series(1, 1)
        ),
    }
    assert decisive(weighed(evidence)["backend-overload"].clues) == [False]


@pytest.mark.parametrize("share", [0.4, 0.6, 0.78])
def test_requests_that_hang_do_not_make_the_others_slow(share: float) -> None:
    """The 99th percentile of all requests is the timeout; of those that finish it is as usual."""
    stuck = 900 * share
    evidence = HANGS | {
        "edge": edge(errors=(0, stuck)),
        "access": access("502", stuck, p50=10_000),
        "counts": counts(
            errors=(0, stuck), p50=(180, 10_000), p99=(900, 10_000), mean=(240, 6_000), timeout=10
        ),
        "reports": report_lines(missed_warm=stuck, timed_warm=stuck, timeout=10),
    }
    assert verdict(evidence) == (Verdict.HIGH, "function-timeout")
    assert weighed(evidence)["backend-overload"].status is CauseStatus.REFUTED
    # without REPORT lines the function's Duration is of both, and says nothing
    unread = weighed(evidence | {"reports": gap("reports")})
    assert unread["backend-overload"].status is not CauseStatus.SUPPORTED
    assert unread["function-timeout"].status is not CauseStatus.REFUTED


def test_slowness_of_some_milliseconds_is_none() -> None:
    quick = report_lines(warm_p50=(2, 9), warm_p99=(5, 40))
    clues = weighed(OVERLOAD | {"reports": quick})["backend-overload"].clues
    assert clues[0].holds is False


def test_throttles_that_slowness_brought_are_overload() -> None:
    """Calls that take 30 times as long hold 30 times as many executions."""
    evidence = OVERLOAD | {
        "edge": edge(requests=(900, 3600), errors=(0, 1400)),
        "counts": counts(
            invocations=(900, 2900), throttles=(0, 800), concurrency=(5, 1000), mean=(240, 7_200)
        ),
    }
    assert verdict(evidence) == (Verdict.HIGH, "backend-overload")
    assert weighed(evidence)["concurrency-limit"].status is CauseStatus.REFUTED


def test_slowness_by_an_assumed_deadline_is_not_refuted_either() -> None:
    slow = report_lines(warm_p50=(180, 3_000), warm_p99=(900, 9_000))
    assert decisive(weighed(OVERLOAD | {"reports": slow})["backend-overload"].clues)[0] is False
    assumed = replace(slow, deadline_assumed=True)
    assert decisive(weighed(OVERLOAD | {"reports": assumed})["backend-overload"].clues)[0] is None


def test_a_sampled_log_blunts_what_rests_on_it_and_nothing_else() -> None:
    few = report_lines(invocations=(90_000, 90_000))
    quick = weighed(OVERLOAD | {"reports": few})["backend-overload"]
    assert quick.clues[0].holds is None  # "not slower", by a sample
    assert quick.status is not CauseStatus.REFUTED
    refused = TARGETS_ONLY | {"balancer": balancer(own={"503": 180}), "reports": few}
    against = [c for c in weighed(refused)["backend-overload"].clues if "no target" in c.text]
    assert [clue.holds for clue in against] == [True]
