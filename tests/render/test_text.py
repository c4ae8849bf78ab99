"""Figures as people read them; text from outside made harmless."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.render import text as words


@pytest.mark.parametrize(
    ("make", "value", "read"),
    [
        (words.percent, 0.0731, "7.3 %"),
        (words.percent, 0.8734, "87 %"),
        (words.percent, 0.0, "0 %"),
        (words.percent, 0.0002, "0.02 %"),
        (words.percent, 1.0, "100 %"),
        (words.percent, 0.9963, "99.6 %"),
        (words.percent, 0.99999, "99.9 %"),
        (words.percent, None, "–"),
        (words.count, 412.0, "412"),
        (words.count, 1204.0, "1,204"),
        (words.count, 18_430.0, "18.4k"),
        (words.count, 2_100_000.0, "2.1M"),
        (words.count, 0.5, "0.5"),
        (words.size, 48_200_000, "48 MB"),
        (words.size, 1_250, "1.2 kB"),
        (words.size, 12, "12 B"),
        (words.dollars, 0.00031, "$0.0003"),
        (words.dollars, 0.00000001, "$0.0001"),
        (words.dollars, 12.8, "$12.80"),
        (words.dollars, 0, "$0"),
        (words.duration, 6.2, "6 s"),
        (words.duration, 89, "89 s"),
        (words.duration, 90, "2 min"),
        (words.duration, 540, "9 min"),
        (words.duration, 7500, "2 h 05 min"),
        (words.duration, 7200, "2 h"),
        (words.duration, 300_000, "3 days"),
        (words.time_to_onset, 540, "9 min before onset"),
        (words.time_to_onset, -240, "4 min after onset"),
        (words.time_to_onset, 20, "at the onset"),
        (words.time_to_onset, None, "near the onset"),
        (words.actor_name, "arn:aws:sts::1:assumed-role/deploy/ann", "ann (role deploy)"),
        (words.actor_name, "arn:aws:iam::1:user/team/bob", "bob"),
        (words.actor_name, "ecs-deployer", "ecs-deployer"),
        (
            words.actor_name,
            "U0MAYA.U0JONAS.CHG-61D0C7D0 (role changes)",
            "Incident Helper for U0MAYA and U0JONAS (CHG-61D0C7D0)",
        ),
    ],
)
def test_figures(make: Callable[[object], str], value: object, read: str) -> None:
    assert make(value).replace(words.NBSP, " ") == read


def test_markup_from_outside_is_text() -> None:
    assert words.escaped("<!channel> & <@U1>") == "&lt;!channel&gt; &amp; &lt;@U1&gt;"
    assert words.code("a`b`") == "`a'b'`"
    assert words.mention("U0ANNA") == "<@U0ANNA>"
    assert words.mention("U1> <!here") == "U1&gt; &lt;!here"


def test_what_cannot_be_seen_is_taken_out() -> None:
    assert words.clean("a\u202eb\u200bc\x00\n d\ud800") == "abc d"
    assert words.shorten("\u200b", 10) == "–"


@given(st.text(), st.integers(1, 50))
def test_short_is_short_and_never_empty(text: str, most: int) -> None:
    made = words.shorten(text, most)
    assert 1 <= len(made) <= most
    assert made.replace(words.NBSP, " ").isprintable()
    assert made.encode()


@given(st.text())
def test_escaped_leaves_no_markup(text: str) -> None:
    made = words.escaped(text)
    assert "<" not in made
    assert ">" not in made
