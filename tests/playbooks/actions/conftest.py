"""An AWS account over real HTTP, read and written as the program does it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from bot.aws.client import AwsAccount, Budget
from bot.aws.sessions import Roles
from bot.domain.plan import Plan, Step
from bot.domain.playbook_contract import Action, Scope
from bot.domain.ports import Aws, AwsWriter
from bot.domain.report import Window
from bot.domain.resources import ApiRef, CodeDeployRef, EcsRef, FunctionRef, LoadBalancerRef
from bot.domain.resources import Resources as Known
from bot.domain.service import Service
from sandbox.aws.account import Options
from sandbox.aws.server import AwsServer
from sandbox.world.kinds import (
    Api,
    CodeDeploy,
    EcsService,
    Function,
    LoadBalancer,
    Resources,
    TargetGroup,
)
from tests.sandbox.aws.plain_world import PlainWorld

RESOURCES = Resources(
    account_concurrency=1000,
    api=Api(name="checkout-api", function="checkout", qualifier="live"),
    load_balancer=LoadBalancer(
        name="web", target_groups=(TargetGroup(name="web-tasks"), TargetGroup(name="web-green"))
    ),
    functions=(
        Function(
            name="checkout",
            memory_mb=512,
            versions=("40", "41", "42"),
            descriptions={"42": "3f9c2ab retry payments"},
            aliases={"live": "42", "canary": "41"},
        ),
        Function(
            name="mailer", versions=("1", "2"), aliases={"live": "1"}, reserved_concurrency=50
        ),
    ),
    ecs=(
        EcsService(
            name="web",
            target_group="web-tasks",
            task_definitions=("web:7", "web:8"),
            serving="web:7",
        ),
    ),
    codedeploy=(CodeDeploy(application="mailer", group="prod", function="mailer", alias="live"),),
)

SERVICE = Service(
    name="checkout",
    resources=Known(
        apis=(ApiRef(name="checkout-api"),),
        load_balancers=(LoadBalancerRef(name="web", target_groups=("web-tasks",)),),
        functions=(FunctionRef(name="checkout", alias="live"), FunctionRef(name="mailer")),
        ecs=(EcsRef(cluster="main", service="web"),),
        codedeploy=(CodeDeployRef(application="mailer", group="prod"),),
    ),
)


@pytest.fixture
def world() -> PlainWorld:
    return PlainWorld(RESOURCES)


@pytest.fixture
def server(world: PlainWorld, monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsServer]:
    options = Options(query_seconds=0.0)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "responder")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with AwsServer(world, RESOURCES, options=options) as running:
        monkeypatch.setenv("AWS_ENDPOINT_URL", running.url)
        yield running


@pytest.fixture
def account(server: AwsServer) -> AwsAccount:
    return AwsAccount(Roles())


@pytest.fixture
def aws(account: AwsAccount) -> Aws:
    return account.reader("us-east-1", Budget(calls=1000))


@pytest.fixture
def writer(account: AwsAccount) -> Callable[[Action], AwsWriter]:
    def make(action: Action) -> AwsWriter:
        return account.writer("us-east-1", session_name="U1.run-1", steps=())

    return make


@pytest.fixture
def narrowed(server: AwsServer) -> Callable[..., AwsWriter]:
    """The write role as the program assumes it: narrowed to the calls of a plan."""
    role = f"arn:aws:iam::{RESOURCES.account}:role/changes"
    account = AwsAccount(Roles(write=role), number=RESOURCES.account)

    def make(action: Action, plan: Plan, steps: tuple[Step, ...]) -> AwsWriter:
        also_checked = action.implied_permissions
        implied = tuple({each for step in steps for each in also_checked.get(step.permission, ())})
        return account.writer(
            "us-east-1",
            session_name="U1.run-1",
            steps=steps,
            implied=implied,
            resources=plan.resources,
        )

    return make


@pytest.fixture
def scope(world: PlainWorld) -> Scope:
    """An alarm ten minutes ago."""
    now = world.now()
    return Scope(SERVICE, None, Window.around(now - timedelta(minutes=10), now))
