"""The queries an incident needs, over a log that holds the incident."""

from __future__ import annotations

from sandbox.insights import Row
from tests.sandbox.insights.events import LOG, MINUTE, STREAM, T0, entry, event, table

ID = "8f5b6c9e-1d2a-4b3c-9e8f-7a6b5c4d3e{:02d}"


def access(status: int, ua: str, rtype: str = "-", latency: int = 40, **more: object) -> Row:
    at = more.pop("at", 0)
    assert isinstance(at, int)
    weight = more.pop("weight", 1)
    assert isinstance(weight, int)
    fields = {"status": str(status), "ua": ua, "rtype": rtype, "ilat": str(latency)}
    return entry(at, weight, **fields, **more)


def report(number: int, duration: float, init: float | None = None, at: int = 0) -> Row:
    cold = "" if init is None else f"Init Duration: {init} ms\t"
    return event(
        f"REPORT RequestId: {ID.format(number)}\tDuration: {duration} ms\tBilled Duration: 1 ms\t"
        f"Memory Size: 512 MB\tMax Memory Used: 90 MB\t{cold}",
        at,
    )


def timeout(number: int) -> Row:
    return event(f"2023-11-14T22:14:03.000Z {ID.format(number)} Task timed out after 3.00 seconds")


ACCESS = [
    access(200, "web", weight=900),
    access(200, "app/3.1", weight=10),
    access(403, "app/3.1", "ACCESS_DENIED", weight=90),
    access(403, "web", "ACCESS_DENIED", at=MINUTE, weight=2),
    access(404, "bot", "MISSING_AUTHENTICATION_TOKEN", weight=5),
    access(504, "web", "INTEGRATION_TIMEOUT", latency=29_000, at=MINUTE, weight=7),
    access(502, "web", "-", latency=3_000, at=MINUTE),
]


def test_4xx_by_client() -> None:
    query = """filter status >= 400 and status < 500
               | stats count(*) as n by status, ua, rtype | sort n desc | limit 50"""
    assert [tuple(row.values()) for row in table(query, ACCESS)] == [
        ("403", "app/3.1", "ACCESS_DENIED", "90"),
        ("404", "bot", "MISSING_AUTHENTICATION_TOKEN", "5"),
        ("403", "web", "ACCESS_DENIED", "2"),
    ]


def test_403_rate_by_client() -> None:
    query = """stats count(*) as total, sum(status=403) as bad, min(@timestamp) as first by ua
               | sort total desc | limit 50"""
    first = {"first": "2023-11-14 22:14:00.000"}
    assert table(query, ACCESS) == [
        {"ua": "web", "total": "910", "bad": "2", **first},
        {"ua": "app/3.1", "total": "100", "bad": "90", **first},
        {"ua": "bot", "total": "5", "bad": "0", **first},
    ]


def test_403_by_minute() -> None:
    query = "filter status=403 | stats count(*) as n by bin(1m) as t, rtype | sort t asc"
    assert table(query, ACCESS) == [
        {"t": "2023-11-14 22:14:00.000", "rtype": "ACCESS_DENIED", "n": "90"},
        {"t": "2023-11-14 22:15:00.000", "rtype": "ACCESS_DENIED", "n": "2"},
    ]


def test_why_a_token_was_refused() -> None:
    query = r"""
        filter @message like /(?i)(jwt|token|issuer|audience|signature|expired)/
        | parse @message /(?<why>(iss|aud|exp|kid|alg)[^,}]*)/ | stats count(*) by why"""
    rows = [
        event("JWT refused: aud mismatch, app"),
        event("Token refused: aud mismatch, app"),
        event("paid"),
        event("bad Signature"),
    ]
    assert table(query, rows) == [{"why": "aud mismatch", "count(*)": "2"}, {"count(*)": "1"}]


def test_5xx_by_cause() -> None:
    query = """filter status>=500 | stats count(*) as n, pct(ilat,50) as p50, pct(ilat,99) as p99
               by status,rtype,istatus | sort n desc"""
    assert table(query, ACCESS) == [
        {"status": "504", "rtype": "INTEGRATION_TIMEOUT", "n": "7", "p50": "29000",
         "p99": "29000"},
        {"status": "502", "rtype": "-", "n": "1", "p50": "3000", "p99": "3000"},
    ]  # fmt: skip


def test_the_execution_log() -> None:
    query = (
        "filter @message like /Execution failed due to a timeout error|customer function error|"
        "Malformed Lambda proxy/ | stats count(*) by bin(1m)"
    )
    rows = [event("(7d0a) Execution failed due to a timeout error"), event("Starting execution")]
    assert table(query, rows) == [{"bin(1m)": "2023-11-14 22:14:00.000", "count(*)": "1"}]


REPORTS = [
    report(1, 3000, init=900.5),
    report(2, 25),
    report(3, 35),
    report(4, 3000, init=1100, at=MINUTE),
    timeout(1),
    timeout(4),
]


