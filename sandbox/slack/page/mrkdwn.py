"""Slack's mrkdwn as HTML. What isn't markup of Slack's is escaped, whoever wrote it.

Source: docs.slack.dev, messaging/formatting-message-text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markupsafe import Markup, escape

from sandbox.slack.emoji import emoji
from sandbox.slack.workspace import Workspace

_TOKEN = re.compile(
    r"`(?P<code>[^`\n]+)`"
    r"|<(?P<angle>[^<>\n]+)>"
    r"|:(?P<emoji>[a-z0-9_+'\-]+):"
    r"|(?<![\w*])\*(?P<bold>[^*\n]+)\*(?![\w*])"
    r"|(?<![\w])_(?P<italic>[^_\n]+)_(?!\w)"
    r"|(?<![\w~])~(?P<strike>[^~\n]+)~(?![\w~])"
)
_FENCE = re.compile(r"```\n?(.*?)\n?```", re.DOTALL)
_QUOTE = re.compile(r"^(?:&gt;|>) ?")
_SAFE_LINK = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
_NEWLINE = Markup("<br>")

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
_MARKDOWN.disable("image")


def markdown(text: str) -> Markup:
    """Standard markdown, as `markdown` blocks and canvases hold it. Raw HTML stays text."""
    return Markup(_MARKDOWN.render(text))


def unescape(text: str) -> str:
    """Undo Slack's three entities."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def safe_link(url: str) -> str | None:
    """The address if a browser may follow it, None for ``javascript:`` and its like."""
    return url if _SAFE_LINK.match(url) else None


@dataclass(frozen=True, slots=True)
class Mrkdwn:
    """Renders mrkdwn with the names of one workspace."""

    workspace: Workspace
    viewer: str = ""

    def __call__(self, text: str) -> Markup:
        """A whole text: paragraphs, quotes, bullets and code blocks."""
        parts: list[Markup] = []
        for number, piece in enumerate(_FENCE.split(text)):
            if number % 2:
                parts.append(Markup("<pre>{}</pre>").format(unescape(piece)))
            elif piece.strip("\n"):
                parts.append(self._lines(piece.strip("\n")))
        return Markup("").join(parts)

    def inline(self, text: str) -> Markup:
        """One line: bold, italic, strike, code, links, mentions, emoji."""
        parts: list[Markup] = []
        end = 0
        for match in _TOKEN.finditer(text):
            parts.append(escape(unescape(text[end : match.start()])))
            parts.append(self._token(match))
            end = match.end()
        parts.append(escape(unescape(text[end:])))
        return Markup("").join(parts)

    def user(self, user_id: str) -> Markup:
        """A mention of a member."""
        person = self.workspace.people.get(user_id)
        you = " you" if user_id == self.viewer else ""
        return Markup('<span class="mention{}">@{}</span>').format(
            you, person.name if person else user_id
        )

    def channel(self, channel_id: str) -> Markup:
        """A link to a channel."""
        channel = self.workspace.channels.get(channel_id)
        return Markup('<a class="mention" href="/as/{}/{}">#{}</a>').format(
            self.viewer, channel_id, channel.name if channel else channel_id
        )

    def group(self, group_id: str) -> Markup:
        """A mention of a user group."""
        handles = {group.id: group.handle for group in self.workspace.user_groups}
        return Markup('<span class="mention">@{}</span>').format(handles.get(group_id, group_id))

    def link(self, url: str, label: Markup | str) -> Markup:
        """A link, or only its label where the address can't be trusted."""
        if safe := safe_link(url):
            return Markup('<a href="{}" target="_blank" rel="noopener noreferrer">{}</a>').format(
                safe, label
            )
        return escape(label)

    def date(self, timestamp: str, form: str, fallback: str, url: str = "") -> Markup:
        """A moment; the browser fills it in, in the reader's time zone."""
        moment = Markup('<time data-ts="{}" data-format="{}">{}</time>').format(
            timestamp, form, fallback
        )
        return self.link(url, moment) if url else moment

    def _lines(self, text: str) -> Markup:
        parts: list[Markup] = []
        quoted: list[Markup] = []
        previous_is_text = False
        for line in [*text.split("\n"), None]:
            if line is not None and _QUOTE.match(line):
                quoted.append(self.inline(_QUOTE.sub("", line)))
                continue
            if quoted:
                inner = _NEWLINE.join(quoted)
                parts.append(Markup("<blockquote>{}</blockquote>").format(inner))
                quoted, previous_is_text = [], False
            if line is None:
                break
            if line.startswith("• "):
                item = self.inline(line[2:])
                parts.append(Markup('<span class="bullet">{}</span>').format(item))
                previous_is_text = False
                continue
            if previous_is_text:
                parts.append(_NEWLINE)
            parts.append(self.inline(line))
            previous_is_text = True
        return Markup("").join(parts)

    def _token(self, match: re.Match[str]) -> Markup:
        kind, content = str(match.lastgroup), match.group(str(match.lastgroup))
        match kind:
            case "code":
                return Markup("<code>{}</code>").format(unescape(content))
            case "emoji":
                return escape(emoji(content))
            case "angle":
                return self._angle(content)
            case _:
                tag = {"bold": "strong", "italic": "em", "strike": "s"}[kind]
                return Markup(f"<{tag}>{{}}</{tag}>").format(self.inline(content))

    def _angle(self, content: str) -> Markup:
        target, _, label = content.partition("|")
        if target.startswith("@"):
            return self.user(target[1:])
        if target.startswith("#"):
            return self.channel(target[1:])
        if target.startswith("!date^"):
            _, timestamp, form, *link = target.split("^")
            return self.date(timestamp, form, unescape(label), link[0] if link else "")
        if target.startswith("!subteam^"):
            return self.group(target.removeprefix("!subteam^"))
        if target.startswith("!"):
            return Markup('<span class="mention you">@{}</span>').format(target[1:])
        shown = self.inline(label) if label else escape(unescape(target))
        return self.link(unescape(target), shown)
