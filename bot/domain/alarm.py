"""A CloudWatch alarm."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from pydantic import AwareDatetime, Field, model_validator

from bot.domain import metric_math
from bot.domain.base import Frozen

REGION = re.compile(r"(?:us|eu|ap|sa|ca|me|af|il|mx|cn|eusc)(?:-[a-z]+)+-\d{1,2}")
"""The id of an AWS region: "us-east-1"; "eusc-de-east-1" of the European Sovereign Cloud."""

ALARM_ARN = re.compile(r"arn:aws[a-z-]*:cloudwatch:([a-z0-9-]+):(\d+):alarm:(.+)", re.DOTALL)
"""The ARN of an alarm: region, account, name."""

TRAFFIC = frozenset(
    {
        "Count",
        "Invocations",
        "RequestCount",
        "RequestCountPerTarget",
        "Requests",
    }
)
"""Metrics that count all requests. Beside others in an expression they are a condition ("only if
there are ten requests"), not what the alarm is about."""


_WHEN_LOW = frozenset({"LessThanThreshold", "LessThanOrEqualToThreshold", "LessThanLowerThreshold"})


class AlarmState(StrEnum):
    """CloudWatch's names for the states of an alarm."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class AlarmMetric(Frozen):
    """A metric or an expression of an alarm: an entry of `Metrics`.

    A Metrics Insights query has an expression, and the metric it selects.
    """

    id: str = ""
    namespace: str | None = None
    name: str | None = None
    dimensions: dict[str, str] = Field(default_factory=dict)
    statistic: str | None = None  # "Sum", "p95"
    period: int | None = None  # seconds
    account: str | None = None  # None: that of the alarm
    expression: str | None = None
    returned: bool = True

    @property
    def is_traffic(self) -> bool:
        """Whether it counts all requests.

        So does SampleCount of an API's errors (API Gateway developer guide, "API Gateway metrics").
        """
        samples = self.statistic == "SampleCount" and self.namespace == "AWS/ApiGateway"
        return samples or self.name in TRAFFIC


class Alarm(Frozen):
    """A CloudWatch alarm, from a message (name and region only) or from DescribeAlarms (all).

    `namespace`, `metric`, `dimensions`, `statistic`, `period` and `threshold` are those of the
    metric it is about, `about[0]`. They are filled from `metrics`, and `metrics` from them.
    """

    name: str
    region: str
    account: str | None = None
    arn: str | None = None
    state: AlarmState | None = AlarmState.ALARM  # None: the message does not say
    reason: str = ""
    changed_at: AwareDatetime | None = None  # StateTransitionedTimestamp
    metrics: tuple[AlarmMetric, ...] = ()  # all, in AWS's order
    threshold_metric: str | None = None  # id of the band of an alarm on an anomaly
    comparison: str | None = None  # "GreaterThanThreshold"
    compared_with: float | None = None  # what the metric or the expression is compared with
    evaluation_periods: int | None = None
    datapoints_to_alarm: int | None = None  # None: all of `evaluation_periods`
    missing_data: str | None = None  # "breaching", "notBreaching", "ignore", "missing"
    rule: str | None = None  # of a composite alarm
    children: tuple[str, ...] = ()  # of a composite alarm: names, those that triggered it first
    triggering: tuple[str, ...] = ()  # children that were in ALARM when it changed
    child_alarms: tuple[Alarm, ...] = ()  # children that have been read
    namespace: str | None = None
    metric: str | None = None
    dimensions: dict[str, str] = Field(default_factory=dict)
    statistic: str | None = None
    period: int | None = None  # seconds
    threshold: float | None = None  # None for metric math: `compared_with` is the expression's

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, given: Any) -> Any:
        if not isinstance(given, dict) or not (given.get("metrics") or given.get("metric")):
            return given
        if not given.get("metrics"):
            flat = ("namespace", "dimensions", "statistic", "period")
            own = {key: given[key] for key in flat if key in given}
            metric = AlarmMetric(name=given["metric"], **own)
            return {"compared_with": given.get("threshold")} | given | {"metrics": (metric,)}
        metrics = [AlarmMetric.model_validate(each) for each in given["metrics"]]
        found = subjects_of(metrics, given.get("threshold_metric"), given.get("comparison"))
        if not found:
            return given | {"metrics": metrics}
        subject, plain = found[0], not is_math(metrics, given.get("threshold_metric"))
        return (
            {
                "namespace": subject.namespace,
                "metric": subject.name,
                "dimensions": subject.dimensions,
                "statistic": subject.statistic,
                "period": subject.period,
                "threshold": given.get("compared_with") if plain else None,
            }
            | given
            | {"metrics": metrics}
        )

    @property
    def key(self) -> str:
        """Account, region and name: the same for every message about this alarm."""
        return f"{self.account or '-'}:{self.region}:{self.name}"

    @property
    def about(self) -> tuple[AlarmMetric, ...]:
        """The metrics the alarm is about: of a rate, those it counts. Empty when not known."""
        return subjects_of(self.metrics, self.threshold_metric, self.comparison)

    @property
    def is_composite(self) -> bool:
        """Whether it watches other alarms."""
        return bool(self.children or self.rule)

    @property
    def suspects(self) -> tuple[str, ...]:
        """Names of the children that can have brought a composite alarm into ALARM.

        Those known to have triggered it, else those read that are in ALARM, else all.
        """
        if self.triggering:
            return self.triggering
        firing = tuple(child.name for child in self.child_alarms if child.state is AlarmState.ALARM)
        return firing or self.children

    def watched(self) -> Iterator[Alarm]:
        """The alarms on metrics behind it: itself, or of a composite alarm the suspects read."""
        if not self.is_composite:
            yield self
        for child in self.child_alarms:
            if child.name in self.suspects:
                yield from child.watched()


def subjects_of(
    metrics: list[AlarmMetric] | tuple[AlarmMetric, ...],
    band: str | None = None,
    comparison: str | None = None,
) -> tuple[AlarmMetric, ...]:
    """The metrics that the returned value is about, see `metric_math.subjects`.

    Of an alarm on an anomaly it is the metric that is compared with the band.
    """
    low = (comparison or "") in _WHEN_LOW
    known = {each.id: each for each in metrics if each.name}
    expressions = {each.id: each.expression or "" for each in metrics if not each.name}
    found = [
        known[name]
        for returned in _returned(metrics, band)
        for name in metric_math.subjects(returned, expressions, known, when_low=low)
    ]
    return tuple([each for each in found if not each.is_traffic] or found)


def is_math(metrics: list[AlarmMetric] | tuple[AlarmMetric, ...], band: str | None = None) -> bool:
    """Whether the alarm compares the value of an expression, not of a metric."""
    known = {each.id for each in metrics if each.name}
    return any(returned not in known for returned in _returned(metrics, band))


def _returned(
    metrics: list[AlarmMetric] | tuple[AlarmMetric, ...], band: str | None
) -> tuple[str, ...]:
    """The ids of what is compared: what is returned and is not the band."""
    found = tuple(each.id for each in metrics if each.returned and each.id != band)
    return found or tuple(each.id for each in metrics if each.returned)
