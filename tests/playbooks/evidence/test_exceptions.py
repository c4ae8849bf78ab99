"""The exception that is logged most."""

from __future__ import annotations

from dataclasses import replace

import pytest

from playbooks.evidence.exceptions import leading_exception
from tests.playbooks.samples import (
    ONSET,
    anomaly_window,
    decisive,
    edge,
    exceptions,
    minute,
    scope,
    weighed,
)
from tests.playbooks.stories import DEPLOYED


@pytest.mark.parametrize(
    ("since", "rose"), [(-120, True), (-30, True), (-10, None), (ONSET, None), (60, None)]
)
def test_an_exception_is_new_only_against_minutes_that_were_read(
    since: int, rose: bool | None
) -> None:
    seen = exceptions("KeyError", 180, version="42", since=minute(since))
    top = leading_exception(seen, anomaly_window(edge(), scope()), None)
    assert top is not None
    assert top.rose is rose
    holds = decisive(weighed(DEPLOYED | {"exceptions": seen})["bad-deployment"].clues)
    assert holds == [rose]


def test_the_usual_is_counted_over_what_was_read() -> None:
    """Twenty minutes of baseline with as many exceptions as now."""
    part = exceptions("KeyError", 180, usual=180, since=minute(-37))
    part = replace(part, raised=tuple(r for r in part.raised if r.at >= part.since))
    top = leading_exception(part, anomaly_window(edge(), scope()), None)
    assert top is not None
    assert top.rose is False
