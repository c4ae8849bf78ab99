"""REPORT lines of Lambda."""

from __future__ import annotations

import pytest

from bot.domain.errors import ReadFailed
from bot.domain.report import GapReason
from playbooks.probes import lambda_reports
from tests.playbooks.aws_stub import Answers
from tests.playbooks.probes.answers import AT, REST_RESOURCES
from tests.playbooks.samples import scope


def test_the_report_query_asks_for_the_deadline_and_the_timeout() -> None:
    asked = str(lambda_reports.report_query(29.0, 10.0, structured=False))
    assert "floor((init + ran) / 29000)" in asked
    assert "floor(ran / 9999)" in asked
    structured = str(lambda_reports.report_query(30.0, 60.0, structured=True))
    assert 'type = "platform.report"' in structured
    assert "record.metrics.initDurationMs" in structured


def report_aws(log_format: str | None = None, **more: object) -> Answers:
    logging = {"LoggingConfig": {"LogFormat": log_format}} if log_format else {}
    row = {"t": "2026-03-14 03:07:00.000", "n": "9", "cold": "1", "stopped": "0", "late": "4"}
    stopped = {"t": "2026-03-14 03:07:00.000", "n": "3", "cold": "0", "stopped": "1"}
    replies: dict[str, object] = {
        "get_resources": REST_RESOURCES,
        "get_function_configuration": {"Timeout": 60, "MemorySize": 512, **logging},
        "start_query": {"queryId": "q"},
        "get_query_results": {
            "status": "Complete",
            "results": [
                [{"field": k, "value": v} for k, v in each.items()] for each in (row, stopped)
            ],
        },
    }
    return Answers(**(replies | more))


def test_reports_by_minute() -> None:
    found = lambda_reports.ReportsProbe().read(report_aws(), scope())
    assert found is not None
    assert (found.deadline, found.deadline_assumed, found.timeout) == (29.0, False, 60.0)
    assert [(row.cold, row.count, row.slow) for row in found.rows] == [(True, 9.0, 4.0)]
    assert found.init_timeouts == {AT: 3.0}


def test_the_log_format_decides_the_fields() -> None:
    aws = report_aws("JSON")
    lambda_reports.ReportsProbe().read(aws, scope())
    (started,) = [sent for name, sent in aws.sent if name == "logs.start_query"]
    assert "platform.report" in started["queryString"]


def test_without_the_integration_the_default_deadline_is_named_as_such() -> None:
    denied = ReadFailed(GapReason.DENIED, "no", "apigateway:GET")
    found = lambda_reports.ReportsProbe().read(report_aws(get_resources=denied), scope())
    assert found is not None
    assert (found.deadline, found.deadline_assumed) == (29.0, True)


def test_a_read_that_fails_is_not_swallowed() -> None:
    denied = ReadFailed(GapReason.DENIED, "no", "lambda:GetFunctionConfiguration")
    with pytest.raises(ReadFailed):
        lambda_reports.ReportsProbe().read(report_aws(get_function_configuration=denied), scope())
