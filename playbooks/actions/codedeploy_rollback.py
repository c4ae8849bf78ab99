"""Roll a CodeDeploy group back: stop the deployment under way, or deploy the revision before."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from bot.domain.errors import ReadFailed
from bot.domain.plan import Check, Choice, Plan, Step, canonical
from bot.domain.playbook_contract import Action, Observed, Scope
from bot.domain.ports import Aws
from bot.domain.report import GapReason
from bot.domain.resources import CodeDeployRef
from bot.domain.run import Answer, Verification
from playbooks.probes.action_reads import (
    CODEDEPLOY_UNDER_WAY,
    aims_elsewhere,
    arns,
    check,
    named_by,
)
from playbooks.probes.alias_history import (
    other_aliases,
    published_before,
    read_alias,
    read_history,
    state_of,
)
from playbooks.probes.app_spec import app_spec_in, read_app_spec
from playbooks.probes.codedeploy_group import (
    Deployment,
    read_deployment,
    read_deployments,
    revision_before,
    revision_name,
)
from playbooks.probes.serving_now import deployment_keeps

_TITLE = 75  # characters
UNDER_WAY = "under way"
_KIND = ("codedeploy", "revision")


class RollbackCodeDeploy(Action):
    """A rollback is a new deployment of the revision before, with an id of its own (CodeDeploy
    user guide, "Redeploy and roll back"). One that is under way is stopped with auto-rollback
    instead, and that can't be taken back.

    A revision of a Lambda function is an AppSpec that names the version served now and the one to
    serve: the revision before is out of date by then and would be refused, so an AppSpec is made.
    """

    id = "rollback-codedeploy"
    title = "Roll back the CodeDeploy deployment"
    reads = (
        "cloudtrail:LookupEvents",
        "codedeploy:BatchGetDeployments",
        "codedeploy:ListDeployments",
        "ecs:DescribeServices",
        "lambda:GetAlias",
        "lambda:GetFunctionConfiguration",
        "lambda:ListAliases",
        "lambda:ListVersionsByFunction",
    )
    writes = (
        "codedeploy:CreateDeployment",
        "codedeploy:GetDeploymentConfig",
        "codedeploy:RegisterApplicationRevision",
        "codedeploy:StopDeployment",
    )

    implied_permissions = MappingProxyType(
        {
            "codedeploy:CreateDeployment": (
                "codedeploy:GetDeploymentConfig",
                "codedeploy:RegisterApplicationRevision",
            )
        }
    )
    locked_by_aws = MappingProxyType(
        {
            "codedeploy:CreateDeployment": "one deployment",
            "codedeploy:StopDeployment": "deploymentId",
        }
    )

    def plan(self, aws: Aws, scope: Scope, choice: Choice | None = None) -> Plan | None:
        if aims_elsewhere(choice, *_KIND):
            return None
        if named := named_by(choice, *_KIND):
            ref = CodeDeployRef(application=named[0], group=named[1])
            return self._draft(aws, scope, ref, read_deployments(aws, ref), None, choice)
        groups = scope.service.resources.codedeploy
        if not groups:
            raise ReadFailed(
                GapReason.NOT_CONFIGURED,
                f"the catalogue names no CodeDeploy group of {scope.service.name}",
            )
        found = [(ref, read_deployments(aws, ref)) for ref in groups]
        known = [(ref, deployments) for ref, deployments in found if deployments]
        if not known:
            raise ReadFailed(GapReason.NOT_FOUND, "CodeDeploy has no deployment of this service")
        ref, deployments = max(known, key=lambda each: each[1][0]["createTime"].timestamp())
        return self._draft(aws, scope, ref, deployments, None, choice)

    def replan(self, aws: Aws, scope: Scope, plan: Plan) -> Plan | None:
        ref = _target_of(plan)
        deployments = read_deployments(aws, ref)
        if not deployments or deployments[0].get("revision") == plan.after.get("revision", {}):
            return None
        if "version" in plan.after and _lambda_state(aws, plan, deployments).state == plan.after:
            return None
        return self._draft(aws, scope, ref, deployments, plan.after.get("version"), plan.choice)

    def observe(self, aws: Aws, plan: Plan) -> Observed:
        if "deployment" in plan.before:
            identity = plan.before["deployment"]
            state = _progress(read_deployment(aws, identity))
            # nothing shows that a stop was asked for: until the deployment ends nobody can tell
            return Observed(state, changing=state["progress"] == UNDER_WAY)
        deployments = read_deployments(aws, _target_of(plan))
        if "version" in plan.before:
            return _lambda_state(aws, plan, deployments)
        return Observed({"revision": deployments[0].get("revision") if deployments else None})

    def settled(self, aws: Aws, plan: Plan, results: tuple[dict[str, Any], ...]) -> Verification:
        rollback = _rollback(aws, plan, results)
        if rollback is None:
            text = "CodeDeploy has not begun the rollback yet"
            return Verification(answer=Answer.INCONCLUSIVE, text=text, at=aws.now())
        status, identity = rollback.get("status"), rollback["deploymentId"]
        if status == "Succeeded":
            answer, text = Answer.YES, f"{identity} succeeded"
        elif status in ("Failed", "Stopped"):
            why = rollback.get("errorInformation", {}).get("message", "CodeDeploy gives no reason")
            answer, text = Answer.NO, f"{identity} is {status}: {why}"
        else:
            answer, text = Answer.INCONCLUSIVE, f"{identity} is {status}"
        return Verification(answer=answer, text=text, at=aws.now())

    def _draft(
        self,
        aws: Aws,
        scope: Scope,
        ref: CodeDeployRef,
        deployments: list[Deployment],
        version: str | None,
        choice: Choice | None,
    ) -> Plan | None:
        """The rollback of the group's latest deployment; of a function to `version`, if given."""
        if not deployments:
            raise ReadFailed(GapReason.NOT_FOUND, f"CodeDeploy has no deployment of {ref.group}")
        latest = deployments[0]
        group = arns(aws, "codedeploy", f"deploymentgroup:{ref.application}/{ref.group}")
        named = _named_by_the_evidence(latest, choice)
        if latest["status"] in CODEDEPLOY_UNDER_WAY:
            plan = self._stopping(scope, ref, latest, group)
        elif latest.get("computePlatform") == "Lambda":
            found = self._of_function(aws, scope, ref, latest, group, version)
            if found is None:
                return None
            plan = found
        else:
            plan = self._redeploying(scope, ref, deployments, group)
        kept = deployment_keeps(aws, scope.service.resources.ecs, latest)
        return plan.model_copy(
            update={
                "checks": (*named, *plan.checks),
                "others": (*plan.others, *kept),
                "choice": choice,
            }
        )

    def _redeploying(
        self,
        scope: Scope,
        ref: CodeDeployRef,
        deployments: list[Deployment],
        group: tuple[str, ...],
    ) -> Plan:
        latest = deployments[0]
        current, previous = latest.get("revision"), revision_before(deployments)
        if current is None or previous is None:
            raise ReadFailed(
                GapReason.NOT_FOUND,
                f"CodeDeploy knows no revision before {latest['deploymentId']} to go back to",
            )
        return Plan(
            action=self.id,
            title=f"Deploy {revision_name(previous)} in place of {revision_name(current)}"[:_TITLE],
            service=scope.service.name,
            target=f"codedeploy:{ref.application}:{ref.group}/revision",
            before={"revision": current},
            after={"revision": previous},
            steps=(_create(ref, previous, f"Rollback of {latest['deploymentId']}"),),
            inverse=(_create(ref, current, f"{latest['deploymentId']} again"),),
            checks=(
                Check(text="no deployment of the group is under way", holds=True),
                _not_a_rollback(latest),
            ),
            warnings=(
                "A rollback is a deployment of its own and takes as long as one.",
                "If the release migrated data or closed a security hole, the revision before has "
                "to cope with that data and opens the hole again.",
            ),
            settles_within=900,
            resources=group,
        )

    def _of_function(
        self,
        aws: Aws,
        scope: Scope,
        ref: CodeDeployRef,
        latest: Deployment,
        group: tuple[str, ...],
        version: str | None,
    ) -> Plan | None:
        spec = read_app_spec(aws, latest)
        now = read_alias(aws, spec.function, spec.alias)
        if spec.current is None or spec.target is None:
            history = read_history(aws, spec.function, spec.alias)
            back = version or history.before(now.version)
            back = back or published_before(aws, spec.function, now.version)
            proofs = (history.proof(f"{spec.function}:{spec.alias}", back),)
        else:
            back = version or spec.current
            proofs = (
                Check(
                    text=f"{spec.function}:{spec.alias} serves version {spec.target}, to which "
                    f"{latest['deploymentId']} led (it serves {now.shown()})",
                    holds=now.version == spec.target,
                ),
            )
        if back == now.version and not now.weights:
            return None
        where = f"{spec.function}:{spec.alias}"
        return Plan(
            action=self.id,
            title=f"Deploy version {back} on {where} in place of {now.version}"[:_TITLE],
            service=scope.service.name,
            target=f"codedeploy:{ref.application}:{ref.group}/revision",
            before={"version": now.version},
            after={"version": back},
            steps=(_create(ref, spec.leading(now.version, back), f"Rollback of {_id(latest)}"),),
            inverse=(_create(ref, spec.leading(back, now.version), f"{_id(latest)} again"),),
            checks=(
                Check(text="no deployment of the group is under way", holds=True),
                _not_a_rollback(latest),
                *proofs,
                check(
                    f"version {back} exists and is Active",
                    lambda: state_of(aws, spec.function, back) == "Active",
                ),
                Check(text=f"{where} has no routing weights", holds=not now.weights),
            ),
            warnings=(
                "A rollback is a deployment of its own and takes as long as one.",
                "The AppSpec is made anew and has no hooks: what they test is not tested.",
                f"If {now.version} migrated data or closed a security hole, {back} has to cope "
                "with that data and opens the hole again.",
            ),
            settles_within=900,
            resources=group,
            others=tuple(other_aliases(aws, spec.function, spec.alias)),
        )

    def _stopping(
        self, scope: Scope, ref: CodeDeployRef, latest: Deployment, group: tuple[str, ...]
    ) -> Plan:
        identity = latest["deploymentId"]
        return Plan(
            action=self.id,
            title=f"Stop {identity} and roll {ref.group} back",
            service=scope.service.name,
            target=f"codedeploy:{ref.application}:{ref.group}/revision",
            before=_progress(latest),
            after={"deployment": identity, "progress": "stopped"},
            steps=(
                Step(
                    service="codedeploy",
                    operation="stop_deployment",
                    params={"deploymentId": identity, "autoRollbackEnabled": True},
                ),
            ),
            inverse=None,
            irreversible="a deployment that was stopped can't be continued; it is made anew.",
            checks=(
                Check(text=f"{identity} is under way ({latest['status']})", holds=True),
                _not_a_rollback(latest),
            ),
            settles_within=900,
            resources=group,
        )


