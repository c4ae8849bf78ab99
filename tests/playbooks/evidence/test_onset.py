"""Since when are errors abnormal, and is it over?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.run import Answer
from playbooks.evidence import onset
from playbooks.evidence.onset import Detector, bad_minutes, two_of_three, usual_of
from playbooks.five_xx import SIGNAL
from playbooks.probes.edge import Edge
from playbooks.probes.metrics import TimeSeries
from tests.playbooks.samples import ONSET, anomaly_window, edge, gap, minute, scope, series


def errors(at: dict[int, float], requests: float = 900, now: int = 12) -> Edge:
    """5XX in the minutes given, none in the others."""
    points = {minute(m): at.get(m, 0.0) for m in range(-120, now)}
    return Edge(
        kind="rest",
        name="checkout-api",
        requests=TimeSeries(dict.fromkeys(points, requests)),
        errors=TimeSeries(points),
    )


def test_the_onset_is_the_first_bad_minute() -> None:
    assert anomaly_window(edge(), scope()).onset == minute(ONSET)


def test_one_bad_minute_is_an_onset_only_as_a_burst() -> None:
    assert anomaly_window(errors({-20: 40}), scope()).onset is None
    assert anomaly_window(errors({-20: 50}), scope()).onset == minute(-20)
    assert anomaly_window(errors({-20: 9}, requests=100.0), scope()).onset is None


def test_two_of_three_are() -> None:
    assert anomaly_window(errors({-3: 300, -1: 300}), scope()).onset == minute(-3)


def test_a_single_bad_minute_at_the_end_is_all_there_is_yet() -> None:
    assert anomaly_window(errors({0: 300}, now=1), scope(now=1)).onset == minute(0)


def test_an_earlier_incident_that_was_over_is_another_one() -> None:
    before = dict.fromkeys(range(-50, -40), 300.0)
    assert anomaly_window(errors(before | {-2: 300, -1: 300, 0: 300}), scope()).onset == minute(-2)


def test_below_three_times_the_usual_nothing_begins() -> None:
    assert anomaly_window(edge(errors=(90, 180)), scope(alarm=None)).onset is None
    assert anomaly_window(edge(errors=(50, 180)), scope(alarm=None)).onset == minute(ONSET)


def test_below_the_alarms_count_it_is_not_bad_while_something_reaches_it() -> None:
    rising = errors({m: 10.0 + 10 * (m + 5) for m in range(-5, 12)})
    assert anomaly_window(rising, scope()).onset == minute(-4)  # the alarm is set to 20 a minute


def test_a_slow_alarm_does_not_make_the_incident_its_own_baseline() -> None:
    """It began 30 minutes before the alarm: half of the baseline is abnormal."""
    slow = errors(dict.fromkeys(range(-30, 12), 300.0))
    assert anomaly_window(slow, scope()).onset == minute(-30)


def test_without_a_baseline_the_floor_holds() -> None:
    fresh = Edge(kind="rest", name="new", requests=series(None, 900), errors=series(None, 300))
    found = anomaly_window(fresh, scope(alarm=None))
    assert (found.onset, found.usual) == (minute(ONSET), None)


def test_minutes_without_requests_are_left_out() -> None:
    sparse = Edge(
        kind="rest",
        name="sparse",
        requests=TimeSeries({minute(m): 2.0 for m in range(-120, 12, 4)}),
        errors=TimeSeries({minute(m): 1.0 for m in range(-4, 12, 4)}),
    )
    assert anomaly_window(sparse, scope(alarm=None)).onset == minute(-4)


def test_a_gap_leaves_the_onset_open() -> None:
    found = anomaly_window(gap(), scope())
    assert (found.onset, found.share) == (None, None)


def test_the_share_is_of_the_abnormal_minutes() -> None:
    assert anomaly_window(
        edge(requests=(900, 900), errors=(0, 180)), scope()
    ).share == pytest.approx(0.2)


@given(st.lists(st.booleans(), max_size=40))
def test_two_of_three_never_calls_a_good_minute_bad(flags: list[bool]) -> None:
    confirmed = two_of_three(flags)
    assert len(confirmed) == len(flags)
    assert all(flag for flag, sure in zip(flags, confirmed, strict=True) if sure)
    for i, sure in enumerate(confirmed[:-2]):
        assert sure == (flags[i] and sum(flags[i : i + 3]) >= 2)


@given(
    st.dictionaries(st.integers(-60, 11), st.floats(0, 900, allow_nan=False), max_size=72),
    st.integers(1, 12),
)
def test_the_onset_is_a_bad_minute_inside_the_window(at: dict[int, float], now: int) -> None:
    found = anomaly_window(errors(at, now=now), scope(now=now))
    if found.onset is not None:
        assert minute(-60) <= found.onset < minute(now)
        assert at.get(round((found.onset - minute(0)).total_seconds() / 60), 0) > 0
        assert found.start == found.onset < found.end <= minute(now)
        assert found.baseline_end < found.onset


@given(st.lists(st.floats(0, 1, allow_nan=False), min_size=1, max_size=120))
def test_the_usual_is_one_of_the_baseline_minutes_and_never_above_their_95th(
    shares: list[float],
) -> None:
    baseline = TimeSeries({minute(i): share for i, share in enumerate(shares)})
    usual = usual_of(baseline)
    assert usual in shares
    whole = baseline.quantile(0.95)
    assert whole is not None
    assert usual <= whole


@given(st.floats(0, 1), st.floats(0, 1000), st.floats(0, 0.3), st.floats(0, 100))
def test_no_minute_is_both_bad_and_normal(
    share: float, count: float, usual: float, limit: float
) -> None:
    for known in (Detector(usual), Detector(usual, alarm_count=limit), Detector(usual, usual)):
        assert not (known.bad(share, count) and known.normal(share, count))


def test_the_detector_takes_its_usual_from_the_baseline() -> None:
    assert onset.detector(edge(errors=(9, 180)), scope(), SIGNAL).usual == pytest.approx(0.01)


def test_bad_minutes_are_those_of_this_incident() -> None:
    found = bad_minutes(errors({-3: 300, -2: 300, 4: 300, 5: 300}), Detector(0.0), scope())
    assert found == [minute(-3), minute(-2), minute(4), minute(5)]


def answer(at: dict[int, float], since: float = 2, now: int = 12) -> Answer:
    looked = scope(now=now)
    return onset.recovery(
        errors(at, now=now), looked, minute(since), looked.window.end, SIGNAL
    ).answer


BAD = dict.fromkeys(range(-3, 12), 300.0)


def test_normal_since_then_is_recovered() -> None:
    assert answer(dict.fromkeys(range(-3, 4), 300.0)) is Answer.YES


def test_three_normal_minutes_are_enough_once_they_are_settled() -> None:
    bad_until_2 = dict.fromkeys(range(-3, 2), 300.0)
    assert answer(bad_until_2, now=2 + 3 + 3) is Answer.YES
    assert answer(bad_until_2, now=2 + 3 + 2) is Answer.INCONCLUSIVE


def test_a_minute_that_is_not_settled_says_no_and_never_yes() -> None:
    """Errors are only added to a minute: one that is normal yet may be bad later."""
    bad_until_2 = dict.fromkeys(range(-3, 2), 300.0)
    mended = bad_until_2 | dict.fromkeys(range(2, 9), 0.0)
    assert answer(mended, now=9) is Answer.YES
    for unsettled in (6, 7, 8):
        assert answer(mended | {unsettled: 300.0}, now=9) is not Answer.YES
    assert answer(dict.fromkeys(range(-3, 9), 300.0), now=9) is Answer.NO


@given(
    st.dictionaries(st.integers(2, 11), st.sampled_from([0.0, 9.0, 300.0]), max_size=10),
    st.integers(2, 11),
)
def test_more_errors_never_make_it_recovered(at: dict[int, float], where: int) -> None:
    before = dict.fromkeys(range(-3, 2), 300.0)
    if answer(before | at) is not Answer.YES:
        assert answer(before | at | {where: 300.0}) is not Answer.YES


def test_still_abnormal_after_five_minutes_is_no() -> None:
    assert answer(BAD) is Answer.NO
    assert answer(BAD, since=8) is Answer.INCONCLUSIVE


def test_a_bad_minute_among_the_last_two_is_never_recovered() -> None:
    assert answer(dict.fromkeys(range(-3, 4), 300.0) | {11: 300.0}) is Answer.INCONCLUSIVE
    assert answer(dict.fromkeys(range(-3, 4), 300.0) | {10: 300.0, 11: 300.0}) is Answer.NO


def test_the_minute_of_the_change_does_not_count() -> None:
    assert answer({2: 300.0}, since=2.5, now=9) is Answer.YES


def test_silence_is_not_recovery() -> None:
    silent = Edge(kind="rest", name="api", requests=series(900, None), errors=series(0, None))
    looked = scope()
    found = onset.recovery(silent, looked, minute(0), looked.window.end, SIGNAL)
    assert found.answer is Answer.INCONCLUSIVE
    assert "no requests" in found.text


def test_requests_that_stopped_minutes_ago_are_silence_too() -> None:
    stopped = Edge(
        kind="rest",
        name="api",
        requests=TimeSeries({minute(m): 900.0 for m in range(-120, 5)}),
        errors=TimeSeries({minute(m): 0.0 for m in range(-120, 5)}),
    )
    looked = scope()
    assert (
        onset.recovery(stopped, looked, minute(0), looked.window.end, SIGNAL).answer
        is Answer.INCONCLUSIVE
    )


def test_what_cannot_be_read_is_not_recovered() -> None:
    found = onset.recovery(gap(), scope(), minute(0), minute(12), SIGNAL)
    assert found.answer is Answer.INCONCLUSIVE
    assert "AccessDenied" in found.text
    assert (
        onset.recovery(None, scope(), minute(0), minute(12), SIGNAL).answer is Answer.INCONCLUSIVE
    )


def test_the_figures_are_in_the_text() -> None:
    looked = scope()
    found = onset.recovery(errors({}), looked, minute(2), looked.window.end, SIGNAL)
    assert "0 % of 4,500 requests" in found.text
    assert "normal in the last 5 minutes" in found.text


def failing(requests: float, errors: float) -> Edge:
    return Edge(
        kind="rest",
        name="checkout-api",
        requests=series(requests, requests),
        errors=series(0, errors),
    )


def test_few_errors_among_few_requests_are_not_normal() -> None:
    """Four of ten fail each minute; the alarm's Sum threshold is 20."""
    looked = scope()
    found = onset.recovery(failing(10, 4), looked, minute(0), looked.window.end, SIGNAL)
    assert found.answer == "no"
    assert (
        onset.recovery(failing(9000, 4), looked, minute(0), looked.window.end, SIGNAL).answer
        == "yes"
    )


