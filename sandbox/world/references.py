"""Names in a scenario that must exist somewhere else in it, and claims that cannot hold.

Each check yields (place, sentence); a sentence says what is wrong and what would be right.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from sandbox.world import changes as ch
from sandbox.world import effects as fx
from sandbox.world.resources import Resources
from sandbox.world.schema import Scenario

LONGEST_TIMEOUT = 900.0  # s; this and the next: Lambda quotas
KEPT_UNRESERVED = 100

Loc = tuple[str | int, ...]
Problem = tuple[Loc, str]


def dangling(scenario: Scenario) -> Iterator[Problem]:
    """Every problem pydantic cannot see, in file order."""
    yield from _resources(scenario.resources)
    yield from _traffic(scenario)
    for index, effect in enumerate(scenario.effects):
        yield from _effect(scenario, effect, ("effects", index))
    for index, change in enumerate(scenario.changes):
        yield from _change(scenario.resources, change, ("changes", index))
    yield from _alarms(scenario)
    for index, answer in enumerate(scenario.answers):
        here: Loc = ("answers", index)
        yield from _condition(scenario.resources, answer.when, (*here, "when"))
        for inner, effect in enumerate(answer.effects):
            yield from _effect(scenario, effect, (*here, "effects", inner))


def _known(
    loc: Loc, what: str, name: str | None, names: Iterable[str], section: str
) -> Iterator[Problem]:
    if name is None:
        return
    known = sorted(names)
    if name in known:
        return
    if not known:
        yield loc, f"there is no {what} {name!r}: {section} has none"
        return
    near = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"{section} has {', '.join(map(repr, known))}"
    yield loc, f"there is no {what} {name!r}; {hint}"


def _functions(resources: Resources) -> dict[str, tuple[tuple[str, ...], dict[str, str]]]:
    return {f.name: (f.versions, f.aliases) for f in resources.functions}


def _qualifier(
    resources: Resources, loc: Loc, key: str, function: str | None, qualifier: str | None
) -> Iterator[Problem]:
    found = _functions(resources).get(function or "")
    if found and qualifier is not None:
        versions, aliases = found
        yield from _known(
            (*loc, key), "alias or version", qualifier, [*aliases, *versions], f"{function}"
        )


def _resources(resources: Resources) -> Iterator[Problem]:
    functions, section = _functions(resources), "resources.functions"
    base: Loc = ("resources",)
    if resources.api is None and resources.load_balancer is None:
        yield base, "needs an `api` or a `load_balancer` for the traffic to come through"
    if api := resources.api:
        here: Loc = (*base, "api")
        if (api.function is None) == (api.load_balancer is None):
            yield here, "an api calls either a `function` or a `load_balancer`: name exactly one"
        yield from _known((*here, "function"), "function", api.function, functions, section)
        yield from _qualifier(resources, here, "qualifier", api.function, api.qualifier)
        balancers = [resources.load_balancer.name] if resources.load_balancer else []
        yield from _known(
            (*here, "load_balancer"),
            "load balancer",
            api.load_balancer,
            balancers,
            "resources.load_balancer",
        )
    groups: list[str] = []
    if balancer := resources.load_balancer:
        for index, group in enumerate(balancer.target_groups):
            here = (*base, "load_balancer", "target_groups", index)
            groups.append(group.name)
            if group.kind == "lambda" and group.function is None:
                yield here, "a target group of kind lambda needs `function`"
            if group.timeout >= group.interval and group.kind != "lambda":
                yield (*here, "timeout"), "the health check's timeout must be below its interval"
            yield from _known((*here, "function"), "function", group.function, functions, section)
            yield from _qualifier(resources, here, "alias", group.function, group.alias)
    for index, function in enumerate(resources.functions):
        here = (*base, "functions", index)
        if function.timeout > LONGEST_TIMEOUT:
            yield (*here, "timeout"), "Lambda lets no function run longer than 15m"
        most = resources.account_concurrency - KEPT_UNRESERVED
        if function.reserved_concurrency is not None and function.reserved_concurrency > most:
            yield (
                (*here, "reserved_concurrency"),
                f"the account has {resources.account_concurrency} executions and Lambda keeps "
                f"{KEPT_UNRESERVED} of them unreserved: write at most {most}",
            )
        for alias, version in function.aliases.items():
            yield from _known(
                (*here, "aliases", alias), "version", version, function.versions, "versions"
            )
        for alias in function.provisioned:
            yield from _known(
                (*here, "provisioned", alias), "alias", alias, function.aliases, "aliases"
            )
        for version in function.descriptions:
            yield from _known(
                (*here, "descriptions", version), "version", version, function.versions, "versions"
            )
    for index, service in enumerate(resources.ecs):
        here = (*base, "ecs", index)
        yield from _known(
            (*here, "target_group"), "target group", service.target_group, groups, "load_balancer"
        )
        yield from _known(
            (*here, "serving"),
            "task definition",
            service.serving,
            service.task_definitions,
            "task_definitions",
        )
    services = [service.name for service in resources.ecs]
    for index, deploy in enumerate(resources.codedeploy):
        here = (*base, "codedeploy", index)
        yield from _known((*here, "function"), "function", deploy.function, functions, section)
        yield from _qualifier(resources, here, "alias", deploy.function, deploy.alias)
        yield from _known(
            (*here, "ecs_service"), "ECS service", deploy.ecs_service, services, "resources.ecs"
        )


def _traffic(scenario: Scenario) -> Iterator[Problem]:
    for path in scenario.traffic.paths:
        method, _, rest = path.partition(" ")
        if not method.isupper() or not rest.startswith("/"):
            yield ("traffic", "paths", path), 'write a method and a path, such as "GET /orders"'


def _effect(scenario: Scenario, effect: fx.Effect, loc: Loc) -> Iterator[Problem]:
    resources = scenario.resources
    for index, condition in enumerate(effect.conditions):
        yield from _condition(resources, condition, (*loc, "while", index))
    zones = resources.load_balancer.zones if resources.load_balancer else ()
    if isinstance(effect, fx.FilteredEffect):
        for key, used, known in (
            ("user_agents", effect.user_agents, scenario.traffic.user_agents),
            ("paths", effect.paths, scenario.traffic.paths),
            ("zones", effect.zones, zones),
        ):
            section = "load_balancer.zones" if key == "zones" else f"traffic.{key}"
            for index, name in enumerate(used):
                yield from _known((*loc, key, index), key[:-1], name, known, section)
    databases = [database.name for database in resources.databases]
    groups = resources.load_balancer.target_groups if resources.load_balancer else ()
    match effect:
        case fx.ColdStarts() | fx.Throttle() if not resources.functions:
            yield loc, f"{effect.kind} is about Lambda: resources.functions has none"
        case fx.Overload() | fx.DbSlow():
            section = "resources.databases"
            yield from _known((*loc, "database"), "database", effect.database, databases, section)
        case fx.TargetsDown():
            yield from _known(
                (*loc, "target_group"),
                "target group",
                effect.target_group,
                [group.name for group in groups],
                "load_balancer.target_groups",
            )
        case fx.ZoneFailure():
            yield from _known((*loc, "zone"), "zone", effect.zone, zones, "load_balancer.zones")
        case fx.ConnectionErrors() if not groups:
            yield loc, "connection_errors needs resources.load_balancer"
        case _:
            pass


def _condition(resources: Resources, condition: fx.Condition, loc: Loc) -> Iterator[Problem]:
    functions = _functions(resources)
    yield from _known(
        (*loc, "function"), "function", condition.function, functions, "resources.functions"
    )
    if condition.function in functions:
        versions, aliases = functions[condition.function]
        yield from _known((*loc, "alias"), "alias", condition.alias, aliases, "aliases")
        yield from _known((*loc, "version"), "version", condition.version, versions, "versions")
    services = {service.name: service for service in resources.ecs}
    yield from _known((*loc, "ecs"), "ECS service", condition.ecs, services, "resources.ecs")
    if condition.ecs in services:
        known = services[condition.ecs].task_definitions
        yield from _known(
            (*loc, "task_definition"),
            "task definition",
            condition.task_definition,
            known,
            "task_definitions",
        )
    deploys = [f"{d.application}/{d.group}" for d in resources.codedeploy]
    yield from _known(
        (*loc, "codedeploy"), "group", condition.codedeploy, deploys, "resources.codedeploy"
    )
    if condition.not_shifted_from and not resources.load_balancer:
        yield loc, "not_shifted_from needs resources.load_balancer"


def _change(resources: Resources, change: ch.Change, loc: Loc) -> Iterator[Problem]:
    functions = _functions(resources)
    if isinstance(change, ch.AliasMove | ch.FunctionConfig):
        yield from _known(
            (*loc, "function"), "function", change.function, functions, "resources.functions"
        )
    match change:
        case ch.AliasMove() if change.function in functions:
            versions, aliases = functions[change.function]
            yield from _known((*loc, "alias"), "alias", change.alias, aliases, "aliases")
            yield from _known((*loc, "version"), "version", change.version, versions, "versions")
        case ch.Deployment():
            yield from _deployment(resources, change, loc)
        case ch.EcsUpdate():
            services = {service.name: service for service in resources.ecs}
            yield from _known(
                (*loc, "service"), "ECS service", change.service, services, "resources.ecs"
            )
            if change.service in services:
                yield from _known(
                    (*loc, "task_definition"),
                    "task definition",
                    change.task_definition,
                    services[change.service].task_definitions,
                    "task_definitions",
                )
        case ch.ApiDeployment() if resources.api is None:
            yield loc, "api_deployment needs resources.api"
        case _:
            pass


def _deployment(resources: Resources, change: ch.Deployment, loc: Loc) -> Iterator[Problem]:
    groups = {f"{d.application}/{d.group}": d for d in resources.codedeploy}
    name = f"{change.application}/{change.group}"
    yield from _known((*loc, "group"), "group", name, groups, "resources.codedeploy")
    if group := groups.get(name):
        function = next((f for f in resources.functions if f.name == group.function), None)
        versions = function.versions if function else ()
        yield from _known((*loc, "version"), "version", change.version, versions, "versions")
        service = next((s for s in resources.ecs if s.name == group.ecs_service), None)
        known = service.task_definitions if service else ()
        wanted, section = change.task_definition, "task_definitions"
        yield from _known((*loc, "task_definition"), "task definition", wanted, known, section)


def _alarms(scenario: Scenario) -> Iterator[Problem]:
    starting = [alarm.name for alarm in scenario.alarms if alarm.starts]
    if len(starting) != 1:
        yield (
            ("alarms",),
            f"exactly one alarm needs `starts: true`, {len(starting)} have it",
        )
    names = [alarm.name for alarm in scenario.alarms]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield ("alarms",), f"two alarms are named {name!r}"