def _named_by_the_evidence(latest: Deployment, choice: Choice | None) -> tuple[Check, ...]:
    """Whether the group's latest deployment is the one that the evidence names."""
    if choice is None or choice.suspect is None:
        return ()
    text = f"{choice.suspect}, which the evidence names, is the group's latest deployment"
    seen = "" if _id(latest) == choice.suspect else f" (it is {_id(latest)})"
    return (Check(text=f"{text}{seen}", holds=_id(latest) == choice.suspect),)


def _lambda_state(aws: Aws, plan: Plan, deployments: list[Deployment]) -> Observed:
    """The version that the latest deployment leads to; what the alias serves once none is under
    way, or where the deployment does not say."""
    spec = app_spec_in(plan.steps[0].params["revision"])
    latest = deployments[0] if deployments else {}
    if latest.get("status") in CODEDEPLOY_UNDER_WAY:
        leads = app_spec_in(latest.get("revision") or {})
        if leads is None or leads.target is None:
            now = read_alias(aws, spec.function, spec.alias) if spec else None
            return Observed({"version": now.version if now else None}, changing=True)
        return Observed({"version": leads.target})
    if spec is None:
        raise ReadFailed(GapReason.ERROR, "the plan's revision has no AppSpec")
    return Observed({"version": read_alias(aws, spec.function, spec.alias).version})


