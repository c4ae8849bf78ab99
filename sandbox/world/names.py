"""The AWS names of what a scenario calls by its short name.

CloudWatch dimensions, log groups and target ids are derived here and nowhere else, so that the
metrics the simulation publishes and the resources the endpoint describes are the same things.
Identifiers AWS would draw at random are hashes of the name: the same in every run.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from sandbox.world.resources import Api, Function, LoadBalancer, Resources, TargetGroup

TARGET_PORT = 8080


def digest(*parts: object, length: int = 16) -> str:
    """Lower-case hex that stands for `parts`, the same in every run."""
    return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()[:length]


def api_id(api: Api) -> str:
    """The ten-character API id."""
    return digest("api", api.name, length=10)


def access_log_group(api: Api) -> str:
    return f"/aws/apigateway/{api.name}/{api.stage}"


def function_log_group(function: Function) -> str:
    return f"/aws/lambda/{function.name}"


def ecs_log_group(service: str) -> str:
    return f"/ecs/{service}"


def load_balancer_dimension(balancer: LoadBalancer) -> str:
    """The LoadBalancer dimension: the tail of its ARN."""
    return f"app/{balancer.name}/{digest('alb', balancer.name)}"


def target_group_dimension(group: TargetGroup) -> str:
    """The TargetGroup dimension: the tail of its ARN."""
    return f"targetgroup/{group.name}/{digest('tg', group.name)}"


def function_arn(resources: Resources, function: str, qualifier: str | None = None) -> str:
    tail = f":{qualifier}" if qualifier else ""
    return f"arn:aws:lambda:{resources.region}:{resources.account}:function:{function}{tail}"


def alarm_arn(resources: Resources, alarm: str) -> str:
    return f"arn:aws:cloudwatch:{resources.region}:{resources.account}:alarm:{alarm}"


def zone(resources: Resources, suffix: str) -> str:
    """The availability zone with this suffix in the scenario's region: "us-east-1a"."""
    return f"{resources.region}{suffix}"


@dataclass(frozen=True, slots=True)
class Target:
    """A registered target: an instance id, a task's private address, or a function ARN."""

    target_id: str
    port: int
    zone: str


def targets(resources: Resources, group: TargetGroup) -> tuple[Target, ...]:
    """The targets of a group, dealt over the balancer's zones one after another."""
    balancer = resources.load_balancer
    if group.kind == "lambda" and group.function:
        arn = function_arn(resources, group.function, group.alias)
        return (Target(arn, 0, "all"),)
    zones = balancer.zones if balancer else ("a",)
    found = []
    for index in range(group.targets):
        suffix = zones[index % len(zones)]
        if group.kind == "instance":
            target_id = f"i-{digest('instance', group.name, index, length=17)}"
        else:
            network = 16 * (ord(suffix[-1]) - ord("a"))
            host = (int(digest("ip", group.name, length=4), 16) + 13 * index) % 240 + 10
            target_id = f"10.0.{network}.{host}"
        found.append(Target(target_id, TARGET_PORT, zone(resources, suffix)))
    return tuple(found)


def zone_id(resources: Resources, suffix: str) -> str:
    """The zone's id, which zonal shift uses: "use1-az1" for zone a of us-east-1."""
    area, *middle, number = resources.region.split("-")
    points = re.findall("gov|north|south|east|west|central", "".join(middle))
    short = "".join(point[0] for point in points)
    return f"{area}{short}{number}-az{ord(suffix[-1]) - ord('a') + 1}"


def is_zone(resources: Resources, suffix: str, name: object) -> bool:
    """Whether `name` (suffix, zone name or zone id) is the zone with this suffix."""
    return name in {suffix, zone(resources, suffix), zone_id(resources, suffix)}
