"""ECS services: `resources.ecs`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Literal

from pydantic import Field

from sandbox.world.api import LeverValue
from sandbox.world.conditions import Condition
from sandbox.world.inventory import Inventory
from sandbox.world.kinds.ecs_changes import EcsUpdate, TasksStop
from sandbox.world.kinds.target_group import known_group
from sandbox.world.kinds.task_service import TaskService, known_service, known_task_definition
from sandbox.world.levers import Levers
from sandbox.world.logs import Stamp, TaskLog
from sandbox.world.metrics import Dimensions, Published, dimensions, incoming, plain
from sandbox.world.minute import Gauges, MinuteRecords, cpu
from sandbox.world.parts import Loc, Problem, known

_NAMESPACE = "AWS/ECS"
_BYTES = 150  # of a line in its log, on average


class EcsService(TaskService):
    """An ECS service behind a target group, with its task definition revisions, oldest first."""

    effects = (TasksStop,)
    changes = (EcsUpdate,)

    logs_to: str | None = None  # another log group than /ecs/NAME: the task definition says which
    environment: dict[str, str] = Field(default_factory=dict)  # variables of its container
    deployed_by: Literal["ECS", "CODE_DEPLOY", "EXTERNAL"] = "ECS"  # the deployment controller
    tags: dict[str, str] = Field(default_factory=dict)

    @property
    def log_group(self) -> str:
        """The log group of its tasks."""
        return self.logs_to or f"/ecs/{self.name}"

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
        """`ecs/{cluster}/{name}/`: task_definition (family:revision), desired (tasks). Not set at
        the start: rolling, "family:revision@share" of the tasks; image, what a mutable tag is."""
        return {self.lever: self.serving, self.desired_lever: self.desired}

    def served(self, levers: Levers, at: float) -> dict[str, float]:
        """Task definition to the share of the tasks that run it."""
        return self.served_now(partial(levers.get, at=at))

    def served_now(self, value: Callable[[str], LeverValue]) -> dict[str, float]:
        """The same, by the levers' values."""
        main = str(value(self.lever))
        new, _, share = str(value(self.rolling_lever) or "").partition("@")
        if not share:
            return {main: 1.0}
        return {main: 1.0 - float(share), new: float(share)}

    def holds(
        self, condition: Condition, inventory: Inventory, levers: Levers, at: float
    ) -> float | None:
        """The share of the tasks that run the task definition."""
        if condition.ecs != self.name or condition.task_definition is None:
            return None
        return self.served(levers, at).get(condition.task_definition, 0.0)

    def metrics(self, minute: MinuteRecords) -> Iterator[Published]:
        """AWS/ECS: what the load does to the tasks."""
        gauges, rng = minute.gauges, minute.rng
        dims = [dimensions(ClusterName=self.cluster, ServiceName=self.name)]
        pressed = [g.pressure(backends=(self.target_group,)) for g in gauges]
        pairs = [*zip(gauges, pressed, strict=True)]
        used = [cpu(minute.normal, g, p, rng) for g, p in pairs for _ in range(2)]
        memory = [
            97.5 + rng.gauss(0, 0.5) if self._fills(g) else 41.0 + 6.0 * p + rng.gauss(0, 0.5)
            for g, p in pairs
        ]
        full = [min(99.0, value) for value in memory]
        yield Published(_NAMESPACE, "CPUUtilization", dims, plain(used, "Percent"))
        yield Published(_NAMESPACE, "MemoryUtilization", dims, plain(full, "Percent"))
        lines = sum(
            r.weight
            for r in minute.ended
            if r.exception and r.hop and r.hop.group == self.target_group
        )
        yield from incoming(self.log_group, lines, lines * _BYTES)

    def _fills(self, gauge: Gauges) -> bool:
        """Whether its tasks run out of memory."""
        return any(
            isinstance(effect, TasksStop) and effect.of(self) and effect.reason == "out_of_memory"
            for effect, _ in gauge.active
        )

    def alarm_dimensions(self, namespace: str) -> Dimensions | None:
        """Cluster and service."""
        if namespace != _NAMESPACE:
            return None
        return dimensions(ClusterName=self.cluster, ServiceName=self.name)

    def logs(self, inventory: Inventory, stamp: Stamp) -> Iterable[TaskLog]:
        """What the application wrote about errors."""
        return [TaskLog(inventory.account, self.log_group, self.name, self.target_group, stamp)]

    def catalogue(self) -> Iterable[tuple[str, object]]:
        """Cluster and service."""
        return [("ecs", {"cluster": self.cluster, "service": self.name})]

    def tagged(self, inventory: Inventory) -> Iterable[tuple[str, Mapping[str, str]]]:
        """The service."""
        return [(inventory.arn("ecs", f"service/{self.cluster}/{self.name}"), self.tags)]
