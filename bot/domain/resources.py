"""What a service is made of: references to AWS resources, by the names AWS gives them.

An ARN will do where a name is wanted; anything else that is no name is refused, with the place in
the file. Names go into calls, into targets of changes and into ARNs: nothing may hide in them.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, model_validator

from bot.domain.base import Frozen


def _name(what: str, pattern: str) -> AfterValidator:
    shape = re.compile(pattern)

    def check(text: str) -> str:
        if not shape.fullmatch(text):
            raise ValueError(f"{text!r} is no {what}: give its name, or its ARN")
        return text

    return AfterValidator(check)


def _tail(value: object, *kinds: str) -> str | None:
    """What follows `function:` and the like in an ARN; None for what is no ARN of that kind."""
    if not isinstance(value, str) or not value.startswith("arn:"):
        return None
    last = value.split(":", 5)[-1]
    found = (last.removeprefix(kind) for kind in kinds if last.startswith(kind))
    return next(found, None)


FunctionName = Annotated[str, _name("Lambda function", r"[A-Za-z0-9_-]{1,140}")]
AliasName = Annotated[str, _name("Lambda alias", r"[A-Za-z0-9_-]{1,128}|\$LATEST")]
EcsName = Annotated[str, _name("ECS cluster or service", r"[A-Za-z0-9_-]{1,255}")]
DeployName = Annotated[str, _name("CodeDeploy application or group", r"[^:*?]{1,100}")]


class ApiRef(Frozen):
    """An API Gateway API and stage."""

    name: str
    id: str | None = None  # found by name when not given
    kind: Literal["rest", "http"] = "rest"
    stage: str = "prod"


class LoadBalancerRef(Frozen):
    """An Application Load Balancer by its name, or by its ARN's "app/name/id" part."""

    name: str
    target_groups: tuple[str, ...] = ()  # names; all of its target groups when empty


class FunctionRef(Frozen):
    """A Lambda function and the alias in production."""

    name: FunctionName
    alias: AliasName | None = None
    log_group: str | None = None  # default /aws/lambda/<name>

    @model_validator(mode="before")
    @classmethod
    def _of_an_arn(cls, given: Any) -> Any:
        if isinstance(given, dict) and (tail := _tail(given.get("name"), "function:")):
            name, _, alias = tail.partition(":")
            return {"alias": alias or None} | given | {"name": name}
        return given

    @property
    def logs(self) -> str:
        return self.log_group or f"/aws/lambda/{self.name}"


class EcsRef(Frozen):
    cluster: EcsName
    service: EcsName

    @model_validator(mode="before")
    @classmethod
    def _of_an_arn(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        cluster = _tail(given.get("cluster"), "cluster/")
        service = _tail(given.get("service"), "service/")
        found = {"cluster": cluster, "service": service and service.rpartition("/")[2]}
        return given | {name: value for name, value in found.items() if value}


class CodeDeployRef(Frozen):
    application: DeployName
    group: DeployName


class Resources(Frozen):
    """What a service is made of. Empty means not known to the catalogue."""

    apis: tuple[ApiRef, ...] = ()
    load_balancers: tuple[LoadBalancerRef, ...] = ()
    functions: tuple[FunctionRef, ...] = ()
    ecs: tuple[EcsRef, ...] = ()
    codedeploy: tuple[CodeDeployRef, ...] = ()
    tables: tuple[str, ...] = ()
    databases: tuple[str, ...] = ()
    log_groups: tuple[str, ...] = ()  # of applications, beside the functions' own
    security_groups: tuple[str, ...] = ()
    health_checks: tuple[str, ...] = ()
