"""REPORT lines of Lambda."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from bot.domain.errors import ReadFailed
from bot.domain.playbook_contract import Scope
from bot.domain.report import GapReason
from playbooks.probes import lambda_reports
from tests.playbooks.probes.answers import AT, DENIED, REST_RESOURCES, Published
from tests.playbooks.samples import minute, scope
from tests.sandbox.insights.events import event, table

JSON_LOGS = {"LoggingConfig": {"LogFormat": "JSON"}}


def test_the_report_query_asks_for_the_deadline_and_the_timeout() -> None:
    asked = str(lambda_reports.report_query(29.0, 10.0, {}))
    assert "floor((init + ran) / 29000)" in asked
    assert "floor(ran / 9999)" in asked
    structured = str(lambda_reports.report_query(30.0, 60.0, JSON_LOGS))
    assert 'type = "platform.report"' in structured
    assert "record.metrics.initDurationMs" in structured


def test_a_restore_is_a_start() -> None:
    """SnapStart reports a Restore Duration and no Init Duration."""
    snap = {"SnapStart": {"ApplyOn": "PublishedVersions"}}
    assert "coalesce(@initDuration, restored, 0)" in str(lambda_reports.report_query(29, 60, snap))
    structured = str(lambda_reports.report_query(29, 60, snap | JSON_LOGS))
    assert "record.metrics.restoreDurationMs" in structured
    assert "estore" not in str(lambda_reports.report_query(29, 60, {}))


STOPPED = "INIT_REPORT Init Duration: 9999.79 ms\tPhase: init\tStatus: timeout"
STOPPED_AGAIN = "INIT_REPORT Init Duration: 29190.00 ms\tPhase: invoke\tStatus: timeout"


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        (STOPPED, True),
        (STOPPED_AGAIN, False),  # of the same request
        ("INIT_REPORT Init Duration: 900.00 ms\tPhase: init\tStatus: error", False),
        ("INIT_REPORT Init Duration: 900.00 ms\tPhase: init", False),
    ],
)
def test_one_request_has_one_stopped_init(line: str, kept: bool) -> None:
    condition = str(lambda_reports.report_query(29, 60, {})).split(" | ")[0]
    assert bool(selected(condition, line)) is kept


@pytest.mark.parametrize(
    ("record", "kept"),
    [
        ({"phase": "init", "status": "timeout", "initializationType": "on-demand"}, True),
        ({"status": "timeout"}, True),
        ({"phase": "invoke", "status": "timeout"}, False),
        (
            {"phase": "init", "status": "timeout", "initializationType": "provisioned-concurrency"},
            False,
        ),
        ({"phase": "init", "status": "success"}, False),
    ],
)
def test_inits_in_json(record: dict[str, str], kept: bool) -> None:
    condition = str(lambda_reports.report_query(29, 60, JSON_LOGS)).split(" | ")[0]
    line = json.dumps({"type": "platform.initReport", "record": record})
    assert bool(selected(condition, line)) is kept


def selected(condition: str, line: str) -> list[dict[str, str]]:
    """What Insights leaves of one line, by the sandbox's reading of its language."""
    return table(f"{condition} | display @message", [event(line)])


def report_aws(
    settings: dict[str, object] | None = None,
    metrics: dict[str, dict[float, float]] | None = None,
    **more: object,
) -> Published:
    row = {"t": "2026-03-14 03:07:00.000", "n": "9", "cold": "1", "stopped": "0", "late": "4"}
    stopped = {"t": "2026-03-14 03:07:00.000", "n": "3", "cold": "0", "stopped": "1"}
    replies: dict[str, object] = {
        "get_resources": REST_RESOURCES,
        "get_function_configuration": {"Timeout": 60, "MemorySize": 512} | (settings or {}),
        "list_provisioned_concurrency_configs": {"ProvisionedConcurrencyConfigs": []},
        **insights(row, stopped),
    }
    return Published(metrics or {"Invocations": {-3: 9.0}}, **(replies | more))


