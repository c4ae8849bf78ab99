"""The same failure behind different front doors: the status AWS makes of it."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.world import FrozenClock, Scenario, Simulation
from tests.sandbox.world.playing import recent

FUNCTION = {"name": "f", "timeout": "12s", "versions": ["1"], "aliases": {"PROD": "1"}}
LAMBDA_GROUP = {"name": "tg", "kind": "lambda", "function": "f", "alias": "PROD"}
REST = {"api": {"name": "a", "function": "f", "qualifier": "PROD"}}
HTTP = {"api": {"name": "a", "kind": "http", "function": "f", "qualifier": "PROD"}}
BALANCED = {"load_balancer": {"name": "lb", "target_groups": [LAMBDA_GROUP]}}
TASKS = {"load_balancer": {"name": "lb", "target_groups": [{"name": "tg"}]}}
BEFORE_TASKS = {"api": {"name": "a", "load_balancer": "lb"}, **TASKS}

RAISES = {"kind": "errors", "share": 0.5}
HANDLES = {"kind": "errors", "share": 0.5, "status": 500}
HANGS = {"kind": "hang", "share": 0.5}
THROTTLES = {"kind": "throttle", "share": 0.5}
DENIES = {"kind": "status_share", "share": 0.5, "status": 403, "by": "gateway"}
REFUSES = {"kind": "connection_errors", "share": 0.5, "how": "refused"}


def play(door: dict[str, Any], effect: dict[str, Any], timeout: str = "12s") -> Simulation:
    """Half of the requests meet the effect, from two minutes before the alarm on."""
    space = "AWS/ApiGateway" if "api" in door else "AWS/ApplicationELB"
    count = "Count" if "api" in door else "RequestCount"
    return Simulation(
        Scenario.model_validate(
            {
                "title": f"{[*door]} {effect['kind']}",
                "story": {"looked_like": "", "was": ""},
                "service": {"name": "s"},
                "resources": {**door, "functions": [{**FUNCTION, "timeout": timeout}]},
                "traffic": {
                    "rpm": 300,
                    "noise": 0,
                    "daily": 0,
                    "surges": [{"at": -60, "factor": 2}],
                },
                "normal": {"errors": 0},
                "effects": [{"from": -120, **effect}],
                "alarms": [
                    {
                        "name": "busy",
                        "metric": {"namespace": space, "name": count},
                        "threshold": 450,
                        "starts": True,
                    }
                ],
                "expect": {"playbook": "5xx", "verdict": "high"},
            }
        ),
        clock=FrozenClock(),
    )


@pytest.mark.parametrize(
    ("door", "effect", "timeout", "status"),
    [
        (REST, RAISES, "12s", 502),
        (REST, HANDLES, "12s", 500),
        (REST, HANGS, "12s", 502),
        (REST, HANGS, "60s", 504),
        (REST, THROTTLES, "12s", 500),
        (REST, DENIES, "12s", 403),
        (HTTP, RAISES, "12s", 500),
        (HTTP, HANGS, "60s", 503),
        (HTTP, THROTTLES, "12s", 503),
        (BALANCED, RAISES, "12s", 502),
        (BALANCED, HANGS, "12s", 502),
        (BALANCED, THROTTLES, "12s", 502),
        (BALANCED, HANDLES, "12s", 500),
        (TASKS, RAISES, "12s", 500),
        (TASKS, HANGS, "12s", 504),
        (TASKS, REFUSES, "12s", 502),
        (BEFORE_TASKS, HANGS, "12s", 504),
        (BEFORE_TASKS, RAISES, "12s", 500),
    ],
)
def test_the_status_of_a_failure(
    door: dict[str, Any], effect: dict[str, Any], timeout: str, status: int
) -> None:
    requests = recent(play(door, effect, timeout), minutes=1)
    assert {request.status for request in requests} == {200, status}
    (failed,) = {request.status for request in requests} - {200}
    half = sum(r.weight for r in requests if r.status == failed)
    assert 0.4 < half / sum(r.weight for r in requests) < 0.6


def test_a_gateway_that_gives_up_has_waited_29_seconds() -> None:
    for door in (REST, BEFORE_TASKS):
        requests = recent(play(door, HANGS, "60s"), minutes=1)
        assert {r.integration for r in requests if r.status == 504} == {29_000.0}


def test_what_the_gateway_answers_itself_never_reached_the_function() -> None:
    denied = [r for r in recent(play(REST, DENIES), minutes=1) if r.status == 403]
    assert denied
    assert all(r.integration is None and r.call is None for r in denied)
