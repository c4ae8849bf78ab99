"""CodeDeploy's deployments, past and under way.

A deployment of the scenario is read from the trail and from the group's revision lever; one that a
caller created (or CodeDeploy itself, to roll back) is kept here and pulls the levers when it has
succeeded. A Lambda group moves its alias to the version that served under the revision before; what
that was is read from the levers' history, or from an AppSpec in the revision.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import yaml

from sandbox.aws.account import Account, Store
from sandbox.aws.errors import AwsError
from sandbox.aws.history import reached, scenario_changes
from sandbox.aws.names import deployment_id
from sandbox.world.kinds import CodeDeploy

_AGE = timedelta(days=7)
_SECOND = timedelta(seconds=1)
_BUCKET = "deployments"


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment of a group."""

    deployment_id: str
    group: CodeDeploy
    revision: str
    previous: str
    created: datetime
    completed: datetime | None
    status: str  # Created | InProgress | Succeeded | Stopped | Failed
    actor: str
    description: str = ""
    creator: str = "user"  # user | codeDeployRollback
    location: Mapping[str, Any] = field(default_factory=dict)  # as the caller gave it
    undoes: str | None = None  # the deployment that this one rolls back
    undone_by: str | None = None
    error: str = ""  # why it failed

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.completed is not None


