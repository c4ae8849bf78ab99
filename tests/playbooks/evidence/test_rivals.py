"""Clues against a cause that the mechanism of another shows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.report import CauseStatus
from playbooks.evidence import rivals
from playbooks.probes.access_log import AccessLog
from tests.playbooks.samples import access, anomaly_window, edge, gap, reports, scope, weighed
from tests.playbooks.stories import COLD, HANGS

LOOKED = anomaly_window(edge(), scope())


def mixed(quick: float, late: float) -> AccessLog:
    both = access("500", quick, p50=40), access("504", late, p50=29_000)
    return replace(both[0], answers=(*both[0].answers, *both[1].answers))


@pytest.mark.parametrize(
    ("quick", "late", "against"),
    [(180, 0, True), (150, 30, True), (140, 40, False), (0, 180, False)],
)
def test_answers_that_came_at_once_waited_for_nothing(
    quick: float, late: float, against: bool
) -> None:
    found = list(rivals.waited_for_nothing(LOOKED, mixed(quick, late), reports()))
    assert [clue.holds for clue in found] == ([False] if against else [])


@pytest.mark.parametrize(("p50", "against"), [(14_400, True), (14_600, False)])
def test_half_the_deadline_is_long_before_it(p50: float, against: bool) -> None:
    found = list(rivals.waited_for_nothing(LOOKED, access("500", 180, p50=p50), reports()))
    assert bool(found) is against


def test_the_functions_own_timeout_may_come_first() -> None:
    answers = access("502", 180, p50=2_900)
    assert list(rivals.waited_for_nothing(LOOKED, answers, reports(timeout=60)))
    assert not list(rivals.waited_for_nothing(LOOKED, answers, reports(timeout=3)))


def test_without_latencies_nothing_is_said() -> None:
    silent = replace(access("500", 180, p50=None), fields=frozenset({"response_type"}))
    for unknown in (silent, access("500", 180, p50=None), gap("access"), None):
        assert not list(rivals.waited_for_nothing(LOOKED, unknown, reports()))
    assert not list(rivals.waited_for_nothing(LOOKED, access("500", 180, p50=40), gap("reports")))


def test_errors_at_once_are_no_cold_starts_and_no_timeouts() -> None:
    quick = {"access": access("500", 700, p50=40)}
    assert weighed(COLD)["cold-start-surge"].status is CauseStatus.SUPPORTED
    assert weighed(COLD | quick)["cold-start-surge"].status is CauseStatus.REFUTED
    assert weighed(HANGS)["function-timeout"].status is CauseStatus.SUPPORTED
    assert weighed(HANGS | quick)["function-timeout"].status is CauseStatus.REFUTED
