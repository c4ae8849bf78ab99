"""Releases of every kind: what is new serves its share, and only what is new fails."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.world import FrozenClock, Simulation
from tests.sandbox.world.playing import failing, read, recent, share
from tests.sandbox.world.stories import REST, TASKS, world

BAD = {"kind": "errors", "share": 1, "exception": "KeyError", "message": "'x'", "status": 500}


def on_version(version: int) -> dict[str, Any]:
    return {
        **BAD,
        "status": None,
        "while": [{"function": "f", "alias": "PROD", "version": version}],
    }


def on_tasks(task_definition: str) -> dict[str, Any]:
    return {**BAD, "while": [{"ecs": "web", "task_definition": task_definition}]}


def test_a_canary_fails_only_in_its_version() -> None:
    change = {"kind": "alias", "at": -180, "function": "f", "alias": "PROD", "version": 2}
    now = world(REST, [on_version(2)], [{**change, "weight": "20%"}])
    requests = recent(now)
    calls = [r for r in requests if r.call]
    failed = {r.call.version for r in calls if r.call and r.call.failed}
    well = {r.call.version for r in calls if r.call and not r.call.failed}
    assert (failed, well) == ({"2"}, {"1"})
    assert 0.15 < failing(requests) < 0.25
    place = {"FunctionName": "f", "Resource": "f:PROD"}
    for version, errors in (("1", 0.0), ("2", 1.0)):
        measured = read(now, "AWS/Lambda", "Errors", "Average", ExecutedVersion=version, **place)
        assert measured == errors
    assert now.trail()[0].request["routingConfig"] == {"additionalVersionWeights": {"2": 0.2}}


def test_a_whole_alias_move_ends_the_canary() -> None:
    canary = {"kind": "alias", "at": -300, "function": "f", "alias": "PROD", "version": 2}
    now = world(REST, [], [{**canary, "weight": "20%"}, {**canary, "at": -120}])
    assert {r.call.version for r in recent(now) if r.call} == {"2"}


def test_a_codedeploy_canary_has_its_share_until_it_completes() -> None:
    groups = [{"application": "app", "group": "g", "function": "f", "alias": "PROD"}]
    change = {
        "kind": "codedeploy",
        "at": -240,
        "application": "app",
        "group": "g",
        "revision": "r2",
        "previous": "r1",
        "version": 2,
        "canary": "10%",
        "takes": "5m",
    }
    now = world({**REST, "codedeploy": groups}, [on_version(2)], [change], lead=240)
    canary = recent(now, minutes=2, ago=4)
    assert 0.05 < failing(canary) < 0.16
    assert failing(recent(now, minutes=1)) == 1.0
    assert now.lever("lambda/f/weights/PROD") is None


def test_a_rolling_rollout_fails_on_new_tasks_only() -> None:
    change = {"kind": "ecs", "service": "web", "task_definition": "web:2", "rolling": True}
    now = world(TASKS, [on_tasks("web:2")], [{**change, "at": -240, "takes": "20m"}])
    requests = recent(now, minutes=1)
    bad = {r.hop.target for r in requests if r.status == 500 and r.hop}
    good = {r.hop.target for r in requests if r.status == 200 and r.hop}
    assert bad
    assert good
    assert not bad & good
    assert now.lever("ecs/main/web/task_definition") == "web:1"
    assert failing(recent(now, minutes=1, ago=6)) == 0.0


def test_a_circuit_breaker_brings_the_old_task_definition_back() -> None:
    change = {"kind": "ecs", "service": "web", "task_definition": "web:2", "rolls_back": True}
    now = world(TASKS, [on_tasks("web:2")], [{**change, "at": -180, "takes": "4m"}])
    assert 0.1 < failing(recent(now, minutes=2, ago=2)) < 0.9
    assert failing(recent(now, minutes=0.5)) == 0.0
    assert now.lever("ecs/main/web/task_definition") == "web:1"
    assert any("rolling back" in notice.message for notice in now.notices("ecs"))


def test_a_forced_deployment_pulls_what_the_tag_stands_for() -> None:
    effect = {**BAD, "while": [{"lever": "ecs/main/web/image", "equals": "b7"}]}
    change = {"kind": "ecs", "at": -180, "service": "web", "force": True, "image": "b7"}
    now = world(TASKS, [effect], [change])
    assert failing(recent(now, minutes=1)) == 1.0
    assert failing(recent(now, minutes=1, ago=6)) == 0.0
    (event,) = now.trail()
    assert event.request["forceNewDeployment"] is True
    assert "taskDefinition" not in event.request


def test_code_that_is_uploaded_serves_where_no_version_is_called() -> None:
    latest = {**REST, "api": {"name": "a", "function": "f"}}
    effect = {**BAD, "status": None, "while": [{"lever": "lambda/f/code", "equals": "c2"}]}
    now = world(
        latest, [effect], [{"kind": "function_code", "at": -120, "function": "f", "code": "c2"}]
    )
    requests = recent(now)
    assert failing(requests) == 1.0
    assert {r.call.version for r in requests if r.call} == {"$LATEST"}
    assert now.trail()[0].name == "UpdateFunctionCode20150331v2"


@pytest.fixture
def blue_green() -> dict[str, Any]:
    groups = [{"name": "blue", "targets": 2}, {"name": "green", "targets": 2}]
    balancer = {"name": "lb", "zones": ["a", "b"], "target_groups": groups}
    return {"load_balancer": {**balancer, "forward": {"blue": 1, "green": 0}}}


def of(now: Simulation, group: str, name: str, stat: str = "Sum") -> float | None:
    balancer = now.resources.load_balancer
    assert balancer is not None
    found = next(each for each in balancer.target_groups if each.name == group)
    place = {"LoadBalancer": balancer.dimension, "TargetGroup": found.dimension}
    return read(now, "AWS/ApplicationELB", name, stat, minutes=2, **place)


def test_a_switch_of_the_listener_moves_the_traffic(blue_green: dict[str, Any]) -> None:
    effect = {**BAD, "backends": ["green"]}
    change = {"kind": "listener", "at": -120, "forward": {"blue": 1, "green": 3}}
    now = world(blue_green, [effect], [change])
    assert 0.68 < failing(recent(now)) < 0.82
    served = of(now, "green", "HTTPCode_Target_5XX_Count")
    assert served is not None
    assert served == of(now, "green", "RequestCount")
    assert of(now, "blue", "HTTPCode_Target_5XX_Count") is None
    (event,) = now.trail()
    assert event.name == "ModifyListener"


def test_undoing_the_switch_ends_it(blue_green: dict[str, Any]) -> None:
    clock = FrozenClock()
    change = {"kind": "listener", "at": -120, "forward": {"green": 1}}
    now = world(blue_green, [{**BAD, "backends": ["green"]}], [change], clock=clock)
    assert failing(recent(now)) == 1.0
    now.pull("elb/lb/forward", json.dumps({"blue": 1}))
    clock.advance(90)
    assert failing(recent(now, minutes=1)) == 0.0


def test_paths_go_to_their_own_functions() -> None:
    resources = {
        "api": {
            "name": "a",
            "function": "f",
            "qualifier": "PROD",
            "routes": [{"paths": ["POST /pay"], "function": "pay"}],
        },
        "functions": [*REST["functions"], {"name": "pay"}],
    }
    paths = {"GET /": 3, "POST /pay": 1}
    now = world(resources, [{**BAD, "status": None, "backends": ["pay"]}], paths=paths)
    requests = recent(now)
    assert {r.caller.path for r in requests if r.status == 502} == {"/pay"}
    assert 0.2 < failing(requests) < 0.3
    for name, errors in (("f", 0.0), ("pay", 1.0)):
        assert read(now, "AWS/Lambda", "Errors", "Average", FunctionName=name) == errors
    own = [
        read(now, "AWS/Lambda", "Invocations", "Sum", FunctionName=name) for name in ("f", "pay")
    ]
    whole = read(now, "AWS/Lambda", "Invocations", "Sum")
    assert whole == sum(value or 0.0 for value in own)
    assert share(requests, lambda r: bool(r.call and r.call.function == "pay")) < 0.3


def test_another_teams_target_group_fails_alone() -> None:
    groups = [{"name": "ours", "targets": 2}, {"name": "theirs", "targets": 2}]
    rules = [{"paths": ["GET /theirs"], "forward": {"theirs": 1}}]
    resources = {"load_balancer": {"name": "lb", "target_groups": groups, "rules": rules}}
    down = {"kind": "connection_errors", "share": 1, "how": "refused", "backends": ["theirs"]}
    now = world(resources, [{**down, "from": -120}], paths={"GET /ours": 1, "GET /theirs": 1})
    refused = of(now, "theirs", "TargetConnectionErrorCount")
    assert refused is not None
    assert refused == of(now, "theirs", "RequestCount")
    assert of(now, "ours", "TargetConnectionErrorCount") is None
    assert of(now, "ours", "HealthyHostCount", "Minimum") == 2.0
    assert of(now, "theirs", "HealthyHostCount", "Minimum") == 0.0  # their checks fail as well
