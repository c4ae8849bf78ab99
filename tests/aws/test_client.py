"""The one way to AWS: what is sent and what is not, what it costs, and why there is no answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from botocore.config import Config

from bot.aws import client as bot_aws
from bot.aws.client import AwsAccount, Budget, Reader
from bot.aws.sessions import Roles
from bot.domain.errors import ReadFailed
from bot.domain.plan import Step
from bot.domain.report import GapReason
from sandbox.aws.server import AwsServer
from sandbox.world.api import Fault, Transition
from tests.sandbox.aws.plain_world import NOW, PlainWorld

REGION = "us-east-1"
ROLE = "arn:aws:iam::123456789012:role"
ALIAS = {"FunctionName": "checkout", "Name": "live"}
MOVE = Step(service="lambda", operation="update_alias", params={**ALIAS, "FunctionVersion": "42"})
QUICK = Config(connect_timeout=1, read_timeout=0.3, retries={"total_max_attempts": 1})


@pytest.fixture
def read(aws: AwsServer) -> Callable[..., Reader]:
    """read(calls=2) is a reader with that budget."""
    account = AwsAccount(Roles())
    return lambda **budget: account.reader(REGION, Budget(**budget))


def failure(reader: Reader, service: str, operation: str, **params: object) -> ReadFailed:
    with pytest.raises(ReadFailed) as failed:
        reader.read(service, operation, **params)
    return failed.value


# --- what is sent -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("lambda", "update_alias"),
        ("lambda", "put_provisioned_concurrency_config"),
        ("lambda", "delete_alias"),
        ("lambda", "invoke"),
        ("ec2", "authorize_security_group_ingress"),
        ("elbv2", "modify_target_group"),
        ("ecs", "update_service"),
        ("sts", "assume_role"),
        ("cloudwatch", "set_alarm_state"),
    ],
)
def test_what_is_no_read_is_not_sent(
    aws: AwsServer, read: Callable[..., Reader], service: str, operation: str
) -> None:
    with pytest.raises(ValueError, match="not a read"):
        read().read(service, operation, **ALIAS)
    assert len(aws.ledger) == 0


def test_a_read_is_answered_and_counted(read: Callable[..., Reader]) -> None:
    reader = read()
    assert reader.read("lambda", "get_alias", **ALIAS)["FunctionVersion"] == "41"
    reader.scanned(1024**3)
    cost = reader.cost()
    assert (cost.calls, cost.log_bytes) == (1, 1024**3)
    assert cost.usd == pytest.approx(0.005)
    assert cost.seconds > 0


def test_metrics_are_billed_by_the_series(read: Callable[..., Reader]) -> None:
    reader = read()
    queries = [
        {
            "Id": f"m{n}",
            "MetricStat": {
                "Metric": {"Namespace": "AWS/Lambda", "MetricName": "Errors"},
                "Period": 60,
                "Stat": "Sum",
            },
        }
        for n in range(5)
    ]
    reader.read(
        "cloudwatch",
        "get_metric_data",
        MetricDataQueries=queries,
        StartTime=NOW - timedelta(hours=1),
        EndTime=NOW,
    )
    assert reader.cost().metrics == 5
    assert reader.cost().usd == pytest.approx(5 * 0.01 / 1000)


# --- the budget ---------------------------------------------------------------------------------


def test_no_call_is_sent_above_the_budget(aws: AwsServer, read: Callable[..., Reader]) -> None:
    reader = read(calls=2)
    for _ in range(2):
        reader.read("lambda", "get_alias", **ALIAS)
    refused = failure(reader, "lambda", "get_alias", **ALIAS)
    assert refused.reason is GapReason.BUDGET
    assert "3 of 2 calls" in refused.detail
    assert len(aws.ledger.reads("lambda:GetAlias")) == 2


@pytest.mark.parametrize(
    ("budget", "words"),
    [({"log_bytes": 1024**3}, "2.0 of 1.0 GB"), ({"usd": 0.005}, "$0.010 of $0.005")],
)
def test_the_budget_in_bytes_and_dollars(
    read: Callable[..., Reader], budget: dict[str, float], words: str
) -> None:
    """What was scanned is paid for: only further log queries are refused, and no other read."""
    reader = read(**budget)
    reader.scanned(2 * 1024**3)
    refused = failure(reader, "logs", "start_query", logGroupNames=["/x"], queryString="fields @m")
    assert refused.reason is GapReason.BUDGET
    assert words in refused.detail
    assert reader.read("lambda", "get_alias", **ALIAS)["FunctionVersion"] == "41"


@pytest.mark.parametrize(
    ("budget", "scanned", "allowance"),
    [
        ({"log_bytes": 6 * 1024**3}, 0, 2 * 1024**3),  # each of three that start at once
        ({"log_bytes": 6 * 1024**3}, 5 * 1024**3, 1024**3),
        ({"log_bytes": 6 * 1024**3}, 7 * 1024**3, 0),
        ({"usd": 0.015}, 0, 1024**3),
    ],
)
def test_what_one_log_query_may_scan(
    read: Callable[..., Reader], budget: dict[str, float], scanned: int, allowance: int
) -> None:
    reader = read(**budget)
    reader.scanned(scanned)
    assert reader.log_allowance() == pytest.approx(allowance, abs=2)


def test_a_budget_is_one_investigations_own(read: Callable[..., Reader]) -> None:
    for _ in range(2):
        assert read(calls=1).read("lambda", "get_alias", **ALIAS)


# --- LookupEvents -------------------------------------------------------------------------------


def test_lookup_events_keeps_its_pace_over_all_threads() -> None:
    account = AwsAccount(Roles())
    assert account.lookups._gap == 0.5, "two a second (CloudTrail API reference, LookupEvents)"
    limit = bot_aws._RateLimit(rate=50)
    began = time.monotonic()
    threads = [threading.Thread(target=limit.wait) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 5 / 50 <= time.monotonic() - began < 1.0


def test_only_lookup_events_waits(aws: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    account = AwsAccount(Roles())
    waited: list[float] = []
    monkeypatch.setattr(account.lookups, "wait", lambda: waited.append(1))
    reader = account.reader(REGION, Budget())
    reader.read("lambda", "get_alias", **ALIAS)
    assert not waited
    reader.read("cloudtrail", "lookup_events")
    assert len(waited) == 1


# --- no answer, and why -------------------------------------------------------------------------


def test_denied_names_the_permission(world: PlainWorld, read: Callable[..., Reader]) -> None:
    world.active_faults.append(Fault("lambda:GetAlias", "deny"))
    refused = failure(read(), "lambda", "get_alias", **ALIAS)
    assert refused.reason is GapReason.DENIED
    assert refused.permission == "lambda:GetAlias"
    assert "not authorized" in refused.detail


@pytest.mark.parametrize(
    ("service", "operation", "params", "permission"),
    [
        ("elbv2", "describe_load_balancers", {}, "elasticloadbalancing:DescribeLoadBalancers"),
        ("apigateway", "get_rest_apis", {}, "apigateway:GET"),
        ("resourcegroupstaggingapi", "get_resources", {}, "tag:GetResources"),
        ("ec2", "describe_security_groups", {}, "ec2:DescribeSecurityGroups"),
        ("logs", "describe_log_groups", {}, "logs:DescribeLogGroups"),
        ("cloudwatch", "describe_alarms", {}, "cloudwatch:DescribeAlarms"),
    ],
)
def test_denied_in_every_protocol(
    world: PlainWorld,
    read: Callable[..., Reader],
    service: str,
    operation: str,
    params: dict[str, object],
    permission: str,
) -> None:
    world.active_faults.append(Fault("*", "deny"))
    refused = failure(read(), service, operation, **params)
    assert (refused.reason, refused.permission) == (GapReason.DENIED, permission)


def test_a_role_that_cannot_be_assumed_is_what_is_missing(
    world: PlainWorld, aws: AwsServer
) -> None:
    world.active_faults.append(Fault("sts:AssumeRole", "deny"))
    reader = AwsAccount(Roles(read=f"{ROLE}/reader")).reader(REGION, Budget())
    refused = failure(reader, "lambda", "get_alias", **ALIAS)
    assert (refused.reason, refused.permission) == (GapReason.DENIED, "sts:AssumeRole")
    assert aws.ledger.reads("lambda:GetAlias") == []


@pytest.fixture
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients that do not wait for long, and ask once."""
    monkeypatch.setattr(bot_aws, "READ", QUICK)


