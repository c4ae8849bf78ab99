"""What a person typed, as the `rich_text` block that Slack's clients send with it.

Messages written in Slack's own editor carry their text twice: as mrkdwn in `text` and as one
`rich_text` block (docs.slack.dev, reference/block-kit/blocks/rich-text-block).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from sandbox.slack.records import JSON

_TOKEN = re.compile(
    r"<@(?P<user>[UW][A-Z0-9]+)(?:\|[^>]*)?>"
    r"|<#(?P<channel>C[A-Z0-9]+)(?:\|[^>]*)?>"
    r"|<!subteam\^(?P<group>S[A-Z0-9]+)(?:\|[^>]*)?>"
    r"|<!(?P<range>here|channel|everyone)(?:\|[^>]*)?>"
    r"|<(?P<url>(?:https?|mailto):[^|>\s]+)(?:\|(?P<label>[^>]*))?>"
    r"|:(?P<emoji>[a-z0-9_+'-]+):"
)


def rich_text(mrkdwn: str) -> list[JSON]:
    """The blocks of a typed message: one `rich_text` block, none for an empty text."""
    parts = list(_parts(mrkdwn))
    if not parts:
        return []
    return [
        {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": parts}]},
    ]


def _parts(mrkdwn: str) -> Iterator[JSON]:
    end = 0
    for match in _TOKEN.finditer(mrkdwn):
        yield from _text(mrkdwn[end : match.start()])
        yield _element({name: value for name, value in match.groupdict().items() if value})
        end = match.end()
    yield from _text(mrkdwn[end:])


def _text(mrkdwn: str) -> Iterator[JSON]:
    if mrkdwn:
        yield {"type": "text", "text": html.unescape(mrkdwn)}


def _element(found: dict[str, str]) -> JSON:
    match found:
        case {"user": user}:
            return {"type": "user", "user_id": user}
        case {"channel": channel}:
            return {"type": "channel", "channel_id": channel}
        case {"group": group}:
            return {"type": "usergroup", "usergroup_id": group}
        case {"range": who}:
            return {"type": "broadcast", "range": who}
        case {"emoji": name}:
            return {"type": "emoji", "name": name}
    link = {"type": "link", "url": html.unescape(found["url"])}
    return link | ({"text": html.unescape(found["label"])} if "label" in found else {})
