"""CloudWatch Logs Insights: queries and their results."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from sandbox.aws.account import Account, Call, Store
from sandbox.aws.errors import AwsError
from sandbox.aws.log_groups import group_name, millis, rows
from sandbox.aws.registry import Params, Reply, operation
from sandbox.insights import MalformedQuery, Query, Result, compile

_MOST_GROUPS = 50
_MOST_RUNNING = 100


@dataclass(slots=True)
class RunningQuery:
    """A query that was started; evaluated when its results are first read after `ready_at`."""

    query_id: str
    query: Query
    groups: list[str]
    start_ms: int
    end_ms: int
    limit: int
    ready_at: float  # monotonic wall seconds
    stopped: bool = False
    result: Result | None = field(default=None, repr=False)

    @property
    def status(self) -> str:
        """The status as the API names it."""
        if self.stopped:
            return "Cancelled"
        return "Complete" if time.monotonic() >= self.ready_at else "Running"


class Queries(Store):
    """Every query of the account."""

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self._queries: dict[str, RunningQuery] = {}

    def add(self, query: RunningQuery) -> None:
        """Add a new query. Raises AwsError when too many run at once."""
        running = [item for item in self._queries.values() if item.status == "Running"]
        if len(running) >= _MOST_RUNNING:
            raise AwsError(
                "LimitExceededException",
                "Account maximum query concurrency limit of [100] reached.",
            )
        self._queries[query.query_id] = query

    def get(self, query_id: str) -> RunningQuery:
        """One query. Raises AwsError when there is none."""
        if query_id not in self._queries:
            raise AwsError("ResourceNotFoundException", f"Query {query_id} does not exist.")
        return self._queries[query_id]


@operation("logs", "StartQuery")
def start_query(call: Call, params: Params) -> Reply:
    """Start a query over up to 50 log groups; times are seconds since the epoch."""
    given = [
        key for key in ("logGroupName", "logGroupNames", "logGroupIdentifiers") if key in params
    ]
    if len(given) != 1:
        raise AwsError(
            "InvalidParameterException",
            "Exactly one of logGroupName, logGroupNames and logGroupIdentifiers must be given.",
        )
    if params.get("queryLanguage", "CWLI") != "CWLI":
        raise AwsError(
            "InvalidParameterException", "This sandbox evaluates the query language CWLI only."
        )
    asked = params[given[0]]
    groups = [
        group_name(call.account, name)
        for name in ([asked] if given[0] == "logGroupName" else asked)
    ]
    if len(groups) > _MOST_GROUPS:
        raise AwsError("InvalidParameterException", "A query may search at most 50 log groups.")
    if params["startTime"] > params["endTime"]:
        raise AwsError("InvalidParameterException", "End time must be after start time.")
    try:
        query = compile(params["queryString"])
    except MalformedQuery as error:
        raise AwsError("MalformedQueryException", error.message, **_where(error)) from None
    call.store(Queries).add(
        RunningQuery(
            call.request_id,
            query,
            groups,
            params["startTime"] * 1000,
            params["endTime"] * 1000 + 999,
            params.get("limit", 10_000),
            time.monotonic() + call.account.options.query_seconds,
        )
    )
    return {"queryId": call.request_id}


def _where(error: MalformedQuery) -> dict[str, Any]:
    """queryCompileError: where in the query the error is."""
    location = {"startCharOffset": error.position, "endCharOffset": error.end}
    return {"queryCompileError": {"location": location, "message": error.message}}


@operation("logs", "GetQueryResults")
def get_query_results(call: Call, params: Params) -> Reply:
    """The status; once it is Complete, rows and statistics."""
    query = call.store(Queries).get(params["queryId"])
    status = query.status
    if status != "Complete":
        nothing = {"recordsMatched": 0.0, "recordsScanned": 0.0, "bytesScanned": 0.0}
        return {"queryLanguage": "CWLI", "status": status, "results": [], "statistics": nothing}
    if query.result is None:
        query.result = _evaluated(call, query)
    counts = query.result.statistics
    return {
        "queryLanguage": "CWLI",
        "status": status,
        "results": [
            [{"field": cell.field, "value": cell.value} for cell in row]
            for row in query.result.rows
        ],
        "statistics": {
            "recordsMatched": float(counts.recordsMatched),
            "recordsScanned": float(counts.recordsScanned),
            "bytesScanned": float(counts.bytesScanned),
            "logGroupsScanned": float(len(query.groups)),
        },
    }


def _evaluated(call: Call, query: RunningQuery) -> Result:
    found = (
        row
        for group in query.groups
        for row in rows(call.account, group, query.start_ms, query.end_ms)
    )
    return query.query.run(
        found,
        start_ms=query.start_ms,
        end_ms=query.end_ms,
        now_ms=millis(call.time),
        limit=query.limit,
    )


@operation("logs", "StopQuery")
def stop_query(call: Call, params: Params) -> Reply:
    """Cancel a running query."""
    query = call.store(Queries).get(params["queryId"])
    if query.status != "Running":
        raise AwsError(
            "InvalidParameterException", f"Query {query.query_id} is not running: {query.status}."
        )
    query.stopped = True
    return {"success": True}
