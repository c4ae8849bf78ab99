"""Sends GetMetricData calls that are made at about the same time as one.

Probes run at once, each in a thread, and ask for their own metrics. A call takes 500 metrics, so
they are gathered until a moment passes in which nobody asks, and go out together; nobody waits for
metrics that are asked for later. A series that was asked for before is not asked for again.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sized
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bot.domain.errors import ReadFailed
from bot.domain.ports import Aws
from bot.domain.report import GapReason

MOMENT = 0.05  # seconds in which nobody asks: then those who are gathered are all there are
LONGEST = 0.3  # seconds that the first caller waits for others at most
MOST_QUERIES = 500  # of one call (API_GetMetricData)

Page = dict[str, Any]
Query = dict[str, Any]


@dataclass(slots=True)
class _Asked:
    """One metric of one time range: its query, and the results once `answered`."""

    query: Query
    answered: threading.Event = field(default_factory=threading.Event)
    results: list[dict[str, Any]] = field(default_factory=list)
    failure: ReadFailed | None = None


class MetricBatches:
    """Answers GetMetricData for one investigation. Safe to use from threads."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._gathering = threading.Condition()
        self._known: dict[tuple[str, str], _Asked] = {}
        self._waiting: dict[str, list[_Asked]] = {}

    def pages(self, region: str | None, params: Mapping[str, Any]) -> list[Page]:
        """The pages of `get_metric_data(**params)`, whose queries are of metrics only, no
        expressions. Raises ReadFailed.

        When a call for several callers is refused, each sends its own: one wrong query does not
        take the others' answers.
        """
        queries = list(params["MetricDataQueries"])
        common = {name: value for name, value in params.items() if name != "MetricDataQueries"}
        asked, alone = self._ask(region, common, queries)
        results = []
        for query, each in zip(queries, asked, strict=True):
            each.answered.wait()
            if each.failure is not None:
                if alone or each.failure.reason is not GapReason.ERROR:
                    raise each.failure
                return list(
                    self._aws.pages("cloudwatch", "get_metric_data", region=region, **params)
                )
            results += [{**result, "Id": query["Id"]} for result in each.results]
        return [{"MetricDataResults": results}]

    def _ask(
        self, region: str | None, common: Mapping[str, Any], queries: list[Query]
    ) -> tuple[list[_Asked], bool]:
        """The metrics asked for, and whether no other caller's went out with them. Whoever is first
        to ask for this time range sends the call."""
        where = repr((region, sorted(common.items())))
        keys = [(where, _fingerprint(query)) for query in queries]
        with self._gathering:
            new = {
                key: _Asked(query)
                for key, query in zip(keys, queries, strict=True)
                if key not in self._known
            }
            self._known |= new
            first = bool(new) and where not in self._waiting
            self._waiting.setdefault(where, []).extend(new.values())
            if not self._waiting[where]:
                del self._waiting[where]
            asked = [self._known[key] for key in keys]
            if not first:
                self._gathering.notify_all()
                return asked, False
            self._gather(where)
            batch = self._waiting.pop(where)
        for start in range(0, len(batch), MOST_QUERIES):
            self._send(region, common, batch[start : start + MOST_QUERIES])
        return asked, len(batch) == len(new)

    def _gather(self, where: str) -> None:
        """Wait for others that ask for metrics of this time range. The lock is held, except while
        waiting."""
        waiting, end = self._waiting[where], time.monotonic() + LONGEST
        seen = 0
        while seen < len(waiting) < MOST_QUERIES and (left := end - time.monotonic()) > 0:
            seen = len(waiting)
            self._gathering.wait_for(partial(_more_than, waiting, seen), min(MOMENT, left))

    def _send(self, region: str | None, common: Mapping[str, Any], batch: list[_Asked]) -> None:
        by_id = {f"m{number}": asked for number, asked in enumerate(batch)}
        queries = [{**asked.query, "Id": identity} for identity, asked in by_id.items()]
        try:
            for page in self._aws.pages(
                "cloudwatch", "get_metric_data", region=region, MetricDataQueries=queries, **common
            ):
                for result in page.get("MetricDataResults", []):
                    by_id[result["Id"]].results.append(result)
        except ReadFailed as failed:
            for asked in batch:
                asked.failure = failed
        finally:
            for asked in batch:
                asked.answered.set()


def _more_than(waiting: Sized, number: int) -> bool:
    return len(waiting) > number


def _fingerprint(query: Query) -> str:
    """The query without its id."""
    return json.dumps({**query, "Id": ""}, sort_keys=True)
