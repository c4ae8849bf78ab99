"""A world of plain values: what a test says is so, is so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sandbox.insights import Row
from sandbox.world.api import (
    Fault,
    LeverValue,
    MetricId,
    Minute,
    Notice,
    TargetState,
    TrailEvent,
    Transition,
)
from sandbox.world.kinds import Resources, initial_levers

NOW = datetime(2026, 3, 14, 3, 14, 15, tzinfo=UTC)


@dataclass
class PlainWorld:
    """Implements `sandbox.world.api.World`; its clock stands still until moved."""

    resources: Resources
    time: datetime = NOW
    data: dict[MetricId, list[Minute]] = field(default_factory=dict)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    events: list[TrailEvent] = field(default_factory=list)
    health: dict[str, list[TargetState]] = field(default_factory=dict)
    transitions: dict[str, list[Transition]] = field(default_factory=dict)
    active_faults: list[Fault] = field(default_factory=list)
    told: list[Notice] = field(default_factory=list)
    pulls: list[tuple[datetime, str, LeverValue]] = field(default_factory=list)

    def __post_init__(self) -> None:
        early = datetime(2020, 1, 1, tzinfo=UTC)
        self.levers: list[tuple[datetime, str, LeverValue]] = [
            (early, key, value) for key, value in initial_levers(self.resources).items()
        ]

    def wait(self, seconds: float) -> None:
        """Let world time pass."""
        self.time += timedelta(seconds=seconds)

    def publish(self, metric: MetricId, *values: float, unit: str = "None") -> None:
        """One value a minute, the last one in the last complete minute."""
        last = self.time.replace(second=0, microsecond=0) - timedelta(minutes=1)
        first = last - timedelta(minutes=len(values) - 1)
        self.data[metric] = [
            Minute(first + timedelta(minutes=index), (value,), (1.0,), unit)
            for index, value in enumerate(values)
        ]

    def set_lever(self, key: str, value: LeverValue, at: datetime) -> None:
        """The scenario changes something."""
        self.levers.append((at, key, value))
        self.levers.sort(key=lambda item: item[0])

    # -- World

    def now(self) -> datetime:
        return self.time

    def metrics(self) -> Sequence[MetricId]:
        return list(self.data)

    def minutes(self, metric: MetricId, start: datetime, end: datetime) -> Sequence[Minute]:
        return [minute for minute in self.data.get(metric, []) if start <= minute.time < end]

    def log_groups(self) -> Sequence[str]:
        return list(self.rows)

    def log_rows(self, group: str, start: datetime, end: datetime) -> Iterable[Row]:
        low, high = start.timestamp() * 1000, end.timestamp() * 1000
        return [row for row in self.rows[group] if low <= row.timestamp < high]

    def trail(self) -> Sequence[TrailEvent]:
        return sorted(self.events, key=lambda event: event.time)

    def record(self, event: TrailEvent) -> None:
        self.events.append(event)

    def lever(self, key: str, at: datetime | None = None) -> LeverValue:
        when = at or self.time
        values = [value for time, name, value in self.levers if name == key and time <= when]
        return values[-1] if values else None

    def pull(self, key: str, value: LeverValue) -> None:
        self.pulls.append((self.time, key, value))
        self.set_lever(key, value, self.time)

    def notices(self, source: str) -> Sequence[Notice]:
        return [notice for notice in self.told if notice.source == source]

    def targets(self, target_group: str) -> Sequence[TargetState]:
        return self.health.get(target_group, [])

    def alarm_history(self, alarm: str) -> Sequence[Transition]:
        return self.transitions.get(alarm, [])

    def faults(self) -> Sequence[Fault]:
        return self.active_faults
