"""What code is told to call: resources that a function's or container's variables name.

Variables are where code gets the names of its tables, databases, queues and functions from, also of
those that belong to another service. Values are compared with names that events and metrics have,
and are shown only where they are equal to such a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.errors import ReadFailed
from bot.domain.ports import Aws
from bot.domain.resources import EcsRef, Resources
from playbooks.probes.log_groups import function_settings

MOST_ASKED = 5  # functions, and services; others read their settings too, so that costs no call

# "PRICES_TABLE", "TABLE_NAME"; not "TABLE_PREFIX", whose value is no name.
_KEY = re.compile(r"(?:^|_)(TABLE|QUEUE|BUCKET|TOPIC|FUNCTION|LAMBDA)(?:_?NAME)?$", re.I)
_VALUE = re.compile(r"[A-Za-z][\w.-]{2,254}")
_NO_NAME = frozenset({"true", "false", "none", "null"})
# AWS's endpoints begin with the resource's name: "orders-db.cabc123.us-east-1.rds.amazonaws.com".
_ENDPOINT = re.compile(
    r"(?:^|[/@])([\w-]+)\.[\w.-]*?\b(rds|cache|docdb|redshift)\b[\w.-]*\.amazonaws"
)
_QUEUE = re.compile(r"^https://sqs\.[\w-]+\.amazonaws\.com(?:\.cn)?/\d+/([\w.-]+)$")
# Endpoints of Aurora clusters and of proxies: their metrics have other dimensions than instances'.
_NO_INSTANCE = re.compile(r"\.(?:cluster|proxy)-")


@dataclass(frozen=True, slots=True)
class Mentioned:
    """Names in variables: of anything, and of DynamoDB tables and RDS instances among them."""

    names: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    databases: tuple[str, ...] = ()


def mentioned(variables: Mapping[str, str]) -> Mentioned:
    """The resources that variables name: by an endpoint or a queue's address, else by the
    variable's own name. Any other value may be a setting."""
    names, tables, databases = [], [], []
    for key, value in variables.items():
        if queue := _QUEUE.match(value):
            names.append(queue[1])
        elif endpoint := _ENDPOINT.search(value):
            names.append(endpoint[1])
            instance = endpoint[2] == "rds" and not _NO_INSTANCE.search(value)
            databases += [endpoint[1]] if instance else []
        elif (what := _KEY.search(key)) and _is_name(value):
            names.append(value)
            tables += [value] if what[1].upper() == "TABLE" else []
    return Mentioned(*(tuple(dict.fromkeys(each)) for each in (names, tables, databases)))


def _is_name(value: str) -> bool:
    return bool(_VALUE.fullmatch(value)) and value.lower() not in _NO_NAME


def of_function(settings: Mapping[str, Any]) -> Mentioned:
    """What a FunctionConfiguration's variables name."""
    variables = (settings.get("Environment") or {}).get("Variables") or {}
    return mentioned({str(key): str(value) for key, value in variables.items()})


def of_tasks(definition: Mapping[str, Any]) -> Mentioned:
    """What the variables of a TaskDefinition's containers name."""
    return joined(
        mentioned(
            {
                str(each.get("name", "")): str(each.get("value", ""))
                for each in container.get("environment", [])
            }
        )
        for container in definition.get("containerDefinitions", [])
    )


def joined(several: Iterable[Mentioned]) -> Mentioned:
    """All of them, each name once."""
    found = list(several)
    return Mentioned(
        tuple(dict.fromkeys(name for each in found for name in each.names)),
        tuple(dict.fromkeys(name for each in found for name in each.tables)),
        tuple(dict.fromkeys(name for each in found for name in each.databases)),
    )


def of_service(aws: Aws, resources: Resources) -> tuple[Mentioned, tuple[str, ...]]:
    """What the service's functions and tasks are told to call, and sentences on those whose
    settings could not be read."""
    found: list[Mentioned] = []
    unread: list[str] = []
    for name, read in _readers(aws, resources):
        try:
            found.append(read())
        except ReadFailed as failed:
            unread.append(f"what {name} calls was not read ({failed})")
    return joined(found), tuple(unread)


def _readers(aws: Aws, resources: Resources) -> Iterator[tuple[str, Any]]:
    for function in resources.functions[:MOST_ASKED]:
        yield function.name, lambda each=function: of_function(function_settings(aws, each))
    for ecs in resources.ecs[:MOST_ASKED]:
        yield ecs.service, lambda each=ecs: of_tasks(_definition(aws, each))


def _definition(aws: Aws, ecs: EcsRef) -> dict[str, Any]:
    answer = aws.read("ecs", "describe_services", cluster=ecs.cluster, services=[ecs.service])
    for service in answer.get("services", []):
        named = service.get("taskDefinition")
        if named is None:
            continue  # with an external controller, its task sets have them
        described = aws.read("ecs", "describe_task_definition", taskDefinition=named)
        definition: dict[str, Any] = described.get("taskDefinition", {})
        return definition
    return {}
