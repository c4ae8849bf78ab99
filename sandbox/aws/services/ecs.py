"""ECS: services and their deployments."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sandbox.aws.account import Call
from sandbox.aws.balancing import Balancing
from sandbox.aws.errors import AwsError
from sandbox.aws.pages import page
from sandbox.aws.registry import Params, Reply, operation
from sandbox.aws.rollouts import Rollout, Services
from sandbox.world import names
from sandbox.world.kinds import EcsService

_AGE = timedelta(days=120)
_CONFIGURATION = {
    "deploymentCircuitBreaker": {"enable": False, "rollback": False},
    "maximumPercent": 200,
    "minimumHealthyPercent": 100,
    "strategy": "ROLLING",
    "bakeTimeInMinutes": 0,
}


@operation("ecs", "DescribeServices")
def describe_services(call: Call, params: Params) -> Reply:
    """Services with their deployments: the primary, and what it replaces while it rolls."""
    if len(params["services"]) > 10:
        raise AwsError("InvalidParameterException", "Services cannot exceed 10.")
    store = call.store(Services)
    found, failures = [], []
    for name in params["services"]:
        service = store.find(params.get("cluster"), name)
        if service is None:
            cluster = params.get("cluster", "default").rpartition("/")[2]
            arn = call.account.arn("ecs", f"service/{cluster}/{name.rpartition('/')[2]}")
            failures.append({"arn": arn, "reason": "MISSING"})
        else:
            tags = "TAGS" in params.get("include", [])
            found.append(_service(call, service, tags=tags))
    return {"services": found, "failures": failures}


def _service(call: Call, service: EcsService, *, tags: bool = False) -> dict[str, Any]:
    store = call.store(Services)
    rollouts = store.rollouts(service)
    deployments = _deployments(call, service)
    return {
        "serviceArn": store.arn(service),
        "serviceName": service.name,
        "clusterArn": store.cluster_arn(service.cluster),
        "loadBalancers": _balancers(call, service),
        "status": "ACTIVE",
        "desiredCount": store.desired(service),
        "runningCount": sum(item["runningCount"] for item in deployments),
        "pendingCount": sum(item["pendingCount"] for item in deployments),
        "launchType": "FARGATE",
        "platformVersion": "LATEST",
        "taskDefinition": store.task_definition_arn(store.current(service)),
        "deploymentConfiguration": _CONFIGURATION,
        "deployments": deployments,
        "events": _events(call, service, rollouts),
        "createdAt": call.account.opened - _AGE,
        "deploymentController": {"type": service.deployed_by},
        "healthCheckGracePeriodSeconds": 60,
        "schedulingStrategy": "REPLICA",
        "tags": _tags(service) if tags else None,
    }


def _tags(service: EcsService) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in service.tags.items()]


def _balancers(call: Call, service: EcsService) -> list[dict[str, Any]]:
    store = call.store(Balancing)
    return [
        {
            "targetGroupArn": store.group_arn(group),
            "containerName": service.name,
            "containerPort": names.TARGET_PORT,
        }
        for group in store.groups()
        if group.name == service.target_group
    ]


def _deployments(call: Call, service: EcsService) -> list[dict[str, Any]]:
    store = call.store(Services)
    newest, desired = store.rollouts(service)[0], store.desired(service)
    rolling = newest.finished is None
    new = int(desired * newest.share(call.time))
    primary = {
        **_deployment(call, newest, store.current(service)),
        "status": "PRIMARY",
        "desiredCount": desired,
        "pendingCount": min(1, desired - new),
        "runningCount": new,
        "createdAt": newest.created,
        "updatedAt": newest.finished or call.time,
    }
    if not rolling:
        return [primary]
    primary["rolloutState"] = "IN_PROGRESS"
    primary["rolloutStateReason"] = f"ECS deployment {primary['id']} in progress."
    back = newest.target == newest.previous
    old = {
        **_deployment(call, newest, newest.task_definition if back else newest.previous),
        "status": "ACTIVE",
        "desiredCount": 0,
        "pendingCount": 0,
        "runningCount": desired - new,
        "createdAt": call.account.opened - _AGE,
        "updatedAt": newest.created,
    }
    return [primary, old]


def _deployment(call: Call, rollout: Rollout, task_definition: str) -> dict[str, Any]:
    """The members every deployment has, in the state COMPLETED."""
    number = int(names.digest(rollout.rollout_id, task_definition, length=15), 16)
    deployment_id = f"ecs-svc/{number:019d}"
    return {
        "id": deployment_id,
        "taskDefinition": call.store(Services).task_definition_arn(task_definition),
        "failedTasks": 0,
        "launchType": "FARGATE",
        "platformVersion": "1.4.0",
        "platformFamily": "Linux",
        "rolloutState": "COMPLETED",
        "rolloutStateReason": f"ECS deployment {deployment_id} completed.",
    }


def _events(call: Call, service: EcsService, rollouts: list[Rollout]) -> list[dict[str, Any]]:
    """The latest hundred, newest first."""
    found = [
        (notice.time, notice.message)
        for notice in call.world.notices("ecs")
        if notice.subject == service.name
    ]
    for rollout in rollouts:
        name = f"(service {service.name})"
        if rollout.finished:
            text = f"{name} has reached a steady state."
            found.append((rollout.finished, text))
        found.append((rollout.created, f"{name} (deployment {rollout.rollout_id}) started."))
    return [
        {
            "id": names.digest(service.name, time, text, length=32),
            "createdAt": time,
            "message": text,
        }
        for time, text in sorted(found, reverse=True)[:100]
    ]


@operation("ecs", "UpdateService")
def update_service(call: Call, params: Params) -> Reply:
    """Roll to another task definition, or the same anew, or change the number of tasks."""
    store = call.store(Services)
    service = store.service(params.get("cluster"), params["service"])
    known = {"cluster", "service", "taskDefinition", "desiredCount", "forceNewDeployment"}
    unknown = params.keys() - known
    if unknown:
        raise AwsError(
            "InvalidParameterException",
            f"Changing {', '.join(sorted(unknown))} is not supported by this sandbox",
        )
    if "desiredCount" in params:
        store.set_desired(service, params["desiredCount"])
    current = store.current(service)
    wanted = store.known(params["taskDefinition"]) if "taskDefinition" in params else current
    if wanted != current or params.get("forceNewDeployment"):
        store.start(service, wanted)
    return {"service": _service(call, service)}


def _summary(call: Call, service: EcsService, rollout: Rollout) -> dict[str, Any]:
    store = call.store(Services)
    return {
        "serviceDeploymentArn": store.rollout_arn(service, rollout),
        "serviceArn": store.arn(service),
        "clusterArn": store.cluster_arn(service.cluster),
        "startedAt": rollout.created,
        "createdAt": rollout.created,
        "finishedAt": rollout.finished,
        "status": rollout.status,
    }


@operation("ecs", "ListServiceDeployments")
def list_service_deployments(call: Call, params: Params) -> Reply:
    """A service's deployments, newest first, by status and creation."""
    store = call.store(Services)
    service = store.service(params.get("cluster"), params["service"])
    within = params.get("createdAt", {})
    found = []
    for rollout in store.rollouts(service):
        early = "after" in within and rollout.created < within["after"]
        late = "before" in within and rollout.created > within["before"]
        if early or late or rollout.status not in params.get("status", [rollout.status]):
            continue
        revision = store.revision_arn(service, rollout.task_definition)
        shown = {**_summary(call, service, rollout), "targetServiceRevisionArn": revision}
        found.append(shown)
    items, token = page(found, params.get("nextToken"), params.get("maxResults", 20))
    return {"serviceDeployments": items, "nextToken": token}


