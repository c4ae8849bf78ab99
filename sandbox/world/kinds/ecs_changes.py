"""What goes wrong with the tasks of an ECS service, and who changes what of it."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from random import Random
from typing import Literal

from pydantic import Field, model_validator

from sandbox.world import names, routes
from sandbox.world.api import LeverValue
from sandbox.world.changes import BaseChange, EventFacts, ServiceEvent
from sandbox.world.effects import SelectiveEffect
from sandbox.world.inventory import Inventory
from sandbox.world.kinds.target_group import groups
from sandbox.world.kinds.task_service import (
    TaskService,
    known_service,
    known_task_definition,
    service_named,
)
from sandbox.world.names import Target
from sandbox.world.parts import Loc, Problem, Seconds, Share
from sandbox.world.records import Request
from sandbox.world.routes import Arrival, Front

_ROLLING_STEPS = 5
_SCALES_OUT = 60.0  # seconds until a task that was asked for takes requests


class EcsUpdate(BaseChange):
    """ecs:UpdateService: another task definition, another number of tasks, or the same anew.

    A rollout takes `takes`; the new task definition serves at its end, with `rolling` a growing
    share of the tasks runs it meanwhile. With `rolls_back` the deployment circuit breaker gives up
    when half of the tasks are new, and the old one serves again after `takes`.
    """

    kind: Literal["ecs"]
    service: str
    task_definition: str | None = None
    desired: int | None = Field(default=None, ge=0)
    force: bool = False  # forceNewDeployment
    image: str | None = None  # what the image's tag stands for when a forced deployment pulls it
    takes: Seconds = Field(default=120.0, ge=0)
    rolling: bool = False
    rolls_back: bool = False

    @model_validator(mode="after")
    def _something(self) -> EcsUpdate:
        if self.task_definition is None and self.desired is None and not self.force:
            raise ValueError("an ecs change needs task_definition, desired or force")
        if self.image is not None and not self.force:
            raise ValueError("`image` needs `force: true`: only new tasks pull an image")
        return self

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """Service and task definition must exist."""
        yield from known_service(inventory, (*loc, "service"), self.service)
        yield from known_task_definition(inventory, loc, self.service, self.task_definition)

    def steps(self, inventory: Inventory) -> Iterator[tuple[str, float, LeverValue]]:
        """The task definition, the rollout under way, the number of tasks, the image."""
        service = service_named(inventory, self.service)
        if service is None:
            return
        if self.desired is not None:
            delay = _SCALES_OUT if self.desired > service.desired else 0.0
            yield service.desired_lever, delay, self.desired
        if self.image is not None:
            yield service.image_lever, self.takes, self.image
        if self.task_definition is None:
            return
        steps = range(1, _ROLLING_STEPS) if self.rolling or self.rolls_back else range(0)
        for step in steps:
            share = step / _ROLLING_STEPS
            if not self.rolls_back or share <= 0.5:
                value = f"{self.task_definition}@{share:g}"
                yield service.rolling_lever, self.takes * share, value
        if steps:
            yield service.rolling_lever, self.takes, None
        if not self.rolls_back:
            yield service.lever, self.takes, self.task_definition

    def event(self, inventory: Inventory) -> EventFacts:
        """UpdateService."""
        service = service_named(inventory, self.service)
        assert service is not None
        request: dict[str, object] = {"cluster": service.cluster, "service": service.name}
        if self.task_definition is not None:
            request["taskDefinition"] = self.task_definition
        if self.desired is not None:
            request["desiredCount"] = self.desired
        if self.force:
            request["forceNewDeployment"] = True
        touched = (("AWS::ECS::Service", service.name),)
        return EventFacts("ecs.amazonaws.com", "UpdateService", touched, request)

    def notices(self, inventory: Inventory) -> Iterator[tuple[float, ServiceEvent]]:
        """What ECS writes when tasks go."""
        service = service_named(inventory, self.service)
        if service and self.desired is not None and self.desired < service.desired:
            count = service.desired - self.desired
            said = f"(service {service.name}) has stopped {count} running tasks."
            yield 5.0, ServiceEvent("ecs", service.name, said)
        if service and self.rolls_back:
            said = (
                f"(service {service.name}) (deployment ecs-svc) deployment failed: tasks failed "
                "to start. rolling back."
            )
            yield self.takes * 0.6, ServiceEvent("ecs", service.name, said)


Reason = Literal[
    "out_of_memory", "exit", "health_checks", "cannot_start", "cannot_pull", "no_place"
]


class TasksStop(SelectiveEffect):
    """Tasks of an ECS service stop, one after another, and ECS starts others in their place.

    At any time the part `down` of the tasks is gone; every `every` one stops, and `share` of the
    requests are cut off with it (502). `reason` says what DescribeTasks and the service's events
    tell. Without `task_definition` in `while` all tasks are concerned.
    """

    kind: Literal["tasks_stop"]
    service: str
    reason: Reason
    down: Share = 0.5
    every: Seconds = Field(default=30.0, gt=0)
    share: Share = 0.02
    exit_code: int = 1
    message: str = ""

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """The service must exist."""
        yield from known_service(inventory, (*loc, "service"), self.service)

    def about(self, names: Collection[str]) -> bool:
        """A backend of its service."""
        return self.service in names

    def of(self, service: TaskService) -> bool:
        """Whether it is about this service."""
        return service.name == self.service

    def stopped(self, group: str, targets: Sequence[Target], at: float) -> Iterator[str]:
        """`down` of the targets, others every `every`."""
        count = math.ceil(self.down * len(targets))
        first = int(at // self.every)
        for index in range(count):
            yield targets[(first + index) % len(targets)].target_id

    @property
    def stops_outside(self) -> bool:
        """The balancer answers what is cut off."""
        return True

    def outside(self, rng: Random, request: Arrival, front: Front) -> Request | None:
        """502: the connection closed before an answer."""
        target = rng.choice(front.targets) if front.targets else None
        outcome = routes.closed(request[3].zone or "a", target)
        return routes.through(front.api, outcome, request)

    def events(
        self, inventory: Inventory, at: float, lasting: float
    ) -> Iterator[tuple[float, ServiceEvent]]:
        """The tasks that stopped from `at` on, and what ECS wrote about each."""
        first = math.ceil(at / self.every)
        for number in range(first, math.ceil((at + lasting) / self.every)):
            yield from self._stop(inventory, number)

    def _stop(self, inventory: Inventory, number: int) -> Iterator[tuple[float, ServiceEvent]]:
        at = number * self.every
        task = names.digest("task", self.service, number, length=32)
        service = service_named(inventory, self.service)
        group = next(
            (g.name for g in groups(inventory) if service and g.name == service.target_group), ""
        )
        code, stopped, container, said = self._told(group)
        details = {
            "task": task,
            "stop_code": code,
            "stopped_reason": stopped,
            "container_reason": container,
            "exit_code": "" if self.reason in _NEVER_RAN else str(self._exit_code),
        }
        yield at, ServiceEvent("ecs-task", self.service, stopped, details)
        head = f"(service {self.service})"
        if said:
            yield at, ServiceEvent("ecs", self.service, f"{head} {said.format(task=task)}")
        if self.reason not in _NEVER_RAN:
            yield (
                at + 4.0,
                ServiceEvent(
                    "ecs", self.service, f"{head} deregistered 1 targets in (target-group {group})"
                ),
            )
        if self.reason != "no_place":
            started = names.digest("task", self.service, number + 1, length=32)
            yield (
                at + 6.0,
                ServiceEvent("ecs", self.service, f"{head} has started 1 tasks: (task {started})."),
            )
        if self.reason in _NEVER_RAN and number % 4 == 0:
            yield (
                at + 8.0,
                ServiceEvent(
                    "ecs",
                    self.service,
                    f"{head} is unable to consistently start tasks successfully.",
                ),
            )

    @property
    def _exit_code(self) -> int:
        return {"out_of_memory": 137, "health_checks": 143}.get(self.reason, self.exit_code)

    def _told(self, group: str) -> tuple[str, str, str, str]:
        """Stop code, the task's stopped reason, the container's reason, the service's event."""
        exited = "Essential container in task exited"
        match self.reason:
            case "out_of_memory":
                killed = "OutOfMemoryError: Container killed due to memory usage"
                return "EssentialContainerExited", exited, killed, ""
            case "exit":
                return "EssentialContainerExited", exited, self.message, ""
            case "health_checks":
                why = f"Task failed ELB health checks in (target-group {group})"
                codes = self.message or "Health checks failed"
                said = (
                    f"(port {names.TARGET_PORT}) is unhealthy in (target-group {group}) due to "
                    f"(reason {codes})"
                )
                return "ServiceSchedulerInitiated", why, "", said
            case "cannot_pull":
                why = "CannotPullContainerError: " + (self.message or "image manifest not found")
                return "TaskFailedToStart", why, "", f"(task {{task}}) failed to start: {why}"
            case "no_place":
                why = self.message or "insufficient free addresses in subnet"
                return "TaskFailedToStart", why, "", f"was unable to place a task. Reason: {why}."
            case _:
                why = "ResourceInitializationError: " + (
                    self.message or "unable to pull secrets or registry auth"
                )
                return "TaskFailedToStart", why, "", f"(task {{task}}) failed to start: {why}"


_NEVER_RAN = ("cannot_start", "cannot_pull", "no_place")
