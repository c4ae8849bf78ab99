"""ECS services and their deployments, past and under way.

A deployment of the scenario is read from the trail and the service's lever; one a caller started is
kept here, and pulls the lever when it has succeeded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sandbox.aws.account import Account, Store
from sandbox.aws.errors import AwsError
from sandbox.aws.history import reached, scenario_changes
from sandbox.aws.names import unique
from sandbox.world.kinds import EcsService

_AGE = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Rollout:
    """One deployment of a service."""

    rollout_id: str
    task_definition: str  # family:revision
    previous: str
    created: datetime
    finished: datetime | None
    status: str  # of a service deployment: IN_PROGRESS, SUCCESSFUL, ROLLBACK_SUCCESSFUL, STOPPED
    lasts: timedelta
    own: bool = False  # a caller started it, or sent it back

    @property
    def target(self) -> str:
        """The task definition it leads to."""
        return self.previous if self.status.startswith("ROLLBACK") else self.task_definition

    def share(self, now: datetime) -> float:
        """The share of tasks it has replaced, 0 to 1."""
        if self.finished is not None:
            return 1.0
        return min(0.95, (now - self.created) / self.lasts) if self.lasts else 1.0


class Services(Store):
    """The account's ECS services."""

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self._own: dict[str, list[Rollout]] = {}
        self._lasts = timedelta(seconds=account.options.rollout_seconds)

    # -- what there is

    def find(self, cluster: str | None, name: str) -> EcsService | None:
        """The service of this name or ARN; a cluster that is not named is any."""
        where = (cluster or "").rpartition("/")[2]
        for service in self.account.resources.ecs:
            if service.name == name.rpartition("/")[2] and where in ("", service.cluster):
                return service
        return None

    def service(self, cluster: str | None, name: str) -> EcsService:
        """The service of this name or ARN. Raises AwsError when there is none."""
        clusters = {service.cluster for service in self.account.resources.ecs}
        if cluster and cluster.rpartition("/")[2] not in clusters:
            raise AwsError("ClusterNotFoundException", "Cluster not found.")
        found = self.find(cluster, name)
        if found is None:
            raise AwsError("ServiceNotFoundException", "Service not found.")
        return found

    def arn(self, service: EcsService) -> str:
        """The service's ARN."""
        return self.account.arn("ecs", f"service/{service.cluster}/{service.name}")

    def cluster_arn(self, cluster: str) -> str:
        """A cluster's ARN."""
        return self.account.arn("ecs", f"cluster/{cluster}")

    def task_definition_arn(self, task_definition: str) -> str:
        """The ARN of family:revision."""
        return self.account.arn("ecs", f"task-definition/{task_definition}")

    def image(self, task_definition: str) -> str:
        """The image of family:revision: a tag for each revision, in the account's registry."""
        return f"{self.account.id}.dkr.ecr.{self.account.region}.amazonaws.com/{task_definition}"

    def rollout_arn(self, service: EcsService, rollout: Rollout) -> str:
        """The ARN of a service deployment."""
        tail = f"service-deployment/{service.cluster}/{service.name}/{rollout.rollout_id}"
        return self.account.arn("ecs", tail)

    def revision_arn(self, service: EcsService, task_definition: str) -> str:
        """The ARN of a service revision."""
        number = int(unique("revision", service.name, task_definition)[:8], 16)
        tail = f"service-revision/{service.cluster}/{service.name}/{number:019d}"
        return self.account.arn("ecs", tail)

    def known(self, text: str) -> str:
        """family:revision of a task definition given by name, family or ARN. Raises AwsError."""
        wanted = text.rpartition("/")[2]
        for service in self.account.resources.ecs:
            if wanted in service.task_definitions:
                return wanted
            family = [item for item in service.task_definitions if item.split(":")[0] == wanted]
            if family:
                return family[-1]
        raise AwsError("ClientException", "Unable to describe task definition.")

    def serving(self, service: EcsService) -> str:
        """The task definition that serves."""
        value = self.account.world.lever(self._key(service, "task_definition"))
        return str(value or service.serving)

    def desired(self, service: EcsService) -> int:
        """The number of tasks wanted."""
        value = self.account.world.lever(self._key(service, "desired"))
        return service.desired if value is None else int(value)

    def set_desired(self, service: EcsService, count: int) -> None:
        """Set the number of tasks wanted."""
        self.account.world.pull(self._key(service, "desired"), count)

    def current(self, service: EcsService) -> str:
        """The task definition that serves, or that is being rolled out."""
        newest = self.rollouts(service)[0]
        return self.serving(service) if newest.finished else newest.target

    def rollouts(self, service: EcsService) -> list[Rollout]:
        """The service's deployments, newest first."""
        found = [*self._past(service), *self._own.get(service.name, [])]
        return sorted(found, key=lambda rollout: rollout.created, reverse=True)

    def registered(self, service: EcsService, task_definition: str) -> datetime:
        """When it was registered: just before it was first rolled out, as far as that is known."""
        *later, first = self.rollouts(service)
        for rollout in reversed(later):
            if rollout.task_definition == task_definition:
                return rollout.created - timedelta(minutes=4)
        known = service.task_definitions
        ahead = known.index(task_definition) - known.index(first.task_definition)
        step = timedelta(days=7) if ahead <= 0 else timedelta(days=7) / len(known)
        return first.created - timedelta(minutes=4) + ahead * step

    # -- changes

    def start(self, service: EcsService, task_definition: str) -> Rollout:
        """Begin a rollout; it replaces one that is under way."""
        now = self.account.world.now()
        own = self._own.setdefault(service.name, [])
        self._own[service.name] = [
            replace(item, status="STOPPED", finished=now) if item.finished is None else item
            for item in own
        ]
        made = Rollout(
            unique("rollout", service.name, task_definition, len(own), now.isoformat())[:22],
            task_definition,
            self.serving(service),
            now,
            None,
            "IN_PROGRESS",
            self._lasts,
            own=True,
        )
        self._own[service.name].append(made)
        return made

    def roll_back(self, service: EcsService, rollout: Rollout) -> None:
        """Roll back to the task definition before."""
        now = self.account.world.now()
        own = self._own.setdefault(service.name, [])
        back = replace(
            rollout,
            status="ROLLBACK_IN_PROGRESS",
            finished=None,
            own=True,
            lasts=max(timedelta(seconds=1), (now - rollout.created) + self._lasts / 2),
        )
        self._own[service.name] = [
            *(item for item in own if item.rollout_id != rollout.rollout_id),
            back,
        ]

    def advance(self) -> None:
        """Complete rollouts that are due, and serve the task definition of the newest one.

        A rollout of the scenario that was stopped does not take effect. Where CodeDeploy deploys
        the service, CodeDeploy decides.
        """
        now = self.account.world.now()
        moved = {group.ecs_service for group in self.account.resources.codedeploy}
        for service in self.account.resources.ecs:
            own = self._own.get(service.name, [])
            through = False
            for index, item in enumerate(own):
                if item.finished is None and now >= item.created + item.lasts:
                    done = item.status.replace("IN_PROGRESS", "SUCCESSFUL")
                    own[index] = replace(item, status=done, finished=item.created + item.lasts)
                    through = True
            if not own or (service.name in moved and not through):
                continue
            newest = self.rollouts(service)[0]
            if newest.own and newest.finished and self.serving(service) != newest.target:
                self.account.world.pull(self._key(service, "task_definition"), newest.target)

    # -- the past

    @staticmethod
    def _key(service: EcsService, what: str) -> str:
        return f"ecs/{service.cluster}/{service.name}/{what}"

    def _past(self, service: EcsService) -> Iterator[Rollout]:
        world, now = self.account.world, self.account.world.now()
        key = self._key(service, "task_definition")
        events = [
            event
            for event in scenario_changes(world, "ecs", "UpdateService")
            if str(event.request.get("service")).rpartition("/")[2] == service.name
            and (event.request.get("taskDefinition") or event.request.get("forceNewDeployment"))
        ]
        own = {item.rollout_id: item for item in self._own.get(service.name, [])}
        first = str(world.lever(key, self.account.opened - _AGE) or service.serving)
        if not events or events[0].time > self.account.opened - _AGE:
            start = self.account.opened - _AGE
            yield Rollout(
                unique("rollout", service.name)[:22],
                first,
                first,
                start,
                start + self._lasts,
                "SUCCESSFUL",
                self._lasts,
            )
        for index, event in enumerate(events):
            rollout_id = unique("rollout", service.name, event.time.isoformat())[:22]
            if rollout_id in own:
                continue
            before = str(world.lever(key, event.time - timedelta(seconds=1)) or first)
            forced = not event.request.get("taskDefinition")
            named = world.lever(key, event.time) if forced else event.request["taskDefinition"]
            target = str(named or first).rpartition("/")[2]
            later = [each.time for each in events[index + 1 :]]
            later += [item.created for item in own.values() if item.created > event.time]
            until = min(later, default=now)
            if forced:  # the same task definition anew: no lever tells when it is through
                ends = event.time + self._lasts
                through = ends if ends <= until else None
            else:
                through = reached(world, key, target, event.time, until)
            status = "SUCCESSFUL" if through else "IN_PROGRESS"
            if through is None and (back := self._given_up(service, event.time, until)):
                through, status = back, "ROLLBACK_SUCCESSFUL"
            yield Rollout(rollout_id, target, before, event.time, through, status, self._lasts)

    def _given_up(self, service: EcsService, start: datetime, end: datetime) -> datetime | None:
        """When the circuit breaker sent a rollout of the scenario back; None when it did not."""
        world, step, begun = self.account.world, timedelta(seconds=15), False
        at = start
        while at < end:
            rolling = world.lever(service.rolling_lever, at) is not None
            if begun and not rolling:
                return at
            begun = begun or rolling
            at += step
        return None
