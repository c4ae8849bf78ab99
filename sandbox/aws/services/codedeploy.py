"""CodeDeploy: deployments."""

from __future__ import annotations

from typing import Any

from sandbox.aws.account import Call
from sandbox.aws.deployments import Deployment, Deployments, revision_name, s3_location
from sandbox.aws.errors import AwsError
from sandbox.aws.pages import page
from sandbox.aws.registry import Params, Reply, operation
from sandbox.world.kinds import CodeDeploy

_LISTED = 100


def _platform(group: CodeDeploy) -> str:
    return "ECS" if group.ecs_service else "Lambda"


def _configuration(group: CodeDeploy) -> str:
    return f"CodeDeployDefault.{_platform(group)}AllAtOnce"


def _bad_token() -> AwsError:
    return AwsError(
        "InvalidNextTokenException", "The next token was specified in an invalid format"
    )


@operation("codedeploy", "ListDeployments")
def list_deployments(call: Call, params: Params) -> Reply:
    """Deployments' ids, newest first; application and group are both given, or neither."""
    store = call.store(Deployments)
    application, name = params.get("applicationName"), params.get("deploymentGroupName")
    if application and not name:
        raise AwsError("DeploymentGroupNameRequiredException", "Deployment Group name is missing")
    if name and not application:
        raise AwsError("ApplicationNameRequiredException", "Application name is missing")
    found = store.deployments()
    if application and name:
        group = store.group(application, name)
        found = [item for item in found if item.group == group]
    within = params.get("createTimeRange", {})
    start, end = within.get("start"), within.get("end")
    if start and end and start > end:
        raise AwsError("InvalidTimeRangeException", "The start time is after the end time")
    found = [
        item
        for item in found
        if (start is None or item.created >= start) and (end is None or item.created <= end)
    ]
    statuses = params.get("includeOnlyStatuses")
    if statuses:
        found = [item for item in found if item.status in statuses]
    ids = [item.deployment_id for item in found]
    shown, token = page(ids, params.get("nextToken"), _LISTED, _bad_token)
    return {"deployments": shown, "nextToken": token}


def _location(call: Call, item: Deployment) -> dict[str, Any]:
    """As the caller gave it; of a function's past deployment the AppSpec, else a file in S3."""
    spec = call.store(Deployments).app_spec(item)
    return dict(item.location) or spec or s3_location(item.revision)


def _described(call: Call, item: Deployment) -> dict[str, Any]:
    counts = dict.fromkeys(("Pending", "InProgress", "Succeeded", "Failed", "Skipped", "Ready"), 0)
    counts |= {
        "Created": {"Pending": 1},
        "InProgress": {"InProgress": 1},
        "Succeeded": {"Succeeded": 1},
        "Stopped": {"Skipped": 1},
        "Failed": {"Failed": 1},
    }[item.status]
    rollback = None
    if item.undoes:
        rollback = {
            "rollbackTriggeringDeploymentId": item.undoes,
            "rollbackMessage": f"Deployment {item.undoes} was stopped and rolled back.",
        }
    elif item.undone_by:
        rollback = {
            "rollbackDeploymentId": item.undone_by,
            "rollbackMessage": f"Rolled back by deployment {item.undone_by}.",
        }
    error = None
    if item.status == "Stopped":
        error = {"code": "MANUAL_STOP", "message": "The deployment was stopped by a user."}
    elif item.error:
        error = {"code": "INVALID_LAMBDA_CONFIGURATION", "message": item.error}
    return {
        "applicationName": item.group.application,
        "deploymentGroupName": item.group.group,
        "deploymentConfigName": _configuration(item.group),
        "deploymentId": item.deployment_id,
        "previousRevision": s3_location(item.previous),
        "revision": _location(call, item),
        "status": item.status,
        "errorInformation": error,
        "createTime": item.created,
        "startTime": item.created if item.status != "Created" else None,
        "completeTime": item.completed,
        "deploymentOverview": counts,
        "description": item.description or None,
        "creator": item.creator,
        "ignoreApplicationStopFailures": False,
        "autoRollbackConfiguration": {"enabled": False},
        "rollbackInfo": rollback,
        "deploymentStyle": {
            "deploymentType": "BLUE_GREEN",
            "deploymentOption": "WITH_TRAFFIC_CONTROL",
        },
        "instanceTerminationWaitTimeStarted": False,
        "computePlatform": _platform(item.group),
    }


@operation("codedeploy", "BatchGetDeployments")
def batch_get_deployments(call: Call, params: Params) -> Reply:
    """Several deployments, 25 at most; an id that does not exist is left out."""
    ids = params["deploymentIds"]
    if len(ids) > 25:
        raise AwsError("BatchLimitExceededException", "You can specify a maximum of 25 names")
    known = {item.deployment_id: item for item in call.store(Deployments).deployments()}
    return {"deploymentsInfo": [_described(call, known[key]) for key in ids if key in known]}


@operation("codedeploy", "CreateDeployment")
def create_deployment(call: Call, params: Params) -> Reply:
    """Deploy a revision. Going back is this as well: a new deployment of the old revision."""
    store = call.store(Deployments)
    if "deploymentGroupName" not in params:
        raise AwsError("DeploymentGroupNameRequiredException", "Deployment Group name is missing")
    group = store.group(params["applicationName"], params["deploymentGroupName"])
    location = params.get("revision")
    if not location:
        raise AwsError("RevisionRequiredException", "Revision is missing")
    if not revision_name(location):
        raise AwsError("InvalidRevisionException", "The revision cannot be read")
    made = store.create(group, location, call.caller.actor, params.get("description", ""))
    return {"deploymentId": made.deployment_id}


@operation("codedeploy", "StopDeployment")
def stop_deployment(call: Call, params: Params) -> Reply:
    """Stop a deployment that is under way; with autoRollbackEnabled CodeDeploy rolls it back."""
    store = call.store(Deployments)
    item = store.deployment(params["deploymentId"])
    if item.over:
        raise AwsError(
            "DeploymentAlreadyCompletedException",
            f"The deployment {item.deployment_id} is already completed",
        )
    store.stop(item, roll_back=params.get("autoRollbackEnabled", False))
    message = "No more traffic is shifted." if item.status == "InProgress" else ""
    return {"status": "Succeeded", "statusMessage": message}