def test_cold_starts_by_minute() -> None:
    query = """filter @type="REPORT" | stats count(*) as n, count(@initDuration) as cold,
               pct(@duration,99) as d99, max(@initDuration) as imax by bin(1m) as t | sort t"""
    assert table(query, REPORTS) == [
        {"t": "2023-11-14 22:14:00.000", "n": "3", "cold": "1", "d99": "3000", "imax": "900.5"},
        {"t": "2023-11-14 22:15:00.000", "n": "1", "cold": "1", "d99": "3000", "imax": "1100"},
    ]


def test_cold_share_of_the_requests_that_timed_out() -> None:
    query = """filter @type="REPORT" or @message like /Task timed out/
        | stats count(@initDuration) as cold, sum(strcontains(@message,"Task timed out")) as to
          by @requestId
        | filter to>0 | stats sum(cold>0)/count(*)"""
    assert table(query, REPORTS) == [{"sum(cold>0)/count(*)": "1"}]


def test_warm_requests_only() -> None:
    query = 'filter @type="REPORT" and not ispresent(@initDuration) | stats pct(@duration,99) as d'
    assert table(query, REPORTS) == [{"d": "35"}]


def test_reports_in_json() -> None:
    query = """filter type="platform.report"
        | stats count(record.metrics.initDurationMs) , pct(record.metrics.durationMs,99)"""
    rows = [
        entry(type="platform.report", record={"metrics": {"durationMs": 51.5}}),
        entry(type="platform.report", record={"metrics": {"durationMs": 9, "initDurationMs": 7}}),
        entry(type="platform.start", record={}),
    ]
    assert table(query, rows) == [
        {"count(record.metrics.initDurationMs)": "1", "pct(record.metrics.durationMs,99)": "51.5"}
    ]


def test_connections_that_ran_out() -> None:
    query = (
        "filter @message like /(?i)(connection pool exhausted|QueuePool limit|Timeout waiting for"
        " connection|remaining connection slots|too many connections)/"
        " | parse @message /(?<kind>QueuePool limit|pool exhausted|remaining connection slots|"
        "too many connections|Timeout waiting)/"
        " | stats count(*) as n, count_distinct(@logStream) as hosts by kind, bin(1m)"
    )
    rows = [
        event("TimeoutError: QueuePool limit of size 5 reached", stream="host-1", weight=3),
        event("TimeoutError: QueuePool limit of size 5 reached", stream="host-2"),
        event("query took 3 ms", stream="host-3"),
    ]
    assert table(query, rows) == [
        {"kind": "QueuePool limit", "bin(1m)": "2023-11-14 22:14:00.000", "n": "4", "hosts": "2"}
    ]


def test_connections_in_use() -> None:
    query = "stats max(pool.in_use) as u, max(pool.size) as s by @logStream, bin(1m)"
    rows = [entry(pool={"in_use": use, "size": 20}) for use in (3, 19, 7)]
    (row,) = table(query, rows)
    assert (row["@logStream"], row["u"], row["s"]) == (STREAM, "19", "20")


THROTTLED = (
    "An error occurred (ProvisionedThroughputExceededException) when calling the PutItem operation"
)


def test_who_was_throttled() -> None:
    query = r"""
        filter @message like /(ProvisionedThroughputExceeded|ThrottlingException|Rate exceeded)/
        | parse @message /\((?<code>\w+)\) when calling the (?<op>\w+) operation( \(reached max retries: (?<r>\d+)\))?/
        | stats count(*) as n, max(r) as retries by code, op | sort n desc"""  # noqa: E501
    rows = [
        event(f"{THROTTLED} (reached max retries: 9): busy", weight=2),
        event(f"{THROTTLED} (reached max retries: 10): busy"),
        event("An error occurred (ThrottlingException) when calling the Scan operation: slow"),
    ]
    assert table(query, rows) == [
        {"code": "ProvisionedThroughputExceededException", "op": "PutItem", "n": "3",
         "retries": "10"},
        {"code": "ThrottlingException", "op": "Scan", "n": "1"},
    ]  # fmt: skip


def test_why_the_table_throttled() -> None:
    query = (
        "parse @message /(?<reason>(Table|Index)(Read|Write)(ProvisionedThroughput|"
        "KeyRangeThroughput|AccountLimit|MaxOnDemandThroughput)Exceeded)/"
        " | filter ispresent(reason) | stats count(*) by reason"
    )
    rows = [event("ThrottlingReasons: TableWriteKeyRangeThroughputExceeded"), event("fine")]
    assert table(query, rows) == [
        {"reason": "TableWriteKeyRangeThroughputExceeded", "count(*)": "1"}
    ]


def test_fields_derived_from_a_log_format_with_odd_keys() -> None:
    row = Row(T0, "{}", STREAM, LOG, 12, {"http-status": "503", "user agent": "curl"})
    query = "filter `http-status` >= 500 | stats count(*) as n by `user agent`"
    assert table(query, [row]) == [{"user agent": "curl", "n": "12"}]