def insights(*rows: dict[str, str]) -> dict[str, object]:
    results = [[{"field": k, "value": v} for k, v in each.items()] for each in rows]
    return {
        "start_query": {"queryId": "q"},
        "get_query_results": {"status": "Complete", "results": results},
    }


def read(aws: Published, looked: Scope | None = None) -> lambda_reports.Reports:
    found = lambda_reports.ReportsProbe().read(aws, looked or scope())
    assert found is not None
    return found


def test_reports_by_minute() -> None:
    found = read(report_aws())
    assert (found.deadline, found.deadline_assumed, found.timeout) == (29.0, False, 60.0)
    assert [(row.cold, row.count, row.slow) for row in found.rows] == [(True, 9.0, 4.0)]
    assert found.init_timeouts == {AT: 3.0}
    assert found.coverage.complete


def test_finished_and_timed_out_requests_are_apart() -> None:
    same = {"t": "2026-03-14 03:07:00.000", "cold": "0", "stopped": "0"}
    aws = report_aws(
        **insights(
            same
            | {"n": "40", "timed": "0", "ended": "0", "failed": "0", "p50": "180", "p99": "900"},
            same
            | {
                "n": "60",
                "timed": "1",
                "ended": "60",
                "failed": "60",
                "p50": "60000",
                "p99": "60000",
            },
        )
    )
    tally = read(aws).tally(minute(-10), minute(10))
    assert (tally.total, tally.timed_out, tally.finished) == (100, 60, 40)
    assert (tally.warm_p50, tally.warm_p99) == (180, 900)
    assert tally.missed_warm == 60


def test_where_all_time_out_no_duration_is_known() -> None:
    row = {"t": "2026-03-14 03:07:00.000", "cold": "0", "stopped": "0", "n": "60", "timed": "1"}
    aws = report_aws(**insights(row | {"ended": "60", "failed": "60", "p50": "60000"}))
    assert read(aws).tally(minute(-10), minute(10)).warm_p50 is None


@pytest.mark.parametrize(
    ("invocations", "complete"), [(9.0, True), (10.0, True), (11.0, False), (900.0, False)]
)
def test_fewer_lines_than_invocations_are_a_sample(invocations: float, complete: bool) -> None:
    found = read(report_aws(metrics={"Invocations": {-3: invocations}}))
    assert found.coverage.complete is complete
    assert found.kept == pytest.approx(9 / invocations)


def test_the_newest_minutes_are_not_compared() -> None:
    """Invocations are counted at their start, lines are written at the end."""
    found = read(report_aws(metrics={"Invocations": {-3: 9.0, 10: 500.0, 11: 500.0}}))
    assert found.kept == 1.0


def test_without_the_metric_it_is_not_known_how_many_lines_are_missing() -> None:
    class WithoutMetrics(Published):
        def pages(self, service: str, operation: str, /, **params: Any) -> Iterator[dict[str, Any]]:
            if operation == "get_metric_data":
                raise DENIED
            return super().pages(service, operation, **params)

    aws = report_aws()
    blind = WithoutMetrics({}, **aws.replies)
    found = read(blind)
    assert found.rows
    assert "how many invocations of checkout have no REPORT line" in found.coverage.missing[0]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (
            {"LoggingConfig": {"LogFormat": "JSON", "SystemLogLevel": "WARN"}},
            "at system level WARN",
        ),
        ({"LoggingConfig": {"LogFormat": "JSON", "SystemLogLevel": "INFO"}}, None),
        ({"LoggingConfig": {"LogFormat": "Text", "SystemLogLevel": "WARN"}}, None),
        ({"CapacityProviderConfig": {"x": 1}}, "report no cold starts"),
    ],
)
def test_settings_that_make_lines_say_less(settings: dict[str, object], says: str | None) -> None:
    missing = " ".join(read(report_aws(settings)).coverage.missing)
    assert (says is None and not missing) or (says is not None and says in missing)


