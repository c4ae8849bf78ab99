"""Blocks as a person reads them, for tests that ask what is said rather than how."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from bot.render.blocks import Block

_MARKS = {"bold": "**", "italic": "_", "strike": "~~", "code": "`"}


def read(blocks: list[Block]) -> str:
    """What is said: one line a block section, bullet or table row, without style."""
    return "\n".join(line for block in blocks for line in _lines(block, styled=False))


def transcript(shown: Mapping[str, Any]) -> str:
    """A message or a modal with everything a person notices: the notification, headings, bold and
    struck words, columns, links, buttons with their colour, what a dialog asks, a chart's values.
    """
    if shown.get("type") == "home":
        top, bottom = ["(home)"], []
    elif shown.get("type") == "modal":
        top = [f"(modal) {_plain(shown['title'])}"]
        footer = [_plain(shown[each]) for each in ("close", "submit") if each in shown]
        bottom = ["", f"(modal's buttons) {' '.join(f'[{each}]' for each in footer)}"]
    else:
        top, bottom = [f"(notification) {shown['text']}"], []
    body = [line for block in shown["blocks"] for line in ("", *_lines(block, styled=True))]
    return "".join(f"{_visible(line)}\n" for line in (*top, *body, *bottom))


def buttons(blocks: list[Block]) -> list[Any]:
    return [each for block in blocks if block["type"] == "actions" for each in block["elements"]]


def _lines(block: Block, styled: bool) -> list[str]:
    match block["type"]:
        case "header" if styled:
            return [f"# {_plain(block['text'])}"]
        case "header":
            return [_plain(block["text"])]
        case "section":
            return _text(block["text"]).split("\n")
        case "context":
            quiet = "(small) " if styled else ""
            return [f"{quiet}{_text(element)}" for element in block["elements"]]
        case "rich_text":
            return [line for element in block["elements"] for line in _rich(element, styled)]
        case "table" if styled:
            sides = [each["align"] for each in block["column_settings"]]
            return _columns([[_text(cell) for cell in row] for row in block["rows"]], sides)
        case "table":
            return [" | ".join(_text(cell) for cell in row) for row in block["rows"]]
        case "input" if block["element"]["type"] == "radio_buttons":
            options = block["element"]["options"]
            choices = [
                f"( ) {_plain(each['text'])}: {_plain(each['description'])}" for each in options
            ]
            return [f"{_plain(block['label'])}:", *choices]
        case "input" if block["element"]["type"] == "static_select":
            chosen = block["element"].get("initial_option")
            shown = _plain(chosen["text"]) if chosen else ""
            options = ", ".join(_plain(each["text"]) for each in block["element"]["options"])
            return [f"{_plain(block['label'])}: [{shown}] of {options}"]
        case "input" if block["element"]["type"] == "plain_text_input":
            optional = " (optional)" if block.get("optional") else ""
            return [f"{_plain(block['label'])}{optional}: [ ]", _plain(block["hint"])]
        case "divider":
            return ["----"]
        case "input":
            field = block["element"]
            return [f"{_plain(block['label'])}: [{field['initial_value']}]", _plain(block["hint"])]
        case "actions" if styled:
            asks = [each for each in block["elements"] if "confirm" in each]
            return [" ".join(map(_button, block["elements"])), *map(_confirmation, asks)]
        case "actions":
            return [" ".join(f"[{_plain(each['text'])}]" for each in block["elements"])]
        case "data_visualization":
            return _chart(block) if styled else [f"(chart {block['title']})"]
        case kind:
            raise AssertionError(f"a {kind} block, which nobody has learnt to read")


def _rich(element: Block, styled: bool) -> list[str]:
    match element["type"]:
        case "rich_text_list":
            assert element["style"] == "bullet"
            return [f"• {line}" for each in element["elements"] for line in _rich(each, styled)]
        case "rich_text_preformatted" if styled:
            return [f"    {line}" for line in _parts(element, styled).split("\n")]
        case "rich_text_quote" if styled:
            return [f"> {line}" for line in _parts(element, styled).split("\n")]
        case _:
            return [_parts(element, styled)]


def _parts(element: Block, styled: bool) -> str:
    return "".join(_part(each, styled) for each in element["elements"])


def _part(part: Block, styled: bool) -> str:
    match part["type"]:
        case "date":
            moment = (
                f"<!date^{part['timestamp']}^{part['format']}|{part['fallback']}>"  # as Slack's
            )
            return moment if styled else str(part["fallback"])
        case "user":
            return f"@{part['user_id']}"
        case "usergroup":
            return f"@{part['usergroup_id']}"
        case "channel":
            return f"#{part['channel_id']}"
        case "link" if styled:
            return f"[{part['text']}]({part['url']})"
        case _:
            text = str(part["text"])
            return _marked(text, part.get("style", {})) if styled else text


def _marked(text: str, style: Iterable[str]) -> str:
    bare = text.strip()
    marks = [_MARKS[each] for each in style]
    return text.replace(bare, "".join((*marks, bare, *reversed(marks)))) if bare else text


def _button(button: Block) -> str:
    label = f"[{_plain(button['text'])}]"
    details = [button[each] for each in ("style", "url") if each in button]
    return f"{label}({', '.join(details)})" if details else label


def _confirmation(button: Block) -> str:
    asks = button["confirm"]
    answers = (
        f"[{_plain(asks['confirm'])}]({asks.get('style', 'primary')}) [{_plain(asks['deny'])}]"
    )
    said = f"{_plain(asks['title'])} {_text(asks['text'])}"
    return f"    [{_plain(button['text'])}] asks: {said} {answers}"


def _chart(block: Block) -> list[str]:
    chart = block["chart"]
    axis = chart["axis_config"]
    rows = [["", *axis["categories"]]]
    for series in chart["series"]:
        assert [each["label"] for each in series["data"]] == axis["categories"]
        rows.append([series["name"], *(f"{each['value']:g}" for each in series["data"])])
    sides = ["left", *("right" for _ in axis["categories"])]
    drawn = _columns(rows, sides)
    return [f"({chart['type']} chart) {block['title']}; x: {axis['x_label']}", *drawn]


def _columns(rows: list[list[str]], sides: Iterable[str]) -> list[str]:
    padded = []
    for column, side in zip(zip(*rows, strict=True), sides, strict=True):
        width = max(map(len, column))
        padded.append([f"{cell:{'>' if side == 'right' else '<'}{width}}" for cell in column])
    return ["| " + " | ".join(row) + " |" for row in zip(*padded, strict=True)]


def _text(text: Block) -> str:
    return _plain(text) if text["type"] == "plain_text" else str(text["text"])


def _plain(text: Block) -> str:
    """A plain text; Slack would turn `:fire:` in it into a picture where `emoji` is set."""
    assert text["type"] == "plain_text"
    return f"(with emoji) {text['text']}" if text.get("emoji", True) else str(text["text"])


def _visible(line: str) -> str:
    """Control and format characters by their number: nobody sees them in a diff."""
    return "".join(
        f"\\u{ord(each):04x}" if unicodedata.category(each) in ("Cc", "Cf") else each
        for each in line.rstrip()
    )
