"""How many errors the code itself answered."""

from __future__ import annotations

from dataclasses import replace

from playbooks.evidence import errors
from tests.playbooks.samples import (
    access,
    anomaly_window,
    balancer,
    counts,
    edge,
    gap,
    scope,
    series,
)
from tests.playbooks.samples import reports as report_lines


def test_timeouts_that_cannot_be_taken_off_are_not_said_to_be() -> None:
    looked = anomaly_window(edge(), scope())
    failing = counts(errors=(0, 180))
    for unread in (gap("reports"), None, replace(report_lines(), rows=())):
        assert errors.raised_errors(failing, unread, looked) is None
        few = errors.raised_errors(counts(errors=(0, 9)), unread, looked)
        assert few is not None
        assert few.counted_as == "errors of the function, timeouts among them"
    known = errors.raised_errors(failing, report_lines(timed_warm=180, missed_warm=180), looked)
    assert known is not None
    assert (known.share, known.counted_as) == (0.0, "errors of the function, timeouts not counted")


def test_what_an_api_answered_itself_is_not_its_targets() -> None:
    """The balancer behind the API counts the two errors a minute that it always counts."""
    looked = anomaly_window(edge(), scope())
    background = replace(balancer(targets=2), targets=series(2, 2))
    assert errors.errors_of_targets(background, looked) == 0.0
    refused = access("500", 180, response_type="AUTHORIZER_CONFIGURATION_ERROR")
    found = errors.code_errors(None, None, refused, background, looked)
    assert found is not None
    assert found.share == 0.0
    assert errors.errors_of_targets(balancer(targets=180), looked) == 1.0
    assert errors.errors_of_targets(balancer(targets=45), looked) == 0.25
