"""Sends equal reads of one investigation only once, although probes and plans share them."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.aws.metric_batches import MetricBatches
from bot.aws.wrapper import WrappedReader
from bot.domain.errors import ReadFailed
from bot.domain.ports import Aws

_POLLED = frozenset({"start_query", "get_query_results", "stop_query"})
"""Reads that may answer differently each time, so they are always sent."""


@dataclass(slots=True)
class _CachedRead:
    """The outcome of one read. The lock is held while it is being sent."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    answer: Any = None
    failure: ReadFailed | None = None


class CachingReader(WrappedReader):
    """An `Aws` that sends equal reads once. Callers that ask meanwhile wait for the same answer.

    GetMetricData calls of the same moment become one (`metric_batches`).

    Use one for each investigation. Guards, read-backs and verification must see changes, so they
    use a reader without a cache.

    A failure is cached too: boto3 has already tried three times, and the evidence of one report
    should agree on what could be read. Callers share the answers and must not change them.
    """

    def __init__(self, aws: Aws) -> None:
        super().__init__(aws)
        self._metrics = MetricBatches(aws)
        self._lock = threading.Lock()
        self._reads: dict[str, _CachedRead] = defaultdict(_CachedRead)

    def read(
        self, service: str, operation: str, /, *, region: str | None = None, **params: Any
    ) -> dict[str, Any]:
        def send() -> dict[str, Any]:
            return self._aws.read(service, operation, region=region, **params)

        if operation in _POLLED:
            return send()
        answer: dict[str, Any] = self._send_once(send, "read", service, operation, region, params)
        return answer

    def pages(
        self, service: str, operation: str, /, *, region: str | None = None, **params: Any
    ) -> Iterator[dict[str, Any]]:
        if (service, operation) == ("cloudwatch", "get_metric_data") and not _has_math(params):
            yield from self._metrics.pages(region, params)
            return

        def send() -> list[dict[str, Any]]:
            return list(self._aws.pages(service, operation, region=region, **params))

        yield from self._send_once(send, "pages", service, operation, region, params)

    def _send_once(self, send: Callable[[], Any], *call: object) -> Any:
        with self._lock:
            cached = self._reads[repr(call)]
        with cached.lock:
            if cached.failure is not None:
                raise cached.failure
            if cached.answer is None:
                try:
                    cached.answer = send()
                except ReadFailed as failed:
                    cached.failure = failed
                    raise
            return cached.answer


def _has_math(params: Mapping[str, Any]) -> bool:
    """Whether a GetMetricData call has expressions: they name other queries of the call by id."""
    return any("Expression" in query for query in params["MetricDataQueries"])
