"""Calls that Lambda throttled, and which limit it was."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.report import Cause, CauseStatus, Clue, ClueKind, Verdict
from playbooks.probes.changes import Unread
from playbooks.probes.functions import Limits
from playbooks.probes.metrics import TimeSeries
from tests.playbooks.samples import (
    NOTHING_SPECIAL,
    access,
    changes,
    counts,
    edge,
    gap,
    series,
    verdict,
    weighed,
)
from tests.playbooks.samples import reports as report_lines
from tests.playbooks.stories import SURGE, THROTTLED

UNRESERVED = Limits(reserved=None, account=10_000, unreserved=9_900)


def limit_clue(evidence: dict[str, object]) -> Clue:
    """What the cause says of the limits."""
    clues = weighed(evidence)["concurrency-limit"].clues
    (found,) = [clue for clue in clues if "executions" in clue.text and "at once" in clue.text]
    return found


def throttled_cause(evidence: dict[str, object]) -> Cause:
    return weighed(evidence)["concurrency-limit"]


def test_throttles_are_enough_without_the_functions_log() -> None:
    """What never ran did not start cold, nor hang."""
    assert verdict(THROTTLED | {"reports": gap("reports")}) == (Verdict.HIGH, "concurrency-limit")


def test_missing_metrics_are_not_zero_throttles() -> None:
    empty = replace(counts(), invocations=TimeSeries(), errors=TimeSeries(), throttles=TimeSeries())
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
    assert throttled_cause(evidence).status is CauseStatus.SUPPORTED


def test_the_functions_own_peak_is_not_the_accounts() -> None:
    limits = {"limits": Limits(reserved=None, account=1000, unreserved=900)}
    unmeasured = replace(counts(throttles=(0, 700), concurrency=(5, 1000)), unreserved=TimeSeries())
    assert limit_clue(THROTTLED | limits | {"counts": unmeasured}).holds is None
    near = counts(throttles=(0, 700), concurrency=(5, 890))
    limit = limit_clue(THROTTLED | limits | {"counts": near})
    assert limit.holds
    assert "890 executions at once of 900 left to all functions" in limit.text


def test_throttled_far_below_every_limit_is_not_at_the_limit() -> None:
    """600 of 10,000: Lambda throttled, and nothing that is measured says why."""
    low = counts(invocations=(900, 2900), throttles=(0, 700), concurrency=(400, 600))
    evidence = THROTTLED | {"counts": low, "limits": UNRESERVED}
    limit = limit_clue(evidence)
    assert (limit.kind, limit.holds) == (ClueKind.CONTRADICTING, True)
    assert "600 executions at once of 9,900" in limit.text
    found, cause = verdict(evidence)
    assert (found is Verdict.HIGH, cause) == (False, "concurrency-limit")


def test_the_accounts_concurrency_is_what_is_claimed_of_it() -> None:
    """Reserved and provisioned executions count in full, though nobody runs them."""
    full = counts(
        invocations=(900, 2900), throttles=(0, 700), concurrency=(5, 600), claimed=(9_000, 9_990)
    )
    evidence = THROTTLED | {"counts": full, "limits": UNRESERVED}
    assert "the account's concurrency was reached: 9,990" in limit_clue(evidence).text
    assert verdict(evidence) == (Verdict.HIGH, "concurrency-limit")
    room = replace(full, claimed=series(2_000, 4_000))
    assert limit_clue(evidence | {"counts": room}).kind is ClueKind.CONTRADICTING


@pytest.mark.parametrize(("peak", "quicker"), [(2_600, True), (900, False)])
def test_more_at_once_than_lambda_starts_in_ten_seconds(peak: float, quicker: bool) -> None:
    steep = counts(invocations=(900, 2900), throttles=(0, 700), concurrency=(100, peak))
    evidence = THROTTLED | {"counts": steep, "limits": UNRESERVED}
    assert ("more quickly than Lambda starts" in limit_clue(evidence).text) is quicker
    assert (verdict(evidence)[0] is Verdict.HIGH) is quicker


def test_limits_that_were_not_read_leave_the_cause_and_take_its_certainty() -> None:
    assert verdict(THROTTLED | {"limits": gap("limits")}) == (Verdict.MEDIUM, "concurrency-limit")


def test_changes_that_were_not_read_blunt_nothing_of_it() -> None:
    failed = gap("changes")
    unread = changes(unread=(Unread("CloudTrail", failed.reason, failed.detail, "x:Y"),))
    assert throttled_cause(THROTTLED | {"changes": unread}) == throttled_cause(THROTTLED)


def test_lambdas_own_429_is_told_by_either_status() -> None:
    log = access("500", 700, p50=20)
    for field in ("integration_status", "invoke_status"):
        told = replace(
            log,
            fields=frozenset({field}),
            answers=tuple(replace(each, **{field: "429"}) for each in log.answers),
        )
        clues = throttled_cause(THROTTLED | {"access": told}).clues
        assert any("answered 429 to 100 %" in clue.text and clue.holds for clue in clues)


def test_a_function_that_gets_a_part_of_the_requests_does_not_explain_the_errors_of_all() -> None:
    """All 60 calls of a rarely called function are throttled; 700 requests fail."""
    rare = counts(invocations=(60, 0.0), throttles=(0, 60), concurrency=(5, 50))
    evidence = THROTTLED | {"edge": SURGE, "counts": rare}
    assert throttled_cause(evidence).status is not CauseStatus.SUPPORTED
