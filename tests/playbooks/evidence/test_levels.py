"""How a level is now beside how it was."""

from __future__ import annotations

from bot.domain.report import SignalState
from playbooks.evidence import levels
from playbooks.evidence.levels import Level
from playbooks.probes.metrics import TimeSeries
from playbooks.targets import UNHEALTHY
from tests.playbooks.samples import minute, scope, series


def state(values: TimeSeries) -> SignalState:
    level, of = Level(UNHEALTHY, values, "checkout-tg"), scope(None)
    return levels.signal_state(level, of, levels.anomaly_window(level, None, of, "5XX"))


def test_how_it_is_now_stands_beside_how_it_was() -> None:
    mended = dict(series(0, 4).points) | {minute(m): 0.0 for m in range(4, 12)}
    seen = state(TimeSeries(mended))
    assert (seen.abnormal, seen.was, seen.now) == (True, "4", "0")
    assert state(series(0, 4)).now == "4"


def test_minutes_without_a_value_are_no_figure_of_now() -> None:
    silent = {at: v for at, v in series(0, 4).points.items() if at < minute(4)}
    assert state(TimeSeries(silent)).now is None
    assert state(series(0, 0)).was is None
