"""Who changed what, and when: the `changes` section.

A change pulls its lever at its time and leaves its CloudTrail event; whether it did any harm is
said by the effects that depend on the lever. A change no effect depends on is harmless.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sandbox.world.resources import Part, Seconds


class BaseChange(Part):
    """Keys every change has: its start relative to the alarm, and the user or role session."""

    at: Seconds
    by: str


class AliasMove(BaseChange):
    """lambda:UpdateAlias to another version."""

    kind: Literal["alias"]
    function: str
    alias: str
    version: str
    description: str = ""


class Deployment(BaseChange):
    """A CodeDeploy deployment: the revision serves when it completes, `takes` after its start.

    With `version` (a Lambda deployment) the group's alias moves to that version at that moment,
    with `task_definition` (an ECS deployment) the group's service to that task definition.
    """

    kind: Literal["codedeploy"]
    application: str
    group: str
    revision: str
    previous: str
    version: str | None = None
    task_definition: str | None = None
    takes: Seconds = Field(default=60.0, ge=0)
    description: str = ""


class EcsUpdate(BaseChange):
    """ecs:UpdateService to another task definition; the rollout takes `takes`."""

    kind: Literal["ecs"]
    service: str
    task_definition: str
    takes: Seconds = Field(default=120.0, ge=0)


class SecurityGroupChange(BaseChange):
    """An ingress or egress rule added to or taken from a security group."""

    kind: Literal["security_group"]
    group: str  # "sg-0a1b2c3d4e5f60718"
    action: Literal["authorize", "revoke"]
    direction: Literal["ingress", "egress"] = "ingress"
    port: int = Field(ge=0, le=65535)
    source: str  # CIDR or security group id


class FunctionConfig(BaseChange):
    """lambda:UpdateFunctionConfiguration or PutFunctionConcurrency; name what was set."""

    kind: Literal["function_config"]
    function: str
    memory_mb: int | None = None
    timeout: Seconds | None = None
    reserved_concurrency: int | None = None
    environment: tuple[str, ...] = ()  # names of environment variables that changed


class ApiDeployment(BaseChange):
    """apigateway:CreateDeployment to the API's stage."""

    kind: Literal["api_deployment"]
    deployment: str  # "d7k2m1"
    description: str = ""


class OtherEvent(BaseChange):
    """Any other CloudTrail event, word for word."""

    kind: Literal["event"]
    source: str  # "iam.amazonaws.com"
    name: str  # "PutRolePolicy"
    resources: dict[str, str] = Field(default_factory=dict)  # type -> name
    request: dict[str, object] = Field(default_factory=dict)
    error_code: str | None = None


Change = Annotated[
    AliasMove
    | Deployment
    | EcsUpdate
    | SecurityGroupChange
    | FunctionConfig
    | ApiDeployment
    | OtherEvent,
    Field(discriminator="kind"),
]
