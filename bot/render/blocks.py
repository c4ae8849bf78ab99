"""Builders for the Block Kit elements in use. None of them exceeds Slack's limits.

Source of the limits: docs.slack.dev, reference/block-kit. Rich text and plain text are preferred
to mrkdwn, because Slack parses no markup in them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.domain import slack_ids
from bot.render import text as words
from bot.render.text import Mrkdwn

Block = dict[str, Any]
Part = dict[str, Any]
"""An element of rich text: text, date, user, link."""

_PERSON = re.compile(
    rf"<@({slack_ids.USER})>"
    r"(?= (?:may not|rejected|asked for|decided not to|is deactivated|is a |belongs to|"
    r"could not be looked up) ?)"
)
_MENTION = re.compile(rf"(<@{slack_ids.USER}>|<!subteam\^{slack_ids.GROUP}>)")
MOST_OPTIONS = 100  # of a menu, or of a group in it; and groups
MOST_OF_TEXT = 3_900  # of a message's top-level text; Slack cuts it at 4,000
MOST_CHARACTERS = 13_200  # of all blocks of a message; above it Slack answers msg_blocks_too_long


@dataclass(frozen=True, slots=True)
class Message:
    """A message: its blocks, and the text for notifications and screen readers.

    `kept`: what in it is evidence and not redacted: e-mail addresses of those who changed
    something, names of resources.
    """

    text: str
    blocks: list[Block]
    kept: frozenset[str] = frozenset()


def count_characters(blocks: object) -> int:
    """Characters in blocks, at least as many as Slack counts."""
    if isinstance(blocks, str):
        return len(blocks)
    if isinstance(blocks, dict):
        return sum(
            count_characters(value) for key, value in blocks.items() if key not in ("type", "style")
        )
    if isinstance(blocks, list):
        return sum(count_characters(each) for each in blocks)
    return 0


# --- rich text ----------------------------------------------------------------------------------


def plain(text: str, most: int = 300, *, bold: bool = False, quiet: bool = False) -> Part:
    """Text in which Slack parses no mention, link or formatting."""
    style = {"bold": True} if bold else {"italic": True} if quiet else {}
    return _styled(_spaced(text, most), style)


def bold(text: str, most: int = 300) -> Part:
    return plain(text, most, bold=True)


def fixed_width(text: str, most: int = 200) -> Part:
    return _styled(words.shorten(text, most), {"code": True})


def date(at: datetime, style: str = "{time}") -> Part:
    """A time, shown in the reader's time zone."""
    return {
        "type": "date",
        "timestamp": int(at.timestamp()),
        "format": style,
        "fallback": f"{words.utc(at)} UTC",
    }


def person(user_id: str) -> Part:
    if slack_ids.is_user(user_id):
        return {"type": "user", "user_id": user_id}
    return fixed_width(user_id, 80)


def place(channel_id: str) -> Part:
    """A channel, by its name and as a link to it."""
    return {"type": "channel", "channel_id": channel_id}


def group(group_id: str) -> Part:
    """A mention of a user group; an id of another form is shown as text."""
    if slack_ids.is_group(group_id):
        return {"type": "usergroup", "usergroup_id": group_id}
    return fixed_width(group_id, 80)


def spoken(parts: Iterable[Part]) -> Mrkdwn:
    """Parts of rich text as a message's top-level text: notifications and screen readers have only
    that (docs.slack.dev, chat.postMessage, "text")."""
    pieces: list[str] = []
    for part in parts:
        match part["type"]:
            case "user":
                pieces.append(words.mention(part["user_id"]))
            case "usergroup":
                pieces.append(words.mention(part["usergroup_id"]))
            case "channel":
                pieces.append(f"<#{part['channel_id']}>")
            case "date":
                fallback = words.escaped(part["fallback"])
                pieces.append(f"<!date^{part['timestamp']}^{part['format']}|{fallback}>")
            case "link":
                pieces.append(f"<{words.markup(part['url'])}|{words.markup(part['text'])}>")
            case _:
                pieces.append(words.markup(str(part["text"])))
    return Mrkdwn(words.clip("".join(pieces), MOST_OF_TEXT))


