"""Answers of AWS that several tests of probes use."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.domain.errors import ReadFailed
from bot.domain.report import GapReason
from tests.playbooks.samples import minute

AT = datetime(2026, 3, 14, 3, 7, tzinfo=UTC)


def result(identity: str, *values: float, status: str = "Complete") -> dict[str, object]:
    return {
        "Id": identity,
        "Label": identity,
        "Timestamps": [AT.replace(minute=i) for i in range(len(values))],
        "Values": list(values),
        "StatusCode": status,
    }


def metric_answer(asked: dict[int, tuple[float, float]], number: int) -> dict[str, object]:
    """GetMetricData of `number` metrics; those given have a value in the baseline and one now."""
    times = [minute(-30), minute(0)]
    results = [
        {"Id": f"m{i}", "Timestamps": times if i in asked else [], "Values": list(asked.get(i, ()))}
        for i in range(number)
    ]
    return {"MetricDataResults": results}


REST_RESOURCES = {
    "items": [
        {"id": "root", "path": "/"},
        {
            "id": "abc123",
            "path": "/checkout",
            "resourceMethods": {
                "POST": {
                    "httpMethod": "POST",
                    "methodIntegration": {
                        "type": "AWS_PROXY",
                        "httpMethod": "POST",
                        "uri": "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/"
                        "arn:aws:lambda:us-east-1:123456789012:function:checkout:PROD/invocations",
                        "timeoutInMillis": 29000,
                    },
                },
                "OPTIONS": {"httpMethod": "OPTIONS", "methodIntegration": {"type": "MOCK"}},
            },
        },
    ]
}


def resources_calling(*functions: str) -> dict[str, object]:
    """A page of GetResources with one method for each function."""
    uri = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{}/invocations"
    return {
        "items": [
            {"resourceMethods": {"GET": {"methodIntegration": {"uri": uri.format(ARN + name)}}}}
            for name in functions
        ]
    }


DENIED = ReadFailed(GapReason.DENIED, "apigateway:GET: no", "apigateway:GET")


ARN = "arn:aws:lambda:us-east-1:123456789012:function:"
