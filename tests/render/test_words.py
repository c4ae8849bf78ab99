"""How the card says it: short sentences, one style of figures, bold for what changes a decision."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from bot.render.text import LONGEST, first_sentence, sentences
from tests.render.golden.messages import everything

CARDS = {
    name: shown
    for name, shown in everything().items()
    if name.startswith(("card_", "status")) and name != "card_hostile"
}
_ENDS = re.compile(r" · |(?<=[.?!]) |: |\n")


def texts(value: Any) -> Iterator[tuple[str, dict[str, bool]]]:
    """Every text of a message with its style; commands and links are not sentences."""
    if isinstance(value, list):
        for each in value:
            yield from texts(each)
    elif isinstance(value, dict):
        style = value.get("style") if isinstance(value.get("style"), dict) else {}
        if value.get("type") in ("link", "rich_text_preformatted") or (style or {}).get("code"):
            return
        for key, inner in value.items():
            if key in ("text", "title") and isinstance(inner, str):
                yield inner, style or {}
            else:
                yield from texts(inner)


@pytest.mark.parametrize("name", CARDS)
def test_no_sentence_is_longer_than_a_tired_person_reads(name: str) -> None:
    for text, _ in texts(CARDS[name]["blocks"]):
        shown = re.sub(r"<!date\^\d+\^([^|]*)\|[^>]*>", r"\1", text)
        assert [each for each in _ENDS.split(shown) if len(each) > LONGEST] == []


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
