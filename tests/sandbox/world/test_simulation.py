"""The simulation as a whole: deterministic, bounded, quick, and honest about its alarm."""

from __future__ import annotations

import re
import threading
from datetime import timedelta

import pytest

from sandbox.world import FrozenClock, RunningClock, ScenarioError, Simulation, parse
from sandbox.world.api import World
from sandbox.world.variation import vary
from tests.sandbox.world.playing import FILES, FOLDER, Play, failed, recent, scenario, shared


@pytest.mark.parametrize("name", [file.stem for file in FILES])
def test_every_scenario_starts_its_alarm_and_hurts(name: str) -> None:
    world = shared(name)
    world_as_contract: World = world
    (post,) = [p for p in world.transitions() if p.alarm.starts and p.state == "ALARM"]
    assert post.metric in set(world_as_contract.metrics())
    lead = timedelta(seconds=world.scenario.lead)
    assert lead <= world.now() - post.time < lead + timedelta(seconds=61)
    if not {"nothing-wrong", "over"} & {*world.scenario.expect.verdicts}:
        assert failed(recent(world)) / 2 > failed(recent(world, minutes=30, ago=30)) / 30
    assert abs(world._offset(post.time)) < 180
    assert re.fullmatch(
        r"Threshold Crossed: \d+ out of the last \d+ datapoints "
        r"\[\S+ \(14/03/26 \d\d:\d\d:00\).*\] "
        r"were (?:greater|less) than (?:or equal to )?the threshold \(\d+\.\d+\) "
        r"\(minimum \d+ datapoints for OK -> ALARM transition\)\.",
        post.reason,
    )


def test_the_same_seed_is_the_same_world_whatever_is_asked_first() -> None:
    one, other = Play("5xx-bad-deployment", 3), Play("5xx-bad-deployment", 3)
    one.simulation.metrics()
    one.wait(2)
    one.simulation.metrics()
    one.wait(2)
    other.wait(4)
    assert recent(one.simulation, minutes=200) == recent(other.simulation, minutes=200)
    assert one.simulation.transitions() == other.simulation.transitions()


def test_seeds_are_variants() -> None:
    story = scenario("5xx-cold-starts-in-a-surge")
    drawn = [vary(story, seed) for seed in range(1, 200)]
    assert len(set(drawn)) == len(drawn)
    assert all(0.90 <= v.level <= 1.15 and 0.90 <= v.surge <= 1.15 for v in drawn)
    assert all(0.88 <= v.strength <= 1.12 and 0.94 <= v.durations <= 1.08 for v in drawn)
    assert all(abs(v.shift) <= 60 for v in drawn)
    assert vary(story, 0) == vary(scenario("5xx-bad-deployment"), 0)


def test_records_are_few_and_stand_for_every_request() -> None:
    world = shared("5xx-cold-starts-in-a-surge")
    for ago in (0.0, 30.0, 90.0):
        requests = recent(world, minutes=1, ago=ago)
        assert len(requests) <= 170
        assert sum(r.weight for r in requests) > 700
        assert all(r.weight > 0 for r in requests)


def test_time_runs_at_its_speed() -> None:
    ticks = iter([100.0, 100.0, 103.0])
    clock = RunningClock(speed=10, monotonic=lambda: next(ticks))
    start = clock.now()
    assert clock.now() - start == timedelta(seconds=30)
    with pytest.raises(ValueError, match="above 0"):
        RunningClock(speed=0)
    with pytest.raises(ValueError, match="does not go back"):
        FrozenClock().advance(-1)


def test_nothing_comes_from_the_future() -> None:
    play = Play("5xx-cold-starts-in-a-surge")
    world, now = play.simulation, play.clock.now()
    later = now + timedelta(hours=1)
    for group in world.log_groups():
        rows = [*world.log_rows(group, now - timedelta(minutes=3), later)]
        assert rows
        assert all(row.timestamp < now.timestamp() * 1000 for row in rows)
    for metric in world.metrics():
        minutes = world.minutes(metric, now - timedelta(minutes=3), later)
        assert all(minute.time + timedelta(minutes=1) <= now for minute in minutes)
    assert all(event.time <= now for event in world.trail())


def test_threads_see_one_world() -> None:
    play = Play("5xx-bad-deployment")
    play.wait(10)
    counts: list[int] = []

    def read() -> None:
        counts.append(sum(r.weight for r in recent(play.simulation, minutes=10)))

    threads = [threading.Thread(target=read) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(counts)) == 1


def test_changes_are_in_the_trail() -> None:
    events = {event.name: event for event in shared("5xx-security-group-closed").trail()}
    revoked = events["RevokeSecurityGroupIngress"]
    assert revoked.actor == "cleanup-script"
    assert revoked.resources == (("AWS::EC2::SecurityGroup", "sg-0d94c1e2f3a4b5c6d"),)
    moved = shared("5xx-bad-alias-move").trail()
    assert [(event.name, event.request.get("functionVersion")) for event in moved] == [
        ("UpdateAlias20150331", "31"),
        ("AuthorizeSecurityGroupIngress", None),
        ("UpdateAlias20150331", "32"),
    ]


def test_faults_are_passed_on() -> None:
    (fault,) = shared("5xx-logs-denied").faults()
    assert (fault.operation, fault.kind) == ("logs:StartQuery", "deny")


def _changed(name: str, old: str, new: str) -> str:
    text = (FOLDER / f"{name}.yaml").read_text()
    assert old in text
    return text.replace(old, new)


def test_an_alarm_that_never_goes_is_an_error_that_says_how_far_it_was() -> None:
    story = parse(_changed("5xx-bad-deployment", "threshold: 0.05", "threshold: 0.9"))
    with pytest.raises(ScenarioError, match=r"never goes .* and its highest minute is 0\.\d+"):
        Simulation(story, 0, FrozenClock())


def test_an_alarm_within_normal_behaviour_is_an_error() -> None:
    story = parse(_changed("5xx-few-errors-in-a-surge", "threshold: 13", "threshold: 2"))
    with pytest.raises(ScenarioError, match="already, before the story"):
        Simulation(story, 0, FrozenClock())
