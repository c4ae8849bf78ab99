"""Every cause and every inconclusive report gives a person at least two steps."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from functools import cache

import botocore.session
import pytest
from botocore import xform_name

from bot.domain.playbook_contract import Evidence
from bot.domain.report import Advice, Cause, CauseStatus, Verdict
from bot.domain.resources import (
    ApiRef,
    CodeDeployRef,
    EcsRef,
    FunctionRef,
    LoadBalancerRef,
    Resources,
)
from bot.domain.service import Service
from bot.investigation.engine import advice
from bot.investigation.facts import with_facts
from playbooks.five_xx import FiveXX
from playbooks.probes.ecs_services import EcsService
from playbooks.targets import Targets
from tests.playbooks.samples import (
    NOTHING_SPECIAL,
    ONSET,
    balancer,
    change,
    changes,
    edge,
    gap,
    minute,
    scope,
    series,
)

FUNCTION = Service(
    name="checkout",
    runbook="https://wiki.example.com/checkout",
    resources=Resources(
        apis=(ApiRef(name="checkout api's", id="a1b2c3"),),
        functions=(FunctionRef(name="checkout", alias="PROD"),),
        databases=("orders-db",),
        tables=("baskets",),
    ),
)
TASKS = Service(
    name="shop",
    region="eu-central-1",
    resources=Resources(
        load_balancers=(LoadBalancerRef(name="app/shop/50dc6c495c0c9188"),),
        ecs=(EcsRef(cluster="main", service="shop"),),
        codedeploy=(CodeDeployRef(application="shop", group="prod"),),
    ),
)
HTTP = Service(name="orders", resources=Resources(apis=(ApiRef(name="orders", kind="http"),)))
SERVICES = [FUNCTION, TASKS, HTTP]
CAUSES = [hypothesis.id for hypothesis in FiveXX.hypotheses]
DENIED: Evidence = {name: gap(name) for name in NOTHING_SPECIAL}

# causes of functions need a function, those of targets a load balancer
OF_FUNCTIONS = {"cold-start-surge", "concurrency-limit", "function-timeout"}
OF_TARGETS = {
    "no-healthy-targets",
    "connection-errors",
    "zone-failure",
    "target-tls",
    "keep-alive-race",
}
OF_APIS = {"authorizer-failing", "waf-block"}


def steps(
    cause: str | None, service: Service, evidence: Evidence, verdict: Verdict
) -> tuple[Advice, ...]:
    playbook, where = FiveXX(), scope(None, service)
    found = (Cause(id=cause, title="", status=CauseStatus.SUPPORTED, score=3),) if cause else ()
    known = with_facts(playbook, where, evidence)
    return tuple(advice(playbook, where, known, found, verdict))


def concerns(cause: str, service: Service) -> bool:
    if cause in OF_FUNCTIONS:
        return bool(service.resources.functions)
    if cause in OF_TARGETS:
        return bool(service.resources.load_balancers)
    return bool(service.resources.apis) if cause in OF_APIS else service is not HTTP


@pytest.mark.parametrize("evidence", [NOTHING_SPECIAL, DENIED], ids=["read", "denied"])
@pytest.mark.parametrize("service", SERVICES, ids=lambda each: each.name)
@pytest.mark.parametrize("cause", CAUSES)
def test_every_cause_has_two_steps(cause: str, service: Service, evidence: Evidence) -> None:
    if not concerns(cause, service):
        return
    found = steps(cause, service, evidence, Verdict.HIGH)
    assert len(found) >= 2, [each.text for each in found]
    assert all(each.command or each.url for each in found[:2])
    well_formed(found, service)


@pytest.mark.parametrize("denied", [False, True], ids=["nothing there", "denied"])
@pytest.mark.parametrize("service", SERVICES, ids=lambda each: each.name)
@pytest.mark.parametrize(
    ("playbook", "cause"),
    [(each, one.id) for each in (FiveXX, Targets) for one in each.hypotheses],
)
def test_of_both_types_every_cause_has_two_steps_whatever_could_be_read(
    playbook: type[FiveXX | Targets], cause: str, service: Service, denied: bool
) -> None:
    evidence = {name: gap(name) if denied else None for name in playbook.probes}
    where = scope(None, service)
    found = (Cause(id=cause, title="", status=CauseStatus.SUPPORTED, score=3),)
    known = with_facts(playbook(), where, evidence)
    given = tuple(advice(playbook(), where, known, found, Verdict.HIGH))
    assert sum(bool(each.command or each.url) for each in given) >= 2, [e.text for e in given]


@pytest.mark.parametrize("evidence", [NOTHING_SPECIAL, DENIED], ids=["read", "denied"])
@pytest.mark.parametrize("service", SERVICES, ids=lambda each: each.name)
@pytest.mark.parametrize("cause", [None, *CAUSES])
def test_an_inconclusive_report_has_two_steps(
    cause: str | None, service: Service, evidence: Evidence
) -> None:
    found = steps(cause, service, evidence, Verdict.INCONCLUSIVE)
    assert len(found) >= 2, [each.text for each in found]
    assert any("cloudtrail" in (each.command or "") for each in found)
    well_formed(found, service)


def well_formed(found: tuple[Advice, ...], service: Service) -> None:
    """Commands are of the AWS CLI, name the region, print no secrets and fit into the card."""
    for step in found:
        command = step.command or ""
        assert len(command) <= 500, command
        assert "Environment" not in command
        if not command.startswith(("aws ", "diff ")):
            continue
        assert shlex.split(command)  # its quotes are closed
        assert service.region in command or "us-east-1" in command
        asked = re.findall(r"\baws ([a-z0-9-]+) ([a-z-]+)", command)
        allowed = {"region", "query", "output", "max-items"}.union(
            *(options(*each) for each in asked)
        )
        assert set(re.findall(r" --([a-z-]+)", command)) <= allowed, command


@cache
def options(service: str, operation: str) -> frozenset[str]:
    """The options of a command of the AWS CLI, which are the members of the call's input."""
    if (service, operation) == ("logs", "tail"):  # the CLI's own
        return frozenset({"since", "format", "filter-pattern"})
    model = botocore.session.get_session().get_service_model(service)
    by_name = {xform_name(name, "-"): name for name in model.operation_names}
    shape = model.operation_model(by_name[operation]).input_shape
    return frozenset(xform_name(name, "-") for name in (shape.members if shape else ()))


