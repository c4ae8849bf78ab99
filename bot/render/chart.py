"""The chart of a report, as Slack's native line chart.

Limits: 20 points a series, labels of 20 characters, a title of 50, and every series needs a value
at every point (docs.slack.dev, data visualization block). Two snapshots of that page allow 6 and
12 series; 6 is safe.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.domain.report import Report, Series
from bot.render.blocks import Block
from bot.render.text import shorten

MOST_SERIES = 6
MOST_POINTS = 20
LEAD = timedelta(minutes=20)  # shown before the onset


def chart(report: Report) -> Block | None:
    """The chart, from 20 minutes before the onset; None when there is nothing to draw.

    The axis counts minutes from the onset, because Slack does not convert chart labels to the
    reader's time zone. A point is the highest value of its minutes. Minutes without data are left
    out, never drawn as zero; a series with data at less than half of the points is left out.
    """
    onset = report.overview.onset or report.window.began
    end = report.window.end
    start = max(min(onset, end) - LEAD, report.window.start)
    if start >= end:
        return None
    step = _step(end - start)
    start = onset - step * ((onset - start) // step)  # a point falls on the onset
    labels = [start + step * number for number in range(MOST_POINTS) if start + step * number < end]
    drawn: dict[str, list[float | None]] = {}
    for series in report.overview.chart[:MOST_SERIES]:
        peaks = _peaks(series, labels, step)
        if sum(peak is not None for peak in peaks) * 2 > len(labels):
            drawn[_unique(shorten(series.name, 20), drawn)] = peaks
    kept = [
        number
        for number in range(len(labels))
        if all(peaks[number] is not None for peaks in drawn.values())
    ]
    if not drawn or len(kept) < 2:
        return None
    names = [_minutes(labels[number] - onset) for number in kept]
    minutes = int(step.total_seconds() // 60)
    per = "" if minutes == 1 else f", peak of each {minutes}"
    origin = f"min from {'onset' if report.overview.onset else 'alarm'} ({onset:%H:%M} UTC)"
    return {
        "type": "data_visualization",
        "title": shorten(report.overview.chart_title, 50),
        "chart": {
            "type": "line",
            "series": [
                {
                    "name": name,
                    "data": [
                        {"label": label, "value": peaks[number]}
                        for label, number in zip(names, kept, strict=True)
                    ],
                }
                for name, peaks in drawn.items()
            ],
            "axis_config": {"categories": names, "x_label": f"{origin}{per}"},
        },
    }


def _minutes(lag: timedelta) -> str:
    minutes = math.floor(lag / timedelta(minutes=1))
    return f"{minutes:+d}".replace("-", "\N{MINUS SIGN}") if minutes else "0"


def _step(length: timedelta) -> timedelta:
    minutes = math.ceil(length.total_seconds() / 60)
    return timedelta(minutes=max(1, math.ceil(minutes / MOST_POINTS)))


def _peaks(series: Series, starts: Sequence[datetime], step: timedelta) -> list[float | None]:
    peaks: list[float | None] = [None] * len(starts)
    for at, value in series.points:
        if value is None or not math.isfinite(value):
            continue
        number = int((at - starts[0]) // step)
        if 0 <= number < len(starts):
            before = peaks[number]
            peaks[number] = _rounded(value if before is None else max(before, value))
    return peaks


def _rounded(value: float) -> float:
    """Four significant digits."""
    return float(f"{value:.4g}")


def _unique(name: str, taken: dict[str, list[float | None]]) -> str:
    number, unique = 2, name
    while unique in taken:
        unique = f"{name[:16]} {number}"
        number += 1
    return unique
