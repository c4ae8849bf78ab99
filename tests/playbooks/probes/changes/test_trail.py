"""How CloudTrail is asked, and what is said of what it did not tell."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.errors import ReadFailed
from bot.domain.report import GapReason
from bot.domain.resources import FunctionRef, Resources
from playbooks.probes.changes.collected import Found
from playbooks.probes.changes.trail import CloudTrail, GlobalTrail, global_region
from tests.playbooks.aws_stub import Answers
from tests.playbooks.probes.answers import AT
from tests.playbooks.probes.changes.records import earlier, event, looked

ONE = Resources(functions=(FunctionRef(name="checkout", alias="PROD"),))
THROTTLED = ReadFailed(GapReason.THROTTLED, "slow down")


def page(*events: dict[str, Any], more: bool = False) -> dict[str, Any]:
    return {"Events": list(events)} | ({"NextToken": "more"} if more else {})


def read(aws: Answers, now: float = 12) -> Found:
    found = CloudTrail().read(aws, looked(ONE, now=now))
    assert found is not None
    return found


def attributes(aws: Answers) -> list[str]:
    return [sent["LookupAttributes"][0]["AttributeValue"] for _, sent in aws.sent]


def test_a_quiet_account_is_read_whole_with_one_look_up() -> None:
    aws = Answers(lookup_events=page(event("UpdateAlias20150331")))
    found = read(aws)
    assert (len(found.events), found.unread) == (1, ())
    assert attributes(aws) == ["false"]


def test_what_came_before_is_read_before_what_came_hours_later() -> None:
    aws = Answers(lookup_events=page())
    assert read(aws, now=180).unread == ()
    first, second = (sent for _, sent in aws.sent)
    assert first["EndTime"] == second["StartTime"]
    assert first["StartTime"] < first["EndTime"] < second["EndTime"]


def test_a_busy_account_is_asked_for_releases_and_says_what_is_missing() -> None:
    busy = page(event("PutParameter", at=earlier(5)), more=True)
    moved = event("UpdateAlias20150331", at=earlier(30))
    aws = Answers(lookup_events=[busy, busy, busy, page(moved), page()])
    found = read(aws)
    assert attributes(aws) == [
        *["false"] * 3,
        "UpdateAlias20150331",
        "UpdateFunctionCode20150331v2",
        "UpdateFunctionConfiguration20150331v2",
    ]
    assert moved in found.events
    (unread,) = found.unread
    assert unread.before == earlier(5)
    assert "only releases were looked up" in unread.detail
    assert unread.reason is GapReason.BUDGET


def test_never_more_than_six_look_ups() -> None:
    aws = Answers(lookup_events=page(event("PutParameter", at=earlier(5)), more=True))
    read(aws)
    assert len(aws.sent) == 6


def test_a_page_that_fails_leaves_the_pages_before_it() -> None:
    moved = event("UpdateAlias20150331", at=earlier(5))
    found = read(Answers(lookup_events=[page(moved, more=True), THROTTLED]))
    assert found.events == (moved,)
    (unread,) = found.unread
    assert (unread.reason, unread.before) == (GapReason.THROTTLED, earlier(5))


def test_a_first_page_that_fails_is_no_answer() -> None:
    with pytest.raises(ReadFailed):
        read(Answers(lookup_events=THROTTLED))


def test_the_global_services_are_read_in_us_east_1_once() -> None:
    class Elsewhere(Answers):
        region = "eu-west-1"

    aws = Elsewhere(lookup_events=page(event("PutRolePolicy", source="iam"), more=True))
    found = GlobalTrail().read(aws, looked(ONE))
    assert found is not None
    (unread,) = found.unread
    assert unread.before == AT
    assert GlobalTrail().read(Answers(), looked(ONE)) is None  # the service is there itself


@pytest.mark.parametrize(
    ("region", "where"),
    [
        ("eu-west-1", "us-east-1"),
        ("us-east-1", "us-east-1"),
        ("us-gov-east-1", "us-gov-west-1"),
        ("cn-northwest-1", "cn-north-1"),
    ],
)
def test_each_partition_has_its_own_place_for_them(region: str, where: str) -> None:
    assert global_region(region) == where
