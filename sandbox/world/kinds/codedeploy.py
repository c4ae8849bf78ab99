"""CodeDeploy deployment groups: `resources.codedeploy`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from pydantic import Field

from sandbox.world.api import LeverValue
from sandbox.world.changes import BaseChange, EventFacts
from sandbox.world.conditions import Condition
from sandbox.world.inventory import Inventory
from sandbox.world.kinds.function_base import FunctionBase, known_function, known_qualifier
from sandbox.world.kinds.resource import Resource
from sandbox.world.kinds.task_service import TaskService, known_service, service_named
from sandbox.world.levers import Levers
from sandbox.world.parts import Loc, Problem, Seconds, Share, known


class Deployment(BaseChange):
    """A CodeDeploy deployment: the revision serves when it completes, `takes` after its start.

    With `version` (a Lambda deployment) the group's alias moves to that version at that moment,
    with `task_definition` (an ECS deployment) the group's service to that task definition. With
    `canary` that share of the traffic (or of the tasks) goes there from the start.
    """

    kind: Literal["codedeploy"]
    application: str
    group: str
    revision: str
    previous: str
    version: str | None = None
    task_definition: str | None = None
    takes: Seconds = Field(default=60.0, ge=0)
    canary: Share | None = None
    description: str = ""

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """Group, version and task definition must exist."""
        name = f"{self.application}/{self.group}"
        yield from _known_deployment_group(inventory, (*loc, "group"), name)
        for group in self._groups(inventory):
            functions, services = inventory.every(FunctionBase), inventory.every(TaskService)
            versions = [v for f in functions if f.name == group.function for v in f.versions]
            some = [t for s in services if s.name == group.ecs_service for t in s.task_definitions]
            yield from known((*loc, "version"), "version", self.version, versions, "versions")
            place, section = (*loc, "task_definition"), "task_definitions"
            yield from known(place, "task definition", self.task_definition, some, section)

    def steps(self, inventory: Inventory) -> Iterator[tuple[str, float, LeverValue]]:
        """The group's revision, and the alias or the task definition that follows it."""
        for group in self._groups(inventory):
            yield group.lever, self.takes, self.revision
            if self.version and group.function and group.alias:
                base = f"lambda/{group.function}"
                yield f"{base}/alias/{group.alias}", self.takes, self.version
                if self.canary is not None:
                    weights = f"{base}/weights/{group.alias}"
                    yield weights, 0.0, f"{self.version}:{self.canary:g}"
                    yield weights, self.takes, None
            service = service_named(inventory, group.ecs_service)
            if self.task_definition and service is not None:
                yield service.lever, self.takes, self.task_definition
                if self.canary is not None:
                    value = f"{self.task_definition}@{self.canary:g}"
                    yield service.rolling_lever, 0.0, value
                    yield service.rolling_lever, self.takes, None

    def before(self, inventory: Inventory) -> Mapping[str, LeverValue]:
        """The revision that served before."""
        return {group.lever: self.previous for group in self._groups(inventory)}

    def event(self, inventory: Inventory) -> EventFacts:
        """CreateDeployment."""
        request = {
            "applicationName": self.application,
            "deploymentGroupName": self.group,
            "description": self.description,
            "revision": {"revisionType": "S3", "s3Location": {"key": self.revision}},
        }
        touched = (("AWS::CodeDeploy::Application", self.application),)
        return EventFacts("codedeploy.amazonaws.com", "CreateDeployment", touched, request)

    def _groups(self, inventory: Inventory) -> list[CodeDeploy]:
        name = f"{self.application}/{self.group}"
        return [group for group in inventory.every(CodeDeploy) if group.full_name == name]


class CodeDeploy(Resource):
    """A CodeDeploy application and group that shifts a function's alias (or an ECS service)."""

    changes = (Deployment,)

    application: str
    group: str
    function: str | None = None
    alias: str | None = None
    ecs_service: str | None = None
    tags: dict[str, str] = Field(default_factory=dict)

    @property
    def full_name(self) -> str:
        """ "application/group", as conditions name it."""
        return f"{self.application}/{self.group}"

    @property
    def lever(self) -> str:
        """The lever of the revision that serves. Not set before the first deployment."""
        return f"codedeploy/{self.full_name}/revision"

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """What it deploys to must exist."""
        yield from known_function(inventory, (*loc, "function"), self.function)
        yield from known_qualifier(inventory, (*loc, "alias"), self.function, self.alias)
        yield from known_service(inventory, (*loc, "ecs_service"), self.ecs_service)

    @classmethod
    def condition_problems(
        cls, condition: Condition, inventory: Inventory, loc: Loc
    ) -> Iterator[Problem]:
        """The form {codedeploy, revision}."""
        yield from _known_deployment_group(inventory, (*loc, "codedeploy"), condition.codedeploy)

    def holds(
        self, condition: Condition, inventory: Inventory, levers: Levers, at: float
    ) -> float | None:
        """While the revision serves."""
        if condition.codedeploy != self.full_name:
            return None
        return float(levers.get(self.lever, at) == condition.revision)

    def catalogue(self) -> Iterable[tuple[str, object]]:
        """Application and group."""
        return [("codedeploy", {"application": self.application, "group": self.group})]

    def tagged(self, inventory: Inventory) -> Iterable[tuple[str, Mapping[str, str]]]:
        """The deployment group."""
        tail = f"deploymentgroup:{self.full_name}"
        return [(inventory.arn("codedeploy", tail), self.tags)]


def _known_deployment_group(inventory: Inventory, loc: Loc, name: str | None) -> Iterator[Problem]:
    groups = [group.full_name for group in inventory.every(CodeDeploy)]
    yield from known(loc, "group", name, groups, "resources.codedeploy")
