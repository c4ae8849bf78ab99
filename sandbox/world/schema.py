"""The scenario file: one file, one story.

All times are relative to the alarm ("-12m" is twelve minutes before); durations take a unit
("250ms", "29s", "5m"). `docs/scenarios.md` teaches it; `docs/scenario.schema.json` is generated.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from sandbox.world.conditions import Condition
from sandbox.world.kinds import Change, Effect, Resources
from sandbox.world.normal import Normal
from sandbox.world.parts import Part, Seconds, Share

Weights = Annotated[dict[str, Annotated[float, Field(gt=0)]], Field(min_length=1)]
"""Names and their relative frequency; need not add up to 1."""


class Story(Part):
    """For people: what it looked like to the one who was woken, and what it really was."""

    looked_like: str
    was: str


class Service(Part):
    """The service in the bot's catalogue."""

    name: str
    tier: Literal["critical", "standard", "internal"] = "standard"
    channel: str = "#incidents"


class Surge(Part):
    """More (or less) traffic. `factor` multiplies the rate, from `at` for `lasts`.

    step: at once; ramp: reached linearly after `over`; spike: up within `over`, then straight back
    down until the end of `lasts`. A surge that has lasted falls back within 30 s.
    """

    at: Seconds
    factor: float = Field(gt=0)
    shape: Literal["step", "ramp", "spike"] = "step"
    over: Seconds = Field(default=60.0, gt=0)
    lasts: Seconds = Field(default=1800.0, gt=0)

    @model_validator(mode="after")
    def _fits(self) -> Surge:
        if self.shape != "step" and self.over >= self.lasts:
            raise ValueError("`over` (the rise) must be shorter than `lasts` (the whole surge)")
        return self


class Traffic(Part):
    """Requests: the baseline, what disturbs it, and who sends what."""

    rpm: float = Field(gt=0)  # requests a minute
    noise: Share = 0.05  # standard deviation of a minute's rate, as a share of it
    daily: Share = 0.1  # amplitude of the day's wave; its crest is 6 h after the alarm
    burst: float = Field(default=2.0, ge=1.0)  # peak concurrency over mean concurrency
    surges: tuple[Surge, ...] = ()
    user_agents: Weights = Field(default_factory=lambda: {"Mozilla/5.0": 0.7, "okhttp/4.12.0": 0.3})
    paths: Weights = Field(default_factory=lambda: {"GET /": 1.0})


class Metric(Part):
    """A CloudWatch metric; without `dimensions` those of the scenario's own resource are used."""

    namespace: str
    name: str
    dimensions: dict[str, str] | None = None
    target_group: str | None = None  # AWS/ApplicationELB: of this target group, by its name

    @model_validator(mode="after")
    def _one_place(self) -> Metric:
        if self.target_group is not None and self.dimensions is not None:
            raise ValueError("write either `dimensions` or `target_group`")
        return self


class Alarm(Part):
    """A CloudWatch alarm. Exactly one has `starts: true`: it opens the incident."""

    name: str
    metric: Metric
    statistic: str = Field(
        default="Sum", pattern=r"^(Sum|Average|Maximum|Minimum|SampleCount|p\d{1,2}(\.\d+)?)$"
    )
    threshold: float
    comparison: Literal[">", ">=", "<", "<="] = ">="
    period: Seconds = 60.0
    evaluation_periods: int = Field(default=1, ge=1)
    datapoints_to_alarm: int | None = Field(default=None, ge=1)
    missing: Literal["notBreaching", "breaching", "ignore", "missing"] = "notBreaching"
    description: str = ""
    starts: bool = False

    @model_validator(mode="after")
    def _valid(self) -> Alarm:
        if self.period <= 0 or self.period % 60:
            raise ValueError("period must be a multiple of 60s")
        if self.datapoints_to_alarm and self.datapoints_to_alarm > self.evaluation_periods:
            raise ValueError("datapoints_to_alarm cannot exceed evaluation_periods")
        return self


class FaultSpec(Part):
    """A fault of the AWS API: `operation` is an IAM-style pattern such as "logs:StartQuery"."""

    operation: str = Field(pattern=r"^([a-z0-9-]+:[A-Za-z0-9*]+|\*)$")
    kind: Literal["deny", "throttle", "timeout", "latency", "server_error", "malformed"] = "deny"
    share: Share = 1.0
    latency: Seconds = 0.0

    @model_validator(mode="after")
    def _slow(self) -> FaultSpec:
        if self.kind == "latency" and self.latency <= 0:
            raise ValueError("a latency fault needs `latency`, for example 800ms")
        return self


class Answer(Part):
    """Effects that begin when somebody acts: active while `when` holds."""

    when: Condition
    effects: tuple[Effect, ...] = Field(min_length=1)


Verdict = Literal["high", "medium", "inconclusive", "nothing-wrong", "over"]


class Expect(Part):
    """What the bot should say; `incident score` compares."""

    playbook: str
    verdict: Verdict | tuple[Verdict, ...]
    cause: str | None = None  # null: it should name none
    trigger: str | None = None  # what started it: a cause id, or words of the change
    # ids that must not be the cause it names, that must not be supported, that must be refuted
    not_cause: tuple[str, ...] = ()
    not_: tuple[str, ...] = Field(default=(), alias="not")
    refuted: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()  # permissions it must name as missing
    actions: tuple[str, ...] = ()  # action ids it must offer
    forbidden: tuple[str, ...] = ()  # action ids it must not offer
    rollback_to: str | None = None  # version, revision or task definition of the rollback offered
    by_hand: tuple[str, ...] = ()  # words or commands its advice for people must contain

    @property
    def verdicts(self) -> tuple[str, ...]:
        """The allowed verdicts."""
        return (self.verdict,) if isinstance(self.verdict, str) else self.verdict


class Scenario(Part):
    """One story."""

    title: str
    story: Story
    service: Service
    resources: Resources
    traffic: Traffic
    normal: Normal = Normal()
    effects: tuple[Effect, ...] = ()
    changes: tuple[Change, ...] = ()
    alarms: tuple[Alarm, ...] = Field(min_length=1)
    faults: tuple[FaultSpec, ...] = ()
    answers: tuple[Answer, ...] = ()
    expect: Expect
    lead: Seconds = Field(default=120.0, ge=0)  # play begins this long after the alarm

    @property
    def starting_alarm(self) -> Alarm:
        """The alarm that opens the incident."""
        return next(alarm for alarm in self.alarms if alarm.starts)