def test_an_init_of_a_provisioned_environment_kept_nobody_waiting() -> None:
    ready = {
        "ProvisionedConcurrencyConfigs": [
            {
                "FunctionArn": "arn:aws:lambda:us-east-1:1:function:checkout:PROD",
                "RequestedProvisionedConcurrentExecutions": 5,
            }
        ]
    }
    provisioned = {"list_provisioned_concurrency_configs": ready}
    quiet = read(report_aws(**provisioned)).tally(minute(-10), minute(10))
    assert (quiet.cold, quiet.warm, quiet.missed, quiet.hidden_cold) == (0, 9, 0, 0)
    spilled = {"Invocations": {-3: 9.0}, "ProvisionedConcurrencySpilloverInvocations": {-3: 4.0}}
    waited = read(report_aws(metrics=spilled, **provisioned)).tally(minute(-10), minute(10))
    assert (waited.cold, waited.hidden_cold) == (9, 3)
    denied = read(report_aws(list_provisioned_concurrency_configs=DENIED))
    assert denied.tally(minute(-10), minute(10)).cold == 9
    assert "provisioned environments was not read" in denied.coverage.missing[0]


def test_the_log_format_decides_the_fields() -> None:
    aws = report_aws(JSON_LOGS)
    read(aws)
    (started,) = [sent for name, sent in aws.sent if name == "logs.start_query"]
    assert "platform.report" in started["queryString"]


def test_the_log_group_is_the_one_of_the_settings() -> None:
    aws = report_aws({"LoggingConfig": {"LogGroup": "/shop/all"}})
    assert read(aws).group == "/shop/all"
    (started,) = [sent for name, sent in aws.sent if name == "logs.start_query"]
    assert started["logGroupNames"] == ["/shop/all"]
    assert r"filter @logStream like /\/checkout\[/" in started["queryString"]


def test_a_log_beyond_the_budget_is_read_in_part_and_that_is_said() -> None:
    """Lines and invocations are compared in the minutes that were read."""
    incoming = dict.fromkeys(range(-120, 12), 1024.0**3)
    metrics = {"IncomingBytes": incoming, "Invocations": dict.fromkeys(range(-120, 12), 9.0)}
    aws = report_aws(metrics=metrics)
    aws.allowance = 20 * 1024**3
    found = read(aws)
    (started,) = [sent for name, sent in aws.sent if name == "logs.start_query"]
    assert started["startTime"] == int(minute(-8).timestamp())
    assert found.invocations is not None
    assert min(found.invocations.points) == minute(-8)
    assert "of /aws/lambda/checkout only what came after 03:02 UTC was read" in str(found.coverage)


def test_without_the_integration_the_default_deadline_is_named_as_such() -> None:
    denied = ReadFailed(GapReason.DENIED, "no", "apigateway:GET")
    found = lambda_reports.ReportsProbe().read(report_aws(get_resources=denied), scope())
    assert found is not None
    assert (found.deadline, found.deadline_assumed) == (29.0, True)


def test_a_read_that_fails_is_not_swallowed() -> None:
    denied = ReadFailed(GapReason.DENIED, "no", "lambda:GetFunctionConfiguration")
    with pytest.raises(ReadFailed):
        lambda_reports.ReportsProbe().read(report_aws(get_function_configuration=denied), scope())


def test_lines_by_version() -> None:
    same = {"t": "2026-03-14 03:07:00.000", "cold": "0", "stopped": "0", "timed": "0"}
    rows = [same | {"n": n, "stream_version": v} for n, v in (("70", "41"), ("20", "42"))]
    found = read(report_aws(**insights(*rows, same | {"n": "9"})))
    assert [row.version for row in found.rows] == ["41", "42", None]
    totals = [found.tally(minute(-10), minute(10), version).total for version in ("41", "42", None)]
    assert totals == [70, 20, 99]
    assert "stream_version" in str(lambda_reports.report_query(29.0, 10.0, {}))
