"""The service's ECS services: how many tasks they want and run, and what ECS wrote of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from bot.domain.playbook_contract import Probe, Scope
from bot.domain.ports import Aws
from playbooks.probes.changes.ecs import described

_TROUBLE = re.compile(r"unable to|failed to|is unhealthy|was stopped", re.I)
_REASON = re.compile(r"reason|because|Error", re.I)
LONGEST_EVENT = 300  # characters of an event that are shown


@dataclass(frozen=True, slots=True)
class EcsService:
    """An ECS service. `events`: what ECS wrote of it, newest first (DescribeServices keeps 100)."""

    name: str
    desired: int
    running: int
    events: tuple[tuple[datetime, str], ...] = ()

    def trouble(self, since: datetime) -> str:
        """The latest event since then that tells of something that failed, one with a reason
        rather than one without; empty when none does."""
        told = [text for at, text in self.events if at >= since and _TROUBLE.search(text)]
        text = next((each for each in told if _REASON.search(each)), told[0] if told else "")
        return text if len(text) <= LONGEST_EVENT else f"{text[: LONGEST_EVENT - 1]}…"


class EcsServicesProbe(Probe[tuple[EcsService, ...]]):
    title: ClassVar[str] = "ECS services and their events"
    permissions: ClassVar[tuple[str, ...]] = ("ecs:DescribeServices",)

    def read(self, aws: Aws, scope: Scope) -> tuple[EcsService, ...] | None:
        services = scope.service.resources.ecs
        if not services:
            return None
        answers = [
            aws.read("ecs", "describe_services", cluster=ecs.cluster, services=[ecs.service])
            for ecs in services
        ]
        return tuple(state_of(service) for answer in answers for service in described(answer))


def state_of(service: Mapping[str, Any]) -> EcsService:
    """A service in an answer of DescribeServices."""
    events = [
        (event["createdAt"].astimezone(UTC), str(event.get("message", "")))
        for event in service.get("events", [])
    ]
    return EcsService(
        name=service["serviceName"],
        desired=int(service.get("desiredCount", 0)),
        running=int(service.get("runningCount", 0)),
        events=tuple(sorted(events, reverse=True)),
    )
