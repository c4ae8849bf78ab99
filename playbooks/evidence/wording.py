"""Figures as they stand in sentences."""

from __future__ import annotations

from datetime import timedelta

from bot.domain import figures as figures_of


def percent(share: float | None) -> str:
    """ "87 %", "0.4 %", "unknown"."""
    return "unknown" if share is None else figures_of.percent(share)


def times(ratio: float | None) -> str:
    return "unknown" if ratio is None else f"{ratio:.1f}x"


def milliseconds(value: float | None) -> str:
    """ "480 ms", "31.2 s"."""
    if value is None:
        return "unknown"
    return f"{value / 1000:.1f} s" if value >= 1000 else f"{value:.0f} ms"


def count(value: float) -> str:
    return f"{value:,.0f}"


def lag(span: timedelta) -> str:
    """ "40 s", "12 min", "1 h 5 min"; the sign is the sentence's."""
    seconds = abs(int(span.total_seconds()))
    if seconds < 90:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def before_onset(span: timedelta) -> str:
    """ "2 min before it began", "as it began": `span` from something to the onset."""
    if abs(span) < timedelta(minutes=1):
        return "as it began"
    return f"{lag(span)} {'before' if span > timedelta(0) else 'after'} it began"


def plural(number: int, word: str) -> str:
    """ "1 task", "5 tasks"."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def asked(holds: object, question: str, text: str) -> str:
    """`text`; where `holds` is None, the question that it leaves open comes first."""
    return f"{question}: {text}" if holds is None else text


def figures(**values: float | None) -> dict[str, float]:
    """The figures that are known, rounded to 4 decimals."""
    return {name: round(value, 4) for name, value in values.items() if value is not None}
