"""Targets that are unhealthy, or cannot be connected to."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.report import CauseStatus
from playbooks.probes.metrics import TimeSeries
from tests.playbooks.samples import balancer, weighed
from tests.playbooks.stories import NOBODY, UNREACHABLE


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
