"""What goes wrong in a scenario, by mechanism: the `effects` section.

An effect says what happens *inside* the service; the simulation derives what AWS would show. All
times are relative to the alarm. A `while` condition ties an effect to a lever, so that undoing what
caused it ends it. A new kind of effect is a class here, a line in `Effect`, and its mechanism in
`service.py` (what it does to the service) or `tick.py` (what it does to a request).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from sandbox.world.resources import Part, Seconds


def share(value: object) -> object:
    """ "25%" as 0.25; numbers pass. Raises ValueError."""
    if not isinstance(value, str):
        return value
    number, percent, rest = value.strip().partition("%")
    try:
        if not rest:
            return float(number) / (100.0 if percent else 1.0)
    except ValueError:
        pass
    raise ValueError(f"{value!r} is not a share; write for example 0.25 or 25%")


Share = Annotated[
    float, BeforeValidator(share, json_schema_input_type=float | str), Field(ge=0.0, le=1.0)
]
"""A part of the whole: 0.25 (or "25%") is a quarter."""


class Condition(Part):
    """True while a lever has a value. Name the lever by what it is, or by its key."""

    function: str | None = None
    alias: str | None = None
    version: str | None = None
    ecs: str | None = None
    task_definition: str | None = None
    codedeploy: str | None = None  # "application/group"
    revision: str | None = None
    not_shifted_from: str | None = None  # zone suffix: true until traffic is shifted away from it
    lever: str | None = None
    equals: str | int | float | bool | None = None
    above: float | None = None
    below: float | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Condition:
        forms = {
            "function, alias, version": (self.function, self.alias, self.version),
            "ecs, task_definition": (self.ecs, self.task_definition),
            "codedeploy, revision": (self.codedeploy, self.revision),
            "not_shifted_from": (self.not_shifted_from,),
        }
        tests = [self.equals is not None, self.above is not None, self.below is not None]
        used = [name for name, values in forms.items() if any(v is not None for v in values)]
        if self.lever is not None:
            used.append("lever")
        if len(used) != 1:
            raise ValueError(
                "a condition has exactly one form: function+alias+version, ecs+task_definition, "
                "codedeploy+revision, not_shifted_from, or lever with equals, above or below"
            )
        if used == ["lever"]:
            if sum(tests) != 1:
                raise ValueError("a lever condition needs one of: equals, above, below")
        elif any(tests):
            raise ValueError("equals, above and below belong to a condition with `lever`")
        elif any(value is None for value in forms[used[0]]):
            raise ValueError(f"this condition needs all of: {used[0]}")
        return self


class BaseEffect(Part):
    """Keys every effect has. It is active in [from, until) while all `while` conditions hold."""

    start: Seconds = Field(default=float("-inf"), alias="from")
    until: Seconds = float("inf")
    conditions: tuple[Condition, ...] = Field(default=(), alias="while")

    @model_validator(mode="after")
    def _ordered(self) -> BaseEffect:
        if self.until <= self.start:
            raise ValueError("`until` must be later than `from`")
        return self


class FilteredEffect(BaseEffect):
    """An effect on a share of the requests of some callers: all given filters must match."""

    share: Share
    user_agents: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()  # suffixes; behind a load balancer only


class ColdStarts(BaseEffect):
    """Requests meet no warm execution environment.

    With `share`: this part of the requests that provisioned concurrency does not cover. Without:
    only the mechanism decides (a surge needs more environments than are warm), and `churn` is the
    part of new environments that are gone before they serve a second request, which is what keeps
    a burst cold for minutes instead of seconds.
    """

    kind: Literal["cold_starts"]
    share: Share | None = None
    churn: Share = 0.0


class Overload(BaseEffect):
    """The backend does not keep up: warm durations multiply with the request rate.

    At or below 70 % of `capacity` (requests a minute) nothing happens; at twice the capacity
    durations are `slowdown` times as long; linear between and beyond. Provisioned concurrency does
    not help: it lets more requests in at once and counts as up to 30 % more load.
    """

    kind: Literal["overload"]
    capacity: float = Field(gt=0)
    slowdown: float = Field(default=8.0, gt=1)
    database: str | None = None  # whose CPU, connections and latency follow the load


class Errors(FilteredEffect):
    """Code fails. `status` null: an unhandled exception; a number: the code answers it itself."""

    kind: Literal["errors"]
    exception: str = "RuntimeError"
    message: str = "unexpected error"
    status: int | None = Field(default=None, ge=400, le=599)
    takes: Seconds = Field(default=0.02, gt=0)


class Hang(FilteredEffect):
    """A dependency never answers: the request runs into the function's or target's timeout."""

    kind: Literal["hang"]
    dependency: str = "dependency"


class Throttle(FilteredEffect):
    """Lambda refuses invocations. Needed only to force it: limits throttle by themselves."""

    kind: Literal["throttle"]


class TargetsDown(BaseEffect):
    """Targets of a target group are out of service.

    While others are healthy the balancer avoids them. When all are unhealthy but registered it
    fails open and sends to them all the same; with `deregistered` none is in service and it answers
    503 itself.
    """

    kind: Literal["targets_down"]
    target_group: str
    targets: int | Literal["all"] = "all"
    reason: Literal["Target.Timeout", "Target.ResponseCodeMismatch", "Target.FailedHealthChecks"]
    deregistered: bool = False


class ConnectionErrors(FilteredEffect):
    """The balancer cannot open connections to targets: refused -> 502, timeout (10 s) -> 504."""

    kind: Literal["connection_errors"]
    how: Literal["refused", "timeout"] = "timeout"


class ZoneFailure(BaseEffect):
    """One availability zone fails: `share` of its requests; ends when traffic is shifted away."""

    kind: Literal["zone_failure"]
    zone: str  # suffix
    share: Share = 0.7
    status: Literal[500, 502, 503, 504] = 504


class DbSlow(BaseEffect):
    """A database answers slowly: durations multiply by `slowdown`, its latency metrics follow."""

    kind: Literal["db_slow"]
    database: str
    slowdown: float = Field(gt=1)


class StatusShare(FilteredEffect):
    """A share of requests is answered with a status, by the gateway itself or by the backend."""

    kind: Literal["status_share"]
    status: int = Field(ge=400, le=599)
    by: Literal["gateway", "backend"] = "backend"
    response_type: str | None = None  # gateway: ACCESS_DENIED, THROTTLED…


Effect = Annotated[
    ColdStarts
    | Overload
    | Errors
    | Hang
    | Throttle
    | TargetsDown
    | ConnectionErrors
    | ZoneFailure
    | DbSlow
    | StatusShare,
    Field(discriminator="kind"),
]
