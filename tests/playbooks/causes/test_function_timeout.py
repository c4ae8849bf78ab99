"""Requests that hang until the function's timeout."""

from __future__ import annotations

from bot.domain.report import CauseStatus, Verdict
from tests.playbooks.samples import counts, edge, gap, reports, series, verdict, weighed
from tests.playbooks.stories import HANGS, THROTTLED


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