def mentioned(each: str) -> Part:
    """A mention of a person or a user group by id."""
    return group(each) if slack_ids.is_group(each) else person(each)


def sentence(text: str, most: int = 900, mentions: Collection[str] = ()) -> list[Part]:
    """A sentence that may begin with a mention of a person, as refusals do.

    A mention anywhere else stays text, as the sentence may contain text from outside; but for
    `mentions`, those that this program wrote into it: "<@U024BE7LH>", "<!subteam^S0614TZR7>".
    """
    if mentions:
        pieces = _MENTION.split(words.shorten(text, most))
        return [
            mentioned(piece.strip("<>@!").removeprefix("subteam^"))
            if piece in mentions
            else plain(piece, most)
            for piece in pieces
            if piece
        ]
    start = _PERSON.match(text)
    if start is None:
        return [plain(text, most)]
    return [person(start[1]), plain(text[start.end() :], most)]


def link(title: str, url: str) -> Part | None:
    """A link; None when the address is not https, has spaces or is too long for Slack."""
    if not url.startswith("https://"):
        return None
    return _link(title, url)


def permalink(title: str, url: str | None) -> Part | None:
    """A link to a message. Its address is from Slack's own API (chat.getPermalink), so that of a
    Slack without TLS on this machine counts, too."""
    if not (url or "").startswith(("https://", "http://")):
        return None
    return _link(title, str(url))


def _link(title: str, url: str) -> Part | None:
    if len(url) > 3000 or any(char.isspace() for char in url):
        return None
    return {"type": "link", "url": url, "text": words.shorten(title, 60)}


def line(*parts: Part) -> Block:
    return {"type": "rich_text_section", "elements": list(parts)}


def bullets(rows: Iterable[Sequence[Part]]) -> Block:
    return {
        "type": "rich_text_list",
        "style": "bullet",
        "elements": [line(*row) for row in rows],
    }


def rich(*elements: Block) -> Block:
    return {"type": "rich_text", "elements": list(elements)}


def quote(*parts: Part) -> Block:
    return {"type": "rich_text_quote", "elements": list(parts)}


def code_block(text: str, most: int = 2500) -> Block:
    """A code block, the only element that keeps line breaks."""
    lines = "\n".join(_indented(row) for row in text[: 4 * most].splitlines())
    return {
        "type": "rich_text_preformatted",
        "elements": [{"type": "text", "text": words.clip(lines, most) or "–"}],
    }


# --- blocks -------------------------------------------------------------------------------------


def header(text: str) -> Block:
    return {"type": "header", "text": label(text, 150)}


def context(text: Mrkdwn) -> Block:
    """Small grey text. With `verbatim` Slack does not look for links and names in it."""
    return {
        "type": "context",
        "elements": [{"type": "mrkdwn", "text": words.clip(text, 2000), "verbatim": True}],
    }


def section(text: Mrkdwn) -> Block:
    return {
        "type": "section",
        "text": {"type": "mrkdwn", "text": words.clip(text, 3000), "verbatim": True},
    }


def label(text: str, most: int) -> Block:
    return {"type": "plain_text", "text": words.shorten(text, most), "emoji": False}


def button(
    title: str,
    action_id: str,
    value: str,
    *,
    style: str | None = None,
    confirm: Block | None = None,
) -> Block:
    """A button. `value` is an opaque id, never a parameter of the action."""
    made: Block = {
        "type": "button",
        "text": label(title, 75),
        "action_id": action_id,
        "value": value,
    }
    if style:
        made["style"] = style
    if confirm:
        made["confirm"] = confirm
    return made


