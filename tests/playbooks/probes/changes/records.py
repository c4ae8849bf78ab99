"""Events of LookupEvents, as CloudTrail writes them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from bot.domain.playbook_contract import Scope
from bot.domain.resources import (
    ApiRef,
    CodeDeployRef,
    EcsRef,
    FunctionRef,
    LoadBalancerRef,
    Resources,
)
from bot.domain.service import Service
from playbooks.probes.changes.names import Names, own_names
from tests.playbooks.probes.answers import AT
from tests.playbooks.samples import scope

RESOURCES = Resources(
    apis=(ApiRef(name="checkout-api", id="a1b2c3"),),
    functions=(FunctionRef(name="checkout", alias="PROD"),),
    ecs=(EcsRef(cluster="prod", service="shop"),),
    codedeploy=(CodeDeployRef(application="lunch", group="prod"),),
    load_balancers=(LoadBalancerRef(name="shop-alb", target_groups=("shop-tg",)),),
    databases=("orders-db",),
    security_groups=("sg-1",),
)
NAMES = Names(own_names(RESOURCES), {"checkout-role": "checkout-role"}, "checkout")


def event(
    name: str,
    request: object = None,
    *,
    source: str = "lambda",
    resources: tuple[str, ...] = ("checkout",),
    username: str | None = "mara",
    at: datetime = AT,
    identity: dict[str, Any] | None = None,
    record: str | None = None,
    **more: object,
) -> dict[str, Any]:
    """An event; `record` replaces the whole record, `more` adds to it."""
    whole = {"requestParameters": request, "userIdentity": identity or {}, **more}
    found = {
        "EventId": f"{name} {at} {resources}",
        "EventName": name,
        "ReadOnly": "false",
        "EventTime": at,
        "EventSource": f"{source}.amazonaws.com",
        "Resources": [{"ResourceName": each} for each in resources],
        "CloudTrailEvent": json.dumps(whole) if record is None else record,
    }
    return found if username is None else found | {"Username": username}


def earlier(minutes: float) -> datetime:
    return AT - timedelta(minutes=minutes)


def looked(resources: Resources = RESOURCES, name: str = "checkout", now: float = 12) -> Scope:
    return scope(service=Service(name=name, resources=resources), now=now)
