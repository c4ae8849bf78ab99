"""`rich_text` blocks as HTML."""

from __future__ import annotations

from markupsafe import Markup, escape

from sandbox.slack.emoji import emoji
from sandbox.slack.page.mrkdwn import Mrkdwn
from sandbox.slack.records import JSON

_TAGS = {"bold": "strong", "italic": "em", "strike": "s", "code": "code", "underline": "u"}


def rich_text(block: JSON, marks: Mrkdwn) -> Markup:
    """A whole `rich_text` block."""
    return Markup("").join(_part(element, marks) for element in block["elements"])


def _part(element: JSON, marks: Mrkdwn) -> Markup:
    kind = element["type"]
    if kind == "rich_text_list":
        tag = "ol" if element["style"] == "ordered" else "ul"
        items = Markup("").join(
            Markup("<li>{}</li>").format(_run(item["elements"], marks))
            for item in element["elements"]
        )
        indent = int(element.get("indent", 0))
        start = int(element.get("offset", 0)) + 1
        return Markup('<{} class="indent-{}"{}>{}</{}>').format(
            tag, indent, Markup(' start="{}"').format(start) if tag == "ol" else "", items, tag
        )
    run = _run(element["elements"], marks)
    if kind == "rich_text_preformatted":
        return Markup("<pre>{}</pre>").format(run)
    if kind == "rich_text_quote":
        return Markup("<blockquote>{}</blockquote>").format(run)
    return Markup("<div>{}</div>").format(run)


def _run(elements: list[JSON], marks: Mrkdwn) -> Markup:
    return Markup("").join(_styled(element, marks) for element in elements)


def _styled(element: JSON, marks: Mrkdwn) -> Markup:
    content = _content(element, marks)
    style = element.get("style") or {}
    for name, tag in _TAGS.items():
        if style.get(name):
            content = Markup(f"<{tag}>{{}}</{tag}>").format(content)
    return content


def _content(element: JSON, marks: Mrkdwn) -> Markup:
    match element["type"]:
        case "text":
            lines = [escape(line) for line in element["text"].split("\n")]
            return Markup("<br>").join(lines)
        case "link":
            return marks.link(element["url"], element.get("text") or element["url"])
        case "emoji":
            return escape(emoji(element["name"]))
        case "user":
            return marks.user(element["user_id"])
        case "usergroup":
            return marks.group(element["usergroup_id"])
        case "channel":
            return marks.channel(element["channel_id"])
        case "broadcast":
            return Markup('<span class="mention you">@{}</span>').format(element["range"])
        case "date":
            fallback = element.get("fallback") or ""
            return marks.date(
                str(element["timestamp"]), element["format"], fallback, element.get("url", "")
            )
        case "color":
            return Markup("<code>{}</code>").format(element["value"])
        case _:
            return Markup("")
