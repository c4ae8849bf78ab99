"""One look at the world: a question that several probes and plans ask is sent once."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.domain.errors import ReadFailed
from bot.domain.ports import Aws
from bot.domain.report import Cost

_POLLED = frozenset({"start_query", "get_query_results", "stop_query"})
"""Reads that mean something each time they are sent."""


@dataclass(slots=True)
class _Question:
    """What was asked, and what came of it. The lock is held while it is being asked."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    answer: Any = None
    failure: ReadFailed | None = None


class CachingReader:
    """An `Aws` that sends equal reads once; who asks meanwhile waits for the same answer.

    For one investigation, whose evidence belongs together. Never for what watches the world
    change: guards, read-backs and verification ask a reader of their own.

    A failure is an answer too: AWS was asked up to three times for it already, and the evidence
    of one report should not disagree about what could be read. Answers are shared between
    threads: they are for reading only.
    """

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._lock = threading.Lock()
        self._asked: dict[str, _Question] = defaultdict(_Question)

    @property
    def region(self) -> str:
        return self._aws.region

    def now(self) -> datetime:
        return self._aws.now()

    def scanned(self, log_bytes: int) -> None:
        self._aws.scanned(log_bytes)

    def cost(self) -> Cost:
        return self._aws.cost()

    def read(
        self, service: str, operation: str, /, *, region: str | None = None, **params: Any
    ) -> dict[str, Any]:
        def ask() -> dict[str, Any]:
            return self._aws.read(service, operation, region=region, **params)

        if operation in _POLLED:
            return ask()
        answer: dict[str, Any] = self._once(ask, "read", service, operation, region, params)
        return answer

    def pages(
        self, service: str, operation: str, /, *, region: str | None = None, **params: Any
    ) -> Iterator[dict[str, Any]]:
        def ask() -> list[dict[str, Any]]:
            return list(self._aws.pages(service, operation, region=region, **params))

        yield from self._once(ask, "pages", service, operation, region, params)

    def _once(self, ask: Callable[[], Any], *about: object) -> Any:
        with self._lock:
            question = self._asked[repr(about)]
        with question.lock:
            if question.failure is not None:
                raise question.failure
            if question.answer is None:
                try:
                    question.answer = ask()
                except ReadFailed as failed:
                    question.failure = failed
                    raise
            return question.answer