def _by_arn(call: Call, arn: str) -> tuple[EcsService, Rollout] | None:
    store = call.store(Services)
    for service in call.resources.ecs:
        for rollout in store.rollouts(service):
            if store.rollout_arn(service, rollout) == arn:
                return service, rollout
    return None


@operation("ecs", "DescribeServiceDeployments")
def describe_service_deployments(call: Call, params: Params) -> Reply:
    """Deployments with the revisions they lead from and to."""
    store = call.store(Services)
    found, failures = [], []
    for arn in params["serviceDeploymentArns"]:
        hit = _by_arn(call, arn)
        if hit is None:
            failures.append({"arn": arn, "reason": "MISSING"})
            continue
        service, rollout = hit
        desired = store.desired(service)
        running = int(desired * rollout.share(call.time))
        found.append(
            {
                **_summary(call, service, rollout),
                "updatedAt": rollout.finished or call.time,
                "sourceServiceRevisions": [
                    {
                        "arn": store.revision_arn(service, rollout.previous),
                        "requestedTaskCount": 0,
                        "runningTaskCount": desired - running,
                        "pendingTaskCount": 0,
                    }
                ],
                "targetServiceRevision": {
                    "arn": store.revision_arn(service, rollout.task_definition),
                    "requestedTaskCount": desired,
                    "runningTaskCount": running,
                    "pendingTaskCount": 0,
                },
                "deploymentConfiguration": _CONFIGURATION,
                "rollback": _rollback(call, service, rollout),
            }
        )
    return {"serviceDeployments": found, "failures": failures}


