"""How many errors the code itself answered."""

from __future__ import annotations

from dataclasses import replace

from playbooks.evidence import errors
from tests.playbooks.samples import anomaly_window, counts, edge, gap, scope
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
