"""CloudWatch: metric data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from sandbox.aws import metric_math
from sandbox.aws.account import Call
from sandbox.aws.errors import AwsError
from sandbox.aws.metrics import Metrics, Series, check_period
from sandbox.aws.pages import page
from sandbox.aws.registry import Params, Reply, operation
from sandbox.world.api import MetricId

_MOST_POINTS = 100_800


def metric_id(given: Mapping[str, Any]) -> MetricId:
    """The metric that Namespace, MetricName and Dimensions name; dimensions match exactly."""
    pairs = sorted((item["Name"], item["Value"]) for item in given.get("Dimensions", []))
    return MetricId(given["Namespace"], given["MetricName"], tuple(pairs))


def periods(start: datetime, end: datetime, period: int) -> list[datetime]:
    """The periods that [start, end) touches, oldest first."""
    first = int(start.timestamp()) // 60 * 60
    first -= first % period
    return [
        datetime.fromtimestamp(stamp, UTC)
        for stamp in range(first, int(end.timestamp() + 0.999), period)
    ]


@operation("cloudwatch", "GetMetricData")
def get_metric_data(call: Call, params: Params) -> Reply:
    """Statistics and math over metrics, newest first unless told otherwise."""
    start, end = params["StartTime"], params["EndTime"]
    if start >= end:
        raise AwsError("ValidationError", "The parameter StartTime must be less than EndTime.")
    queries = params["MetricDataQueries"]
    if not queries or len(queries) > 500:
        raise AwsError("ValidationError", "MetricDataQueries must hold 1 to 500 queries.")
    evaluated = _Evaluation(call, queries, start, end)
    ascending = params.get("ScanBy") == "TimestampAscending"
    results = []
    for query in queries:
        if not query.get("ReturnData", True):
            continue
        for number, series in enumerate(evaluated.of(query["Id"])):
            times = sorted(series, reverse=not ascending)
            results.append(
                {
                    "Id": query["Id"],
                    "Label": query.get("Label") or _label(query, number),
                    "Timestamps": times,
                    "Values": [series[time] for time in times],
                    "StatusCode": "Complete",
                }
            )
    if not results:
        raise AwsError("ValidationError", "At least one query must have ReturnData set to true.")
    points = sum(len(result["Values"]) for result in results)
    if points > params.get("MaxDatapoints", _MOST_POINTS):
        return _paged(results, params.get("MaxDatapoints", _MOST_POINTS), params.get("NextToken"))
    return {"MetricDataResults": results, "Messages": []}


def _label(query: Mapping[str, Any], number: int) -> str:
    if "MetricStat" in query:
        return str(query["MetricStat"]["Metric"]["MetricName"])
    return str(query["Id"]) + (f" {number + 1}" if number else "")


def _paged(results: list[dict[str, Any]], most: int, token: str | None) -> Reply:
    """At most `most` datapoints: results are cut in order; the rest is on the next page."""
    flat = [
        (number, index)
        for number, result in enumerate(results)
        for index in range(len(result["Values"]))
    ]
    points, following = page(flat, token, most)
    shown = []
    for number, result in enumerate(results):
        mine = [index for owner, index in points if owner == number]
        if mine:
            last = mine[-1] == len(result["Values"]) - 1
            shown.append(
                {
                    **result,
                    "Timestamps": [result["Timestamps"][index] for index in mine],
                    "Values": [result["Values"][index] for index in mine],
                    "StatusCode": "Complete" if last else "PartialData",
                }
            )
    return {"MetricDataResults": shown, "Messages": [], "NextToken": following}


class _Evaluation:
    """The queries of one call, each evaluated once."""

    def __init__(
        self, call: Call, queries: Iterable[Mapping[str, Any]], start: datetime, end: datetime
    ) -> None:
        self._metrics = call.store(Metrics)
        self._queries = {query["Id"]: query for query in queries}
        self._start, self._end = start, end
        self._done: dict[str, list[Series]] = {}
        self._open: list[str] = []

    def of(self, query_id: str) -> list[Series]:
        """The series of a query; an expression may give several."""
        if query_id not in self._done:
            if query_id in self._open:
                raise AwsError(
                    "ValidationError", f"Error in expression '{query_id}': it refers to itself"
                )
            self._open.append(query_id)
            self._done[query_id] = self._evaluate(self._queries[query_id])
            self._open.remove(query_id)
        return self._done[query_id]

    def _evaluate(self, query: Mapping[str, Any]) -> list[Series]:
        if ("MetricStat" in query) == ("Expression" in query):
            raise AwsError(
                "ValidationError",
                f"The query {query['Id']} must have either MetricStat or Expression.",
            )
        if "MetricStat" in query:
            stat = query["MetricStat"]
            check_period(stat["Period"])
            metric = metric_id(stat["Metric"])
            return [
                self._metrics.series(metric, self._start, self._end, stat["Period"], stat["Stat"])
            ]
        return self._expression(query["Id"], query["Expression"])

    def _expression(self, query_id: str, expression: str) -> list[Series]:
        word = expression.lstrip().partition(" ")[0].partition("(")[0].upper()
        if word in ("SELECT", "SEARCH", "ANOMALY_DETECTION_BAND"):
            raise AwsError(
                "ValidationError",
                f"Error in expression '{query_id}': {word} is not supported by this sandbox",
            )
        used = metric_math.names_in(expression) & self._queries.keys()
        plain = [name for name, query in self._queries.items() if "MetricStat" in query]
        needed = [*used, *(plain if "METRICS" in expression else [])]
        series = {name: self.of(name)[0] for name in dict.fromkeys(needed) if self.of(name)}
        period = min((self._period(name) for name in needed), default=60)
        return metric_math.evaluate(
            query_id,
            expression,
            series,
            {name: series[name] for name in plain if name in series},
            periods(self._start, self._end, period),
        )

    def _period(self, query_id: str) -> int:
        query = self._queries[query_id]
        if "MetricStat" in query:
            return int(query["MetricStat"]["Period"])
        names = metric_math.names_in(query["Expression"]) & self._queries.keys()
        return min((self._period(name) for name in names if name != query_id), default=60)
