"""Tasks of the service's ECS services that stopped lately, and why.

ECS shows a stopped task for about an hour (ECS API reference, DescribeTasks).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from bot.domain.coverage import Coverage
from bot.domain.playbook_contract import Probe, Scope
from bot.domain.ports import Aws

MOST_DESCRIBED = 100  # DescribeTasks takes 100
CONTAINER_EXITED = "EssentialContainerExited"
TERMINATED = 143  # 128 + SIGTERM: ECS asked it to stop
KILLED = 137  # 128 + SIGKILL: what a container has that was killed for its memory


@dataclass(frozen=True, slots=True)
class StoppedTask:
    """A task that stopped. `reason` is ECS's, followed by the containers' own reasons; `exits`:
    exit codes of its containers; `definition`: its task definition, "checkout:42"; `code`:
    ECS's stop code."""

    service: str
    at: datetime
    reason: str
    exits: tuple[int, ...] = ()
    definition: str = ""
    code: str = ""

    @property
    def out_of_memory(self) -> bool:
        """Whether ECS says that a container needed more memory than it has ("OutOfMemoryError:
        Container killed due to memory usage"). An exit code of 137 alone is no proof: ECS kills a
        task that ignores SIGTERM in the same way."""
        return "outofmemory" in self.reason.replace(" ", "").lower()

    @property
    def crashed(self) -> bool:
        """Whether it stopped because a container ended with an error of its own; not when ECS
        stopped it, for its health check or to scale in (ECS API reference, Task, "stopCode")."""
        own = self.code in ("", CONTAINER_EXITED)
        return own and any(code not in (0, KILLED, TERMINATED) for code in self.exits)


@dataclass(frozen=True, slots=True)
class StoppedTasks:
    """The tasks that stopped. `unread`: sentences on what was not read."""

    tasks: tuple[StoppedTask, ...]
    unread: tuple[str, ...] = ()

    @property
    def coverage(self) -> Coverage:
        return Coverage(missing=self.unread)

    def between(self, start: datetime, end: datetime) -> tuple[StoppedTask, ...]:
        return tuple(task for task in self.tasks if start <= task.at < end)


class StoppedTasksProbe(Probe[StoppedTasks]):
    title: ClassVar[str] = "stopped tasks of the ECS services"
    permissions: ClassVar[tuple[str, ...]] = ("ecs:ListTasks", "ecs:DescribeTasks")

    def read(self, aws: Aws, scope: Scope) -> StoppedTasks | None:
        services = scope.service.resources.ecs
        if not services:
            return None
        tasks: list[StoppedTask] = []
        unread: list[str] = []
        for ecs in services:
            listed = [
                arn
                for page in aws.pages(
                    "ecs",
                    "list_tasks",
                    cluster=ecs.cluster,
                    serviceName=ecs.service,
                    desiredStatus="STOPPED",
                )
                for arn in page.get("taskArns", [])
            ]
            if len(listed) > MOST_DESCRIBED:
                unread.append(f"{MOST_DESCRIBED} of {len(listed)} stopped tasks were read")
            if listed:
                answer = aws.read(
                    "ecs", "describe_tasks", cluster=ecs.cluster, tasks=listed[:MOST_DESCRIBED]
                )
                tasks += stopped(ecs.service, answer)
        return StoppedTasks(tuple(tasks), tuple(unread))


def stopped(service: str, answer: Mapping[str, Any]) -> Iterator[StoppedTask]:
    """The tasks in an answer of DescribeTasks that stopped."""
    for task in answer.get("tasks", []):
        at = task.get("stoppedAt") or task.get("stoppingAt")
        if at is None:
            continue
        containers = task.get("containers", [])
        reasons = [task.get("stoppedReason"), *(each.get("reason") for each in containers)]
        codes = [each.get("exitCode") for each in containers]
        yield StoppedTask(
            service=service,
            at=at.astimezone(UTC),
            reason="; ".join(dict.fromkeys(reason for reason in reasons if reason)),
            exits=tuple(code for code in codes if code is not None),
            code=str(task.get("stopCode", "")),
            definition=str(task.get("taskDefinitionArn", "")).rpartition("/")[2],
        )
