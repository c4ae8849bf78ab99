"""The chart draws what was measured and nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bot.domain.report import Report, Series
from bot.render.chart import chart
from tests.support.samples import BEGAN, FOUND, ONSET


def report(*series: Series) -> Report:
    overview = FOUND.overview.model_copy(update={"chart": series})
    return FOUND.model_copy(update={"overview": overview})


def a(name: str, values: dict[int, float | None]) -> Series:
    """A series by the minute, minutes counted from the onset."""
    points: tuple[tuple[datetime, float | None], ...] = tuple(
        (ONSET + timedelta(minutes=minute), value) for minute, value in values.items()
    )
    return Series(name=name, points=points)


def drawn(*series: Series) -> dict[str, list[Any]] | None:
    block = chart(report(*series))
    if block is None:
        return None
    shown = block["chart"]["series"]
    return {each["name"]: [point["value"] for point in each["data"]] for each in shown}


def test_it_begins_20_minutes_before_the_onset_in_at_most_20_points() -> None:
    block = chart(FOUND)
    assert block is not None
    categories = block["chart"]["axis_config"]["categories"]
    assert categories[0] == "\N{MINUS SIGN}20"
    assert "0" in categories
    assert block["chart"]["axis_config"]["x_label"] == "min from onset (02:41 UTC), peak of each 2"
    assert len(categories) <= 20
    assert timedelta(minutes=3) == BEGAN - ONSET


def test_a_point_is_the_peak_of_its_minutes() -> None:
    level: dict[int, float | None] = dict.fromkeys(range(-20, 9), 1.0)
    shown = drawn(a("5XX", {**level, 5: 40.0}))
    assert shown is not None
    assert sorted(set(shown["5XX"])) == [1.0, 40.0]


def test_minutes_without_data_are_left_out_not_drawn_as_zero() -> None:
    level: dict[int, float | None] = dict.fromkeys(range(-20, 9), 3.0)
    shown = drawn(a("5XX", {**level, 2: None, 3: None, 4: float("nan"), 5: None}))
    assert shown is not None
    assert set(shown["5XX"]) == {3.0}
    assert len(shown["5XX"]) < 15


def test_a_series_with_hardly_any_data_is_left_out_whole() -> None:
    level: dict[int, float | None] = dict.fromkeys(range(-20, 9), 3.0)
    assert drawn(a("5XX", level), a("p99", {1: 2.0})) == {"5XX": [3.0] * 15}
    assert drawn(a("p99", {1: 2.0})) is None
    assert drawn() is None


def test_series_of_one_name_are_told_apart() -> None:
    level: dict[int, float | None] = dict.fromkeys(range(-20, 9), 3.0)
    shown = drawn(a("x" * 40, level), a("x" * 40, level), a("x" * 40, level))
    assert shown is not None
    assert len(shown) == 3
    assert all(len(name) <= 20 for name in shown)


def test_an_onset_after_the_window_still_gives_its_last_minutes() -> None:
    late = FOUND.overview.model_copy(update={"onset": FOUND.window.end + timedelta(hours=2)})
    block = chart(FOUND.model_copy(update={"overview": late}))
    assert block is not None
    assert block["chart"]["axis_config"]["categories"][-1] == "\N{MINUS SIGN}121"
