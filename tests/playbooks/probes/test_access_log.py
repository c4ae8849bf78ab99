"""The access log: its format decides what can be asked."""

from __future__ import annotations

import json
import re

import pytest

from bot.domain.errors import ReadFailed
from bot.domain.report import GapReason
from bot.domain.resources import ApiRef, Resources
from bot.domain.service import Service
from playbooks.probes import access_log
from tests.playbooks.aws_stub import Answers
from tests.playbooks.probes.answers import AT, Published
from tests.playbooks.samples import scope

QUOTED = json.dumps({"code": "$context.status", "why": "$context.error.responseType"})


BARE = '{"status":$context.status,"lat":$context.responseLatency,"ip":"$context.identity.sourceIp"}'


NESTED = '{"http":{"status":"$context.status"},"latency-ms":"$context.responseLatency"}'


COMPOSED = (
    '{"request":"$context.httpMethod $context.path $context.protocol",'
    '"proxyUrl":"https://$context.domainName$context.path","status":"$context.status"}'
)
CLF = (
    "$context.identity.sourceIp - $context.identity.user [$context.requestTime] "
    '"$context.httpMethod $context.resourcePath $context.protocol" $context.status '
    "$context.responseLength $context.requestId"
)
CSV = "$context.requestId,$context.requestTime,$context.status,$context.integrationLatency"
XML = '<request id="$context.requestId"> <status>$context.status</status> </request>'


@pytest.mark.parametrize(
    ("log_format", "variable", "key"),
    [
        (QUOTED, "status", "code"),
        (QUOTED, "error.responseType", "why"),
        (BARE, "status", "status"),
        (BARE, "responseLatency", "lat"),
        (NESTED, "status", "http.status"),
        (COMPOSED, "status", "status"),
    ],
)
def test_keys_come_from_the_format(log_format: str, variable: str, key: str) -> None:
    found = access_log.format_of(log_format)
    assert found.fields[variable] == key
    assert found.pattern is None


def test_a_value_put_together_from_variables_is_none_of_them() -> None:
    assert access_log.format_of(COMPOSED).fields == {"status": "status"}


@pytest.mark.parametrize(
    ("log_format", "line", "status", "latency"),
    [
        (
            CLF,
            '10.0.0.1 - mara [14/Mar/2026:03:07:00 +0000] "GET /cart HTTP/1.1" 502 36 abc=',
            "502",
            None,
        ),
        (CSV, "abc=,14/Mar/2026:03:07:00 +0000,504,29000", "504", "29000"),
        (XML, '<request id="abc="> <status>503</status> </request>', "503", None),
    ],
)
def test_a_text_format_is_taken_apart(
    log_format: str, line: str, status: str, latency: str | None
) -> None:
    found = access_log.format_of(log_format)
    assert found.pattern is not None
    parsed = re.search(found.pattern.replace("?<", "?P<"), line)
    assert parsed is not None
    assert parsed[found.fields["status"]] == status
    where = found.first(access_log.LATENCY)
    assert (parsed[where] if where else None) == latency
    built, _ = access_log.query_of(found, found.fields["status"])
    assert str(built).startswith("parse @message /^")


def test_a_text_format_without_a_status_has_none() -> None:
    assert access_log.format_of("$context.requestId - $context.path").first(("status",)) is None


def test_the_query_names_the_keys_of_the_format() -> None:
    built, tells = access_log.query_of(access_log.format_of(NESTED), "http.status")
    assert str(built) == (
        "filter http.status >= 500 or not ispresent(http.status)"
        " | fields http.status as by_status"
        " | stats count(*) as n, pct(`latency-ms`, 50) as p50, pct(`latency-ms`, 99) as p99"
        " by bin(1m) as t, by_status"
    )
    assert tells == {"latency"}


@pytest.mark.parametrize(
    ("variable", "part"),
    [
        ("integration.status", "integration_status"),
        ("integration.integrationStatus", "invoke_status"),
        ("integrationStatus", "invoke_status"),
    ],
)
def test_what_the_code_answered_is_not_what_lambda_answered(variable: str, part: str) -> None:
    log_format = json.dumps({"status": "$context.status", "s": f"$context.{variable}"})
    built, tells = access_log.query_of(access_log.format_of(log_format), "status")
    assert tells == {part}
    assert f"s as by_{part}" in str(built)


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


def log_aws(log_format: str, *rows: dict[str, str]) -> Published:
    settings = {"destinationArn": "arn:aws:logs:us-east-1:1:log-group:/api", "format": log_format}
    cells = [[{"field": k, "value": v} for k, v in row.items()] for row in rows]
    return Published(
        {},
        get_stage={"accessLogSettings": settings},
        start_query={"queryId": "q"},
        get_query_results={"status": "Complete", "results": cells},
    )


MINUTE = {"t": "2026-03-14 03:07:00.000"}


def test_lines_that_cannot_be_read_are_counted_and_said() -> None:
    broken, few = MINUTE | {"n": "40"}, MINUTE | {"n": "1"}
    errors = MINUTE | {"by_status": "502", "n": "60"}
    found = access_log.AccessLogProbe().read(log_aws(QUOTED, errors, broken), scope())
    assert found is not None
    assert found.unreadable == {AT: 40.0}
    assert [answers.count for answers in found.answers] == [60.0]
    assert found.coverage.missing == ("40 lines of /api could not be read",)
    quiet = access_log.AccessLogProbe().read(log_aws(QUOTED, errors, few), scope())
    assert quiet is not None
    assert quiet.coverage.complete


def test_a_log_that_the_catalogue_lists_is_read_as_far_as_the_budget_goes() -> None:
    listed = Service(
        name="s",
        resources=Resources(log_groups=("/api",), apis=(ApiRef(name="checkout-api", id="1"),)),
    )
    incoming = {"IncomingBytes Sum": dict.fromkeys(range(-120, 12), 1024.0**3)}
    aws = Published(incoming, **log_aws(QUOTED, MINUTE | {"by_status": "502", "n": "60"}).replies)
    found = access_log.AccessLogProbe().read(aws, scope(service=listed))
    assert found is not None
    (told,) = found.coverage.missing
    assert told.startswith("of /api only what came after 03:17 UTC was read")
