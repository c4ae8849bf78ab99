"""Operators and functions: what an expression shows."""

from __future__ import annotations

import pytest

from tests.sandbox.insights.events import T0, value


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("2 + 3 * 4", "14"),
        ("(2 + 3) * 4", "20"),
        ("10 - 4 - 3", "3"),
        ("7 / 2", "3.5"),
        ("6 / 2", "3"),
        ("10 % 3", "1"),
        ("2 ^ 3", "8"),
        ("2 ^ 3 ^ 2", "512"),
        ("-2 ^ 2", "-4"),
        ("- -n", "4"),
        ("n+1", "5"),
        ("n + text", None),
        ("n / 0", None),
        ("10 ^ 1000", None),
        ("9223372036854775807 * 10", "9.223372036854776E19"),
        ("0.1 + 0.2", "0.30000000000000004"),
        ("1e3", "1000"),
        ("1000000 * 1000000", "1000000000000"),
        ("n = 4", "1"),
        ("n > 4 or false", "0"),
        ("abs(-4.5)", "4.5"),
        ("ceil(1.2)", "2"),
        ("floor(-1.2)", "-2"),
        ("greatest(1, n, 3)", "4"),
        ("least(1, n, 3)", "1"),
        ("greatest(1, ghost)", None),
        ("log(1)", "0"),
        ("log(0)", None),
        ("sqrt(16)", "4"),
        ("sqrt(-1)", None),
        ("round(2.567, 1)", "2.6"),
        ("round(2.4)", "2"),
        ("toInt('7.9')", "7"),
        ("toNumber('7.9') + 1", "8.9"),
        ("isNumeric(n) + isNumeric(text)", "1"),
        ("concat('a', n, '-', ghost)", "a4-"),
        ("strcontains('xyz', 'y')", "1"),
        ("strcontains('xyz', 'Y', true)", "0"),  # the third argument has no effect on the service
        ("strcontains(ghost, '')", "0"),
        ("strlen('né')", "2"),
        ("strlen(ghost)", None),
        ("toupper(text)", "WORD"),
        ("tolower('ABC')", "abc"),
        ("trim('  x ')", "x"),
        ("trim('xyZxyfooxyxyZ', 'xyZ')", "foo"),  # this and the next three: the user guide
        ("ltrim('xyZxyfooxyZ', 'xyZ')", "fooxyZ"),
        ("rtrim('xyZfooxyxyZ', 'xyZ')", "xyZfoo"),
        ("substr('xyZfooxyZ', 3, 3)", "foo"),
        ("substr('abc', 1)", "bc"),
        ("substr('abc', 9)", ""),
        ("substr('abc', -1)", None),
        ("replace('foo', 'o', '0')", "f00"),
        ("startsWith(text, 'wo')", "1"),
        ("endsWith(text, 'wo')", "0"),
        ("isempty(ghost)", "1"),
        ("isblank(text)", "0"),
        ("ispresent(text)", "1"),
        ("coalesce(ghost, text, n)", "word"),
        ("coalesce(ghost, ghost)", None),
        ("if(n > 3, 'many', 'few')", "many"),
        ("case(n = 1, 'one', n = 4, 'four', 'other')", "four"),
        ("case(n = 1, 'one', 'other')", "other"),
        ("case(n = 1, 'one')", None),
        ("bin(1h)", "2023-11-14 22:00:00.000"),
        ("datefloor(@timestamp, 1d)", "2023-11-14 00:00:00.000"),
        ("dateceil(@timestamp, 1m)", "2023-11-14 22:14:00.000"),  # already on the minute
        ("dateceil(@timestamp, 1h)", "2023-11-14 23:00:00.000"),
        ("datefloor(text, 1h)", None),
        ("toMillis(@timestamp)", str(T0)),
        ("fromMillis(1700000040123)", "2023-11-14 22:14:00.123"),
        ("fromMillis(-1)", "1969-12-31 23:59:59.999"),
        ("fromMillis(1e30)", None),
        ("fromMillis(253402300799999)", "9999-12-31 23:59:59.999"),
        ("now()", str(T0 // 1000)),  # seconds
        ("@timestamp - 40000", str(T0 - 40_000)),
        ("isValidIp('::1')", "1"),
        ("isValidIpV4('10.0.0.256')", "0"),
        ("isValidIpV6('10.0.0.1')", "0"),
        ("isIpv4InSubnet('10.1.2.3', '10.1.0.0/16')", "1"),
        ("isIpInSubnet('10.2.2.3', '10.1.0.0/16')", "0"),
        ("isIpv6InSubnet('2001:db8::7', '2001:db8::/32')", "1"),
        ("isIpInSubnet('10.2.2.3', 'everything')", "0"),
        ('"say \\"hi\\""', 'say "hi"'),
        ("'a\\\\b'", "a\\b"),
        ("text # a comment", "word"),
    ],
)
def test_expression(expression: str, expected: str | None) -> None:
    name, _, _ = expression.partition(" #")
    assert value(name, n=4, text="word") == expected


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        *((4, "4"), (4.0, "4"), (4.25, "4.25"), ("4.0", "4.0"), (2**70, str(2**70))),
        *((1e21, "1.0E21"), (512e6, "5.12E8"), (-1.5e-4, "-1.5E-4"), (0.0, "0")),
        *((True, "1"), (False, "0"), ("", ""), (None, None)),
    ],
)
def test_how_a_field_is_shown(written: object, shown: str | None) -> None:
    assert value("f", f=written) == shown
