"""Calls that Lambda throttled."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.report import CauseStatus, Verdict
from playbooks.probes.functions import Limits
from playbooks.probes.metrics import TimeSeries
from tests.playbooks.samples import NOTHING_SPECIAL, counts, edge, gap, series, verdict, weighed
from tests.playbooks.samples import reports as report_lines
from tests.playbooks.stories import THROTTLED


def test_throttles_are_enough_without_the_functions_log() -> None:
    """What never ran did not start cold, nor hang."""
    assert verdict(THROTTLED | {"reports": gap("reports")}) == (Verdict.HIGH, "concurrency-limit")


def test_missing_metrics_are_not_zero_throttles() -> None:
    silent = counts()
    published = [name for name in silent.__slots__ if isinstance(getattr(silent, name), TimeSeries)]
    empty = replace(silent, **dict.fromkeys(published, TimeSeries()))
    clues = weighed(NOTHING_SPECIAL | {"counts": empty})["concurrency-limit"].clues
    assert [clue.holds for clue in clues] == [None, None]


def test_a_function_that_is_refused_every_call_has_no_invocations() -> None:
    """Reserved concurrency of 0: Lambda counts throttles and nothing else."""
    refused = replace(counts(throttles=(0, 900)), invocations=series(900, None))
    evidence = THROTTLED | {
        "edge": edge(errors=(0, 900)),
        "counts": refused,
        "limits": Limits(reserved=0, account=1000, unreserved=1000),
        "reports": report_lines(cold=(2, 0), warm=(898, 0)),
    }
    assert weighed(evidence)["concurrency-limit"].status is CauseStatus.SUPPORTED


def test_the_functions_own_peak_is_not_the_accounts() -> None:
    unmeasured = replace(counts(throttles=(0, 700), concurrency=(5, 1000)), unreserved=TimeSeries())
    evidence = THROTTLED | {
        "counts": unmeasured,
        "limits": Limits(reserved=None, account=1000, unreserved=900),
    }
    clues = weighed(evidence)["concurrency-limit"].clues
    (limit,) = [clue for clue in clues if "executions" in clue.text]
    assert limit.holds is None
    evidence["counts"] = counts(throttles=(0, 700), concurrency=(5, 890))
    (limit,) = [c for c in weighed(evidence)["concurrency-limit"].clues if "executions" in c.text]
    assert limit.holds
    assert "890 executions at once of 900 left to all functions" in limit.text
