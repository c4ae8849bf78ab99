"""AWS names that belong to no kind of resource: hashes, zones, alarms.

Identifiers AWS would draw at random are hashes of the name: the same in every run. The names of a
kind of resource (log groups, CloudWatch dimensions, ids) are in its file in `kinds`.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from sandbox.world.inventory import Inventory

TARGET_PORT = 8080


def digest(*parts: object, length: int = 16) -> str:
    """Lower-case hex that stands for `parts`, the same in every run."""
    return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()[:length]


def alarm_arn(inventory: Inventory, alarm: str) -> str:
    """The ARN of an alarm."""
    return inventory.arn("cloudwatch", f"alarm:{alarm}")


@dataclass(frozen=True, slots=True)
class Target:
    """A registered target: an instance id, a task's private address, or a function ARN."""

    target_id: str
    port: int
    zone: str


def zone(inventory: Inventory, suffix: str) -> str:
    """The availability zone with this suffix in the scenario's region: "us-east-1a"."""
    return f"{inventory.region}{suffix}"


def zone_id(inventory: Inventory, suffix: str) -> str:
    """The zone's id, which zonal shift uses: "use1-az1" for zone a of us-east-1."""
    area, *middle, number = inventory.region.split("-")
    points = re.findall("gov|north|south|east|west|central", "".join(middle))
    short = "".join(point[0] for point in points)
    return f"{area}{short}{number}-az{ord(suffix[-1]) - ord('a') + 1}"


def is_zone(inventory: Inventory, suffix: str, name: object) -> bool:
    """Whether `name` (suffix, zone name or zone id) is the zone with this suffix."""
    return name in {suffix, zone(inventory, suffix), zone_id(inventory, suffix)}
