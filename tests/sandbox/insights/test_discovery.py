"""The fields AWS discovers: JSON, and the lines Lambda writes."""

from __future__ import annotations

import json

import pytest

from sandbox.insights.events import MOST_FIELDS, discover

ID = "8f5b6c9e-1d2a-4b3c-9e8f-7a6b5c4d3e2f"


def test_json_is_flattened() -> None:
    message = json.dumps(
        {"a": {"b": [1, {"c": "x"}], "d.e": 2.5}, "t": True, "n": None, "@id": 7, "empty": {}}
    )
    assert discover(message) == {
        "a.b.0": 1, "a.b.1.c": "x", "a.d.e": 2.5, "t": True, "@@id": 7,
    }  # fmt: skip


def test_at_most_so_many_fields_are_extracted() -> None:
    assert len(discover(json.dumps({f"f{i}": i for i in range(MOST_FIELDS + 50)}))) == MOST_FIELDS


@pytest.mark.parametrize(
    "message",
    ["", "plain text", "{", '{"a": ', "[1, 2]", '"text"', "12", '{"a":' * 100_000, "x {} y", "{}"],
)
def test_nothing_to_discover(message: str) -> None:
    assert discover(message) == {}


def test_report_of_a_cold_start() -> None:
    report = (
        f"REPORT RequestId: {ID}\tDuration: 3000.00 ms\tBilled Duration: 3412 ms\t"
        "Memory Size: 512 MB\tMax Memory Used: 87 MB\tInit Duration: 411.25 ms\t\n"
        "XRAY TraceId: 1-5e34a614-10bdbf\tSegmentId: 07f099f320e8\tSampled: true\t"
    )
    assert discover(report) == {
        "@type": "REPORT",
        "@requestId": ID,
        "@duration": 3000.0,
        "@billedDuration": 3412.0,
        "@initDuration": 411.25,
        "@memorySize": 512_000_000,
        "@maxMemoryUsed": 87_000_000,
        "@xrayTraceId": "1-5e34a614-10bdbf",
        "@xraySegmentId": "07f099f320e8",
    }


@pytest.mark.parametrize("gap", ["\t", " "])
def test_report_of_a_warm_call_that_timed_out(gap: str) -> None:
    parts = [f"REPORT RequestId: {ID}", "Billed Duration: 13 ms", "Duration: 12.5 ms"]
    parts += ["Memory Size: 128 MB", "Restore Duration: 9 ms", "Status: timeout"]
    assert discover(gap.join(parts)) == {
        "@type": "REPORT",
        "@requestId": ID,
        "@duration": 12.5,
        "@billedDuration": 13.0,
        "@memorySize": 128_000_000,
    }


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        (f"START RequestId: {ID} Version: 42", {"@type": "START", "@requestId": ID}),
        (f"END RequestId: {ID}", {"@type": "END", "@requestId": ID}),
        (f"2026-11-23T03:07:00.123Z {ID} Task timed out after 3.00 seconds\n\n",
         {"@requestId": ID}),
        (f"2026-11-23T03:07:00.123Z\t{ID}\tINFO\tpaid", {"@requestId": ID}),
        (f"[ERROR]\t2026-11-23T03:07:00.123Z\t{ID}\tno", {"@requestId": ID}),
        (f"RequestId: {ID} Error: Runtime exited", {"@requestId": ID}),
        (f'2026-11-23T03:07:00.123Z\t{ID}\tINFO\t{{"order": 7}} {{"b": 1}}',
         {"@requestId": ID, "order": 7}),
        (f"order {ID} paid", {}),
    ],
)  # fmt: skip
def test_lines_of_lambda(message: str, fields: dict[str, object]) -> None:
    assert discover(message) == fields