def test_nothing_is_advised_where_nothing_is_wrong() -> None:
    assert steps(None, FUNCTION, NOTHING_SPECIAL, Verdict.NOTHING_WRONG) == ()


def test_a_release_is_compared_with_the_one_before() -> None:
    rollout = change(ONSET - 2, kind="deployment").model_copy(
        update={"summary": "ECS rollout of shop:42 (COMPLETED)"}
    )
    found = steps(
        "bad-deployment", TASKS, NOTHING_SPECIAL | {"changes": changes(rollout)}, Verdict.HIGH
    )
    (command,) = [each.command for each in found if each.command and "diff" in each.command]
    assert "shop:41" in command
    assert "shop:42" in command


def test_names_from_cloudtrail_cannot_break_out_of_a_command() -> None:
    secret = change(ONSET - 2, kind="secret").model_copy(update={"resource": "x'; rm -rf ~; '"})
    found = steps(
        "configuration-change",
        FUNCTION,
        NOTHING_SPECIAL | {"changes": changes(secret)},
        Verdict.HIGH,
    )
    (command,) = [c for each in found if (c := each.command) and "secretsmanager" in c]
    assert shlex.split(command)[4] == "x'; rm -rf ~; '"


def targets_lost(group: str, *services: EcsService) -> list[Advice]:
    """Of two target groups, one that lost all its targets."""
    two = {"shop": series(4, 4), "admin": series(2, 2)} | {group: series(4, 0)}
    known = {
        "edge": edge(kind="alb", name="shop"),
        "balancer": replace(balancer(own={"503": 180}), healthy=two),
        "ecs_services": services,
    }
    evidence = NOTHING_SPECIAL | known
    return list(steps("no-healthy-targets", TASKS, evidence, Verdict.HIGH))


@pytest.mark.parametrize("group", ["shop", "admin"])
def test_the_targets_of_the_group_that_lost_them_are_looked_at(group: str) -> None:
    found = targets_lost(group)
    step = next(each for each in found if each.text.startswith("See the state of every target"))
    assert step.text == f"See the state of every target of {group}, and why it is unhealthy"
    assert f"--names {group} " in (step.command or "")
    well_formed(tuple(found), TASKS)


def test_what_ecs_cannot_do_is_to_be_mended() -> None:
    unable = "(service shop) was unable to place a task. Reason: no capacity"
    ill = EcsService("shop", 4, 0, ((minute(1), unable),))
    texts = [each.text for each in targets_lost("shop", ill)]
    assert f"Fix what keeps ECS from starting tasks. ECS says: {unable}" in texts
    well = EcsService("shop", 4, 4, ((minute(1), "has reached a steady state"),))
    assert not [each for each in targets_lost("shop", well) if "ECS says" in each.text]
