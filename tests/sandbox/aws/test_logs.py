"""CloudWatch Logs: queries, groups and events."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws.log_pattern import PatternError, compile_pattern
from sandbox.aws.server import AwsServer
from sandbox.insights import Row
from sandbox.world.api import MetricId
from tests.sandbox.aws.conftest import Client
from tests.sandbox.aws.plain_world import NOW, PlainWorld

ACCESS = "/aws/apigateway/checkout/prod"
FUNCTION = "/aws/lambda/checkout"
ARN = "arn:aws:logs:us-east-1:123456789012:log-group:"
WINDOW = {
    "startTime": int((NOW - timedelta(hours=1)).timestamp()),
    "endTime": int(NOW.timestamp()),
}


def row(group: str, minutes: float, message: Any, weight: int = 1, stream: str = "s1") -> Row:
    time = int((NOW - timedelta(minutes=minutes)).timestamp() * 1000)
    text = message if isinstance(message, str) else json.dumps(message)
    return Row(time, text, stream, f"123456789012:{group}", weight)


@pytest.fixture
def logs(client: Client, world: PlainWorld) -> Any:
    world.rows[ACCESS] = [
        row(ACCESS, 5, {"status": 504, "path": "/pay"}, weight=3),
        row(ACCESS, 4, {"status": 200, "path": "/pay"}),
        row(ACCESS, 3, {"status": 502, "path": "/cart"}, stream="s2"),
    ]
    world.rows[FUNCTION] = [row(FUNCTION, 4, "Task timed out after 30.00 seconds")]
    world.publish(MetricId("AWS/Logs", "IncomingBytes", (("LogGroupName", ACCESS),)), 500, 700)
    return client("logs")


def result(logs: Any, query_id: str) -> dict[str, Any]:
    answer: dict[str, Any] = logs.get_query_results(queryId=query_id)
    assert answer["status"] == "Complete"
    return answer


def rows(answer: dict[str, Any]) -> list[dict[str, str]]:
    return [{cell["field"]: cell["value"] for cell in found} for found in answer["results"]]


def test_a_query_runs_and_then_has_results(logs: Any) -> None:
    started = logs.start_query(
        logGroupName=ACCESS,
        queryString="filter status >= 500 | stats count(*) as n by path | sort n desc",
        **WINDOW,
    )
    answer = result(logs, started["queryId"])
    assert rows(answer) == [{"path": "/pay", "n": "3"}, {"path": "/cart", "n": "1"}]
    statistics = answer["statistics"]
    assert (statistics["recordsMatched"], statistics["recordsScanned"]) == (4.0, 5.0)
    assert statistics["bytesScanned"] > 0


def test_several_groups_by_name_or_arn(logs: Any) -> None:
    query = "stats count(*) as n by @log"
    by_name = logs.start_query(logGroupNames=[ACCESS, FUNCTION], queryString=query, **WINDOW)
    by_arn = logs.start_query(
        logGroupIdentifiers=[ARN + ACCESS, f"{ARN}{FUNCTION}"], queryString=query, **WINDOW
    )
    expected = {f"123456789012:{ACCESS}": "5", f"123456789012:{FUNCTION}": "1"}
    for started in (by_name, by_arn):
        found = rows(result(logs, started["queryId"]))
        assert {item["@log"]: item["n"] for item in found} == expected


def test_a_malformed_query_says_where(logs: Any) -> None:
    with pytest.raises(logs.exceptions.MalformedQueryException) as caught:
        logs.start_query(logGroupName=ACCESS, queryString="filtr status > 1", **WINDOW)
    location = caught.value.response["queryCompileError"]["location"]
    assert location["startCharOffset"] == 0


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"logGroupName": "/none"}, "ResourceNotFoundException"),
        ({}, "InvalidParameterException"),
        ({"logGroupName": ACCESS, "logGroupNames": [ACCESS]}, "InvalidParameterException"),
        ({"logGroupNames": [ACCESS] * 51}, "InvalidParameterException"),
        ({"logGroupName": ACCESS, "endTime": 1}, "InvalidParameterException"),
        ({"logGroupName": ACCESS, "queryLanguage": "SQL"}, "InvalidParameterException"),
    ],
)
def test_refused_queries(logs: Any, params: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError) as caught:
        logs.start_query(**{"queryString": "fields @message", **WINDOW, **params})
    assert caught.value.response["Error"]["Code"] == code


def test_a_query_takes_its_time_and_can_be_stopped(logs: Any, server: AwsServer) -> None:
    server.account.options = replace(server.account.options, query_seconds=60.0)
    query_id = logs.start_query(logGroupName=ACCESS, queryString="fields path", **WINDOW)["queryId"]
    running = logs.get_query_results(queryId=query_id)
    assert (running["status"], running["results"]) == ("Running", [])
    assert logs.stop_query(queryId=query_id)["success"]
    assert logs.get_query_results(queryId=query_id)["status"] == "Cancelled"
    with pytest.raises(ClientError, match="not running"):
        logs.stop_query(queryId=query_id)


def test_log_groups_have_size_and_arn(logs: Any) -> None:
    (group,) = logs.describe_log_groups(logGroupNamePrefix="/aws/api")["logGroups"]
    assert group["logGroupName"] == ACCESS
    assert group["storedBytes"] == 1200
    assert (group["arn"], group["logGroupArn"]) == (f"{ARN}{ACCESS}:*", f"{ARN}{ACCESS}")
    found = logs.describe_log_groups(logGroupNamePattern="LAMBDA")["logGroups"]
    assert [item["logGroupName"] for item in found] == [FUNCTION]
    pages = logs.get_paginator("describe_log_groups").paginate(PaginationConfig={"PageSize": 1})
    assert [len(page["logGroups"]) for page in pages] == [1, 1]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("", 5),
        ("pay", 4),
        ("pay 504", 3),
        ("pay -504", 1),
        ("?cart ?200", 2),
        ('"/cart"', 1),
        ("{ $.status = 504 }", 3),
        ('{ $.status >= 500 && $.path = "/ca*" }', 1),
        ('{ ($.status = 200) || ($.path = "/cart") }', 2),
        ('{ $.path != "/pay" }', 1),
        ("{ $.missing NOT EXISTS }", 5),
    ],
)
def test_filter_patterns(logs: Any, pattern: str, found: int) -> None:
    events = logs.filter_log_events(logGroupName=ACCESS, filterPattern=pattern)["events"]
    assert len(events) == found


@pytest.mark.parametrize("pattern", ["[ip, status]", "%5..%", "{ $.a = ", "{ a = 1 }", '"open'])
def test_patterns_that_are_not_evaluated(pattern: str) -> None:
    with pytest.raises(PatternError):
        compile_pattern(pattern)


def test_filtered_events_are_paged_oldest_first(logs: Any) -> None:
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=ACCESS, PaginationConfig={"PageSize": 2}
    )
    events = [event for page in pages for event in page["events"]]
    assert [event["timestamp"] for event in events] == sorted(e["timestamp"] for e in events)
    assert len({event["eventId"] for event in events}) == 5
