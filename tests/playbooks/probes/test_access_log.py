"""The access log: its format decides what can be asked."""

from __future__ import annotations

import json

import pytest

from bot.domain.errors import ReadFailed
from bot.domain.report import GapReason
from playbooks.probes import access_log
from tests.playbooks.aws_stub import Answers
from tests.playbooks.probes.answers import AT
from tests.playbooks.samples import scope

QUOTED = json.dumps({"code": "$context.status", "why": "$context.error.responseType"})


BARE = '{"status":$context.status,"lat":$context.responseLatency,"ip":"$context.identity.sourceIp"}'


NESTED = '{"http":{"status":"$context.status"},"latency-ms":"$context.responseLatency"}'


@pytest.mark.parametrize(
    ("log_format", "variable", "key"),
    [
        (QUOTED, "status", "code"),
        (QUOTED, "error.responseType", "why"),
        (BARE, "status", "status"),
        (BARE, "responseLatency", "lat"),
        (NESTED, "status", "http.status"),
    ],
)
def test_keys_come_from_the_format(log_format: str, variable: str, key: str) -> None:
    assert access_log.keys_of(log_format)[variable] == key


def test_a_format_that_is_not_json_has_no_keys() -> None:
    clf = (
        '$context.identity.sourceIp - [$context.requestTime] "$context.httpMethod" $context.status'
    )
    assert access_log.keys_of(clf) == {}


def test_the_query_names_the_keys_of_the_format() -> None:
    built, tells = access_log.query_of(access_log.keys_of(NESTED), "http.status")
    assert str(built) == (
        "filter http.status >= 500 | fields http.status as by_status"
        " | stats count(*) as n, pct(`latency-ms`, 50) as p50, pct(`latency-ms`, 99) as p99"
        " by bin(1m) as t, by_status"
    )
    assert tells == {"latency"}


def stage(**settings: str) -> dict[str, object]:
    return {"stageName": "prod", "accessLogSettings": settings} if settings else {}


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (stage(), "writes no access log"),
        (
            stage(destinationArn="arn:aws:firehose:us-east-1:1:deliverystream/x", format=QUOTED),
            "not to a log group",
        ),
        (
            stage(
                destinationArn="arn:aws:logs:us-east-1:1:log-group:/api",
                format='{"id":"$context.requestId"}',
            ),
            'add "status": "$context.status"',
        ),
    ],
)
def test_what_is_not_configured_says_what_to_add(answer: dict[str, object], says: str) -> None:
    with pytest.raises(ReadFailed) as failed:
        access_log.AccessLogProbe().read(Answers(get_stage=answer), scope())
    assert failed.value.reason is GapReason.NOT_CONFIGURED
    assert says in failed.value.detail


def test_a_dash_is_nothing_said() -> None:
    row = {"t": "2026-03-14 03:07:00.000", "by_status": "504", "by_response_type": "-", "n": "12"}
    (answer,) = access_log.answers_of([row | {"by_integration_status": "-"}])
    assert (answer.status, answer.response_type, answer.integration_status) == ("504", None, None)
    assert (answer.count, answer.p50, answer.at) == (12.0, None, AT)
