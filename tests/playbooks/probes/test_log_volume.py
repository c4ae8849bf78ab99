"""A query reads as many of the latest minutes as the budget allows."""

from __future__ import annotations

import pytest

from bot.domain.errors import ReadFailed
from bot.domain.report import GapReason, Window
from playbooks.probes import log_volume
from playbooks.probes.log_volume import Part, affordable
from playbooks.probes.metrics import TimeSeries
from tests.playbooks.aws_stub import Answers
from tests.playbooks.probes.answers import Published
from tests.playbooks.samples import BEGAN, minute

WINDOW = Window.around(BEGAN, minute(12))
MEGABYTE = 1024**2


def incoming(*usual: range, megabytes: float = 1.0) -> TimeSeries:
    return TimeSeries({minute(at): megabytes * MEGABYTE for span in usual for at in span})


def allowed(megabytes: float) -> Answers:
    aws = Answers()
    aws.allowance = int(megabytes * MEGABYTE)
    return aws


def test_what_fits_is_read_whole() -> None:
    volume = {"/a": incoming(range(-120, 12))}
    assert affordable(allowed(132), WINDOW, ["/a"], volume) == Part(minute(-120))


def test_what_does_not_fit_is_read_from_later_on() -> None:
    volume = {"/a": incoming(range(-120, 12)), "/b": incoming(range(-120, 12))}
    assert affordable(allowed(132), WINDOW, ["/a"], volume).unread is None
    part = affordable(allowed(132), WINDOW, ["/a", "/b"], volume)
    assert part.since == minute(12 - 66)
    assert part.unread == (
        "of /a, /b only what came after 02:16 UTC was read: the 0.3 GB since 01:10 are more than a "
        "query may scan (0.1 GB)"
    )


def test_a_surge_of_lines_leaves_less_time() -> None:
    volume = {"/a": TimeSeries({**incoming(range(-120, 0)).points, minute(5): 90.0 * MEGABYTE})}
    assert affordable(allowed(100), WINDOW, ["/a"], volume).since == minute(-10)


def test_the_latest_minute_is_always_read() -> None:
    volume = {"/a": incoming(range(-120, 12), megabytes=5000)}
    assert affordable(allowed(1), WINDOW, ["/a"], volume).since == minute(11)


def test_of_a_group_whose_bytes_are_not_known_all_is_read() -> None:
    assert affordable(allowed(1), WINDOW, ["/a"], {}) == Part(minute(-120))
    assert affordable(allowed(1), WINDOW, ["/a"], {"/a": TimeSeries()}) == Part(minute(-120))


def test_the_bytes_of_each_group_are_asked_for_once() -> None:
    aws = Published({"IncomingBytes Sum /a": {1: 7.0}})
    volume = log_volume.begin(aws, WINDOW, ["/a", "/b", "/a"]).result()
    assert [each["dimensions"] for each in aws.metrics_asked] == [
        {"LogGroupName": "/a"},
        {"LogGroupName": "/b"},
    ]
    assert volume["/a"].points == {minute(1): 7.0}
    assert not volume["/b"]


@pytest.mark.parametrize("groups", [[], ["/a"]])
def test_without_groups_or_answers_nothing_is_known(groups: list[str]) -> None:
    denied = ReadFailed(GapReason.DENIED, "no", "cloudwatch:GetMetricData")
    assert log_volume.begin(Answers(get_metric_data=denied), WINDOW, groups).result() == {}
