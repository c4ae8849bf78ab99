"""Who stands in CloudTrail: two people and the change, in at most 64 characters."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.change_session import ChangeSession, read_session, session_name

RUN = "CHG-61D0C7D0"


def test_both_people_and_the_change_are_named() -> None:
    name = session_name(("U0MAYA", "U0JONAS"), RUN)
    assert name == "U0MAYA.U0JONAS.CHG-61D0C7D0"
    assert read_session(name) == ChangeSession(("U0MAYA", "U0JONAS"), RUN)
    assert read_session(session_name(("U0MAYA",), RUN)) == ChangeSession(("U0MAYA",), RUN)


@pytest.mark.parametrize("name", ["maya", "U0MAYA-CHG-61D0C7D0", "i-0123456789abcdef0", ""])
def test_other_sessions_are_not_taken_for_one(name: str) -> None:
    assert read_session(name) is None


@given(
    people=st.lists(st.text(min_size=1, max_size=120), min_size=1, max_size=2, unique=True),
)
def test_any_two_people_fit_and_stay_two(people: list[str]) -> None:
    name = session_name(people, RUN)
    assert re.fullmatch(r"[A-Za-z0-9_+=,.@-]{2,64}", name)
    found = read_session(name)
    assert found is not None
    assert found.run == RUN
    assert len(set(found.people)) == len(people)
