"""References to the AWS resources of a service, by their AWS names.

An ARN is accepted in place of a name. Anything else that AWS would not accept as a name is a
validation error, because names become parts of calls, of ARNs and of the targets of changes.
The patterns are those of the AWS API references (Lambda, ECS and CodeDeploy).
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
            raise ValueError(f"{text!r} is not the name of a {what}: give its name, or its ARN")
        return text

    return AfterValidator(check)


def _after_prefix(value: object, *prefixes: str) -> str | None:
    """The part of an ARN after one of the prefixes ("function:"); None when it has none of them."""
    if not isinstance(value, str) or not value.startswith("arn:"):
        return None
    last = value.split(":", 5)[-1]
    return next((last.removeprefix(each) for each in prefixes if last.startswith(each)), None)


FunctionName = Annotated[str, _name("Lambda function", r"[A-Za-z0-9_-]{1,140}")]
AliasName = Annotated[str, _name("Lambda alias", r"[A-Za-z0-9_-]{1,128}|\$LATEST")]
EcsName = Annotated[str, _name("ECS cluster or service", r"[A-Za-z0-9_-]{1,255}")]
DeployName = Annotated[str, _name("CodeDeploy application or group", r"[^:*?]{1,100}")]


class ApiRef(Frozen):
    """A stage of an API Gateway API."""

    name: str
    id: str | None = None  # looked up by name when not given
    kind: Literal["rest", "http"] = "rest"
    stage: str = "prod"


class LoadBalancerRef(Frozen):
    """An Application Load Balancer, by its name or by the part "app/name/id" of its ARN."""

    name: str
    target_groups: tuple[str, ...] = ()  # names; empty: all of its target groups


class FunctionRef(Frozen):
    """A Lambda function and the alias that serves production."""

    name: FunctionName
    alias: AliasName | None = None
    log_group: str | None = None  # None: /aws/lambda/<name>

    @model_validator(mode="before")
    @classmethod
    def _from_arn(cls, given: Any) -> Any:
        if isinstance(given, dict) and (part := _after_prefix(given.get("name"), "function:")):
            name, _, alias = part.partition(":")
            return {"alias": alias or None} | given | {"name": name}
        return given

    @property
    def logs(self) -> str:
        """The name of its log group."""
        return self.log_group or f"/aws/lambda/{self.name}"


class EcsRef(Frozen):
    """An ECS service."""

    cluster: EcsName
    service: EcsName

    @model_validator(mode="before")
    @classmethod
    def _from_arn(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        cluster = _after_prefix(given.get("cluster"), "cluster/")
        service = _after_prefix(given.get("service"), "service/")
        found = {"cluster": cluster, "service": service and service.rpartition("/")[2]}
        return given | {name: value for name, value in found.items() if value}


class CodeDeployRef(Frozen):
    """A CodeDeploy deployment group."""

    application: DeployName
    group: DeployName


class Resources(Frozen):
    """The resources of a service. An empty kind is completed from tags (`bot.aws.discovery`)."""

    apis: tuple[ApiRef, ...] = ()
    load_balancers: tuple[LoadBalancerRef, ...] = ()
    functions: tuple[FunctionRef, ...] = ()
    ecs: tuple[EcsRef, ...] = ()
    codedeploy: tuple[CodeDeployRef, ...] = ()
    tables: tuple[str, ...] = ()  # DynamoDB table names
    databases: tuple[str, ...] = ()  # RDS instance ids
    log_groups: tuple[str, ...] = ()  # of applications, in addition to the functions' own
    security_groups: tuple[str, ...] = ()  # ids
    health_checks: tuple[str, ...] = ()  # Route 53 health check ids
