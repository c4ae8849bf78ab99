"""Writes to AWS: each sent once, by the right role, and told apart from reads."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore import auth
from botocore.config import Config

from bot.aws import client as bot_aws
from bot.aws import sessions
from bot.aws import writer as bot_writer
from bot.aws.client import AwsAccount, Budget, Reader
from bot.aws.sessions import Roles
from bot.domain.errors import ReadFailed, WriteAmbiguous, WriteRefused
from bot.domain.plan import Step
from bot.domain.send_limit import SendLimit, time_passed
from sandbox.aws.server import AwsServer
from sandbox.world.api import Fault
from tests.sandbox.aws.plain_world import PlainWorld

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


@pytest.fixture
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients that do not wait for long, and ask once."""
    monkeypatch.setattr(bot_aws, "READ", QUICK)
    monkeypatch.setattr(bot_writer, "_WRITE", QUICK)


def failure(reader: Reader, service: str, operation: str, **params: object) -> ReadFailed:
    with pytest.raises(ReadFailed) as failed:
        reader.read(service, operation, **params)
    return failed.value


# --- writing ------------------------------------------------------------------------------------


def writer(roles: Roles = Roles(), *steps: Step) -> bot_writer.Writer:  # noqa: B008
    return AwsAccount(roles).writer(REGION, session_name="U0BEN.CHG-1", steps=steps or (MOVE,))


def test_a_write_is_sent_once_and_answered(aws: AwsServer) -> None:
    assert writer().write(MOVE)["FunctionVersion"] == "42"
    assert [entry.call for entry in aws.ledger.writes(outcome=None)] == ["lambda:UpdateAlias"]


@pytest.mark.usefixtures("once")
@pytest.mark.parametrize("kind", ["timeout", "server_error", "malformed"])
def test_no_answer_to_a_write_is_ambiguous_and_nothing_is_sent_again(
    world: PlainWorld, aws: AwsServer, kind: str
) -> None:
    world.active_faults.append(Fault("lambda:UpdateAlias", kind, latency_ms=500))
    with pytest.raises(WriteAmbiguous, match="lambda:UpdateAlias"):
        writer().write(MOVE)
    time.sleep(0.1)
    assert len(aws.ledger.writes("lambda:UpdateAlias", outcome=None)) == 1


@pytest.mark.parametrize(
    ("kind", "code"), [("deny", "AccessDenied"), ("throttle", "TooManyRequests")]
)
def test_a_no_is_a_no_and_sent_once(
    world: PlainWorld, aws: AwsServer, kind: str, code: str
) -> None:
    world.active_faults.append(Fault("lambda:UpdateAlias", kind))
    with pytest.raises(WriteRefused) as refused:
        writer().write(MOVE)
    assert refused.value.code.startswith(code)
    assert len(aws.ledger.writes(outcome=None)) == 1
    assert aws.ledger.writes() == []


def test_aws_says_no(aws: AwsServer) -> None:
    gone = Step(
        service="lambda",
        operation="update_alias",
        params={"FunctionName": "none", "Name": "live", "FunctionVersion": "1"},
    )
    with pytest.raises(WriteRefused) as refused:
        writer().write(gone)
    assert refused.value.code == "ResourceNotFoundException"


