"""What stands in the simulated AWS account: the `resources` section of a scenario file.

These models are read by two rooms: the AWS endpoint creates the resources in moto from them, and
the simulation sends the traffic through them. Durations accept "250ms", "29s", "5m" (see
`Seconds`); names are AWS names, unique in a file.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

_DURATION = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?")
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, None: 1.0}


def seconds(value: object) -> object:
    """ "250ms", "29s", "-12m" or a plain number of seconds, as seconds. Raises ValueError."""
    if not isinstance(value, str):
        return value
    match = _DURATION.fullmatch(value.strip())
    if match is None:
        raise ValueError(f"{value!r} is not a duration; write for example 250ms, 29s, 5m or -12m")
    return float(match[1]) * _UNIT_SECONDS[match[2]]


Seconds = Annotated[float, BeforeValidator(seconds, json_schema_input_type=float | str)]
"""A duration in seconds; in a file a number of seconds or text such as "250ms", "29s", "5m"."""


class Part(BaseModel):
    """Base of everything in a scenario file: frozen, and an unknown key is an error."""

    # `version: 42` and `version: "42"` are the same to an author: YAML numbers become text.
    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)


ACCESS_LOG_FORMAT: dict[str, str] = {
    "requestId": "$context.requestId",
    "requestTime": "$context.requestTime",
    "httpMethod": "$context.httpMethod",
    "path": "$context.path",
    "resourcePath": "$context.resourcePath",
    "status": "$context.status",
    "userAgent": "$context.identity.userAgent",
    "ip": "$context.identity.sourceIp",
    "responseType": "$context.error.responseType",
    "errorMessage": "$context.error.message",
    "integrationStatus": "$context.integration.status",
    "integrationLatency": "$context.integration.latency",
    "integrationRequestId": "$context.integration.requestId",
    "integrationError": "$context.integration.error",
    "authorizerError": "$context.authorizer.error",
    "responseLatency": "$context.responseLatency",
}
"""The access-log format of a stage that names none (key -> $context variable)."""


class Function(Part):
    """A Lambda function with its published versions and aliases."""

    name: str
    memory_mb: int = 1024
    timeout: Seconds = 30
    runtime: str = "python3.13"
    versions: tuple[str, ...] = ("1",)  # published, oldest first; consecutive numbers
    descriptions: dict[str, str] = Field(default_factory=dict)  # by version: commit, author
    aliases: dict[str, str] = Field(default_factory=dict)  # name -> version served at the start
    reserved_concurrency: int | None = None
    provisioned: dict[str, int] = Field(default_factory=dict)  # alias -> executions at the start
    vpc: bool = False
    log_format: Literal["text", "json"] = "text"
    tags: dict[str, str] = Field(default_factory=dict)


class Database(Part):
    """An RDS instance or a DynamoDB table a service depends on (metrics only, for now)."""

    name: str
    kind: Literal["rds", "dynamodb"] = "rds"
    tags: dict[str, str] = Field(default_factory=dict)


class TargetGroup(Part):
    """A target group; its targets are instances, ECS tasks (ip) or one Lambda function alias."""

    name: str
    kind: Literal["instance", "ip", "lambda"] = "ip"
    targets: int = 4
    function: str | None = None  # kind: lambda
    alias: str | None = None
    health_path: str = "/health"
    interval: Seconds = 30
    timeout: Seconds = 5
    healthy_threshold: int = 5
    unhealthy_threshold: int = 2
    deregistration_delay: Seconds = 300
    tags: dict[str, str] = Field(default_factory=dict)


class LoadBalancer(Part):
    """An Application Load Balancer in front of target groups, spread over zones."""

    name: str
    zones: tuple[str, ...] = ("a", "b", "c")  # suffixes of the region's availability zones
    target_groups: tuple[TargetGroup, ...]
    tags: dict[str, str] = Field(default_factory=dict)


class Api(Part):
    """An API Gateway API and its one stage; it calls a function alias or a load balancer."""

    name: str
    kind: Literal["rest", "http"] = "rest"
    stage: str = "prod"
    integration_timeout: Seconds = 29
    function: str | None = None
    qualifier: str | None = None  # alias or version in the integration URI; None is $LATEST
    load_balancer: str | None = None
    access_log: bool = True
    # access-log key -> $context variable; the default has every key the playbooks can use
    log_format: dict[str, str] | None = None
    tags: dict[str, str] = Field(default_factory=dict)


class EcsService(Part):
    """An ECS service behind a target group, with its task definition revisions, oldest first."""

    name: str
    cluster: str = "main"
    target_group: str
    task_definitions: tuple[str, ...]  # "checkout:41", "checkout:42"
    serving: str
    desired: int = 4
    tags: dict[str, str] = Field(default_factory=dict)


class CodeDeploy(Part):
    """A CodeDeploy application and group that shifts a function's alias (or an ECS service)."""

    application: str
    group: str
    function: str | None = None
    alias: str | None = None
    ecs_service: str | None = None
    tags: dict[str, str] = Field(default_factory=dict)


class Resources(Part):
    """The account. `account_concurrency` is Lambda's account-wide limit."""

    region: str = "us-east-1"
    account: str = "123456789012"
    account_concurrency: int = 1000
    api: Api | None = None
    load_balancer: LoadBalancer | None = None
    functions: tuple[Function, ...] = ()
    ecs: tuple[EcsService, ...] = ()
    codedeploy: tuple[CodeDeploy, ...] = ()
    databases: tuple[Database, ...] = ()
    security_groups: tuple[str, ...] = ()  # sg-…: those the catalogue counts to the service
