"""How the card says it: short sentences, one style of figures, bold for what changes a decision."""

from __future__ import annotations

import re

import pytest

from bot.render.text import LONGEST, first_sentence, sentences
from tests.render.golden.messages import everything
from tests.render.sentences import texts, too_long

CARDS = {
    name: shown
    for name, shown in everything().items()
    if name.startswith(("card_", "status")) and name != "card_hostile"
}


@pytest.mark.parametrize("name", CARDS)
def test_no_sentence_is_longer_than_a_tired_person_reads(name: str) -> None:
    assert too_long(CARDS[name]["blocks"]) == []


@pytest.mark.parametrize("name", sorted(everything()))
def test_nothing_is_struck_through_and_figures_have_one_style(name: str) -> None:
    shown = everything()[name]
    for text, style in texts(shown["blocks"]):
        assert "strike" not in style
        assert not re.search(r"\d%", text), text


@pytest.mark.parametrize("name", CARDS)
def test_bold_is_what_changes_a_decision(name: str) -> None:
    bold = [text for text, style in texts(CARDS[name]["blocks"]) if style.get("bold")]
    assert len(bold) <= 3, bold


def test_what_belongs_together_is_told_in_lines_and_cut_at_a_phrase() -> None:
    assert sentences("a rose; b fell") == ["a rose", "b fell"]
    long = f"KeyError: 5,094 log lines, 100 % of all exceptions, {'new since it began ' * 5}"
    assert first_sentence(long) == "KeyError: 5,094 log lines, 100 % of all exceptions"
    assert len(first_sentence("x" * 500)) == LONGEST
    assert sentences("") == ["–"]