@pytest.mark.parametrize(("share", "normal"), [(0.4, False), (0.02, False), (0.005, True)])
def test_a_count_makes_a_minute_normal_only_as_a_small_share(share: float, normal: bool) -> None:
    assert Detector(0.0, alarm_count=20).normal(share, 4) is normal


def test_how_it_is_now_stands_beside_how_it_was() -> None:
    errors = dict(series(0, 90).points) | {minute(m): 9.0 for m in range(4, 12)}
    seen = Edge("rest", "checkout-api", series(900, 900), TimeSeries(errors))
    state = onset.signal_state(seen, scope(), SIGNAL, anomaly_window(seen, scope()))
    assert (state.label, state.was, state.now) == ("5XX", "10 %", "1.0 %")
    silent = Edge("rest", "checkout-api", series(900, None, onset=4), TimeSeries(errors))
    assert onset.latest_share(silent, scope(), minute(ONSET)) is None


def test_how_it_is_now_is_of_the_minutes_since_it_began() -> None:
    """Of an incident that is two settled minutes old, the minutes before say nothing."""
    fresh = errors({0: 300.0, 1: 300.0}, now=4)
    assert onset.latest_share(fresh, scope(now=4), minute(0)) == "33 %"
    assert onset.latest_share(fresh, scope(now=4), minute(-3)) == "13 %"