def number_field(
    name: str, block_id: str, value: int, *, least: int, most: int, hint: str
) -> Block:
    """A field for a whole number in a modal; its action id is the block's id."""
    return {
        "type": "input",
        "block_id": block_id,
        "label": label(name, 150),
        "hint": label(hint, 300),
        "element": {
            "type": "number_input",
            "action_id": block_id,
            "is_decimal_allowed": False,
            "initial_value": str(value),
            "min_value": str(least),
            "max_value": str(most),
        },
    }


def text_field(name: str, block_id: str, *, most: int, hint: str) -> Block:
    """A field for one line of text that may be left empty; its action id is the block's id."""
    return {
        "type": "input",
        "block_id": block_id,
        "label": label(name, 150),
        "hint": label(hint, 300),
        "optional": True,
        "element": {"type": "plain_text_input", "action_id": block_id, "max_length": most},
    }


def menu_field(
    name: str,
    block_id: str,
    options: Sequence[tuple[str, str]],
    *,
    chosen: str | None = None,
    hint: str = "",
) -> Block:
    """A menu in a modal; the action id is the block's id.

    Args:
        name: the field's label.
        block_id: of the field.
        options: title and value of each. More than 100 stand in groups, as Slack requires.
        chosen: value of the option that is chosen at first.
        hint: a sentence under the field.
    """
    made: list[Block] = [{"text": label(title, 75), "value": value} for title, value in options]
    element: Block = {"type": "static_select", "action_id": block_id}
    if len(made) > MOST_OPTIONS:
        parts = [made[at : at + MOST_OPTIONS] for at in range(0, len(made), MOST_OPTIONS)]
        element["option_groups"] = [
            {"label": label(f"{each[0]['text']['text'][:30]} …", 75), "options": each}
            for each in parts[:MOST_OPTIONS]
        ]
    else:
        element["options"] = made
    if initial := next((each for each in made if each["value"] == chosen), None):
        element["initial_option"] = initial
    made_field: Block = {
        "type": "input",
        "block_id": block_id,
        "label": label(name, 150),
        "element": element,
    }
    if hint:
        made_field["hint"] = label(hint, 300)
    return made_field


def choice_field(name: str, block_id: str, options: Sequence[tuple[str, str, str]]) -> Block:
    """Radio buttons in a modal; the action id is the block's id.

    Args:
        name: the field's label.
        block_id: of the field.
        options: title, value and description of each, at most 10.
    """
    return {
        "type": "input",
        "block_id": block_id,
        "label": label(name, 150),
        "element": {
            "type": "radio_buttons",
            "action_id": block_id,
            "options": [
                {"text": label(title, 75), "value": value, "description": label(said, 75)}
                for title, value, said in options[:10]
            ],
        },
    }


def confirm(title: str, text: str, yes: str, *, danger: bool = False) -> Block:
    """The dialog that asks for confirmation before a click takes effect."""
    return {
        "title": label(title, 100),
        "text": label(text, 300),
        "confirm": label(yes, 30),
        "deny": label("Back", 30),
        "style": "danger" if danger else "primary",
    }


def actions(buttons: Sequence[Block]) -> Block:
    return {"type": "actions", "elements": list(buttons[:25])}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Block:
    """A table with the first column aligned left, the others right."""
    cells = [
        [{"type": "raw_text", "text": words.shorten(cell, 60)} for cell in row]
        for row in (head, *rows)
    ]
    align = [{"align": "left" if number == 0 else "right"} for number in range(len(head))]
    return {"type": "table", "rows": cells, "column_settings": align}


def _styled(text: str, style: dict[str, bool]) -> Part:
    part: Part = {"type": "text", "text": text}
    if style:
        part["style"] = style
    return part


def _spaced(text: str, most: int) -> str:
    """Cleaned text that keeps one space at its beginning and end, if it had any."""
    if text and text.isspace():
        return " "
    before = " " if text[:1].isspace() else ""
    after = " " if text[-1:].isspace() else ""
    return f"{before}{words.shorten(text, most)}{after}"


def _indented(row: str) -> str:
    return " " * (len(row) - len(row.lstrip(" "))) + words.clean(row)