def _rollback(call: Call, service: EcsService, rollout: Rollout) -> dict[str, Any] | None:
    if not rollout.status.startswith("ROLLBACK"):
        return None
    return {
        "reason": "Service deployment rolled back because of StopServiceDeployment.",
        "startedAt": rollout.created,
        "serviceRevisionArn": call.store(Services).revision_arn(service, rollout.previous),
    }


@operation("ecs", "DescribeServiceRevisions")
def describe_service_revisions(call: Call, params: Params) -> Reply:
    """What a revision's ARN stands for."""
    store = call.store(Services)
    known = {
        store.revision_arn(service, item): (service, item)
        for service in call.resources.ecs
        for item in service.task_definitions
    }
    found, failures = [], []
    for arn in params["serviceRevisionArns"]:
        if arn not in known:
            failures.append({"arn": arn, "reason": "MISSING"})
            continue
        service, item = known[arn]
        found.append(
            {
                "serviceRevisionArn": arn,
                "serviceArn": store.arn(service),
                "clusterArn": store.cluster_arn(service.cluster),
                "taskDefinition": store.task_definition_arn(item),
                "launchType": "FARGATE",
                "containerImages": [
                    {
                        "containerName": service.name,
                        "image": store.image(item),
                        "imageDigest": f"sha256:{names.digest('image', item, length=64)}",
                    }
                ],
                "createdAt": store.registered(service, item),
            }
        )
    return {"serviceRevisions": found, "failures": failures}


@operation("ecs", "StopServiceDeployment")
def stop_service_deployment(call: Call, params: Params) -> Reply:
    """Roll a deployment back while it is under way."""
    hit = _by_arn(call, params["serviceDeploymentArn"])
    if hit is None:
        raise AwsError("ServiceDeploymentNotFoundException", "Service deployment not found.")
    service, rollout = hit
    if rollout.status != "IN_PROGRESS":
        raise AwsError(
            "ConflictException",
            f"The service deployment cannot be stopped: it is {rollout.status}.",
        )
    if params.get("stopType", "ROLLBACK") != "ROLLBACK":
        raise AwsError(
            "InvalidParameterException", "This sandbox stops deployments with ROLLBACK only."
        )
    call.store(Services).roll_back(service, rollout)
    return {"serviceDeploymentArn": params["serviceDeploymentArn"]}
