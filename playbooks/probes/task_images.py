"""Which images two task definitions run: whether going back to the older one changes anything.

A tag is resolved to a digest when a deployment begins (ECS developer guide, "Container image
resolution"). A rollback by UpdateService is a new deployment: where both task definitions name the
same mutable tag, it pulls the image of now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.errors import ReadFailed
from bot.domain.plan import Check, canonical
from bot.domain.ports import Aws
from bot.domain.resources import EcsRef
from playbooks.probes.ecs_rollouts import Rollouts, short

_TASK_SETTINGS = ("cpu", "executionRoleArn", "memory", "networkMode", "taskRoleArn", "volumes")
_MOST_TASKS = 10


@dataclass(frozen=True, slots=True)
class TaskDefinition:
    """A task definition: its containers by name, and whether it can still be run."""

    name: str  # "web:8"
    status: str
    containers: Mapping[str, Mapping[str, Any]]
    settings: Mapping[str, Any]

    def image(self, container: str) -> str | None:
        return self.containers.get(container, {}).get("image")


def read_task_definition(aws: Aws, name: str) -> TaskDefinition:
    """A task definition. Raises ReadFailed."""
    found = aws.read("ecs", "describe_task_definition", taskDefinition=name)["taskDefinition"]
    containers = {str(each.get("name")): each for each in found.get("containerDefinitions", [])}
    settings = {key: found.get(key) for key in _TASK_SETTINGS}
    return TaskDefinition(name, str(found.get("status", "unknown")), containers, settings)


def read_running_digests(aws: Aws, ref: EcsRef, task_definition: str) -> dict[str, str]:
    """Image digests by container of tasks that run the task definition now. Raises ReadFailed."""
    listed = aws.read("ecs", "list_tasks", cluster=ref.cluster, serviceName=ref.service)
    arns = listed.get("taskArns", [])[:_MOST_TASKS]
    if not arns:
        return {}
    tasks = aws.read("ecs", "describe_tasks", cluster=ref.cluster, tasks=arns).get("tasks", [])
    return {
        str(container["name"]): str(container["imageDigest"])
        for task in tasks
        if short(str(task.get("taskDefinitionArn", ""))) == task_definition
        for container in task.get("containers", [])
        if container.get("imageDigest")
    }


def read_image_check(
    aws: Aws, ref: EcsRef, now: str, back: TaskDefinition, rollouts: Rollouts
) -> Check:
    """Whether the older task definition runs something else than what runs now."""
    try:
        running = read_task_definition(aws, now)
        digests = rollouts.digests(now) or read_running_digests(aws, ref, now)
    except ReadFailed as fault:
        return Check(text=f"{back.name} runs another image than {now} [{fault}]", holds=None)
    return image_check(running, back, digests, rollouts.digests(back.name))


def image_check(
    now: TaskDefinition,
    back: TaskDefinition,
    digests: Mapping[str, str],
    digests_back: Mapping[str, str],
) -> Check:
    """Whether going back changes what runs.

    `digests`: by container, of what runs now and of what ran under the older task definition.
    Equal images help only where another setting differs; of a tag whose digests are not known it
    is not known whether the image changed.
    """
    names = sorted({*now.containers, *back.containers})
    moved, unknown = [], []
    for name in names:
        image, image_back = now.image(name), back.image(name)
        known = name in digests and name in digests_back
        same_digest = known and digests[name] == digests_back[name]
        if image != image_back:
            if not same_digest:
                text = f"{back.name} runs another image than {now.name}"
                return Check(text=f"{text} ({_tag(image_back)}, not {_tag(image)})", holds=True)
        elif known and not same_digest and not _pinned(image):
            moved.append(_tag(image))
        elif not known and not _pinned(image):
            unknown.append(_tag(image))
    if moved:
        return Check(
            text=f"{back.name} runs another image than {now.name}: both name {', '.join(moved)}, "
            "whose image was replaced, and a rollback would pull the new one again",
            holds=False,
        )
    if unknown:
        return Check(
            text=f"{back.name} runs another image than {now.name}: both name "
            f"{', '.join(unknown)}, and whether its image was replaced is not known",
            holds=None,
        )
    differs = settings_that_differ(now, back)
    shown = ", ".join(differs) or "nothing"
    return Check(
        text=f"{back.name} differs from {now.name} (same image; what differs is {shown})",
        holds=bool(differs),
    )


def settings_that_differ(now: TaskDefinition, back: TaskDefinition) -> tuple[str, ...]:
    """Names of settings other than the image that differ."""
    found = {key for key in _TASK_SETTINGS if not _equal(now.settings, back.settings, key)}
    for name in {*now.containers, *back.containers}:
        one, other = now.containers.get(name, {}), back.containers.get(name, {})
        found |= {key for key in {*one, *other} - {"image"} if not _equal(one, other, key)}
    return tuple(sorted(found))


def _equal(one: Mapping[str, Any], other: Mapping[str, Any], key: str) -> bool:
    return canonical({key: one.get(key)}) == canonical({key: other.get(key)})


def _pinned(image: str | None) -> bool:
    """Whether the image is named by its digest, which no push changes."""
    return "@sha256:" in (image or "")


def _tag(image: str | None) -> str:
    """ "checkout:8" of "123456789012.dkr.ecr.us-east-1.amazonaws.com/checkout:8"."""
    return (image or "none").rsplit("/", 1)[-1]
