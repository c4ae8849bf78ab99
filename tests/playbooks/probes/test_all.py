"""What holds for every probe."""

from __future__ import annotations

import pytest

from bot.domain.errors import ReadFailed
from bot.domain.report import GapReason
from bot.domain.resources import CodeDeployRef, EcsRef, LoadBalancerRef, Resources
from bot.domain.service import Service
from playbooks.five_xx import FiveXX
from playbooks.probes.changes import Changes
from tests.playbooks.aws_stub import Answers
from tests.playbooks.samples import SERVICE, scope


@pytest.mark.parametrize("name", FiveXX.probes)
def test_every_probe_declares_what_it_needs(name: str) -> None:
    probe = FiveXX.probes[name]
    assert probe.title
    assert probe.permissions
    assert all(permission.count(":") == 1 for permission in probe.permissions)


@pytest.mark.parametrize("name", FiveXX.probes)
def test_a_service_without_resources_has_nothing_to_read(name: str) -> None:
    aws = Answers()
    nothing = scope(None, Service(name="new"))
    assert FiveXX.probes[name].read(aws, nothing) is None
    assert aws.sent == []


@pytest.mark.parametrize("name", FiveXX.probes)
def test_a_refusal_becomes_a_failed_read_never_a_value(name: str) -> None:
    class Refuses(Answers):
        def read(self, *names: str, **params: object) -> dict[str, object]:
            raise ReadFailed(GapReason.DENIED, "AccessDenied")

        def pages(self, *names: str, **params: object):  # type: ignore[no-untyped-def]
            raise ReadFailed(GapReason.DENIED, "AccessDenied")

    service = Service(
        name="s",
        resources=Resources(
            apis=SERVICE.resources.apis,
            functions=SERVICE.resources.functions,
            load_balancers=(LoadBalancerRef(name="shop"),),
            ecs=(EcsRef(cluster="main", service="shop"),),
            codedeploy=(CodeDeployRef(application="a", group="g"),),
            databases=("db",),
        ),
    )
    looked = scope(service=service)
    if name == "web_acl":  # of a load balancer at the front only
        balancers = Resources(load_balancers=(LoadBalancerRef(name="shop"),))
        looked = scope(alarm=None, service=Service(name="s", resources=balancers))
    try:
        value = FiveXX.probes[name].read(Refuses(), looked)
    except ReadFailed:
        return
    assert isinstance(value, Changes)  # its sources fail one by one
    assert value.known == ()
    assert {each.source for each in value.unread} == set(value.asked)