@pytest.mark.usefixtures("once")
@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("throttle", GapReason.THROTTLED),
        ("timeout", GapReason.TIMEOUT),
        ("server_error", GapReason.ERROR),
        ("malformed", GapReason.ERROR),
    ],
)
def test_no_answer_has_a_reason(
    world: PlainWorld, read: Callable[..., Reader], kind: str, reason: GapReason
) -> None:
    world.active_faults.append(Fault("lambda:GetAlias", kind, latency_ms=500))
    assert failure(read(), "lambda", "get_alias", **ALIAS).reason is reason


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("elbv2", "describe_load_balancers"),  # XML
        ("ec2", "describe_security_groups"),  # XML, EC2's own
        ("logs", "describe_log_groups"),  # JSON
        ("apigateway", "get_rest_apis"),  # REST, JSON
        ("cloudwatch", "describe_alarms"),  # CBOR
    ],
)
def test_half_a_reply_is_no_reply(
    world: PlainWorld, read: Callable[..., Reader], service: str, operation: str
) -> None:
    """It must never be taken for an empty list."""
    world.active_faults.append(Fault("*", "malformed"))
    assert failure(read(), service, operation).reason is GapReason.ERROR


def test_not_found(read: Callable[..., Reader]) -> None:
    refused = failure(read(), "lambda", "get_alias", FunctionName="checkout", Name="none")
    assert refused.reason is GapReason.NOT_FOUND


