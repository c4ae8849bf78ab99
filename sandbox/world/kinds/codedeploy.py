"""CodeDeploy deployment groups: `resources.codedeploy`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from pydantic import Field

from sandbox.world.api import LeverValue
from sandbox.world.changes import BaseChange, EventFacts
from sandbox.world.conditions import Condition
from sandbox.world.inventory import Inventory
from sandbox.world.kinds.ecs import EcsService, known_service, moved
from sandbox.world.kinds.function import Function, known_function, known_qualifier
from sandbox.world.kinds.resource import Resource
from sandbox.world.levers import Levers
from sandbox.world.parts import Loc, Problem, Seconds, known


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

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """Group, version and task definition must exist."""
        name = f"{self.application}/{self.group}"
        yield from _known_deployment_group(inventory, (*loc, "group"), name)
        for group in self._groups(inventory):
            functions, services = inventory.every(Function), inventory.every(EcsService)
            versions = [v for f in functions if f.name == group.function for v in f.versions]
            some = [t for s in services if s.name == group.ecs_service for t in s.task_definitions]
            yield from known((*loc, "version"), "version", self.version, versions, "versions")
            place, section = (*loc, "task_definition"), "task_definitions"
            yield from known(place, "task definition", self.task_definition, some, section)

    def levers(self, inventory: Inventory) -> Mapping[str, tuple[float, LeverValue]]:
        """The group's revision, and the alias or the task definition that follows it."""
        found: dict[str, tuple[float, LeverValue]] = {}
        for group in self._groups(inventory):
            found[group.lever] = (self.takes, self.revision)
            if self.version and group.function and group.alias:
                key = f"lambda/{group.function}/alias/{group.alias}"
                found[key] = (self.takes, self.version)
            if self.task_definition:
                found |= moved(inventory, group.ecs_service, self.takes, self.task_definition)
        return found

    def before(self) -> LeverValue:
        """The revision that served before."""
        return self.previous

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
