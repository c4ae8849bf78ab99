"""The names by which events may mean the service's resources, and what those resources use.

CloudTrail names a resource by its ARN, its name or its id, as the service that wrote the event
pleases (CloudTrail API reference, "Resource"), or only among the request's parameters. So every
name in an event is compared, whole and by the parts of its ARN.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.resources import Resources

_NOT_NAMES = frozenset(
    {"cluster", "clusterarn", "stagename", "description", "comment", "clienttoken", "tags"}
)
"""Parameters whose values are no resource of one service: a cluster and a stage's name are shared.
"""
_DEEPEST = 6  # levels of parameters that are looked through
_ARN = re.compile(r"arn:aws[\w-]*:[\w-]+:[\w-]*:\d*:[^\s\"',;]+")


@dataclass(frozen=True, slots=True)
class Names:
    """`own`: names of the service's resources; `used`: of roles, secrets, parameters, subnets,
    keys and security groups that they use. Both lead from a name to how it is told. `called`:
    names of tables, databases, queues and functions that their variables name, which may be of
    another service. `service` is the service's name in the catalogue."""

    own: Mapping[str, str]
    used: Mapping[str, str]
    service: str = ""
    called: frozenset[str] = frozenset()

    def met_in(self, texts: Iterable[str], *, called: bool = True) -> tuple[str, ...]:
        """The names that are among the texts, or parts of ARNs among them; the service's own
        first, what it calls last, or not at all."""
        parts = dict.fromkeys(part for text in texts for part in parts_of(text))
        own = (self.own[part] for part in parts if part in self.own)
        used = (self.used[part] for part in parts if part in self.used)
        beyond = (part for part in parts if called and part in self.called)
        return tuple(dict.fromkeys((*own, *used, *beyond)))

    def in_path(self, texts: Iterable[str]) -> tuple[str, ...]:
        """The texts that have the service's name as a part of their path: "prod/checkout/db".
        People name settings so, by the service that reads them."""
        return tuple(
            text
            for text in texts
            if self.service and self.service in re.split(r"[/:]", text) and "/" in text
        )


def own_names(resources: Resources) -> dict[str, str]:
    """Names and ids of the service's resources, those that the catalogue or the tags give, and how
    each is told. A deployment group's name ("prod") is shared by too many to tell anything."""
    found = [
        *(function.name for function in resources.functions),
        *(ecs.service for ecs in resources.ecs),
        *(name for group in resources.codedeploy for name in (group.application, group.group)),
        *(name for balancer in resources.load_balancers for name in balancer.target_groups),
        *(part for each in resources.load_balancers for part in parts_of(each.name)),
        *(api.name for api in resources.apis),
        *resources.security_groups,
        *resources.databases,
        *resources.tables,
        *resources.health_checks,
    ]
    shared = {group.group for group in resources.codedeploy} - {
        group.application for group in resources.codedeploy
    }
    names = {name: name for name in found if name not in shared and name not in ("app", "net")}
    return names | {api.id: api.name for api in resources.apis if api.id}


def parts_of(text: str) -> Iterator[str]:
    """The text, and, of an ARN or a path, its parts: "checkout" of "…:function:checkout:PROD"."""
    yield text
    if text.startswith("arn:"):
        text = text.split(":", 5)[-1]
        yield text
        # secrets' ARNs end in six letters of their own: "prod/db-AbCdEf" is "prod/db"
        if text.startswith("secret:"):
            yield text.removeprefix("secret:")
            yield re.sub(r"-\w{6}$", "", text.removeprefix("secret:"))
        if text.startswith("parameter/"):
            yield text.removeprefix("parameter")
        yield from _pieces(text)
    elif _ID.match(text):
        yield from _pieces(text)


_ID = re.compile(r"(app|net|targetgroup|service|table|function|cluster)[/:]")
"""Beginnings of ids that are no ARN: Application Auto Scaling's "service/prod/shop"."""


def _pieces(text: str) -> list[str]:
    """The parts of an ARN's tail behind its kind; of an ECS service, without its cluster."""
    kind, *rest = re.split(r"[/:]", text)
    return rest[-1:] if kind == "service" else rest


def texts_in(value: object, depth: int = 0) -> Iterator[str]:
    """Every text in an event's parameters that may name a resource."""
    match value:
        case str() if value:
            yield value
        case Mapping() if depth < _DEEPEST:
            for key, item in value.items():
                if str(key).lower() not in _NOT_NAMES:
                    yield from texts_in(item, depth + 1)
        case list() | tuple() if depth < _DEEPEST:
            for item in value:
                yield from texts_in(item, depth + 1)


def used_by_function(settings: Mapping[str, Any]) -> dict[str, str]:
    """What a FunctionConfiguration refers to: its role, network, key, and the secrets and
    parameters that its environment names by ARN. Values of variables are compared, never shown."""
    vpc = settings.get("VpcConfig") or {}
    found = [*vpc.get("SecurityGroupIds", ()), *vpc.get("SubnetIds", ())]
    found += [last_part(settings.get("Role", "")), last_part(settings.get("KMSKeyArn") or "")]
    variables = (settings.get("Environment") or {}).get("Variables") or {}
    for value in variables.values():
        found += [name for arn in _ARN.findall(str(value)) for name in _settings(arn)]
        if str(value).startswith("/"):
            found.append(str(value))  # a parameter's path
    return {name: name for name in found if name}


def used_by_tasks(definition: Mapping[str, Any]) -> dict[str, str]:
    """What a TaskDefinition refers to: its roles, and its containers' secrets and parameters."""
    found = [last_part(definition.get(role) or "") for role in ("taskRoleArn", "executionRoleArn")]
    for container in definition.get("containerDefinitions", []):
        for secret in container.get("secrets", []):
            named = str(secret.get("valueFrom", ""))
            found += _settings(named) if named.startswith("arn:") else [named]
        for variable in container.get("environment", []):
            for arn in _ARN.findall(str(variable.get("value", ""))):
                found += _settings(arn)
    return {name: name for name in found if name}


def used_by_database(instance: Mapping[str, Any]) -> dict[str, str]:
    """What a DBInstance belongs to and uses: its cluster, parameter groups, security groups and
    the secret of its master user."""
    found = [
        str(instance.get("DBClusterIdentifier") or ""),
        *(each.get("DBParameterGroupName", "") for each in instance.get("DBParameterGroups", [])),
        *(each.get("VpcSecurityGroupId", "") for each in instance.get("VpcSecurityGroups", [])),
        *_settings(str((instance.get("MasterUserSecret") or {}).get("SecretArn", ""))),
    ]
    return {name: name for name in found if name and not name.startswith("default.")}


def _settings(arn: str) -> list[str]:
    """Names of a secret, a parameter or a key: what stands behind its kind in the ARN."""
    tail = arn.split(":", 5)[-1]
    if tail.startswith("secret:"):
        name = tail.split(":")[1]
        return [name, re.sub(r"-\w{6}$", "", name)]
    if tail.startswith("parameter/"):
        return [tail.removeprefix("parameter"), tail.removeprefix("parameter/")]
    return [tail.removeprefix("key/")] if tail.startswith("key/") else []


def last_part(arn: str) -> str:
    return arn.rpartition("/")[2]
