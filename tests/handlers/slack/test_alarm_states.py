"""What a post says of the alarm's state, in the wordings of many senders."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.alarm import AlarmState
from handlers.slack.alarm_states import state_in


@pytest.mark.parametrize(
    "text",
    [
        "New state: OK",
        "*State*: OK",
        "*New State:*\n OK",
        "shop-5xx is now OK",
        "shop-5xx state is now OK:\nThreshold Crossed",
        "ALARM -> OK",
        "ALARM → OK",
        "OK ➜ ALARM ➜ OK",
        "[OK] shop-5xx",
        ":white_check_mark: *[OK]* shop-5xx",
        "Status: OK",
        "*Status:* :large_green_circle: `OK`",
        "state changed from ALARM to OK",
        "Alarm shop-5xx transitioned to OK",
        "shop-5xx returned to OK",
        "back to OK",
        "✅ OK: shop-5xx",
        "OK | shop-5xx",
        "CloudWatch OK | shop-5xx | AWS/ApiGateway_5XXError",
        "Old State: ALARM, New State: OK",
        "*Current State:* OK\n*Previous State:* ALARM",
        "has entered the OK state, because (minimum 1 datapoint for ALARM -> OK transition)",
        "NewStateValue: OK",
        "✅ Resolved: shop-5xx",
        "shop-5xx has recovered",
        "CloudWatch Alarm | shop-5xx\nAlarm State: OK (was ALARM)",
    ],
)
def test_a_recovery(text: str) -> None:
    assert state_in([text], {}) is AlarmState.OK


@pytest.mark.parametrize(
    "text",
    [
        "New state: ALARM",
        "OK -> ALARM",
        "OK → ALARM",
        "[ALARM] shop-5xx",
        "changed state to ALARM: Threshold Crossed",
        "went into ALARM",
        "shop-5xx is in alarm",
        "🔴 ALARM: shop-5xx",
        "Old State: OK, New State: ALARM",
        "state changed from OK to ALARM",
        "has entered the ALARM state (minimum 1 datapoint for OK -> ALARM transition)",
        "State: :rotating_light: *ALARM*",
    ],
)
def test_an_alarm(text: str) -> None:
    assert state_in([text], {}) is AlarmState.ALARM


@pytest.mark.parametrize(
    "text",
    [
        "",
        "CloudWatch Alarm | shop-5xx | eu-west-1",
        "Alarm: shop-5xx",
        "look OK to me",
        "State: OK, State: ALARM",
        "this needs to be resolved",
        "unresolved",
        "Old State: OK",
        "orders__OK",
        "State: OKAY-ish",
    ],
)
def test_what_tells_nothing(text: str) -> None:
    assert state_in([text], {}) is None


def test_fields_come_before_texts_and_the_new_state_before_the_old() -> None:
    assert state_in(["[ALARM] x"], {"new state": "OK", "old state": "ALARM"}) is AlarmState.OK
    assert state_in([], {"state change": "ALARM → OK"}) is AlarmState.OK
    assert state_in([], {"status": "🟢 OK"}) is AlarmState.OK
    assert state_in([], {"state": "Insufficient data"}) is AlarmState.INSUFFICIENT_DATA
    assert state_in([], {"old state": "ALARM", "previous state": "ALARM"}) is None


@given(st.lists(st.text(max_size=40)), st.dictionaries(st.text(max_size=8), st.text(max_size=20)))
def test_any_text_is_read(texts: list[str], fields: dict[str, str]) -> None:
    assert state_in(texts, fields) in (None, *AlarmState)
