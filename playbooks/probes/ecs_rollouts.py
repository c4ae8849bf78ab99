"""Rollouts of an ECS service, as service deployments and the revisions they lead from and to.

ECS keeps 90 days of them. A service revision is all that a rollout may change: the task definition,
and the network, the load balancers and more beside it (ECS developer guide, "Service revisions").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.errors import ReadFailed
from bot.domain.plan import canonical
from bot.domain.ports import Aws
from bot.domain.resources import EcsRef

UNDER_WAY = frozenset({"PENDING", "IN_PROGRESS"})
GOING_BACK = frozenset({"STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"})

_MOST_DESCRIBED = 20  # DescribeServiceDeployments and -Revisions take 20
_BESIDES = {
    "capacityProviderStrategy": "capacity providers",
    "fargateEphemeralStorage": "ephemeral storage",
    "guardDutyEnabled": "GuardDuty",
    "launchType": "launch type",
    "loadBalancers": "load balancers",
    "networkConfiguration": "network",
    "platformVersion": "platform version",
    "serviceConnectConfiguration": "Service Connect",
    "serviceRegistries": "service discovery",
    "volumeConfigurations": "volumes",
    "vpcLatticeConfigurations": "VPC Lattice",
}
"""What a service revision has beside its task definition, and what people call it."""

Rollout = dict[str, Any]
"""A ServiceDeployment."""


@dataclass(frozen=True, slots=True)
class Rollouts:
    """A service's rollouts, newest first, and the service revisions they name, by ARN."""

    all: tuple[Rollout, ...] = ()
    revisions: tuple[dict[str, Any], ...] = ()

    @property
    def under_way(self) -> Rollout | None:
        return next((each for each in self.all if each.get("status") in UNDER_WAY), None)

    def goes_back_to(self) -> str | None:
        """The task definition that stopping the rollout under way leads back to.

        ECS says so itself, or there is one revision it came from. Of several (a rollout begun
        while another was under way) it is the one that came through last ("Stopping a service
        deployment": ECS goes back to the latest revision that was deployed successfully).
        """
        running = self.under_way
        if running is None:
            return None
        named = running.get("rollback", {}).get("serviceRevisionArn")
        sources = [each["arn"] for each in running.get("sourceServiceRevisions", [])]
        if named or len(sources) == 1:
            return self.runs(named or sources[0])
        return next(self.succeeded(), None)

    def succeeded(self) -> Iterator[str]:
        """Task definitions that were rolled out to the end, the latest first; last of all where
        the oldest known rollout came from."""
        ended = [each for each in self.all if each.get("status") == "SUCCESSFUL"]
        arns = [each.get("targetServiceRevision", {}).get("arn") for each in ended]
        sources = ended[-1].get("sourceServiceRevisions", []) if ended else []
        arns += [each["arn"] for each in sources] if len(sources) == 1 else []
        yield from (runs for arn in arns if (runs := self.runs(arn)))

    def other_differences(self, one: str, other: str) -> tuple[str, ...] | None:
        """What else differs between the latest revisions of two task definitions; None when a
        revision is not known."""
        found = [self._latest(one), self._latest(other)]
        first, second = found
        if first is None or second is None:
            return None
        return tuple(
            called
            for name, called in sorted(_BESIDES.items())
            if canonical({"is": first.get(name)}) != canonical({"is": second.get(name)})
        )

    def digests(self, task_definition: str) -> dict[str, str]:
        """Image digests by container that ECS resolved when it last deployed the task definition;
        empty when it does not say."""
        images = (self._latest(task_definition) or {}).get("containerImages", [])
        return {
            str(each["containerName"]): str(each["imageDigest"])
            for each in images
            if each.get("imageDigest")
        }

    @property
    def started_anew(self) -> bool:
        """Whether the latest rollout led from a task definition to the same one: a forced
        deployment, which pulls mutable tags again."""
        if not self.all:
            return False
        target = self.runs(self.all[0].get("targetServiceRevision", {}).get("arn"))
        sources = {
            self.runs(each.get("arn")) for each in self.all[0].get("sourceServiceRevisions", [])
        }
        return target is not None and sources == {target}

    def runs(self, arn: str | None) -> str | None:
        """The task definition of a service revision; None when the revision is not known."""
        found = (each for each in self.revisions if each["serviceRevisionArn"] == arn)
        return next((short(each["taskDefinition"]) for each in found), None)

    def _latest(self, task_definition: str) -> dict[str, Any] | None:
        found = [
            each for each in self.revisions if short(each["taskDefinition"]) == task_definition
        ]
        return max(found, key=lambda each: str(each.get("createdAt", "")), default=None)


def read_rollouts(aws: Aws, ref: EcsRef, *, must: bool) -> Rollouts:
    """The latest rollouts. When unreadable: raises ReadFailed if they `must` be known, else
    there are none."""
    try:
        listed = aws.read(
            "ecs", "list_service_deployments", cluster=ref.cluster, service=ref.service
        )
        arns = [each["serviceDeploymentArn"] for each in listed.get("serviceDeployments", [])]
        rollouts = described(aws, arns[:_MOST_DESCRIBED])
        return Rollouts(tuple(rollouts), _revisions(aws, rollouts))
    except ReadFailed:
        if must:
            raise
        return Rollouts()


def described(aws: Aws, arns: Sequence[str]) -> list[Rollout]:
    """Service deployments, newest first. Raises ReadFailed."""
    if not arns:
        return []
    answer = aws.read("ecs", "describe_service_deployments", serviceDeploymentArns=list(arns))
    found: list[Rollout] = answer.get("serviceDeployments", [])
    return sorted(found, key=lambda each: each["createdAt"], reverse=True)


def _revisions(aws: Aws, rollouts: Iterable[Rollout]) -> tuple[dict[str, Any], ...]:
    named: list[str | None] = []
    for each in rollouts:
        named.append(each.get("rollback", {}).get("serviceRevisionArn"))
        named.append(each.get("targetServiceRevision", {}).get("arn"))
        named += [source["arn"] for source in each.get("sourceServiceRevisions", [])]
    arns = [arn for arn in dict.fromkeys(named) if arn][:_MOST_DESCRIBED]
    if not arns:
        return ()
    answer = aws.read("ecs", "describe_service_revisions", serviceRevisionArns=arns)
    return tuple(answer.get("serviceRevisions", []))


def short(task_definition: str) -> str:
    """ "checkout:41" of its ARN."""
    return task_definition.rsplit("/", 1)[-1]
