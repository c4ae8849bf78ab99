"""Levers: state an API call can change and the simulation reacts to, with its history."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Mapping

from sandbox.world.api import LeverValue

_ALWAYS = float("-inf")


class Levers:
    """The value of every lever at every time (seconds relative to the scenario's zero)."""

    def __init__(self, initial: Mapping[str, LeverValue]) -> None:
        """Levers that have always had these values."""
        self._times: dict[str, list[float]] = {}
        self._values: dict[str, list[LeverValue]] = {}
        for key, value in initial.items():
            self.put(key, value, _ALWAYS)

    def put(self, key: str, value: LeverValue, at: float) -> None:
        """The lever has this value from `at` on, until a later `put`."""
        times = self._times.setdefault(key, [])
        index = bisect_right(times, at)
        times.insert(index, at)
        self._values.setdefault(key, []).insert(index, value)

    def get(self, key: str, at: float) -> LeverValue:
        """The value at a time; None when it was never set."""
        index = bisect_right(self._times.get(key, ()), at)
        return self._values[key][index - 1] if index else None

    def field(self, key: str, at: float) -> LeverValue:
        """The value at a time, or the field of a value that is JSON: `elb/GROUP/health_check/path`
        is `path` of `elb/GROUP/health_check`. None when there is neither."""
        parent, _, name = key.rpartition("/")
        if key in self._times or parent not in self._times:
            return self.get(key, at)
        try:
            value: LeverValue = json.loads(str(self.get(parent, at))).get(name)
        except (ValueError, AttributeError):
            return None
        return value

    def since(self, key: str, at: float) -> float:
        """When the value at `at` was set."""
        index = bisect_right(self._times.get(key, ()), at)
        return self._times[key][index - 1] if index else _ALWAYS

    def number(self, key: str, at: float) -> float | None:
        """The value at a time as a number; None when unset or not a number."""
        value = self.get(key, at)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return float(value)