def _id(deployment: Deployment) -> str:
    return str(deployment["deploymentId"])


def _not_a_rollback(latest: Deployment) -> Check:
    triggered = latest.get("rollbackInfo", {}).get("rollbackTriggeringDeploymentId")
    by_itself = latest.get("creator") == "codeDeployRollback"
    text = f"{latest['deploymentId']} is not a rollback itself"
    return Check(text=text, holds=not triggered and not by_itself)


def _rollback(aws: Aws, plan: Plan, results: tuple[dict[str, Any], ...]) -> Deployment | None:
    """The deployment that rolls back; None while there is none."""
    if "deployment" in plan.before:
        stopped = read_deployment(aws, plan.before["deployment"])
        identity = stopped.get("rollbackInfo", {}).get("rollbackDeploymentId")
        return read_deployment(aws, identity) if identity else None
    if results and results[0].get("deploymentId"):
        return read_deployment(aws, results[0]["deploymentId"])
    deployments = read_deployments(aws, _target_of(plan))
    if "version" in plan.after:  # of a function: the description is this program's own
        wanted = plan.steps[0].params["description"]
        return next((each for each in deployments if each.get("description") == wanted), None)
    wanted = canonical(plan.after["revision"])
    return next((each for each in deployments if canonical(each["revision"]) == wanted), None)


def _progress(info: Deployment) -> dict[str, Any]:
    status = info["status"]
    under_way = status in CODEDEPLOY_UNDER_WAY
    return {
        "deployment": info["deploymentId"],
        "progress": UNDER_WAY if under_way else status.lower(),
    }


def _create(ref: CodeDeployRef, revision: dict[str, Any], why: str) -> Step:
    return Step(
        service="codedeploy",
        operation="create_deployment",
        params={
            "applicationName": ref.application,
            "deploymentGroupName": ref.group,
            "revision": revision,
            "description": why,
        },
    )


def _target_of(plan: Plan) -> CodeDeployRef:
    _, application, group = plan.target.rsplit("/", 1)[0].split(":", 2)
    return CodeDeployRef(application=application, group=group)
