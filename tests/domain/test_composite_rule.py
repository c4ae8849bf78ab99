"""Which alarms a composite alarm's rule waits for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.composite_rule import children


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        ('ALARM("shop-api-5xx") AND NOT ALARM("maintenance")', ("shop-api-5xx",)),
        ("ALARM(a) OR ALARM('b c') OR ALARM(a)", ("a", "b c")),
        ("ALARM(a) AND OK(b) AND INSUFFICIENT_DATA(c)", ("a",)),
        ("NOT OK(a) AND TRUE", ("a",)),
        ("NOT (ALARM(a) OR NOT ALARM(b))", ("b",)),
        ("NOT(ALARM(a)) AND (ALARM(b) OR FALSE)", ("b",)),
        ('ALARM("x (1), NOT y")', ("x (1), NOT y",)),
        ('AT_LEAST(2, ALARM, (a, "b, c", d))', ("a", "b, c", "d")),
        ("AT_LEAST(50%, NOT OK, (a, b)) AND NOT AT_LEAST(1, ALARM, (c))", ("a", "b")),
        (
            'ALARM("arn:aws:cloudwatch:eu-west-1:111122223333:alarm:shop 5xx")',
            ("arn:aws:cloudwatch:eu-west-1:111122223333:alarm:shop 5xx",),
        ),
        ("", ()),
        ("TRUE", ()),
    ],
)
def test_children(rule: str, names: tuple[str, ...]) -> None:
    assert children(rule) == names


@given(st.text(alphabet="ALRMOKNT()\"' ,ab", max_size=60))
def test_any_text_is_read(rule: str) -> None:
    assert all(children(rule))