class Deployments(Store):
    """The account's CodeDeploy groups and deployments."""

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self._own: dict[str, Deployment] = {}
        self._lasts = timedelta(seconds=account.options.rollout_seconds)

    # -- what there is

    def groups(self, application: str) -> list[CodeDeploy]:
        """An application's groups. Raises AwsError when there is no such application."""
        found = [item for item in self._all() if item.application == application]
        if not found:
            raise AwsError(
                "ApplicationDoesNotExistException",
                f"Applications not found for 123456789012: {application}".replace(
                    "123456789012", self.account.id
                ),
            )
        return found

    def group(self, application: str, name: str) -> CodeDeploy:
        """One group. Raises AwsError."""
        for item in self.groups(application):
            if item.group == name:
                return item
        raise AwsError(
            "DeploymentGroupDoesNotExistException",
            f"No Deployment Group found for name: {name}",
        )

    def deployments(self) -> list[Deployment]:
        """Every deployment, newest first."""
        past = [item for group in self._all() for item in self._past(group)]
        kept = [item for item in past if item.deployment_id not in self._own]
        found = [*kept, *self._own.values()]
        return sorted(found, key=lambda item: item.created, reverse=True)

    def deployment(self, wanted: str) -> Deployment:
        """One deployment. Raises AwsError."""
        for item in self.deployments():
            if item.deployment_id == wanted:
                return item
        raise AwsError(
            "DeploymentDoesNotExistException",
            f"The deployment {wanted} could not be found",
        )

    def of_group(self, group: CodeDeploy) -> list[Deployment]:
        """A group's deployments, newest first."""
        return [item for item in self.deployments() if item.group == group]

    def serving(self, group: CodeDeploy) -> str:
        """The revision that serves."""
        return str(self.account.world.lever(_key(group)) or self._first(group))

    def app_spec(self, item: Deployment) -> dict[str, Any] | None:
        """The RevisionLocation of a function's deployment that came through: its AppSpec, by the
        versions that the alias served before and after; None where it moved none."""
        group = item.group
        if item.completed is None or not (group.function and group.alias):
            return None
        key = f"lambda/{group.function}/alias/{group.alias}"
        before = self.account.world.lever(key, item.created - _SECOND)
        after = self.account.world.lever(key, item.completed + _SECOND)
        if before is None or after in (None, before):
            return None
        properties = {
            "name": group.function,
            "alias": group.alias,
            "currentversion": str(before),
            "targetversion": str(after),
        }
        resource = {"type": "AWS::Lambda::Function", "properties": properties}
        content = {"version": 0.0, "resources": [{group.function: resource}]}
        return {"revisionType": "String", "string": {"content": json.dumps(content)}}

    # -- changes

    def create(
        self,
        group: CodeDeploy,
        location: Mapping[str, Any],
        actor: str,
        description: str,
        undoes: Deployment | None = None,
    ) -> Deployment:
        """Start a deployment. Raises AwsError while another one of the group is under way."""
        for item in self.of_group(group):
            if not item.over and undoes is None:
                raise AwsError(
                    "DeploymentLimitExceededException",
                    f"The Deployment Group already has an active Deployment '{item.deployment_id}'",
                )
        now = self.account.world.now()
        error = "" if undoes else self._out_of_date(group, location)
        made = Deployment(
            deployment_id(group.application, group.group, len(self._own), now.isoformat()),
            group,
            self._known_name(group, location),
            self.serving(group),
            now,
            now if error else None,
            "Failed" if error else "Created",
            actor,
            description,
            "codeDeployRollback" if undoes else "user",
            dict(location),
            undoes.deployment_id if undoes else None,
            error=error,
        )
        self._own[made.deployment_id] = made
        return made

    def _known_name(self, group: CodeDeploy, location: Mapping[str, Any]) -> str:
        """The name of a revision: of an AppSpec, that of the revision under which its target
        version served before, if one did."""
        target = version_in(location)
        if target is not None and group.function and group.alias:
            alias = f"lambda/{group.function}/alias/{group.alias}"
            for moment in self._moments(group):
                if str(self.account.world.lever(alias, moment)) == target:
                    return str(self.account.world.lever(_key(group), moment) or self._first(group))
        return revision_name(location)

    def _out_of_date(self, group: CodeDeploy, location: Mapping[str, Any]) -> str:
        """Why CodeDeploy refuses a revision of a function: it names another current version than
        its alias serves. A revision that was deployed before names the one of then."""
        if not (group.function and group.alias):
            return ""
        serves = str(self.account.world.lever(f"lambda/{group.function}/alias/{group.alias}"))
        named = version_in(location, "CurrentVersion")
        if named is None:
            past = {item.revision for item in self.of_group(group)[1:]}
            known = revision_name(location)
            if known not in past or known == self.serving(group):
                return ""
            named = "that of then"
        if named == serves:
            return ""
        return (
            f"The deployment failed because the current version in the AppSpec file ({named}) is "
            f"not the version that the alias {group.alias} points to ({serves})."
        )

    def stop(self, deployment: Deployment, *, roll_back: bool) -> None:
        """Stop a deployment that is under way; with `roll_back` redeploy what served before."""
        now = self.account.world.now()
        back = None
        stopped = replace(deployment, status="Stopped", completed=now)
        self._own[deployment.deployment_id] = stopped
        if roll_back:
            location = s3_location(deployment.previous)
            back = self.create(deployment.group, location, deployment.actor, "", undoes=stopped)
            self._own[deployment.deployment_id] = replace(stopped, undone_by=back.deployment_id)

    def advance(self) -> None:
        """Complete deployments that are due, and serve the revision of the newest one."""
        now = self.account.world.now()
        for key, item in list(self._own.items()):
            if item.over:
                continue
            if now >= item.created + self._lasts:
                self._own[key] = replace(
                    item, status="Succeeded", completed=item.created + self._lasts
                )
            elif item.status == "Created" and now > item.created:
                self._own[key] = replace(item, status="InProgress")
        for group in self._all() if self._own else []:
            self._hold(group)

    def _hold(self, group: CodeDeploy) -> None:
        """Serve what the group's newest deployment that a caller created or stopped decides."""
        newest = next(item for item in self.of_group(group) if item.status != "Failed")
        if newest.deployment_id not in self._own or not newest.over:
            return
        wanted = newest.previous if newest.status == "Stopped" else newest.revision
        if self.serving(group) != wanted:
            levers = self._levers_of(group, wanted, newest)
            for key, value in {**levers, _key(group): wanted}.items():
                self.account.world.pull(key, value)

    def _levers_of(self, group: CodeDeploy, revision: str, by: Deployment) -> dict[str, str]:
        """The alias and task definition levers of a revision, as they were when it served."""
        world = self.account.world
        keys = []
        if group.function and group.alias:
            keys.append(f"lambda/{group.function}/alias/{group.alias}")
        for service in self.account.resources.ecs:
            if service.name == group.ecs_service:
                keys.append(f"ecs/{service.cluster}/{service.name}/task_definition")
        found = {}
        for key in keys:
            then = (
                world.lever(key, moment)
                for moment in self._moments(group)
                if world.lever(_key(group), moment) == revision
            )
            spelt = version_in(by.location) if revision == by.revision else None
            value = spelt if spelt is not None else next(then, None)
            if value is not None:
                found[key] = str(value)
        return found

    def _moments(self, group: CodeDeploy) -> Iterator[datetime]:
        """The beginnings and ends of deployments: the times at which what serves can change."""
        for item in self.of_group(group):
            if item.completed is not None:
                yield item.completed + _SECOND
            yield item.created - _SECOND

    # -- the past

    def _all(self) -> tuple[CodeDeploy, ...]:
        return self.account.resources.codedeploy

    def _first(self, group: CodeDeploy) -> str:
        early = self.account.world.lever(_key(group), self.account.opened - _AGE)
        return str(early) if early else f"{group.application}-1"

    def _past(self, group: CodeDeploy) -> Iterator[Deployment]:
        world, now, key = self.account.world, self.account.world.now(), _key(group)
        first = self._first(group)
        begun = self.account.opened - _AGE
        yield Deployment(
            deployment_id(group.application, group.group, "first"),
            group,
            first,
            first,
            begun,
            begun + self._lasts,
            "Succeeded",
            "deployer",
        )
        events = [
            event
            for event in scenario_changes(world, "codedeploy", "CreateDeployment")
            if event.request.get("applicationName") == group.application
            and event.request.get("deploymentGroupName") == group.group
        ]
        for index, event in enumerate(events):
            location = event.request.get("revision")
            revision = revision_name(location if isinstance(location, Mapping) else {})
            later = [each.time for each in events[index + 1 :]] + [
                own.created
                for own in self._own.values()
                if own.group == group and own.created > event.time
            ]
            until = min(later, default=now)
            through = reached(world, key, revision, event.time, until)
            yield Deployment(
                deployment_id(group.application, group.group, event.time.isoformat()),
                group,
                revision,
                str(world.lever(key, event.time - _SECOND) or first),
                event.time,
                through,
                "Succeeded" if through else "InProgress",
                event.actor,
                str(event.request.get("description") or ""),
            )


