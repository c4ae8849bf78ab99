"""Simpler blocks in place of those that a workspace does not take. Pure.

Slack's chart block is of June 2026, and tables are not everywhere. What Slack refuses becomes text:
a chart a line of bars for each series, a table its rows, anything else its words. The steps, when
Slack does not say which block it refuses: no chart, no table, nothing but text and buttons, nothing
but the text of the message.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any

Block = dict[str, Any]

CHART = "data_visualization"
TABLE = "table"
SIMPLE = "simple"  # text and buttons
BARE = "bare"  # no blocks
ORDER = (CHART, TABLE, SIMPLE, BARE)
LEARNED = frozenset({CHART, TABLE})
"""Kinds of blocks that are remembered to be refused. Others are known to every workspace: what is
wrong is in that one block."""

MOST_TEXT = 3_900  # characters of a message's text; chat.update takes 4,000
MOST_SECTION = 2_900  # characters of one section; Slack takes 3,000
MOST_BLOCKS_TEXT = 12_000  # characters of all blocks of a message; Slack takes about 13,200
_BARS = "▁▂▃▄▅▆▇█"
_POINTER = re.compile(r"/blocks/(\d+)(/\S*?)?[\]\s]")
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def without(text: str, blocks: Sequence[Block], kinds: Collection[str]) -> tuple[str, list[Block]]:
    """The text and blocks of a message without the kinds of blocks that are refused.

    Args:
        text: the message's text.
        blocks: its blocks.
        kinds: types of blocks, `SIMPLE` or `BARE`.
    """
    if BARE in kinds:
        lines = [line for block in blocks for line in _lines(block)]
        return "\n".join([text, *lines])[:MOST_TEXT], []
    if SIMPLE in kinds:
        kinds = {str(block.get("type")) for block in blocks} - {"actions"}
    made: list[Block] = []
    for block in blocks:
        made += _sections(block) if block.get("type") in kinds else [block]
    return text[:MOST_TEXT], _within_limits(made)


def next_kind(
    blocks: Sequence[Block], kinds: Collection[str], complaints: Sequence[str]
) -> tuple[str, bool] | None:
    """What to do without next, after Slack refused the blocks.

    Args:
        blocks: all blocks of the message, none replaced.
        kinds: what the refused message did without.
        complaints: `response_metadata.messages` of Slack's answer, with JSON pointers.

    Returns:
        The kind, and whether it is the kind as such that Slack does not take; None when nothing
        simpler is left.
    """
    if BARE in kinds:
        return None
    if not blocks:
        return BARE, False
    sent = [str(block.get("type")) for block in without("", blocks, kinds)[1]]
    for complaint in complaints:
        for match in _POINTER.finditer(f"{complaint} "):
            number, inside = int(match[1]), match[2] or ""
            kind = sent[number] if number < len(sent) else ""
            replaced = kind == "section" and kinds  # it may be what stands for another block
            if kind and kind not in kinds and not replaced:
                return kind, kind in LEARNED and inside in ("", "/type")
    types = {str(block.get("type")) for block in blocks}
    for kind in ORDER[ORDER.index(SIMPLE) :] if SIMPLE in kinds else ORDER:
        if kind not in kinds and (kind in (SIMPLE, BARE) or kind in types):
            return kind, kind in LEARNED
    return BARE, False


def plain_view(view: dict[str, Any]) -> dict[str, Any]:
    """A modal with the same words and fields, its other blocks as plain text."""
    made: list[Block] = []
    for block in view.get("blocks", ()):
        made += [block] if block.get("type") in ("input", "actions") else _sections(block)
    return {**view, "blocks": made[:100]}


def _sections(block: Block) -> list[Block]:
    """A block as sections of plain text; none when it has no words."""
    words = "\n".join(_lines(block, escape=False))
    return [
        {
            "type": "section",
            "text": {
                "type": "plain_text",
                "text": words[start : start + MOST_SECTION],
                "emoji": False,
            },
        }
        for start in range(0, len(words), MOST_SECTION)
    ]


def _within_limits(blocks: list[Block]) -> list[Block]:
    """As many blocks as a message may have; text that replaced a chart or table can be longer."""
    made: list[Block] = []
    characters = 0
    for block in blocks:
        words = block["text"]["text"] if block.get("type") == "section" else ""
        characters += len(words)
        if len(made) == 50 or (characters > MOST_BLOCKS_TEXT and words):
            continue
        made.append(block)
    return made


# --- the words of a block -------------------------------------------------------------------------


def _lines(block: Block, *, escape: bool = True) -> Iterator[str]:
    """The words of a block, a line at a time; escaped for mrkdwn, or as plain text."""
    kind = block.get("type")
    if kind == CHART:
        made = list(_chart(block))
    elif kind == TABLE:
        made = [
            "  ·  ".join("".join(_words(cell)) for cell in row) for row in block.get("rows", ())
        ]
    elif kind == "actions":
        titles = ", ".join("".join(_words(each)) for each in block.get("elements", ()))
        made = [f"Slack did not take the buttons: {titles}."]
    elif kind == "rich_text":
        made = list(_rich(block.get("elements", ())))
    else:
        made = ["".join(_words(block))]
    for line in made:
        if line.strip():
            yield line.translate(_ESCAPES) if escape else line


def _chart(block: Block) -> Iterator[str]:
    """The title, and each series as bars with its lowest and highest value."""
    yield f"{block.get('title', 'Chart')} (this workspace does not show Slack's charts)"
    chart = block.get("chart") or {}
    for series in chart.get("series", ()):
        values = [float(point["value"]) for point in series.get("data", ())]
        if not values:
            continue
        low, high = min(values), max(values)
        spread = (high - low) or 1.0
        bars = "".join(_BARS[int((value - low) / spread * (len(_BARS) - 1))] for value in values)
        yield f"{bars}  {series.get('name', '')}: {low:g} to {high:g}"
    axis = chart.get("axis_config") or {}
    if names := axis.get("categories"):
        yield f"{names[0]} to {names[-1]} {axis.get('x_label', '')}".rstrip()


def _rich(elements: Sequence[Block]) -> Iterator[str]:
    for element in elements:
        kind = element.get("type")
        if kind == "rich_text_list":
            for each in element.get("elements", ()):
                yield f"• {''.join(_words(each))}"
        else:
            yield from "".join(_words(element)).split("\n")


def _words(value: object) -> Iterator[str]:
    """Every text in a part of a block, in order; people as mentions, times as written out."""
    if isinstance(value, list):
        for each in value:
            yield from _words(each)
    elif isinstance(value, dict):
        kind = value.get("type")
        if kind == "user":
            yield f"@{value.get('user_id', '')}"
        elif kind == "date":
            yield str(value.get("fallback", ""))
        elif kind == "mrkdwn":
            yield _plain(str(value.get("text", "")))
        elif isinstance(value.get("text"), str):
            yield str(value["text"])
        else:
            for key in ("text", "fields", "elements", "label"):
                if key in value:
                    yield from _words(value[key])


def _plain(mrkdwn: str) -> str:
    """Markup of this program as plain text: dates written out, names of links, no escapes."""
    text = re.sub(r"<(?:!date\^[^|>]*|https?:[^|>]*)\|([^>]*)>", r"\1", mrkdwn)
    text = re.sub(r"<@([UW][A-Z0-9]+)>", r"@\1", text).replace("*", "").replace("`", "")
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