def test_a_read_is_tried_again_when_throttled(
    world: PlainWorld, aws: AwsServer, read: Callable[..., Reader]
) -> None:
    world.active_faults.append(Fault("lambda:GetAlias", "throttle", share=0.5))
    reader = read()
    for _ in range(2):
        assert reader.read("lambda", "get_alias", **ALIAS)["FunctionVersion"] == "41"
    assert len(aws.ledger.reads("lambda:GetAlias")) == 3
    assert reader.cost().calls == 2


def test_no_credentials_and_nobody_there(
    monkeypatch: pytest.MonkeyPatch, read: Callable[..., Reader]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(bot_aws, "READ", QUICK)
    there = AwsAccount(Roles()).reader(REGION, Budget())
    assert failure(there, "lambda", "get_alias", **ALIAS).reason is GapReason.TIMEOUT
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    nobody = AwsAccount(Roles()).reader(REGION, Budget())
    refused = failure(nobody, "lambda", "get_alias", **ALIAS)
    assert refused.reason is GapReason.NOT_CONFIGURED
    assert "no AWS credentials" in refused.detail


# --- pages --------------------------------------------------------------------------------------


@pytest.fixture
def history(world: PlainWorld) -> list[datetime]:
    """An alarm that changed its state five times."""
    times = [NOW - timedelta(minutes=n) for n in range(5)]
    world.transitions["web-5xx"] = [
        Transition(time=at, state="ALARM" if n % 2 else "OK", reason="r", reason_data="")
        for n, at in enumerate(reversed(times))
    ]
    return times


ASKED = {"AlarmName": "web-5xx", "MaxRecords": 2}


def test_all_pages_in_order(read: Callable[..., Reader], history: list[datetime]) -> None:
    reader = read()
    pages = list(reader.pages("cloudwatch", "describe_alarm_history", **ASKED))
    assert [len(page["AlarmHistoryItems"]) for page in pages] == [2, 2, 1]
    found = [item["Timestamp"] for page in pages for item in page["AlarmHistoryItems"]]
    assert [at.replace(microsecond=0) for at in found] == history
    assert reader.cost().calls == 3


@pytest.mark.usefixtures("history")
def test_a_partial_list_is_never_taken_whole(read: Callable[..., Reader]) -> None:
    with pytest.raises(ReadFailed) as failed:
        list(read(calls=2).pages("cloudwatch", "describe_alarm_history", **ASKED))
    assert failed.value.reason is GapReason.BUDGET


def test_what_has_no_pages_is_one(read: Callable[..., Reader]) -> None:
    (page,) = read().pages("lambda", "get_alias", **ALIAS)
    assert page["Name"] == "live"


# --- the clock ----------------------------------------------------------------------------------


def test_the_clock_is_awss(world: PlainWorld, read: Callable[..., Reader]) -> None:
    reader = read()
    assert abs(reader.now() - NOW) < timedelta(seconds=2)
    assert reader.cost().calls == 1, "asked once, when nothing else told"
    world.wait(3600)
    assert abs(reader.now() - NOW) < timedelta(seconds=2)
    reader.read("lambda", "get_alias", **ALIAS)
    assert abs(reader.now() - NOW - timedelta(hours=1)) < timedelta(seconds=2)


def test_while_aws_says_nothing_it_is_our_own(
    world: PlainWorld, aws: AwsServer, read: Callable[..., Reader]
) -> None:
    world.active_faults.append(Fault("*", "deny"))
    reader = read()
    for _ in range(3):
        assert abs(reader.now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert len(aws.ledger.reads("sts:GetCallerIdentity")) == 1, "not asked again and again"
