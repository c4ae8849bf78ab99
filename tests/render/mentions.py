"""Finds what Slack would turn into a mention, a broadcast or a link, in blocks and texts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_MARKUP = re.compile(r"<([^>]*)>")
_RICH = {"user": "user_id", "channel": "channel_id", "usergroup": "usergroup_id", "link": "url"}


def pinged(text: str, blocks: object) -> set[str]:
    """Targets of everything that pings or leads somewhere; dates are neither."""
    found = set(_in_markup(text))
    for node in _nodes(blocks):
        kind = node.get("type")
        if kind in _RICH:
            found.add(str(node[_RICH[kind]]))
        elif kind == "broadcast":
            found.add(f"!{node['range']}")
        elif kind == "mrkdwn":
            found.update(_in_markup(node["text"]))
            assert node["verbatim"] is True, "Slack would look for names and links in it"
    return found


def _in_markup(text: str) -> Iterator[str]:
    for match in _MARKUP.finditer(text):
        if not match[1].startswith("!date^"):
            yield match[1].lstrip("@#").partition("|")[0]


def _nodes(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _nodes(each)
