"""ECS: task definitions and tasks, those that stopped in the last hour among them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sandbox.aws.account import Call
from sandbox.aws.errors import AwsError
from sandbox.aws.pages import page
from sandbox.aws.registry import Params, Reply, operation
from sandbox.aws.rollouts import Services
from sandbox.world import names
from sandbox.world.api import Notice
from sandbox.world.kinds import EcsService

_KEPT = timedelta(hours=1)  # ECS shows stopped tasks for about an hour


@operation("ecs", "ListServices")
def list_services(call: Call, params: Params) -> Reply:
    """ARNs of a cluster's services."""
    store = call.store(Services)
    cluster = params.get("cluster", "default").rpartition("/")[2]
    arns = [store.arn(each) for each in call.resources.ecs if each.cluster == cluster]
    if not arns:
        raise AwsError("ClusterNotFoundException", "Cluster not found.")
    listed, token = page(arns, params.get("nextToken"), params.get("maxResults", 10))
    return {"serviceArns": listed, "nextToken": token}


@operation("ecs", "DescribeTaskDefinition")
def describe_task_definition(call: Call, params: Params) -> Reply:
    """One revision of a family, the latest when no revision is given."""
    store = call.store(Services)
    name = store.known(params["taskDefinition"])
    service = next(item for item in call.resources.ecs if name in item.task_definitions)
    family, _, revision = name.partition(":")
    region = call.account.region
    container = {
        "name": service.name,
        "image": store.image(name),
        "cpu": 0,
        "essential": True,
        "portMappings": [{"containerPort": names.TARGET_PORT, "protocol": "tcp"}],
        "stopTimeout": 30,
        "environment": [
            {"name": key, "value": value} for key, value in service.environment.items()
        ],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": service.log_group,
                "awslogs-region": region,
            },
        },
    }
    definition = {
        "taskDefinitionArn": store.task_definition_arn(name),
        "containerDefinitions": [container],
        "family": family,
        "revision": int(revision),
        "networkMode": "awsvpc",
        "status": "ACTIVE",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "1024",
        "memory": "2048",
        "registeredAt": store.registered(service, name),
    }
    return {"taskDefinition": definition}


@operation("ecs", "ListTasks")
def list_tasks(call: Call, params: Params) -> Reply:
    """The tasks of a cluster or service: running ones, or with desiredStatus STOPPED the others."""
    store = call.store(Services)
    wanted = params.get("serviceName")
    services = [
        each
        for each in call.resources.ecs
        if (wanted is None or store.service(params.get("cluster"), wanted) == each)
        and each.cluster == (params.get("cluster") or "default").rpartition("/")[2]
    ]
    running = params.get("desiredStatus", "RUNNING") == "RUNNING"
    found = [
        task["taskArn"]
        for service in services
        for task in (_running(call, service) if running else _stopped(call, service))
    ]
    shown, token = page(found, params.get("nextToken"), params.get("maxResults", 100))
    return {"taskArns": shown, "nextToken": token}


@operation("ecs", "DescribeTasks")
def describe_tasks(call: Call, params: Params) -> Reply:
    """Tasks by id or ARN; why one stopped, and with which exit code."""
    known = {
        task["taskArn"].rpartition("/")[2]: task
        for service in call.resources.ecs
        for task in (*_running(call, service), *_stopped(call, service))
    }
    asked = [item.rpartition("/")[2] for item in params["tasks"]]
    return {
        "tasks": [known[item] for item in asked if item in known],
        "failures": [
            {"arn": call.account.arn("ecs", f"task/{item}"), "reason": "MISSING"}
            for item in asked
            if item not in known
        ],
    }


def _task(call: Call, service: EcsService, task_id: str, definition: str) -> dict[str, Any]:
    store = call.store(Services)
    return {
        "taskArn": call.account.arn("ecs", f"task/{service.cluster}/{task_id}"),
        "clusterArn": store.cluster_arn(service.cluster),
        "taskDefinitionArn": store.task_definition_arn(definition),
        "group": f"service:{service.name}",
        "launchType": "FARGATE",
    }


def _container(call: Call, service: EcsService, task_id: str, definition: str) -> dict[str, Any]:
    """The container, with the digest that its image had when it was pulled."""
    family, _, revision = definition.partition(":")
    account, region = call.account.id, call.account.region
    pulled = call.world.lever(service.image_lever)
    parts = (definition,) if pulled is None else (definition, pulled)
    return {
        "name": service.name,
        "taskArn": call.account.arn("ecs", f"task/{service.cluster}/{task_id}"),
        "image": f"{account}.dkr.ecr.{region}.amazonaws.com/{family}:{revision}",
        "imageDigest": f"sha256:{names.digest('image', *parts, length=64)}",
    }


def _running(call: Call, service: EcsService) -> Iterator[dict[str, Any]]:
    """One task for each target in service; its address is the target's id."""
    served = [*service.served_now(call.world.lever).items()]
    targets = [t for t in call.world.targets(service.target_group) if t.state != "draining"]
    for index, target in enumerate(targets):
        share = (index + 1) / len(targets)
        definition = served[-1][0] if share <= served[-1][1] + 1e-9 else served[0][0]
        task_id = names.digest("task", target.target_id, length=32)
        container = _container(call, service, task_id, definition)
        state = "UNHEALTHY" if target.state == "unhealthy" else "UNKNOWN"
        yield {
            **_task(call, service, task_id, definition),
            "lastStatus": "RUNNING",
            "desiredStatus": "RUNNING",
            "healthStatus": "UNKNOWN",
            "startedAt": call.store(Services).rollouts(service)[0].created,
            "containers": [{**container, "lastStatus": "RUNNING", "healthStatus": state}],
            "attachments": [
                {
                    "type": "ElasticNetworkInterface",
                    "status": "ATTACHED",
                    "details": [{"name": "privateIPv4Address", "value": target.target_id}],
                }
            ],
        }


def _stopped(call: Call, service: EcsService) -> Iterator[dict[str, Any]]:
    for notice in reversed(call.world.notices("ecs-task")):
        if notice.subject == service.name and call.time - notice.time <= _KEPT:
            yield _why(call, service, notice)


def _why(call: Call, service: EcsService, notice: Notice) -> dict[str, Any]:
    told = notice.details
    store = call.store(Services)
    definition = store.current(service)
    container = _container(call, service, told["task"], definition) | {
        "lastStatus": "STOPPED",
        "reason": told["container_reason"] or None,
        "exitCode": int(told["exit_code"]) if told["exit_code"] else None,
    }
    ran = bool(told["exit_code"])
    return {
        **_task(call, service, told["task"], definition),
        "lastStatus": "STOPPED",
        "desiredStatus": "STOPPED",
        "stopCode": told["stop_code"],
        "stoppedReason": told["stopped_reason"],
        "createdAt": notice.time - timedelta(minutes=2),
        "startedAt": notice.time - timedelta(minutes=1) if ran else None,
        "stoppingAt": notice.time,
        "stoppedAt": notice.time,
        "containers": [container],
    }
