"""ECS services: `resources.ecs`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from pydantic import Field

from sandbox.world.api import LeverValue
from sandbox.world.changes import BaseChange, EventFacts
from sandbox.world.conditions import Condition
from sandbox.world.inventory import Inventory
from sandbox.world.kinds.load_balancer import known_group
from sandbox.world.kinds.resource import Resource
from sandbox.world.levers import Levers
from sandbox.world.logs import Stamp, TaskLog
from sandbox.world.metrics import Dimensions, Published, dimensions, plain
from sandbox.world.minute import MinuteRecords, cpu
from sandbox.world.parts import Loc, Problem, Seconds, known

_NAMESPACE = "AWS/ECS"


class EcsUpdate(BaseChange):
    """ecs:UpdateService to another task definition; the rollout takes `takes`."""

    kind: Literal["ecs"]
    service: str
    task_definition: str
    takes: Seconds = Field(default=120.0, ge=0)

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """Service and task definition must exist."""
        yield from known_service(inventory, (*loc, "service"), self.service)
        yield from known_task_definition(inventory, loc, self.service, self.task_definition)

    def levers(self, inventory: Inventory) -> Mapping[str, tuple[float, LeverValue]]:
        """The task definition that serves."""
        return moved(inventory, self.service, self.takes, self.task_definition)

    def event(self, inventory: Inventory) -> EventFacts:
        """UpdateService."""
        service = next(s for s in inventory.every(EcsService) if s.name == self.service)
        request = {
            "cluster": service.cluster,
            "service": service.name,
            "taskDefinition": self.task_definition,
        }
        touched = (("AWS::ECS::Service", service.name),)
        return EventFacts("ecs.amazonaws.com", "UpdateService", touched, request)


class EcsService(Resource):
    """An ECS service behind a target group, with its task definition revisions, oldest first."""

    changes = (EcsUpdate,)

    name: str
    cluster: str = "main"
    target_group: str
    task_definitions: tuple[str, ...]  # "checkout:41", "checkout:42"
    serving: str
    desired: int = 4
    tags: dict[str, str] = Field(default_factory=dict)

    @property
    def log_group(self) -> str:
        """The log group of its tasks."""
        return f"/ecs/{self.name}"

    @property
    def lever(self) -> str:
        """The lever of its task definition."""
        return f"ecs/{self.cluster}/{self.name}/task_definition"

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """Its target group and the task definition it serves must exist."""
        place = (*loc, "target_group")
        yield from known_group(inventory, place, self.target_group, "load_balancer")
        place, some = (*loc, "serving"), self.task_definitions
        yield from known(place, "task definition", self.serving, some, "task_definitions")

    @classmethod
    def condition_problems(
        cls, condition: Condition, inventory: Inventory, loc: Loc
    ) -> Iterator[Problem]:
        """The form {ecs, task_definition}."""
        yield from known_service(inventory, (*loc, "ecs"), condition.ecs)
        yield from known_task_definition(inventory, loc, condition.ecs, condition.task_definition)

    def levers(self) -> Mapping[str, LeverValue]:
        """`ecs/{cluster}/{name}/`: task_definition (family:revision), desired (tasks)."""
        return {self.lever: self.serving, f"ecs/{self.cluster}/{self.name}/desired": self.desired}

    def holds(
        self, condition: Condition, inventory: Inventory, levers: Levers, at: float
    ) -> float | None:
        """While the service runs the task definition."""
        if condition.ecs != self.name:
            return None
        return float(levers.get(self.lever, at) == condition.task_definition)

    def metrics(self, minute: MinuteRecords) -> Iterator[Published]:
        """AWS/ECS: what the load does to the tasks."""
        gauges, rng = minute.gauges, minute.rng
        dims = [dimensions(ClusterName=self.cluster, ServiceName=self.name)]
        used = [cpu(minute.normal, g, g.pressed is None, rng) for g in gauges for _ in range(2)]
        memory = [min(99.0, 41.0 + 6.0 * g.pressure + rng.gauss(0, 0.5)) for g in gauges]
        yield Published(_NAMESPACE, "CPUUtilization", dims, plain(used, "Percent"))
        yield Published(_NAMESPACE, "MemoryUtilization", dims, plain(memory, "Percent"))

    def alarm_dimensions(self, namespace: str) -> Dimensions | None:
        """Cluster and service."""
        if namespace != _NAMESPACE:
            return None
        return dimensions(ClusterName=self.cluster, ServiceName=self.name)

    def logs(self, inventory: Inventory, stamp: Stamp) -> Iterable[TaskLog]:
        """What the application wrote about errors."""
        return [TaskLog(inventory.account, self.log_group, self.name, stamp)]

    def catalogue(self) -> Iterable[tuple[str, object]]:
        """Cluster and service."""
        return [("ecs", {"cluster": self.cluster, "service": self.name})]

    def tagged(self, inventory: Inventory) -> Iterable[tuple[str, Mapping[str, str]]]:
        """The service."""
        return [(inventory.arn("ecs", f"service/{self.cluster}/{self.name}"), self.tags)]


def moved(
    inventory: Inventory, service: str | None, delay: float, task_definition: str
) -> Mapping[str, tuple[float, LeverValue]]:
    """The lever of a service's task definition, pulled after `delay` seconds."""
    return {
        each.lever: (delay, task_definition)
        for each in inventory.every(EcsService)
        if each.name == service
    }


def known_service(inventory: Inventory, loc: Loc, name: str | None) -> Iterator[Problem]:
    """The problem that there is no ECS service of this name."""
    services = [service.name for service in inventory.every(EcsService)]
    yield from known(loc, "ECS service", name, services, "resources.ecs")


def known_task_definition(
    inventory: Inventory, loc: Loc, service: str | None, name: str | None
) -> Iterator[Problem]:
    """The problem that a service has no such task definition."""
    for found in inventory.every(EcsService):
        if found.name == service:
            place, some = (*loc, "task_definition"), found.task_definitions
            yield from known(place, "task definition", name, some, "task_definitions")
