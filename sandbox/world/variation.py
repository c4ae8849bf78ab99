"""Seeds: how one story becomes several real variants of itself.

Seed 0 plays a scenario as written. Any other seed draws, once and from the seed alone:

    traffic level      x 0.90 to 1.15
    a surge's height   (factor - 1) x 0.90 to 1.15
    effect shares      x 0.88 to 1.12, never above 1
    durations          x 0.94 to 1.08 (warm, init, first call)
    onset              the whole disturbance (surges, effects, changes) moves by up to 60 s

and of course every request anew. Capacity, limits and thresholds stay as written.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from sandbox.world.normal import Normal, Spread
from sandbox.world.schema import Scenario


@dataclass(frozen=True, slots=True)
class Variation:
    """Multipliers of one seed."""

    level: float = 1.0
    surge: float = 1.0
    strength: float = 1.0
    durations: float = 1.0
    shift: float = 0.0  # seconds

    def spread(self, spread: Spread, limit: float = float("inf")) -> Spread:
        """The spread with its durations scaled, capped at `limit` seconds."""
        p99 = min(spread.p99 * self.durations, limit)
        return Spread(p50=min(spread.p50 * self.durations, p99), p99=p99)

    def normal(self, normal: Normal) -> Normal:
        """Normal behaviour with scaled durations; Lambda ends an init phase at 10 s."""
        first = normal.first_call
        return normal.model_copy(
            update={
                "warm": self.spread(normal.warm),
                "init": self.spread(normal.init, limit=9.95),
                "first_call": self.spread(first) if first else None,
            }
        )


def vary(scenario: Scenario, seed: int) -> Variation:
    """The variation of a seed; seed 0 is the scenario as written."""
    if seed == 0:
        return Variation()
    rng = Random(f"variation/{scenario.title}/{seed}")
    return Variation(
        level=rng.uniform(0.90, 1.15),
        surge=rng.uniform(0.90, 1.15),
        strength=rng.uniform(0.88, 1.12),
        durations=rng.uniform(0.94, 1.08),
        shift=float(round(rng.uniform(-60.0, 60.0))),
    )
