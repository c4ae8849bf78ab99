"""Remembers for a few minutes which resources a service has, so that the next alarm finds them.

Only reads that say what things are called are remembered (tags, aliases' names, the names and ids
of APIs, the ARN of a load balancer, whose credentials these are), never how they are: alarms,
metrics, configurations and deployments are read anew each time. What failed or found nothing is
not remembered. A change made by the bot, and a resource that AWS no longer has under its remembered
name, make the memory of the account void.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from bot.aws.wrapper import WrappedReader
from bot.domain.errors import ReadFailed
from bot.domain.ports import Aws
from bot.domain.report import GapReason
from bot.domain.service import Service

SECONDS = 180.0
ENTRIES = 512

NAMES = frozenset(
    {
        ("apigateway", "get_rest_api"),
        ("apigateway", "get_rest_apis"),
        ("apigatewayv2", "get_api"),
        ("apigatewayv2", "get_apis"),
        ("elbv2", "describe_load_balancers"),
        ("sts", "get_caller_identity"),
    }
)
"""Reads that are remembered in a whole investigation, by boto3's names."""

DISCOVERY = NAMES | {("lambda", "list_aliases"), ("resourcegroupstaggingapi", "get_resources")}
"""Reads that are remembered while the resources of a service are found.

Which aliases there are is remembered for that; where they point to is evidence.
"""


@dataclass(slots=True)
class Memory:
    """Answers of AWS by account, kept for `seconds`, at most `entries` of them. Thread-safe."""

    seconds: float = SECONDS
    entries: int = ENTRIES
    clock: Callable[[], float] = time.monotonic
    _answers: OrderedDict[tuple[str, str], tuple[float, Any]] = field(default_factory=OrderedDict)
    _changes: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def recall(self, account: str, call: str) -> Any | None:
        """The answer to this call; None when it is not known, or no longer."""
        with self._lock:
            until, answer = self._answers.get((account, call), (0.0, None))
            return answer if self.clock() < until else None

    def changes(self, account: str) -> int:
        """How often the memory of the account was made void."""
        with self._lock:
            return self._changes[account]

    def keep(self, account: str, call: str, answer: Any, changes: int) -> None:
        """Remember an answer to a call that was sent after `changes`, unless it is void by now."""
        with self._lock:
            if self._changes[account] != changes:
                return
            self._answers[account, call] = self.clock() + self.seconds, answer
            self._answers.move_to_end((account, call))
            while len(self._answers) > self.entries:
                self._answers.popitem(last=False)

    def forget(self, account: str) -> None:
        """Make the memory of an account void, with answers that are still on their way."""
        with self._lock:
            self._changes[account] += 1
            for key in [key for key in self._answers if key[0] == account]:
                del self._answers[key]


def account_name(service: Service) -> str:
    """The account of a service, as a key; the bot's own is "default"."""
    return service.account or "default"


def remembering(
    aws: Aws, memory: Memory, service: Service, kinds: frozenset[tuple[str, str]]
) -> RememberingReader:
    """A reader of the service's account that remembers reads of these kinds."""
    return RememberingReader(aws, memory, account_name(service), kinds)


class RememberingReader(WrappedReader):
    """An `Aws` that sends a read of `kinds` only when the memory has no answer to it.

    Callers share the answers and must not change them.
    """

    def __init__(
        self, aws: Aws, memory: Memory, account: str, kinds: frozenset[tuple[str, str]]
    ) -> None:
        super().__init__(aws)
        self._memory = memory
        self._account = account
        self._kinds = kinds

    def read(
        self, service: str, operation: str, /, *, region: str | None = None, **params: Any
    ) -> dict[str, Any]:
        def send() -> list[dict[str, Any]]:
            return [self._aws.read(service, operation, region=region, **params)]

        return self._remembered(send, service, operation, region, params)[0]

    def pages(
        self, service: str, operation: str, /, *, region: str | None = None, **params: Any
    ) -> Iterator[dict[str, Any]]:
        if (service, operation) not in self._kinds:
            yield from self._aws.pages(service, operation, region=region, **params)
            return

        def send() -> list[dict[str, Any]]:
            return list(self._aws.pages(service, operation, region=region, **params))

        yield from self._remembered(send, service, operation, region, params, "pages")

    def _remembered(
        self, send: Callable[[], list[dict[str, Any]]], service: str, operation: str, *call: object
    ) -> list[dict[str, Any]]:
        if (service, operation) not in self._kinds:
            return self._sent(send, service)
        key = repr((self.region, service, operation, *call))
        known: list[dict[str, Any]] | None = self._memory.recall(self._account, key)
        if known is not None:
            return known
        changes = self._memory.changes(self._account)
        answer = self._sent(send, service)
        if any(map(_says_something, answer)):
            self._memory.keep(self._account, key, answer, changes)
        return answer

    def _sent(self, send: Callable[[], list[dict[str, Any]]], service: str) -> list[dict[str, Any]]:
        try:
            return send()
        except ReadFailed as failed:
            asked_by_name = any(service == known for known, _ in self._kinds)
            if failed.reason is GapReason.NOT_FOUND and asked_by_name:
                self._memory.forget(self._account)  # the name may be out of date
            raise


def _says_something(page: dict[str, Any]) -> bool:
    return any(value for name, value in page.items() if name != "ResponseMetadata")