def test_what_cannot_be_sent_is_refused(aws: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    incomplete = Step(service="lambda", operation="update_alias", params={})
    with pytest.raises(WriteRefused, match="NotSent"):
        writer().write(incomplete)
    assert len(aws.ledger) == 0
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(WriteRefused, match="NotSent"):
        writer().write(MOVE)


# --- when it leaves -----------------------------------------------------------------------------


def until(seconds: float) -> SendLimit:
    return SendLimit(time_passed, time_passed() + seconds)


def test_what_is_late_does_not_leave(aws: AwsServer) -> None:
    hand = writer()
    hand.prepare((MOVE,))
    with pytest.raises(WriteRefused, match="NotSent"):
        hand.write(MOVE, until(-0.001))
    assert len(aws.ledger) == 0
    assert hand.write(MOVE, until(60))["FunctionVersion"] == "42"


def test_a_wall_clock_that_was_set_meanwhile_makes_it_late(aws: AwsServer) -> None:
    hand = writer()
    stepped = SendLimit(time_passed, time_passed() + 60, datetime.now(UTC) - timedelta(minutes=3))
    with pytest.raises(WriteRefused, match="NotSent"):
        hand.write(MOVE, stepped)
    assert len(aws.ledger) == 0


def test_the_limit_is_asked_after_all_that_is_slow(
    aws: AwsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the process had been stopped while it made the client, or signed."""
    clock = [0.0]
    limit = SendLimit(lambda: clock[0], until=1.0)
    sign = auth.SigV4Auth.add_auth

    def stopped(*args: Any) -> None:
        sign(*args)
        clock[0] += 30

    monkeypatch.setattr(auth.SigV4Auth, "add_auth", stopped)
    with pytest.raises(WriteRefused, match="NotSent"):
        writer().write(MOVE, limit)
    assert len(aws.ledger) == 0


@pytest.mark.parametrize("seconds", [-400, 400])
def test_aws_takes_no_call_that_was_signed_long_ago_or_ahead(
    aws: AwsServer, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    hand = writer()
    hand.prepare((MOVE,))
    then = datetime.now(UTC) + timedelta(seconds=seconds)
    monkeypatch.setattr(auth, "get_current_datetime", lambda **_: then.replace(tzinfo=None))
    with pytest.raises(WriteRefused, match="InvalidSignatureException"):
        hand.write(MOVE)
    assert aws.ledger.writes() == []


def test_the_clock_s_lead_is_measured_by_the_credentials(aws: AwsServer) -> None:
    assert 0 <= writer(Roles(write=f"{ROLE}/writer")).prepare((MOVE,)) < 10
    assert writer().prepare((MOVE,)) == 300, "nothing is known: as much as AWS accepts"


def test_making_the_clients_fails_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch, aws: AwsServer
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "no-address")
    with pytest.raises(WriteRefused, match="NotSent"):
        writer().prepare((MOVE,))
    assert len(aws.ledger) == 0


# --- who it was ---------------------------------------------------------------------------------


def test_the_approver_stands_in_the_trail(aws: AwsServer, world: PlainWorld) -> None:
    writer(Roles(read=f"{ROLE}/reader", write=f"{ROLE}/writer")).write(MOVE)
    (sent,) = aws.ledger.writes("lambda:UpdateAlias")
    assert sent.caller.endswith("assumed-role/writer/U0BEN.CHG-1")
    event = next(each for each in world.events if each.name.startswith("UpdateAlias"))
    assert "U0BEN.CHG-1" in event.actor


def test_a_session_may_do_what_was_approved_and_nothing_else(aws: AwsServer) -> None:
    narrow = writer(Roles(write=f"{ROLE}/writer"), MOVE)
    other = Step(service="lambda", operation="delete_alias", params=ALIAS)
    with pytest.raises(WriteRefused) as refused:
        narrow.write(other)
    assert refused.value.code.startswith("AccessDenied")
    assert aws.ledger.writes("lambda:DeleteAlias") == []


def test_a_write_role_that_cannot_be_assumed(aws: AwsServer, world: PlainWorld) -> None:
    world.active_faults.append(Fault("sts:AssumeRole", "deny"))
    with pytest.raises(WriteRefused, match="AssumeRole"):
        writer(Roles(write=f"{ROLE}/writer"))


def test_the_read_role_cannot_write(aws: AwsServer) -> None:
    with pytest.raises(WriteRefused, match="AccessDenied"):
        writer(Roles(write=f"{ROLE}/reader")).write(MOVE)


def test_reads_go_under_the_read_role(aws: AwsServer) -> None:
    reader = AwsAccount(Roles(read=f"{ROLE}/reader")).reader(REGION, Budget())
    reader.read("lambda", "get_alias", **ALIAS)
    (read,) = aws.ledger.reads("lambda:GetAlias")
    assert f"assumed-role/reader/{sessions.AGENT}" in read.caller
