"""The exception that is logged most."""

from __future__ import annotations

from dataclasses import replace

import pytest

from playbooks.evidence.exceptions import leading_exception
from playbooks.probes.exceptions import Exceptions, Raised
from tests.playbooks.samples import (
    ABNORMAL,
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


def raised(*writers: tuple[str | None, str | None, float]) -> Exceptions:
    """Lines a minute of one class in the anomaly, by owner and version."""
    rows = [
        Raised(minute(at), "KeyError", version, n, owner=owner)
        for at in ABNORMAL
        for owner, version, n in writers
    ]
    return Exceptions(("/shop/all",), "", minute(-120), tuple(rows))


@pytest.mark.parametrize(
    ("writers", "owner", "version"),
    [
        ([("checkout", "42", 9)], "checkout", "42"),
        ([("checkout", "42", 8), ("mailer", "7", 2)], "checkout", "42"),
        ([("checkout", "42", 7), ("mailer", "7", 3)], None, None),
        ([("checkout", "42", 5), ("checkout", "41", 5)], "checkout", None),
        # two functions have a version of that number
        ([("checkout", "42", 5), ("mailer", "42", 5)], None, None),
        ([(None, "42", 9)], None, "42"),
        ([("web", None, 9)], "web", None),
    ],
)
def test_who_wrote_nearly_all_lines(
    writers: list[tuple[str | None, str | None, float]], owner: str | None, version: str | None
) -> None:
    top = leading_exception(raised(*writers), anomaly_window(edge(), scope()), None)
    assert top is not None
    assert (top.owner, top.version) == (owner, version)
