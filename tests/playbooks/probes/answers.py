"""Answers of AWS that several tests of probes use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from bot.domain.errors import ReadFailed
from bot.domain.report import GapReason
from tests.playbooks.aws_stub import Answers
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


class Published(Answers):
    """An account in which CloudWatch publishes `metrics`, and nothing else.

    By metric, statistic and the values of some of its dimensions, as in "Errors Sum web": values by
    minute. What is not given has no points.
    """

    def __init__(self, metrics: Mapping[str, Mapping[float, float]], **replies: Any) -> None:
        super().__init__(**replies)
        self.replies = replies
        self._metrics = {frozenset(key.split()): points for key, points in metrics.items()}

    @property
    def metrics_asked(self) -> list[dict[str, Any]]:
        """Every metric asked for, with its statistic and the dimensions as a mapping."""
        return [
            {
                "name": stat["Metric"]["MetricName"],
                "stat": stat["Stat"],
                "namespace": stat["Metric"]["Namespace"],
                "dimensions": {
                    each["Name"]: each["Value"] for each in stat["Metric"]["Dimensions"]
                },
            }
            for name, sent in self.sent
            if name == "cloudwatch.get_metric_data"
            for query in sent["MetricDataQueries"]
            for stat in (query["MetricStat"],)
        ]

    def pages(
        self, service: str, operation: str, /, *, region: str | None = None, **params: Any
    ) -> Iterator[dict[str, Any]]:
        if operation != "get_metric_data":
            yield from super().pages(service, operation, region=region, **params)
            return
        self.sent.append((f"{service}.{operation}", params))
        yield {"MetricDataResults": [self._result(each) for each in params["MetricDataQueries"]]}

    def _result(self, query: dict[str, Any]) -> dict[str, Any]:
        metric, stat = query["MetricStat"]["Metric"], query["MetricStat"]["Stat"]
        words = {metric["MetricName"], stat, *(each["Value"] for each in metric["Dimensions"])}
        fitting = [points for key, points in self._metrics.items() if key <= words]
        points = fitting[0] if fitting else {}
        return {
            "Id": query["Id"],
            "Timestamps": [minute(at) for at in points],
            "Values": list(points.values()),
            "StatusCode": "Complete",
        }


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
