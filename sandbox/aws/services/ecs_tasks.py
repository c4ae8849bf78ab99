"""ECS: task definitions, and which services there are."""

from __future__ import annotations

from sandbox.aws.account import Call
from sandbox.aws.errors import AwsError
from sandbox.aws.pages import page
from sandbox.aws.registry import Params, Reply, operation
from sandbox.aws.rollouts import Services
from sandbox.world import names


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
