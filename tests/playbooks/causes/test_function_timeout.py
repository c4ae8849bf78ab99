"""Requests that hang until the function's or the load balancer's timeout."""

from __future__ import annotations

from bot.domain.report import CauseStatus, Verdict
from playbooks.probes.backends import Backend
from tests.playbooks.samples import balancer, counts, edge, gap, reports, series, verdict, weighed
from tests.playbooks.stories import HANGS, TARGETS_ONLY, THROTTLED, UNREACHABLE

HANGING_TARGETS = TARGETS_ONLY | {
    "edge": edge(kind="alb", codes={"504": series(0, 180)}),
    "balancer": balancer(own={"504": 180}),
    "tasks": (Backend("ecs", "shop", {"cpu": series(30, 24)}),),
}


def test_throttles_that_stuck_calls_brought_are_the_hanging_dependency() -> None:
    """A third of the calls hangs: the median is as ever, the executions are held all the same."""
    both = HANGS | {
        "edge": edge(errors=(0, 500)),
        "access": gap("access"),
        "counts": counts(
            invocations=(900, 560),
            throttles=(0, 340),
            errors=(0, 170),
            concurrency=(5, 50),
            mean=(240, 3_200),
        ),
        "limits": THROTTLED["limits"],
        "reports": reports(
            warm=(898, 558),
            missed_warm=170,
            timed_warm=170,
            timeout=10,
            warm_p50=(180, 190),
            warm_p99=(900, 10_000),
        ),
    }
    assert verdict(both) == (Verdict.HIGH, "function-timeout")
    assert weighed(both)["concurrency-limit"].status is CauseStatus.REFUTED


def test_alb_with_a_function_behind_it() -> None:
    """The load balancer answers 502 when a function ends at its own timeout."""
    evidence = HANGS | {"access": None, "edge": edge(kind="alb", codes={"502": series(0, 180)})}
    assert verdict(evidence) == (Verdict.HIGH, "function-timeout")


def test_a_log_of_failures_only_makes_no_timeout_of_one_stray_request() -> None:
    """At system log level WARN, Lambda keeps the REPORT lines of failures: all timed out."""
    stray = reports(
        cold=(0, 0), warm=(1, 9), missed_warm=9, timed_warm=9, timeout=10, invocations=(900, 900)
    )
    found = weighed(HANGS | {"reports": stray})["function-timeout"]
    assert found.status is not CauseStatus.SUPPORTED
    assert found.status is not CauseStatus.REFUTED
    assert any("a sample" in text for clue in found.clues for text in clue.missing or ())


def test_all_that_finish_being_slower_is_no_hang() -> None:
    slow = reports(
        missed_warm=180, timed_warm=180, timeout=10, warm_p50=(180, 5_000), warm_p99=(900, 9_900)
    )
    assert weighed(HANGS | {"reports": slow})["function-timeout"].status is CauseStatus.REFUTED
    few_ms = reports(missed_warm=180, timed_warm=180, timeout=10, warm_p50=(6, 14))
    assert verdict(HANGS | {"reports": few_ms}) == (Verdict.HIGH, "function-timeout")


def test_targets_that_take_requests_and_do_not_answer_hang() -> None:
    assert verdict(HANGING_TARGETS) == (Verdict.HIGH, "function-timeout")
    assert weighed(HANGING_TARGETS)["backend-overload"].status is CauseStatus.REFUTED


def test_targets_that_are_slow_or_cannot_be_connected_to_do_not_hang() -> None:
    slow = balancer(own={"504": 180}, p50=(80, 20_000), p99=(400, 59_000))
    found = weighed(HANGING_TARGETS | {"balancer": slow})
    assert found["function-timeout"].status is CauseStatus.REFUTED
    full = (Backend("ecs", "shop", {"cpu": series(30, 98)}),)
    assert verdict(HANGING_TARGETS | {"balancer": slow, "tasks": full})[1] == "backend-overload"
    of_504 = {"edge": HANGING_TARGETS["edge"]}
    assert weighed(UNREACHABLE | of_504)["function-timeout"].status is CauseStatus.REFUTED


def test_which_errors_are_timeouts_is_unknown_where_codes_are_not_told() -> None:
    of_group = balancer(targets=180, groups=("shop",))
    unknown = HANGING_TARGETS | {
        "edge": edge(kind="alb", codes={"targets": series(0, 180)}, groups=("shop",)),
        "balancer": of_group,
    }
    assert weighed(unknown)["function-timeout"].status is CauseStatus.POSSIBLE
