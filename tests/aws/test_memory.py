"""What is remembered from one investigation to the next, for how long, and what makes it void."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.aws.discovery import complete
from bot.aws.memory import DISCOVERY, NAMES, Memory, RememberingReader, remembering
from bot.domain.errors import ReadFailed
from bot.domain.report import Cost, GapReason
from bot.domain.service import Service
from tests.aws.test_accounts import MOVE, OURS, accounts, run
from tests.playbooks.aws_stub import Answers

CHECKOUT = Service(name="checkout", account="111122223333")
ARN = "arn:aws:lambda:us-east-1:111122223333:function:checkout"
TAGGED = ("resourcegroupstaggingapi", "get_resources")


class Account:
    """An `Aws` that numbers its answers, or fails, or finds nothing."""

    region = "us-east-1"

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.fails: GapReason | None = None
        self.is_empty = False

    def now(self) -> datetime:
        return datetime(2026, 11, 23, 3, 12, tzinfo=UTC)

    def cost(self) -> Cost:
        return Cost(calls=len(self.sent))

    def scanned(self, log_bytes: int) -> None:
        raise AssertionError(f"no query ran, and yet {log_bytes} bytes")

    def log_allowance(self) -> int:
        raise AssertionError("no query is to be run")

    def read(
        self, service: str, operation: str, /, *, region: str | None = None, **params: Any
    ) -> dict[str, Any]:
        self.sent.append(f"{service}.{operation}")
        if self.fails:
            raise ReadFailed(self.fails, "refused")
        found = [] if self.is_empty else [len(self.sent)]
        return {"Found": found, "ResponseMetadata": {"RequestId": "x"}}

    def pages(
        self, service: str, operation: str, /, *, region: str | None = None, **params: Any
    ) -> Iterator[dict[str, Any]]:
        yield self.read(service, operation, region=region, **params)
        yield self.read(service, operation, region=region, **params)


@pytest.fixture
def stub() -> Account:
    return Account()


@pytest.fixture
def memory() -> Memory:
    return Memory()


def who(stub: Account, memory: Memory, service: Service = CHECKOUT, **params: Any) -> Any:
    """The answer that a new investigation gets."""
    reader = remembering(stub, memory, service, NAMES)
    return reader.read("sts", "get_caller_identity", **params)["Found"]


def test_the_next_investigation_is_told_the_same(stub: Account, memory: Memory) -> None:
    assert who(stub, memory) == who(stub, memory) == [1]
    assert len(stub.sent) == 1
    assert who(stub, memory, Region="x") == [2], "another question"


def test_all_pages_are_remembered_together(stub: Account, memory: Memory) -> None:
    for _ in range(2):
        reader = remembering(stub, memory, CHECKOUT, DISCOVERY)
        assert [page["Found"] for page in reader.pages(*TAGGED)] == [[1], [2]]
    assert len(stub.sent) == 2


@pytest.mark.parametrize(
    "call",
    [
        ("cloudwatch", "describe_alarms"),
        ("cloudwatch", "get_metric_data"),
        ("lambda", "get_alias"),
        ("lambda", "list_aliases"),  # where they point to
        ("elbv2", "describe_target_groups"),
        ("elbv2", "describe_target_health"),
        ("ecs", "describe_services"),
        ("cloudtrail", "lookup_events"),
        ("logs", "start_query"),
    ],
)
def test_how_things_are_is_read_anew(stub: Account, memory: Memory, call: tuple[str, str]) -> None:
    for _ in range(2):
        reader = remembering(stub, memory, CHECKOUT, NAMES)
        reader.read(*call)
        list(reader.pages(*call))
    assert len(stub.sent) == 6


def test_it_is_forgotten_after_a_few_minutes(stub: Account) -> None:
    time = [0.0]
    memory = Memory(seconds=180, clock=lambda: time[0])
    assert who(stub, memory) == [1]
    time[0] = 179
    assert who(stub, memory) == [1]
    time[0] = 180
    assert who(stub, memory) == [2]


def test_it_is_bounded(stub: Account) -> None:
    memory = Memory(entries=2)
    for number in range(3):
        who(stub, memory, Number=number)
    assert who(stub, memory, Number=2) == [3]
    assert who(stub, memory, Number=1) == [2]
    assert who(stub, memory, Number=0) == [4], "the oldest made room"


@pytest.mark.parametrize("reason", list(GapReason))
def test_a_failure_is_never_remembered(stub: Account, memory: Memory, reason: GapReason) -> None:
    stub.fails = reason
    with pytest.raises(ReadFailed):
        who(stub, memory)
    stub.fails = None
    assert who(stub, memory) == [2]


def test_that_nothing_was_found_is_not_remembered(stub: Account, memory: Memory) -> None:
    stub.is_empty = True
    assert who(stub, memory) == []
    stub.is_empty = False
    assert who(stub, memory) == [2]


def test_accounts_and_regions_are_kept_apart(stub: Account, memory: Memory) -> None:
    assert who(stub, memory) == [1]
    assert who(stub, memory, Service(name="checkout")) == [2]
    elsewhere = Account()
    elsewhere.region = "eu-west-1"
    elsewhere.sent = ["before"] * 8
    assert who(elsewhere, memory) == [9]


def test_a_resource_that_is_gone_makes_the_memory_void(stub: Account, memory: Memory) -> None:
    other = Service(name="mailer")
    assert who(stub, memory) == [1]
    assert who(stub, memory, other) == [2]
    stub.fails = GapReason.NOT_FOUND
    with pytest.raises(ReadFailed):
        remembering(stub, memory, CHECKOUT, NAMES).read("elbv2", "describe_target_groups")
    stub.fails = None
    assert who(stub, memory) == [4]
    assert who(stub, memory, other) == [2], "of another account"


def test_a_setting_that_is_not_there_does_not_make_it_void(stub: Account, memory: Memory) -> None:
    assert who(stub, memory) == [1]
    stub.fails = GapReason.NOT_FOUND
    with pytest.raises(ReadFailed):
        remembering(stub, memory, CHECKOUT, NAMES).read("lambda", "get_provisioned_concurrency")
    stub.fails = None
    assert who(stub, memory) == [1]


def test_an_answer_from_before_a_change_is_not_remembered_after_it(memory: Memory) -> None:
    class Changed(Account):
        def read(
            self, service: str, operation: str, /, *, region: str | None = None, **params: Any
        ) -> dict[str, Any]:
            answer = super().read(service, operation, region=region, **params)
            if len(self.sent) == 1:
                memory.forget("111122223333")  # while the answer is on its way
            return answer

    stub = Changed()
    assert who(stub, memory) == [1]
    assert who(stub, memory) == [2]


@pytest.mark.usefixtures("aws")
def test_a_change_by_the_bot_makes_the_memory_void() -> None:
    here = Service(name="checkout", account=OURS)
    known = accounts(here)
    reader = remembering(known.reader(here), known.memory, here, NAMES)
    reader.read("sts", "get_caller_identity")
    assert known.memory.changes(OURS) == 0
    known.writer(here, run()).write(MOVE)
    assert known.memory.changes(OURS) == 1
    again = known.reader(here)
    remembering(again, known.memory, here, NAMES).read("sts", "get_caller_identity")
    assert again.cost().calls == 1


def test_threads_share_it(stub: Account, memory: Memory) -> None:
    who(stub, memory)
    started = threading.Barrier(8)

    def ask() -> Any:
        started.wait(5)
        return who(stub, memory)

    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(ask) for _ in range(8)]
        assert [each.result(5) for each in asked] == [[1]] * 8


def test_a_service_found_a_moment_ago_is_found_without_a_call(memory: Memory) -> None:
    answers = Answers(
        get_resources={"ResourceTagMappingList": [{"ResourceARN": ARN}]},
        list_aliases={"Aliases": [{"Name": "live"}]},
    )
    service = Service(name="checkout")
    first = complete(RememberingReader(answers, memory, "default", DISCOVERY), service)
    sent = len(answers.sent)
    again = complete(RememberingReader(answers, memory, "default", DISCOVERY), service)
    assert again == first
    assert [each.name for each in again.service.resources.functions] == ["checkout"]
    assert len(answers.sent) == sent
