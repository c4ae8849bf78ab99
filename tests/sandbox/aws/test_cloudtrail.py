"""CloudTrail: LookupEvents."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from sandbox.aws.account import Options
from sandbox.aws.server import AwsServer
from sandbox.world.api import TrailEvent
from tests.sandbox.aws.conftest import Client
from tests.sandbox.aws.plain_world import NOW, PlainWorld


def event(minutes: float, name: str, actor: str = "dana", source: str = "lambda") -> TrailEvent:
    return TrailEvent(
        NOW - timedelta(minutes=minutes),
        f"{source}.amazonaws.com",
        name,
        actor,
        (("AWS::Lambda::Function", "checkout"),),
        {"functionName": "checkout"},
        error_code="AccessDenied" if name == "DeleteFunction" else None,
    )


@pytest.fixture
def trail(client: Client, world: PlainWorld) -> Any:
    world.events = [
        event(90, "PublishVersion20150331"),
        event(12, "UpdateAlias20150331"),
        event(8, "DeleteFunction", actor="eve"),
        event(5, "RunTask", source="ecs"),
        event(-3, "UpdateAlias20150331"),  # has not happened yet
    ]
    return client("cloudtrail")


def names(reply: dict[str, Any]) -> list[str]:
    return [found["EventName"] for found in reply["Events"]]


def test_newest_first_and_nothing_from_the_future(trail: Any) -> None:
    assert names(trail.lookup_events()) == [
        "RunTask",
        "DeleteFunction",
        "UpdateAlias20150331",
        "PublishVersion20150331",
    ]


@pytest.mark.parametrize(
    ("key", "value", "count"),
    [
        ("EventName", "UpdateAlias20150331", 1),
        ("EventSource", "ecs.amazonaws.com", 1),
        ("Username", "eve", 1),
        ("ResourceName", "checkout", 4),
        ("ResourceType", "AWS::Lambda::Function", 4),
        ("ReadOnly", "true", 0),
        ("AccessKeyId", "AKIA", 0),
    ],
)
def test_one_attribute(trail: Any, key: str, value: str, count: int) -> None:
    wanted = [{"AttributeKey": key, "AttributeValue": value}]
    assert len(trail.lookup_events(LookupAttributes=wanted)["Events"]) == count


def test_only_one_attribute(trail: Any) -> None:
    wanted = [{"AttributeKey": "EventName", "AttributeValue": "x"}] * 2
    with pytest.raises(trail.exceptions.InvalidLookupAttributesException):
        trail.lookup_events(LookupAttributes=wanted)


def test_time_range(trail: Any) -> None:
    found = trail.lookup_events(StartTime=NOW - timedelta(minutes=10), EndTime=NOW)
    assert names(found) == ["RunTask", "DeleteFunction"]
    with pytest.raises(trail.exceptions.InvalidTimeRangeException):
        trail.lookup_events(StartTime=NOW, EndTime=NOW - timedelta(minutes=10))


def test_a_region_has_its_own_events_and_us_east_1_those_of_iam(
    trail: Any, world: PlainWorld, server: AwsServer
) -> None:
    world.events.append(event(2, "PutRolePolicy", source="iam"))
    assert "PutRolePolicy" in names(trail.lookup_events())
    elsewhere = boto3.client(
        "cloudtrail",
        endpoint_url=server.url,
        region_name="eu-west-1",
        aws_access_key_id="alice",
        aws_secret_access_key="secret",
    )
    assert names(elsewhere.lookup_events()) == []


def test_pages(trail: Any) -> None:
    pages = trail.get_paginator("lookup_events").paginate(PaginationConfig={"PageSize": 3})
    assert [len(page["Events"]) for page in pages] == [3, 1]
    with pytest.raises(ClientError) as caught:
        trail.lookup_events(NextToken="not one of ours")
    assert caught.value.response["Error"]["Code"] == "InvalidNextTokenException"


def test_the_record_itself(trail: Any) -> None:
    wanted = [{"AttributeKey": "Username", "AttributeValue": "eve"}]
    (found,) = trail.lookup_events(LookupAttributes=wanted)["Events"]
    record = json.loads(found["CloudTrailEvent"])
    assert record["errorCode"] == "AccessDenied"
    assert record["requestParameters"] == {"functionName": "checkout"}
    assert record["userIdentity"]["userName"] == "eve"
    assert record["eventID"] == found["EventId"]
    assert record["eventTime"] == "2026-03-14T03:06:15Z"


def test_two_lookups_a_second_when_asked_to(world: PlainWorld) -> None:
    options = Options(lookup_limit=2, warm=False)
    with AwsServer(world, world.resources, options=options) as server:
        trail = boto3.client(
            "cloudtrail",
            endpoint_url=server.url,
            region_name="us-east-1",
            aws_access_key_id="alice",
            aws_secret_access_key="secret",
            config=Config(retries={"total_max_attempts": 1}),
        )
        trail.lookup_events()
        trail.lookup_events()
        with pytest.raises(ClientError) as caught:
            trail.lookup_events()
    assert caught.value.response["Error"]["Code"] == "ThrottlingException"
