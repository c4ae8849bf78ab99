"""The simulation: plays a scenario, minute by minute, as far as anybody has asked.

Requests are made once, in ticks, and kept; metrics, logs and alarms are derived from them when they
are asked for. Scenario time is seconds relative to the scenario's zero; world time is what AWS
would say. The two are tied when the simulation is made: "now" on its clock is the moment `lead`
after the starting alarm went.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from sandbox.insights import Row
from sandbox.world import trail
from sandbox.world.alarms import AlarmPost, Watch
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
from sandbox.world.changes import ServiceEvent
from sandbox.world.clock import Clock, RunningClock
from sandbox.world.kinds import Resource, Resources, initial_levers
from sandbox.world.levers import Levers
from sandbox.world.load import ScenarioError
from sandbox.world.logs import Log
from sandbox.world.metrics import Sample, Sheet, put, statistic
from sandbox.world.minute import Gauges, MinuteRecords
from sandbox.world.records import Request
from sandbox.world.schema import Scenario
from sandbox.world.service import TICK, Service
from sandbox.world.tick import play
from sandbox.world.variation import vary

HISTORY = 180  # minutes simulated before the scenario's zero
_EARLIEST, _LATEST = -15, 20  # minutes around zero in which the starting alarm has to go


class Simulation:
    """A scenario being played; implements `sandbox.world.api.World`. Safe for threads."""

    def __init__(
        self,
        scenario: Scenario,
        seed: int = 0,
        clock: Clock | None = None,
        lead: float | None = None,
        latency_ms: int = 0,
    ) -> None:
        """Play `scenario` with `seed` on `clock` (real time by default), from `lead` seconds after
        the alarm; `latency_ms` is added to every AWS call. Raises ScenarioError when the starting
        alarm never goes, or goes far too early.
        """
        self.scenario = scenario
        self.seed = seed
        self.clock = clock or RunningClock()
        self._lock = threading.RLock()
        self._faults = [
            Fault(f.operation, f.kind, f.share, round(f.latency * 1000.0)) for f in scenario.faults
        ]
        if latency_ms:
            self._faults.append(Fault("*", "latency", latency_ms=latency_ms))
        self._variation = vary(scenario, seed)
        self._levers = Levers(initial_levers(scenario.resources))
        self._told: list[tuple[float, ServiceEvent]] = []
        self._schedule()
        name = f"{scenario.title}/{seed}"
        self._service = Service(scenario, self._variation, self._levers, name)
        self._name = name
        self._done = -HISTORY * 60.0  # simulated up to here
        self._minute = -HISTORY  # alarms evaluated up to here
        self._arrived: dict[int, list[Request]] = {}
        self._ended: dict[int, list[Request]] = {}
        self._gauges: dict[int, list[Gauges]] = {}
        self._sheets: dict[int, Sheet] = {}
        self._metrics: dict[MetricId, None] = {}
        self._rows: dict[tuple[str, int], list[Row]] = {}
        self._longest = 60.0  # seconds the longest request took
        self._events: list[TrailEvent] = []
        self._epoch = datetime(2026, 1, 1, tzinfo=UTC)
        self._zero = self._epoch.timestamp()
        self._watches = [Watch(a, scenario.resources, self._at_minute) for a in scenario.alarms]
        offset = self._find_alarm()
        start = self.clock.now()
        wait = scenario.lead if lead is None else lead
        epoch = start - timedelta(seconds=offset + wait)
        self._tie(epoch.replace(second=0, microsecond=0))

    @property
    def resources(self) -> Resources:
        """What stands in the account."""
        return self.scenario.resources

    @property
    def alarm_time(self) -> datetime:
        """When the starting alarm went."""
        return next(post.time for post in self.transitions() if post.alarm.starts)

    def now(self) -> datetime:
        return self.clock.now()

    def metrics(self) -> Sequence[MetricId]:
        with self._lock:
            self._advance()
            for minute in range(-HISTORY, self._complete()):
                self._sheet(minute)
            return [*self._metrics]

    def minutes(self, metric: MetricId, start: datetime, end: datetime) -> Sequence[Minute]:
        with self._lock:
            self._advance()
            first = max(-HISTORY, -int(-self._offset(start) // 60))
            last = min(self._complete(), -int(-self._offset(end) // 60))
            found = []
            for minute in range(first, last):
                if sample := self._sheet(minute).get(metric):
                    found.append(Minute(self._at_minute(minute), *sample))
            return found

    def log_groups(self) -> Sequence[str]:
        return [log.group for log in self._logs]

    def log_rows(self, group: str, start: datetime, end: datetime) -> Iterable[Row]:
        """Rows with start <= timestamp < end, oldest first, none from the future."""
        with self._lock:
            self._advance()
            log = next((log for log in self._logs if log.group == group), None)
            if log is None:
                return []
            until = min(end, self.now())
            low, high = self._stamp(self._offset(start)), self._stamp(self._offset(until))
            first = max(-HISTORY, int((self._offset(start) - self._longest) // 60))
            rows: list[Row] = []
            for minute in range(first, int(self._offset(until) // 60) + 1):
                rows += _between(self._written(log, minute), low, high)
            rows.sort(key=_timestamp)
            return rows

    def trail(self) -> Sequence[TrailEvent]:
        with self._lock:
            now = self.now()
            return sorted((e for e in self._events if e.time <= now), key=lambda e: e.time)

    def record(self, event: TrailEvent) -> None:
        with self._lock:
            late = trail.lag(self.seed, event.event_id, event.name, len(self._events))
            self._events.append(replace(event, lag=late))

    def notices(self, source: str) -> Sequence[Notice]:
        """What a service wrote so far, oldest first."""
        with self._lock:
            self._advance()
            now = self._offset(self.now())
            found = sorted(
                (pair for pair in self._told if pair[0] <= now and pair[1].source == source),
                key=lambda pair: pair[0],
            )
            return [
                Notice(
                    self._epoch + timedelta(seconds=at),
                    told.source,
                    told.subject,
                    told.message,
                    told.details,
                )
                for at, told in found
            ]

    def lever(self, key: str, at: datetime | None = None) -> LeverValue:
        with self._lock:
            return self._levers.get(key, self._offset(at or self.now()))

    def pull(self, key: str, value: LeverValue) -> None:
        with self._lock:
            self._advance()
            self._levers.put(key, value, self._offset(self.now()))

    def targets(self, target_group: str) -> Sequence[TargetState]:
        """The targets' state now; empty for an unknown group."""
        with self._lock:
            self._advance()
            for health in self._service.health:
                if health.group.name == target_group:
                    return [*health.states()]
            balancer = self.resources.load_balancer
            return [
                TargetState(each.target_id, each.port, each.zone, "unavailable", *_UNCHECKED)
                for group in (balancer.target_groups if balancer else ())
                if balancer and group.name == target_group
                for each in balancer.members(self.resources, group)
            ]

    def alarm_history(self, alarm: str) -> Sequence[Transition]:
        with self._lock:
            self._advance()
            now = self.now()
            return [
                one
                for watch in self._watches
                if watch.alarm.name == alarm
                for one in watch.history
                if one.time <= now
            ]

    def transitions(self) -> Sequence[AlarmPost]:
        """Every change of an alarm's state so far, oldest first: what notifications say."""
        with self._lock:
            self._advance()
            now = self.now()
            posts = [post for watch in self._watches for post in watch.posts if post.time <= now]
            return sorted(posts, key=lambda post: post.time)

    def faults(self) -> Sequence[Fault]:
        return self._faults

    def lift_faults(self, operation: str) -> None:
        """End the faults of an operation: of a denied one, somebody granted the permission."""
        self._faults = [each for each in self._faults if each.operation != operation]

    def requests(self, start: datetime, end: datetime) -> Sequence[Request]:
        """The records themselves, by arrival: what really happened. For tests and curiosity."""
        with self._lock:
            self._advance()
            low, high = self._offset(start), self._offset(end)
            return [
                request
                for minute in range(int(low // 60), int(high // 60) + 1)
                for request in self._arrived.get(minute, ())
                if low <= request.time < high
            ]

    def _schedule(self) -> None:
        """Pull the levers at their times: by themselves, and by the scenario's changes."""
        shift = self._variation.shift
        for resource in self.resources.every(Resource):
            for key, at, value in resource.steps():
                self._levers.put(key, value, at + shift)
        for change in self.scenario.changes:
            for key, before in change.before(self.resources).items():
                if self._levers.get(key, float("-inf")) is None:
                    self._levers.put(key, before, float("-inf"))
            for key, delay, value in change.steps(self.resources):
                self._levers.put(key, value, change.at + delay + shift)
            for delay, told in change.notices(self.resources):
                self._told.append((change.at + delay + shift, told))

    def _find_alarm(self) -> float:
        """Simulate until the starting alarm goes; its time. Raises ScenarioError."""
        watch = next(watch for watch in self._watches if watch.alarm.starts)
        for minute in range(-HISTORY + 1, _LATEST + 1):
            self._run(minute * 60.0)
            if watch.state == "ALARM":
                if minute < _EARLIEST:
                    raise ScenarioError(self.scenario.title, [_too_early(watch, minute)])
                return minute * 60.0 + watch.delay
        raise ScenarioError(self.scenario.title, [self._never(watch)])

    def _never(self, watch: Watch) -> str:
        peaks = []
        for minute in range(_EARLIEST, _LATEST):
            if sample := self._sheet(minute).get(watch.metric):
                value = statistic(watch.alarm.statistic, sample[0], sample[1])
                peaks.append(value or 0.0)
        seen = f"its highest minute is {max(peaks):g}" if peaks else "the metric has no data"
        dims = ", ".join(f"{key}={value}" for key, value in watch.metric.dimensions) or "none"
        return (
            f"alarm {watch.alarm.name!r} never goes between -15m and 20m: {watch.alarm.statistic} "
            f"of {watch.metric.namespace} {watch.metric.name} (dimensions: {dims}) has to be "
            f"{watch.alarm.comparison} {watch.alarm.threshold:g} for "
            f"{watch.alarm.evaluation_periods} periods, and {seen}; lower the threshold, or make "
            "the effects stronger"
        )

    def _tie(self, epoch: datetime) -> None:
        """Fix world time: from here on scenario zero is `epoch`."""
        self._epoch = epoch
        self._zero = epoch.timestamp()
        self._logs: list[Log] = [
            log
            for resource in self.resources.every(Resource)
            for log in resource.logs(self.resources, self._stamp)
        ]
        for watch in self._watches:
            watch.restart()
        for minute in range(-HISTORY + 1, self._minute + 1):
            for watch in self._watches:
                watch.evaluate(minute, self._sample)
        for change in self.scenario.changes:
            at = epoch + timedelta(seconds=change.at + self._variation.shift)
            if event := trail.event(self.resources, change, at, self.seed):
                self._events.append(event)

    def _advance(self) -> None:
        self._run(self._offset(self.now()))

    def _run(self, until: float) -> None:
        """Simulate every tick that has ended by `until`, and evaluate alarms at whole minutes."""
        while self._done + TICK <= until:
            requests, gauges = play(self._service, self._done)
            self._told += self._service.events(self._done, gauges.active)
            minute = int(self._done // 60)
            self._arrived.setdefault(minute, []).extend(requests)
            self._gauges.setdefault(minute, []).append(gauges)
            for request in requests:
                self._ended.setdefault(int(request.end // 60), []).append(request)
                for call in request.calls:
                    taken = (call.init or 0.0) + call.duration
                    self._longest = max(self._longest, taken / 1000.0 + TICK)
            self._done += TICK
            while self._minute < int(self._done // 60):
                self._minute += 1
                for watch in self._watches:
                    watch.evaluate(self._minute, self._sample)

    def _complete(self) -> int:
        """The first minute that is not over yet."""
        return int(self._done // 60)

    def _sample(self, metric: MetricId, minute: int) -> Sample | None:
        return self._sheet(minute).get(metric) if minute >= -HISTORY else None

    def _sheet(self, minute: int) -> Sheet:
        if minute not in self._sheets:
            self._sheets[minute] = sheet = self._publish(minute)
            self._metrics.update(dict.fromkeys(sheet))
        return self._sheets[minute]

    def _publish(self, minute: int) -> Sheet:
        """Every metric of a complete minute."""
        records = MinuteRecords(
            start=minute * 60.0,
            arrived=self._arrived.get(minute, ()),
            ended=self._ended.get(minute, ()),
            gauges=self._gauges.get(minute, ()),
            inventory=self.resources,
            normal=self._service.normal,
            levers=self._levers,
            called=self._service.called(minute * 60.0),
            rng=Random(f"{self._name}/compute/{minute}"),
        )
        sheet: Sheet = {}
        for resource in self.resources.every(Resource):
            for published in resource.metrics(records):
                put(sheet, published)
        return sheet

    def _written(self, log: Log, minute: int) -> list[Row]:
        """The rows of the requests that arrived in a minute; kept once the minute is over."""
        key = (log.group, minute)
        if key in self._rows:
            return self._rows[key]
        rows = sorted(log.rows(self._arrived.get(minute, [])), key=_timestamp)
        if minute < self._complete():
            self._rows[key] = rows
        return rows

    def _at_minute(self, minute: int) -> datetime:
        return self._epoch + timedelta(minutes=minute)

    def _offset(self, at: datetime) -> float:
        return (at - self._epoch).total_seconds()

    def _stamp(self, offset: float) -> int:
        return round((self._zero + offset) * 1000.0)


def _timestamp(row: Row) -> int:
    return row.timestamp


def _between(rows: Sequence[Row], low: int, high: int) -> Sequence[Row]:
    first = bisect_left(rows, low, key=_timestamp)
    return rows[first : bisect_left(rows, high, key=_timestamp)]


def _too_early(watch: Watch, minute: int) -> str:
    return (
        f"alarm {watch.alarm.name!r} goes at {minute}m already, before the story: its threshold "
        f"({watch.alarm.threshold:g}) is within normal behaviour; raise it, or make "
        "normal.errors smaller"
    )


# of functions: their target groups have no health checks unless somebody enables them
_UNCHECKED = ("Target.HealthCheckDisabled", "Health checks are not enabled for this target group")
