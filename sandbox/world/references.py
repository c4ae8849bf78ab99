"""Names in a scenario that must exist somewhere else in it, and claims that cannot hold.

What belongs to one kind of resource is checked by the kind, its effects and its changes.
"""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.world.code_effects import ConnectionPool, Hang, Overload
from sandbox.world.conditions import Condition
from sandbox.world.effects import BaseEffect, FilteredEffect
from sandbox.world.inventory import Inventory
from sandbox.world.kinds import Resource, Resources, kinds
from sandbox.world.kinds.database_changes import known_database
from sandbox.world.kinds.function_base import FunctionBase
from sandbox.world.kinds.target_group import groups
from sandbox.world.parts import Loc, Problem, known
from sandbox.world.schema import Scenario


def reference_problems(scenario: Scenario) -> Iterator[Problem]:
    """Every problem pydantic cannot see, in file order."""
    resources = scenario.resources
    yield from _resources(resources)
    yield from _traffic(scenario)
    for index, effect in enumerate(scenario.effects):
        yield from _effect(scenario, effect, ("effects", index))
    for index, change in enumerate(scenario.changes):
        yield from change.problems(resources, ("changes", index))
    yield from _alarms(scenario)
    for index, answer in enumerate(scenario.answers):
        here: Loc = ("answers", index)
        yield from _condition(resources, answer.when, (*here, "when"))
        for inner, effect in enumerate(answer.effects):
            yield from _effect(scenario, effect, (*here, "effects", inner))


def _resources(resources: Resources) -> Iterator[Problem]:
    if resources.api is None and resources.load_balancer is None:
        yield (
            ("resources",),
            "needs an `api` or a `load_balancer` for the traffic to come through",
        )
    for loc, resource in resources.placed(Resource):
        yield from resource.problems(resources, loc)


def _traffic(scenario: Scenario) -> Iterator[Problem]:
    for path in scenario.traffic.paths:
        method, _, rest = path.partition(" ")
        if not method.isupper() or not rest.startswith("/"):
            yield ("traffic", "paths", path), 'write a method and a path, such as "GET /orders"'


def _effect(scenario: Scenario, effect: BaseEffect, loc: Loc) -> Iterator[Problem]:
    resources = scenario.resources
    for index, condition in enumerate(effect.conditions):
        yield from _condition(resources, condition, (*loc, "while", index))
    if isinstance(effect, FilteredEffect):
        zones = resources.load_balancer.zones if resources.load_balancer else ()
        for key, used, names, section in (
            ("user_agents", effect.user_agents, scenario.traffic.user_agents, "traffic"),
            ("paths", effect.paths, scenario.traffic.paths, "traffic"),
            ("zones", effect.zones, zones, "load_balancer"),
        ):
            for index, name in enumerate(used):
                yield from known((*loc, key, index), key[:-1], name, names, f"{section}.{key}")
    backends = [f.name for f in resources.every(FunctionBase)]
    backends += [group.name for group in groups(resources)]
    for index, name in enumerate(effect.backends):
        place = (*loc, "backends", index)
        yield from known(place, "function or target group", name, backends, "resources")
    if isinstance(effect, ConnectionPool | Hang | Overload):
        yield from known_database(resources, (*loc, "database"), effect.database)
    yield from effect.problems(resources, loc)


def _condition(inventory: Inventory, condition: Condition, loc: Loc) -> Iterator[Problem]:
    for kind in kinds(type(inventory)):
        yield from kind.condition_problems(condition, inventory, loc)


def _alarms(scenario: Scenario) -> Iterator[Problem]:
    starting = [alarm.name for alarm in scenario.alarms if alarm.starts]
    if len(starting) != 1:
        yield (
            ("alarms",),
            f"exactly one alarm needs `starts: true`, {len(starting)} have it",
        )
    names = [alarm.name for alarm in scenario.alarms]
    names_of = [group.name for group in groups(scenario.resources)]
    for index, alarm in enumerate(scenario.alarms):
        place = ("alarms", index, "metric", "target_group")
        yield from known(place, "target group", alarm.metric.target_group, names_of, "resources")
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield ("alarms",), f"two alarms are named {name!r}"
