"""The endpoint on a real simulation: what it answers is what the scenario plays."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from sandbox.aws.account import Options
from sandbox.aws.server import AwsServer
from sandbox.world import Simulation, load
from sandbox.world.clock import FrozenClock

SCENARIOS = Path(__file__).parents[3] / "sandbox" / "scenarios"


class Played:
    """A scenario, its clock and clients of its account."""

    def __init__(self, name: str) -> None:
        self.clock = FrozenClock()
        self.simulation = Simulation(load(SCENARIOS / f"{name}.yaml"), clock=self.clock)
        options = Options(query_seconds=0.0, warm=False)
        self.server = AwsServer(self.simulation, self.simulation.resources, options=options)

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.server.url,
            region_name=self.simulation.resources.region,
            aws_access_key_id="alice",
            aws_secret_access_key="secret",
        )


@pytest.fixture(scope="module")
def bad_alias() -> Iterator[Played]:
    played = Played("5xx-bad-alias-move")
    with played.server:
        yield played


def stage_of(played: Played) -> str:
    api = played.simulation.resources.api
    assert api is not None
    return api.stage


def errors(played: Played, minutes: int) -> list[float]:
    """5xx answers a minute, oldest first."""
    gateway, now = played.client("apigatewayv2"), played.clock.now()
    (api,) = gateway.get_apis()["Items"]
    dimensions = [
        {"Name": "ApiId", "Value": api["ApiId"]},
        {"Name": "Stage", "Value": stage_of(played)},
    ]
    metric = {"Namespace": "AWS/ApiGateway", "MetricName": "5xx", "Dimensions": dimensions}
    query = {"Id": "e", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}
    reply = played.client("cloudwatch").get_metric_data(
        MetricDataQueries=[query],
        ScanBy="TimestampAscending",
        StartTime=now - timedelta(minutes=minutes),
        EndTime=now,
    )
    values: list[float] = reply["MetricDataResults"][0]["Values"]
    return values


def logged(played: Played, minutes: int) -> int:
    """5xx answers in the access log that the stage names."""
    gateway, logs, now = played.client("apigatewayv2"), played.client("logs"), played.clock.now()
    (api,) = gateway.get_apis()["Items"]
    stage = gateway.get_stage(ApiId=api["ApiId"], StageName=stage_of(played))
    settings = stage["AccessLogSettings"]
    keys = {variable: key for key, variable in json.loads(settings["Format"]).items()}
    started = logs.start_query(
        logGroupIdentifiers=[settings["DestinationArn"]],
        queryString=f"filter {keys['$context.status']} >= 500 | stats count(*) as n",
        startTime=int((now - timedelta(minutes=minutes)).timestamp()),
        endTime=int(now.timestamp()),
    )
    status = "Running"
    while status == "Running":
        answer = logs.get_query_results(queryId=started["queryId"])
        status = answer["status"]
    return int(answer["results"][0][0]["value"])


def test_metrics_logs_and_trail_tell_one_story(bad_alias: Played) -> None:
    found = errors(bad_alias, 30)
    assert max(found[-3:]) > 10 * max(*found[:10], 1)
    # The log has the minute that is not over yet as well.
    assert sum(found) <= logged(bad_alias, 30) <= sum(found) + 2 * max(found)
    function = bad_alias.simulation.resources.functions[0].name
    wanted = [{"AttributeKey": "ResourceName", "AttributeValue": function}]
    since = bad_alias.clock.now() - timedelta(hours=1)
    moves = bad_alias.client("cloudtrail").lookup_events(LookupAttributes=wanted, StartTime=since)[
        "Events"
    ]
    assert [event["EventName"] for event in moves] == ["UpdateAlias20150331"]


def test_moving_the_alias_back_ends_the_errors(bad_alias: Played) -> None:
    function = bad_alias.simulation.resources.functions[0]
    alias, functions = next(iter(function.aliases)), bad_alias.client("lambda")
    before = functions.get_alias(FunctionName=function.name, Name=alias)
    good = function.aliases[alias]
    assert before["FunctionVersion"] != good
    functions.update_alias(
        FunctionName=function.name,
        Name=alias,
        FunctionVersion=good,
        RevisionId=before["RevisionId"],
    )
    bad_alias.clock.advance(6 * 60)
    assert max(errors(bad_alias, 30)[-4:]) < 10
    assert [entry.call for entry in bad_alias.server.ledger.writes()] == ["lambda:UpdateAlias"]


def test_it_starts_quickly(bad_alias: Played) -> None:
    world = bad_alias.simulation
    began = time.monotonic()
    with AwsServer(world, world.resources, options=Options(warm=False)) as server:
        assert server.url.startswith("http://127.0.0.1:")
    assert time.monotonic() - began < 3
