"""A service and what belongs to it, as the catalogue says and tags complete."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bot.model import Frozen, Severity


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

    name: str
    alias: str | None = None
    log_group: str | None = None  # default /aws/lambda/<name>

    @property
    def logs(self) -> str:
        return self.log_group or f"/aws/lambda/{self.name}"


class EcsRef(Frozen):
    cluster: str
    service: str


class CodeDeployRef(Frozen):
    application: str
    group: str


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


class Service(Frozen):
    """A service: tier 1 is the most critical and sets the severity of its incidents."""

    name: str
    tier: int = Field(default=3, ge=1, le=4)
    channel: str | None = None  # Slack channel id; its slash commands are about this service
    account: str | None = None
    region: str = "us-east-1"
    runbook: str | None = None  # URL
    tags: dict[str, str] = Field(default_factory=dict)  # default {"service": name}
    resources: Resources = Resources()

    @property
    def severity(self) -> Severity:
        return Severity(f"SEV{self.tier}")
