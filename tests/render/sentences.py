"""The sentences of a message, for tests that ask how long they are and how they look."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bot.render.text import LONGEST

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


def too_long(blocks: Any) -> list[str]:
    """Sentences that are longer than a tired person reads."""
    found = []
    for text, _ in texts(blocks):
        shown = re.sub(r"<!date\^\d+\^([^|]*)\|[^>]*>", r"\1", text)
        found += [each for each in _ENDS.split(shown) if len(each) > LONGEST]
    return found
