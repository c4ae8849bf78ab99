"""How many tasks ECS wants and runs, and what it wrote of them."""

from __future__ import annotations

from datetime import timedelta, timezone

import pytest

from bot.domain.errors import ReadFailed
from bot.domain.report import GapReason
from bot.domain.resources import EcsRef, Resources
from bot.domain.service import Service
from playbooks.probes.ecs_services import LONGEST_EVENT, EcsService, EcsServicesProbe
from tests.playbooks.aws_stub import Answers
from tests.playbooks.samples import minute, scope

REFS = (EcsRef(cluster="main", service="shop"), EcsRef(cluster="other", service="search"))
SHOP = Service(name="shop", resources=Resources(ecs=REFS))

UNABLE = "(service shop) was unable to place a task because no container instance met all of its"
PULL = "(service shop) failed to launch a task. Reason: CannotPullContainerError: not found"
UNHEALTHY = "(service shop) (port 80) is unhealthy in (target-group web)."
STEADY = "(service shop) has reached a steady state."


def service(*events: tuple[float, str]) -> EcsService:
    told = sorted(((minute(at), text) for at, text in events), reverse=True)
    return EcsService("shop", 4, 2, tuple(told))


def test_what_ecs_says_of_services() -> None:
    there = timezone(timedelta(hours=2))
    events = [
        {"createdAt": minute(-9), "message": STEADY},
        {"createdAt": minute(1).astimezone(there), "message": UNABLE},
    ]
    aws = Answers(
        describe_services=[
            {
                "services": [
                    {
                        "serviceName": "shop",
                        "desiredCount": 4,
                        "runningCount": 2,
                        "events": events,
                    }
                ]
            },
            {"services": [{"serviceName": "search"}]},
        ]
    )
    found = EcsServicesProbe().read(aws, scope(None, SHOP))
    assert found == (
        EcsService("shop", 4, 2, ((minute(1), UNABLE), (minute(-9), STEADY))),
        EcsService("search", 0, 0),
    )
    assert [sent for _, sent in aws.sent] == [
        {"cluster": "main", "services": ["shop"]},
        {"cluster": "other", "services": ["search"]},
    ]


def test_a_service_that_is_gone_is_told() -> None:
    arn = "arn:aws:ecs:us-east-1:123456789012:service/main/shop"
    gone = {"services": [], "failures": [{"arn": arn, "reason": "MISSING"}]}
    aws = Answers(describe_services=gone)
    with pytest.raises(ReadFailed, match=r"shop \(MISSING\)") as failed:
        EcsServicesProbe().read(aws, scope(None, SHOP))
    assert failed.value.reason is GapReason.NOT_FOUND


def test_without_ecs_there_is_nothing_to_ask() -> None:
    aws = Answers()
    assert EcsServicesProbe().read(aws, scope()) is None
    assert aws.sent == []


@pytest.mark.parametrize(
    ("events", "told"),
    [
        (((1, UNABLE),), UNABLE),
        (((1, STEADY),), ""),
        ((), ""),
        (((-9, UNABLE), (1, STEADY)), ""),  # before
        (((1, PULL), (5, UNABLE)), UNABLE),  # the latest
        (((1, PULL), (5, UNHEALTHY)), PULL),  # rather one with a reason
        (((1, UNHEALTHY), (5, STEADY)), UNHEALTHY),
    ],
)
def test_the_latest_trouble_that_says_why(events: tuple[tuple[float, str], ...], told: str) -> None:
    assert service(*events).trouble(minute(0)) == told


def test_a_long_event_is_shortened() -> None:
    told = service((1, f"{PULL} {'x' * 400}")).trouble(minute(0))
    assert (len(told), told[-1]) == (LONGEST_EVENT, "…")
