"""How a service behaves on a good day: the `normal` section."""

from __future__ import annotations

from pydantic import Field, model_validator

from sandbox.world.parts import Part, Seconds, Share


class Spread(Part):
    """A distribution of durations by its median and 99th percentile (log-normal)."""

    p50: Seconds = Field(gt=0)
    p99: Seconds = Field(gt=0)

    @model_validator(mode="after")
    def _ordered(self) -> Spread:
        if self.p99 < self.p50:
            raise ValueError("p99 must not be below p50")
        return self


class Normal(Part):
    """How the service behaves on a good day."""

    warm: Spread = Spread(p50=0.08, p99=0.4)  # handler (or target) time of a request
    init: Spread = Spread(p50=0.9, p99=1.8)  # Lambda init phase; AWS ends it at 10 s
    first_call: Spread | None = None  # handler time of an environment's first request
    errors: Share = 0.0005  # share answered 500 all the time
    exception: str = "UpstreamError"
    message: str = "payment provider answered 500"
    cpu: float = Field(default=30.0, ge=0, le=100)  # percent, of ECS tasks and databases
    keep_warm: Seconds = Field(default=420.0, gt=0)  # an idle environment is kept this long

    @model_validator(mode="after")
    def _init_limit(self) -> Normal:
        if self.init.p50 >= 10.0:
            raise ValueError(
                "init.p50 must be below 10s: Lambda ends the init phase at 10 s; what the first "
                "request does beyond it belongs in `first_call`"
            )
        return self
