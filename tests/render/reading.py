"""Blocks as a person reads them, for tests that ask what is said rather than how."""

from __future__ import annotations

from typing import Any

from bot.render.blocks import Block


def read(blocks: list[Block]) -> str:
    """One line a block section, bullet or table row."""
    return "\n".join(line for block in blocks for line in _lines(block))


def buttons(blocks: list[Block]) -> list[Any]:
    return [each for block in blocks if block["type"] == "actions" for each in block["elements"]]


def _lines(block: Block) -> list[str]:
    match block["type"]:
        case "header" | "section":
            return [block["text"]["text"]]
        case "context":
            return [element["text"] for element in block["elements"]]
        case "rich_text":
            return [line for element in block["elements"] for line in _rich(element)]
        case "table":
            return [" | ".join(cell["text"] for cell in row) for row in block["rows"]]
        case "actions":
            return [" ".join(f"[{each['text']['text']}]" for each in block["elements"])]
        case "data_visualization":
            return [f"(chart {block['title']})"]
        case kind:
            raise AssertionError(f"a {kind} block, which nobody has learnt to read")


def _rich(element: Block) -> list[str]:
    if element["type"] == "rich_text_list":
        return [f"• {line}" for section in element["elements"] for line in _rich(section)]
    return ["".join(map(_part, element["elements"]))]


def _part(part: Block) -> str:
    match part["type"]:
        case "date":
            return str(part["fallback"])
        case "user":
            return f"@{part['user_id']}"
        case "channel":
            return f"#{part['channel_id']}"
        case _:
            return str(part["text"])
