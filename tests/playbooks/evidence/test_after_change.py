"""What is abnormal since a change, beside what was before it."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.playbook_contract import Scope
from playbooks.evidence import after_change, level_after_change
from playbooks.evidence.levels import Level
from playbooks.evidence.onset import AnomalyWindow
from playbooks.five_xx import SIGNAL
from playbooks.probes.edge import Edge
from playbooks.probes.metrics import TimeSeries
from playbooks.targets import UNHEALTHY
from tests.playbooks.samples import ONSET, gap, minute, scope

NOW = 20


def changed(at: float, begun: float | None = None, episode: float | None = None) -> Scope:
    """A scope with a change in force so many minutes after the alarm."""
    made = scope(now=NOW)
    update = {
        "since": minute(at),
        "begun": None if begun is None else minute(begun),
        "episode": None if episode is None else minute(episode),
    }
    return replace(made, window=made.window.model_copy(update=update))


def errors(*spans: tuple[int, float], requests: float = 900, now: int = NOW) -> Edge:
    """Errors a minute from each minute on; none before the first."""
    points = {}
    for number in range(-120, now):
        points[minute(number)] = next((n for at, n in reversed(spans) if number >= at), 0.0)
    return Edge(
        kind="rest",
        name="checkout-api",
        requests=TimeSeries(dict.fromkeys(points, requests)),
        errors=TimeSeries(points),
    )


def anomaly(edge: Edge, over: Scope) -> AnomalyWindow:
    return after_change.anomaly_window(edge, over, SIGNAL)


def test_half_mended_it_keeps_its_onset_and_has_the_share_since() -> None:
    edge = errors((ONSET, 477), (6, 225))
    found = anomaly(edge, changed(5.5))
    assert (found.onset, found.start) == (minute(ONSET), minute(6))
    assert found.share == 0.25
    assert found.baseline_end == scope(now=NOW).window.baseline_end
    state = after_change.signal_state(edge, changed(5.5), SIGNAL, found)
    assert (state.was, state.now, state.of) == ("53 %", "25 %", "of requests")
    assert "25 % of requests since the change at 03:15 UTC, 53 % before it" in state.text
    assert (state.abnormal, state.over) == (True, False)


def test_below_the_alarms_threshold_it_is_not_over_yet() -> None:
    edge = errors((ONSET, 477), (6, 18))  # the alarm is set to 20 a minute
    found = anomaly(edge, changed(5.5))
    assert (found.start, found.share) == (minute(6), 0.02)


def test_mended_the_whole_incident_is_what_there_is_to_explain() -> None:
    edge = errors((ONSET, 477), (6, 0))
    found = anomaly(edge, changed(5.5))
    assert (found.start, found.end) == (minute(ONSET), minute(6))
    state = after_change.signal_state(edge, changed(5.5), SIGNAL, found)
    assert (state.was, state.now, state.over) == ("53 %", "0 %", True)


def test_what_a_change_made_much_worse_began_with_it() -> None:
    found = anomaly(errors((ONSET, 60), (6, 500)), changed(5.5))
    assert (found.onset, found.start) == (minute(6), minute(6))


def test_what_was_over_before_the_change_began_anew() -> None:
    """An undo in the same incident."""
    edge = errors((ONSET, 400), (2, 0), (8, 400))
    assert anomaly(edge, changed(7.5)).onset == minute(8)


def test_of_a_rollout_before_is_before_it_was_begun() -> None:
    edge = errors((ONSET, 477), (2, 100), (6, 225))
    state = after_change.signal_state(
        edge, changed(5.5, begun=2), SIGNAL, anomaly(edge, changed(5.5, begun=2))
    )
    assert (state.was, state.now) == ("53 %", "25 %")


def test_too_few_settled_minutes_tell_nothing() -> None:
    edge = errors((ONSET, 477), (16, 225))
    over = changed(15.5)  # the last two of the minutes since are not settled
    assert anomaly(edge, over).start == minute(ONSET)
    assert after_change.signal_state(edge, over, SIGNAL, anomaly(edge, over)).now is None


def test_without_requests_since_the_change_it_is_not_known() -> None:
    edge = errors((ONSET, 477), now=6)
    over = changed(5.5)
    state = after_change.signal_state(edge, over, SIGNAL, anomaly(edge, over))
    assert (state.was, state.now, state.over) == ("53 %", None, False)
    unread = after_change.anomaly_window(gap(), over, SIGNAL)
    assert unread.onset is None


def test_an_alarm_that_came_back_has_its_own_onset() -> None:
    edge = errors((-14, 400), (-9, 0), (-4, 400))  # the first episode is near enough to be one
    whole = replace(scope(now=NOW))
    assert anomaly(edge, whole).onset == minute(-14)
    over = replace(whole, window=whole.window.model_copy(update={"episode": minute(-5.5)}))
    assert anomaly(edge, over).onset == minute(-4)


def targets(*spans: tuple[int, float]) -> Level:
    points = {
        minute(number): next((n for at, n in reversed(spans) if number >= at), 0.0)
        for number in range(-120, NOW)
    }
    return Level(UNHEALTHY, TimeSeries(points), "shop-tg")


def test_a_level_is_compared_alike() -> None:
    level, over = targets((ONSET, 4), (6, 2)), changed(5.5)
    found = level_after_change.anomaly_window(level, None, over, "5XX")
    assert (found.onset, found.start) == (minute(ONSET), minute(6))
    state = level_after_change.signal_state(level, over, found)
    assert (state.was, state.now) == ("4", "2")
    mended = targets((ONSET, 4), (6, 0))
    whole = level_after_change.anomaly_window(mended, None, over, "5XX")
    assert whole.start == minute(ONSET)
