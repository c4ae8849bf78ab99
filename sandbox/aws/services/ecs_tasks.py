"""ECS: task definitions."""

from __future__ import annotations

from sandbox.aws.account import Call
from sandbox.aws.registry import Params, Reply, operation
from sandbox.aws.rollouts import Services
from sandbox.world import names


@operation("ecs", "DescribeTaskDefinition")
def describe_task_definition(call: Call, params: Params) -> Reply:
    """One revision of a family, the latest when no revision is given."""
    store = call.store(Services)
    name = store.known(params["taskDefinition"])
    service = next(item for item in call.resources.ecs if name in item.task_definitions)
    family, _, revision = name.partition(":")
    account, region = call.account.id, call.account.region
    image = f"{account}.dkr.ecr.{region}.amazonaws.com/{family}:{revision}"
    container = {
        "name": service.name,
        "image": image,
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
