"""Codes, chart, changes and links of the card."""

from __future__ import annotations

import pytest

from tests.playbooks.samples import (
    ONSET,
    access,
    change,
    changes,
    counts,
    edge,
    gap,
    minute,
    overview,
    reports,
    series,
)


def test_codes_come_from_the_access_log() -> None:
    (share,) = overview(access=access("504", 170)).breakdown
    assert (share.code, share.count, share.of_errors) == ("504", 170 * 15, 1.0)
    assert share.of_requests == pytest.approx(0.2)


def test_without_an_access_log_there_is_one_row() -> None:
    (share,) = overview(access=gap()).breakdown
    assert (share.code, share.count) == ("5XX", 180 * 15)


def test_a_balancer_tells_codes_itself() -> None:
    at_balancer = edge(kind="alb", codes={"502": series(0, 150), "5XX of targets": series(0, 30)})
    codes = [share.code for share in overview(edge=at_balancer, access=None).breakdown]
    assert codes == ["502", "5XX of targets"]


def test_the_chart_leaves_gaps_where_nothing_was_published() -> None:
    errors, requests = overview(edge=edge(requests=(900, 900), errors=(0, 180))).chart
    assert (errors.name, requests.name) == ("5XX", "requests")
    assert dict(errors.points)[minute(ONSET)] == 180
    silent = edge()
    empty = type(silent)(kind="rest", name="x", requests=series(900, None), errors=series(0, None))
    assert dict(overview(edge=empty).chart[0].points)[minute(0)] is None


def test_changes_carry_their_lag_the_nearest_first() -> None:
    shown = overview(changes=changes(change(ONSET - 20), change(ONSET - 1), change(ONSET + 4)))
    assert [each.lag for each in shown.changes] == [60.0, 1200.0, -240.0]


def test_links_lead_to_the_service() -> None:
    titles = [link.title for link in overview(reports=reports(), counts=counts()).links]
    assert titles[:3] == ["Alarm", "Access log", "REPORT lines"]
