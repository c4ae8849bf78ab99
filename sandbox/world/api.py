"""What the simulated world tells the AWS endpoint, and what the endpoint tells the world.

Two rooms meet here. `sandbox.world` plays a scenario: requests, logs, metrics, changes, alarms.
`sandbox.aws` answers AWS API calls from it. Everything is in *world time* (UTC); the world's clock
may run faster than the wall's. State that an API call can change and that the simulation reacts to
(alias versions, provisioned concurrency, task definitions…) is a *lever*: a string key with a
history, so that a change made at 03:12 shows in the requests from 03:12 on and not before. The
keys are in `levers` of each kind of resource (`sandbox.world.kinds`) and of its changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from sandbox.insights import Row

LeverValue = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class MetricId:
    """A CloudWatch metric: dimensions are sorted pairs and match exactly, as in AWS."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Minute:
    """What was published for one metric in one minute: each value stands for `weight` samples."""

    time: datetime
    values: tuple[float, ...]
    weights: tuple[float, ...]
    unit: str = "None"


@dataclass(frozen=True, slots=True)
class TrailEvent:
    """One CloudTrail management event (LookupEvents)."""

    time: datetime
    source: str  # "lambda.amazonaws.com"
    name: str  # "UpdateAlias20150331"
    actor: str  # user or role session name
    resources: tuple[tuple[str, str], ...] = ()  # (resource type, resource name)
    request: Mapping[str, object] = field(default_factory=dict)
    response: Mapping[str, object] | None = None
    error_code: str | None = None
    user_agent: str = ""
    event_id: str = ""
    invoked_by: str | None = None  # the AWS service that made the call: "ecs.amazonaws.com"
    region: str | None = None  # where it is looked up; None: the account's region
    lag: float = 0.0  # seconds until LookupEvents shows it


@dataclass(frozen=True, slots=True)
class Notice:
    """What a service wrote of itself: an RDS event, an event of an ECS service, a stopped task."""

    time: datetime
    source: str  # "rds", "ecs", "ecs-task"
    subject: str  # the instance's or service's name
    message: str
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TargetState:
    """One registered target as DescribeTargetHealth shows it."""

    target_id: str
    port: int
    zone: str
    state: str = "healthy"  # healthy | unhealthy | initial | draining | unused | unavailable
    reason: str | None = None  # "Target.Timeout"
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of an alarm's state."""

    time: datetime
    state: str  # OK | ALARM | INSUFFICIENT_DATA
    reason: str
    reason_data: str


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault the endpoint plays on API calls: `operation` is an IAM-style pattern
    ("logs:StartQuery", "codedeploy:*"); `kind` is deny | throttle | timeout | latency |
    server_error | malformed."""

    operation: str
    kind: str
    share: float = 1.0
    latency_ms: int = 0


class World(Protocol):
    """A scenario being played."""

    def now(self) -> datetime:
        """World time."""
        ...

    def metrics(self) -> Sequence[MetricId]:
        """Every metric that has ever had a datapoint."""
        ...

    def minutes(self, metric: MetricId, start: datetime, end: datetime) -> Sequence[Minute]:
        """Complete minutes in [start, end), oldest first; minutes without data are absent."""
        ...

    def log_groups(self) -> Sequence[str]: ...

    def log_rows(self, group: str, start: datetime, end: datetime) -> Iterable[Row]: ...

    def trail(self) -> Sequence[TrailEvent]:
        """Management events so far, oldest first, the endpoint's own writes included."""
        ...

    def record(self, event: TrailEvent) -> None:
        """The endpoint made a change on a caller's behalf."""
        ...

    def notices(self, source: str) -> Sequence[Notice]:
        """What a service ("rds", "ecs", "ecs-task") wrote so far, oldest first."""
        ...

    def lever(self, key: str, at: datetime | None = None) -> LeverValue:
        """The lever's value now, or at a time; None when it was never set."""
        ...

    def pull(self, key: str, value: LeverValue) -> None:
        """Set a lever from now on."""
        ...

    def targets(self, target_group: str) -> Sequence[TargetState]: ...

    def alarm_history(self, alarm: str) -> Sequence[Transition]: ...

    def faults(self) -> Sequence[Fault]: ...
