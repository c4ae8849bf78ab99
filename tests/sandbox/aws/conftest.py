"""An account over real HTTP, and real boto3 clients for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from sandbox.aws.account import Options
from sandbox.aws.server import AwsServer
from sandbox.world.kinds import (
    Api,
    CodeDeploy,
    Database,
    EcsService,
    Function,
    LoadBalancer,
    Resources,
    TargetGroup,
)
from tests.sandbox.aws.plain_world import PlainWorld

TAGS = {"service": "checkout"}
RESOURCES = Resources(
    account_concurrency=1000,
    api=Api(name="checkout", function="checkout", qualifier="live", tags=TAGS),
    load_balancer=LoadBalancer(
        name="web",
        target_groups=(TargetGroup(name="web-tasks", tags=TAGS), TargetGroup(name="admin")),
        tags=TAGS,
    ),
    functions=(
        Function(
            name="checkout",
            versions=("40", "41", "42"),
            descriptions={"42": "3f9c2ab retry payments"},
            aliases={"live": "41", "canary": "42"},
            tags=TAGS,
        ),
        Function(name="mailer", versions=("1",), aliases={"live": "1"}, reserved_concurrency=50),
    ),
    ecs=(
        EcsService(
            name="web",
            target_group="web-tasks",
            task_definitions=("web:7", "web:8"),
            serving="web:7",
        ),
    ),
    codedeploy=(
        CodeDeploy(application="checkout", group="prod", function="checkout", alias="live"),
    ),
    databases=(
        Database(name="orders"),
        Database(name="carts", kind="dynamodb"),
    ),
)

Client = Callable[..., Any]


@pytest.fixture
def world() -> PlainWorld:
    return PlainWorld(RESOURCES)


@pytest.fixture
def server(world: PlainWorld) -> Iterator[AwsServer]:
    options = Options(query_seconds=0.0, warm=False)
    with AwsServer(world, RESOURCES, read_only_roles={"reader"}, options=options) as running:
        yield running


_SESSION = boto3.Session(region_name="us-east-1")


@pytest.fixture
def client(server: AwsServer) -> Client:
    """client("lambda"), client("logs", key="alice"), client("logs", credentials={…})"""

    def make(service: str, key: str = "alice", **credentials: str) -> Any:
        given = credentials or {"aws_access_key_id": key, "aws_secret_access_key": "secret"}
        config = Config(
            retries={"total_max_attempts": 1},
            connect_timeout=2,
            read_timeout=60,
            max_pool_connections=40,
        )
        return _SESSION.client(service, endpoint_url=server.url, config=config, **given)

    return make
