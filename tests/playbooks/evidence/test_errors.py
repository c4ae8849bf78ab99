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
        assert few.counted_as == "the function's own errors, with timeouts,"
    known = errors.raised_errors(failing, report_lines(timed_warm=180, missed_warm=180), looked)
    assert known is not None
    assert (known.share, known.counted_as) == (0.0, "the function's own errors, without timeouts,")


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


NOTHING_ELSE = frozenset[str]()


def test_timeouts_of_an_http_api_are_503_like_other_failures() -> None:
    looked = anomaly_window(edge(), scope())
    bare = replace(access("503", 180, p50=None), kind="http", fields=NOTHING_ELSE)
    assert errors.timeouts(None, bare, looked, 30.0) is None
    assert errors.timeouts(None, replace(bare, kind="rest"), looked, 30.0) == 0.0
    others = replace(access("500", 180, p50=None), kind="http", fields=NOTHING_ELSE)
    assert errors.timeouts(None, others, looked, 30.0) == 0.0
    late = replace(access("503", 180, p50=30_000), kind="http")
    quick = replace(access("503", 180, p50=12), kind="http")
    assert errors.timeouts(None, late, looked, 30.0) == 1.0
    assert errors.timeouts(None, quick, looked, 30.0) == 0.0


def test_what_lambda_answers_is_not_what_the_code_answers() -> None:
    """Lambda's own status is 200 when the handler returns 500."""
    looked = anomaly_window(edge(), scope())
    of_lambda = access("500", 180)
    of_lambda = replace(
        of_lambda,
        fields=frozenset({"invoke_status"}),
        answers=tuple(replace(each, invoke_status="200") for each in of_lambda.answers),
    )
    assert errors.passed_on(of_lambda, looked, by_lambda=True) is None
    assert errors.code_errors(gap(), None, of_lambda, None, looked) is None
    assert errors.passed_on(of_lambda, looked, by_lambda=False) == 0.0
    of_code = access("500", 180, integration_status="500")
    assert errors.passed_on(of_code, looked, by_lambda=True) == 1.0


def test_by_target_group_the_share_of_timeouts_is_not_known() -> None:
    looked = anomaly_window(edge(), scope())
    codes = {"targets": series(0, 180)}
    assert errors.timeouts(edge(kind="alb", codes=codes), None, looked, 60.0) == 0.0
    of_group = edge(kind="alb", codes=codes, groups=("web",))
    assert errors.timeouts(of_group, None, looked, 60.0) is None


def test_how_many_were_answered_well_before_the_deadline() -> None:
    looked = anomaly_window(edge(), scope())
    quick, late = access("500", 135, p50=40), access("504", 45, p50=29_000)
    both = replace(quick, answers=(*quick.answers, *late.answers))
    assert errors.answered_sooner(both, looked, 29.0) == 0.75
    assert errors.answered_sooner(late, looked, 29.0) == 0.0
    assert errors.answered_sooner(access("500", 9, p50=None), looked, 29.0) is None
    bare = replace(quick, fields=frozenset({"integration_status"}))
    assert errors.answered_sooner(bare, looked, 29.0) is None
    assert errors.answered_sooner(gap(), looked, 29.0) is None


def test_few_errors_of_a_function_say_nothing_while_what_the_api_passed_on_is_unknown() -> None:
    """A 500 that the code returns is no error of the function."""
    looked = anomaly_window(edge(), scope())
    few, many = counts(errors=(0, 2)), counts(errors=(0, 180))
    bare = replace(access("500", 180), fields=frozenset({"latency"}))
    assert errors.code_errors(few, report_lines(), bare, None, looked) is None
    known = errors.code_errors(many, report_lines(), bare, None, looked)
    assert known is not None
    assert known.share == 1.0
    # without an API there is nobody else to answer
    alone = errors.code_errors(few, report_lines(), None, None, looked)
    assert alone is not None
    assert alone.share < 0.02


def test_what_has_no_response_type_the_backend_answered_itself() -> None:
    looked = anomaly_window(edge(), scope())
    typed = frozenset({"response_type"})
    own = replace(access("500", 180), fields=typed)
    assert errors.passed_on(own, looked, by_lambda=True) == 1.0
    gateway = replace(access("504", 180, response_type="INTEGRATION_TIMEOUT"), fields=typed)
    assert errors.passed_on(gateway, looked, by_lambda=True) == 0.0
