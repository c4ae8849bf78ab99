"""The geometry of `data_visualization` blocks. Drawing is left to the template."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sandbox.slack.records import JSON

WIDTH, HEIGHT = 600.0, 260.0
LEFT, RIGHT, TOP, BOTTOM = 56.0, 14.0, 14.0, 46.0
PIE_RADIUS = 96.0
LETTER = 7.8  # width of a letter of a label, about


@dataclass(frozen=True, slots=True)
class Mark:
    """A point or a bar; ``tip`` is what is read when one points at it."""

    x: float
    y: float
    width: float
    height: float
    tip: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """One series, or one slice of a pie."""

    name: str
    number: int
    line: str = ""
    area: str = ""
    marks: tuple[Mark, ...] = ()
    share: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart, ready to draw."""

    kind: str
    title: str
    series: tuple[Drawn, ...]
    ticks: tuple[tuple[float, str], ...] = ()
    labels: tuple[tuple[float, str, bool], ...] = ()
    x_label: str = ""
    y_label: str = ""
    zero: float = 0.0
    facts: tuple[str, ...] = field(default=())

    @property
    def summary(self) -> str:
        """The chart in words, for those who can't see it."""
        return f"{self.title}. " + " ".join(self.facts)


def figure(value: float) -> str:
    """A number, short: 1.2k, 3M, 0.25."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def exact(value: float) -> str:
    """A number in full, thousands apart."""
    return f"{value:,.10g}" if value == int(value) else f"{value:,.4g}"


def steps(low: float, high: float, about: int = 4) -> list[float]:
    """Round numbers that span from low to high, about so many of them."""
    span = high - low if high - low > 1e-12 else 1.0
    rough = span / about
    magnitude = math.floor(math.log10(rough))
    sizes = [nice * 10.0**magnitude for nice in (1, 2, 2.5, 5, 10)]
    step = next(size for size in sizes if size >= rough * 0.999)
    first = math.floor(low / step)
    last = math.ceil((low + span) / step - 1e-9)
    return [round(number * step, 12 - magnitude) for number in range(first, last + 1)]


def picture(block: JSON) -> Picture:
    """The drawing of a `data_visualization` block."""
    chart = block["chart"]
    if chart["type"] == "pie":
        return _pie(block["title"], chart["segments"])
    return _plot(block["title"], chart)


def _plot(title: str, chart: JSON) -> Picture:
    axes = chart["axis_config"]
    categories: list[str] = axes["categories"]
    columns = [_values(series, categories) for series in chart["series"]]
    every = [value for column in columns for value in column]
    scale = steps(min(0.0, *every), max(0.0, *every) if every else 1.0)
    low, high = scale[0], scale[-1]

    def y_of(value: float) -> float:
        return TOP + (high - value) / (high - low) * (HEIGHT - TOP - BOTTOM)

    slot = (WIDTH - LEFT - RIGHT) / len(categories)
    centres = [LEFT + slot * (index + 0.5) for index in range(len(categories))]
    zero = y_of(0.0)
    drawn = []
    for number, (series, column) in enumerate(zip(chart["series"], columns, strict=True)):
        tips = [
            f"{series['name']}, {label}: {exact(value)}"
            for label, value in zip(categories, column, strict=True)
        ]
        if chart["type"] == "bar":
            marks = _bars(column, centres, tips, slot, number, len(columns), zero, y_of)
            drawn.append(Drawn(series["name"], number, marks=marks))
            continue
        points = [(x, y_of(value)) for x, value in zip(centres, column, strict=True)]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        area = f"{points[0][0]:.1f},{zero:.1f} {line} {points[-1][0]:.1f},{zero:.1f}"
        marks = tuple(Mark(x, y, 0, 0, tip) for (x, y), tip in zip(points, tips, strict=True))
        drawn.append(
            Drawn(series["name"], number, line, area if chart["type"] == "area" else "", marks)
        )
    return Picture(
        kind=chart["type"],
        title=title,
        series=tuple(drawn),
        ticks=tuple((y_of(value), figure(value)) for value in scale),
        labels=_labels(categories, centres, slot),
        x_label=axes.get("x_label") or "",
        y_label=axes.get("y_label") or "",
        zero=zero,
        facts=tuple(
            f"{series['name']}: from {exact(column[0])} to {exact(column[-1])}, "
            f"at most {exact(max(column))}."
            for series, column in zip(chart["series"], columns, strict=True)
        ),
    )


def _values(series: JSON, categories: Sequence[str]) -> list[float]:
    by_label = {point["label"]: float(point["value"]) for point in series["data"]}
    return [by_label[label] for label in categories]


def _bars(
    column: list[float],
    centres: list[float],
    tips: list[str],
    slot: float,
    number: int,
    together: int,
    zero: float,
    y_of: Callable[[float], float],
) -> tuple[Mark, ...]:
    group = min(slot * 0.72, 64.0 * together)
    width = group / together
    marks = []
    for x, value, tip in zip(centres, column, tips, strict=True):
        top = min(y_of(value), zero)
        left = x - group / 2 + width * number
        marks.append(Mark(left + 1, top, max(width - 2, 1), abs(y_of(value) - zero), tip))
    return tuple(marks)


def _labels(
    categories: list[str], centres: list[float], slot: float
) -> tuple[tuple[float, str, bool], ...]:
    """Labels that don't run into each other; every second may go where it is narrow."""
    widest = max(len(label) for label in categories) * LETTER
    every = max(1, math.ceil((widest + 8) / slot))
    shown = [
        (x, label)
        for index, (x, label) in enumerate(zip(centres, categories, strict=True))
        if index % every == 0
    ]
    return tuple((x, label, index % 2 == 1) for index, (x, label) in enumerate(shown))


def _pie(title: str, segments: list[JSON]) -> Picture:
    total = sum(float(one["value"]) for one in segments)
    centre = (PIE_RADIUS + 8, HEIGHT / 2)
    drawn = []
    begin = 0.0
    for number, one in enumerate(segments):
        share = float(one["value"]) / total
        end = begin + share
        drawn.append(
            Drawn(
                one["label"],
                number,
                area=_slice(centre, begin, end),
                share=f"{exact(float(one['value']))} ({share:.0%})",
                marks=(Mark(0, 0, 0, 0, f"{one['label']}: {exact(float(one['value']))}"),),
            )
        )
        begin = end
    facts = tuple(f"{one.name}: {one.share}." for one in drawn)
    return Picture("pie", title, tuple(drawn), facts=facts)


def _slice(centre: tuple[float, float], begin: float, end: float) -> str:
    def at(turn: float, radius: float) -> str:
        angle = (turn - 0.25) * math.tau
        x = centre[0] + radius * math.cos(angle)
        y = centre[1] + radius * math.sin(angle)
        return f"{x:.2f} {y:.2f}"

    end = min(end, begin + 0.9999)
    big = 1 if end - begin > 0.5 else 0
    outer, inner = PIE_RADIUS, PIE_RADIUS * 0.58
    return (
        f"M {at(begin, outer)} A {outer} {outer} 0 {big} 1 {at(end, outer)} "
        f"L {at(end, inner)} A {inner:.2f} {inner:.2f} 0 {big} 0 {at(begin, inner)} Z"
    )
