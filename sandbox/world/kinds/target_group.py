"""Target groups, and what owns them: the part of a load balancer that effects speak about."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from sandbox.world import names
from sandbox.world.inventory import Inventory
from sandbox.world.kinds.resource import Resource
from sandbox.world.parts import Loc, Part, Problem, Seconds, known


class TargetGroup(Part):
    """A target group; its targets are instances, ECS tasks (ip) or one Lambda function alias."""

    name: str
    kind: Literal["instance", "ip", "lambda"] = "ip"
    targets: int = 4
    function: str | None = None  # kind: lambda
    alias: str | None = None
    health_path: str = "/health"
    interval: Seconds = 30
    timeout: Seconds = 5
    healthy_threshold: int = 5
    unhealthy_threshold: int = 2
    deregistration_delay: Seconds = 300
    tags: dict[str, str] = Field(default_factory=dict)

    @property
    def dimension(self) -> str:
        """The TargetGroup dimension: the tail of its ARN."""
        return f"targetgroup/{self.name}/{names.digest('tg', self.name)}"

    @property
    def health_check(self) -> str:
        """The value of its health_check lever at the start."""
        return json.dumps(
            {
                "interval": self.interval,
                "timeout": self.timeout,
                "path": self.health_path,
                "healthy_threshold": self.healthy_threshold,
                "unhealthy_threshold": self.unhealthy_threshold,
            }
        )


class Balancing(Resource):
    """What a load balancer is to its target groups."""

    name: str
    zones: tuple[str, ...] = ("a", "b", "c")  # suffixes of the region's availability zones
    target_groups: tuple[TargetGroup, ...]


def groups(inventory: Inventory) -> list[TargetGroup]:
    """Every target group."""
    return [g for balancer in inventory.every(Balancing) for g in balancer.target_groups]


def known_group(
    inventory: Inventory, loc: Loc, name: str | None, section: str
) -> Iterator[Problem]:
    """The problem that there is no target group of this name."""
    yield from known(loc, "target group", name, [g.name for g in groups(inventory)], section)