def _key(group: CodeDeploy) -> str:
    return f"codedeploy/{group.application}/{group.group}/revision"


def s3_location(revision: str) -> dict[str, Any]:
    """A revision's name as a RevisionLocation."""
    place = {"bucket": _BUCKET, "key": revision, "bundleType": "zip"}
    return {"revisionType": "S3", "s3Location": place}


def revision_name(location: Mapping[str, Any]) -> str:
    """The name of what a RevisionLocation points at."""
    if "s3Location" in location:
        return str(location["s3Location"].get("key", ""))
    if "gitHubLocation" in location:
        return str(location["gitHubLocation"].get("commitId", ""))
    return version_in(location) or ""


def version_in(location: Mapping[str, Any], which: str = "TargetVersion") -> str | None:
    """The Lambda version an AppSpec names, or the task definition it leads to; None where there is
    none."""
    text = location.get("appSpecContent", location.get("string", {})).get("content")
    if not text:
        return None
    try:
        content = _lower(yaml.safe_load(text))  # JSON is YAML
        resource = next(iter(content["resources"][0].values()))
        properties = resource["properties"]
    except (yaml.YAMLError, LookupError, TypeError, AttributeError, StopIteration):
        return None
    if which.lower() in properties:
        return str(properties[which.lower()])
    definition = properties.get("taskdefinition")
    return str(definition).rpartition("/")[2] if definition else None


def _lower(content: Any) -> Any:
    """The same with all keys in lower case: CodeDeploy's own pages write them in both."""
    if isinstance(content, Mapping):
        return {str(key).lower(): _lower(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_lower(each) for each in content]
    return content
