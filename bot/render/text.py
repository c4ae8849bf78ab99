"""Escaping of text from outside, and the format of figures, times and durations.

Alarm names, exception messages and actors come from outside. Every block builder passes them to
`clean`, and they get into mrkdwn only through `escaped` or `code`: `Mrkdwn` is a type of its own,
so mypy rejects a raw string where Slack would parse markup.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import LiteralString, NewType

from bot.domain import figures, slack_ids
from bot.domain.change_session import read_session

Mrkdwn = NewType("Mrkdwn", str)
"""Text in Slack's markup language, with everything from outside escaped."""

NBSP = "\u00a0"
LONGEST = 110  # characters of a sentence on a card: more are not read at 3 AM
_SPACES = re.compile(rf"[^\S{NBSP}]+")  # a non-breaking space is kept: "87 %" stays together
_SESSION = re.compile(r"arn:aws[a-z-]*:sts::\d+:assumed-role/([^/]+)/([^/]+)")
_IAM_USER = re.compile(r"arn:aws[a-z-]*:iam::\d+:user/(?:.*/)?([^/]+)")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})  # control, bidi and zero-width, surrogates


def clean(text: str) -> str:
    """The text as one line, without invisible characters and without changes of direction."""
    spaced = _SPACES.sub(" ", text)
    return "".join(char for char in spaced if unicodedata.category(char) not in _INVISIBLE).strip()


def clip(text: str, most: int) -> str:
    """At most `most` characters; a cut is marked by an ellipsis."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def shorten(text: str, most: int) -> str:
    """Cleaned and clipped; a dash when nothing is left, because Slack refuses empty texts.

    Only the beginning is cleaned, so a stack trace of a megabyte takes no time.
    """
    head = text[: 4 * most + 100]
    cleaned = clean(head)
    if len(head) < len(text) and len(cleaned) <= most:
        cleaned = f"{cleaned[: most - 1]}…"
    return clip(cleaned, most) or "–"


def sentences(text: str, most: int = LONGEST) -> list[str]:
    """The parts of a text that can stand on lines of their own, each of at most `most` characters.

    Clues join what belongs together with semicolons. A part that is longer is cut after its last
    whole phrase that fits; the modal with all evidence has it in full.
    """
    head = clean(text[: 12 * most + 100])
    return [_phrase(part, most) for part in head.split("; ") if part] or ["–"]


def first_sentence(text: str, most: int = LONGEST) -> str:
    """The part of a text that comes first, of at most `most` characters."""
    return sentences(text, most)[0]


def _phrase(part: str, most: int) -> str:
    if len(part) <= most:
        return part
    cut = part[: most - 1]
    at = max(cut.rfind(mark) for mark in (", ", " (", ": ", " – "))
    if at >= most // 3:
        return cut[:at]
    return clip(part, most)


# --- Slack's markup -----------------------------------------------------------------------------


def literal(text: LiteralString) -> Mrkdwn:
    """Markup that is written in this program."""
    return Mrkdwn(text)


def escaped(text: str, most: int = 500) -> Mrkdwn:
    """Text from outside, escaped: Slack parses no mention, link or entity in it.

    Source: docs.slack.dev, "Formatting message text", escaping.
    """
    return markup(shorten(text, most))


def markup(text: str) -> Mrkdwn:
    """Cleaned text with Slack's three entities escaped; spaces at its ends are kept."""
    return Mrkdwn(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))


def code(text: str, most: int = 200) -> Mrkdwn:
    """A name from outside as inline code, in which Slack parses no formatting."""
    return Mrkdwn(f"`{escaped(text.replace('`', chr(39)), most)}`")


def strong(text: Mrkdwn) -> Mrkdwn:
    return Mrkdwn(f"*{text}*")


def join(separator: LiteralString, pieces: Iterable[Mrkdwn | None]) -> Mrkdwn:
    return Mrkdwn(separator.join(piece for piece in pieces if piece))


def local_time(at: datetime, style: LiteralString = "{time}") -> Mrkdwn:
    """A time that Slack shows in the reader's time zone, or in UTC if it can't."""
    return Mrkdwn(f"<!date^{int(at.timestamp())}^{style}|{utc(at)} UTC>")


def since(at: datetime) -> Mrkdwn:
    """A time in the reader's time zone, and how long ago that is when it is read.

    Source: docs.slack.dev, "Formatting message text", date formatting, {ago}.
    """
    return Mrkdwn(f"<!date^{int(at.timestamp())}^{{time}} ({{ago}})|{utc(at)} UTC>")


def mention(slack_id: str) -> Mrkdwn:
    """A mention of a person or a usergroup; an id of another form is shown as text."""
    known = slack_ids.is_user(slack_id) or slack_ids.is_group(slack_id)
    return Mrkdwn(slack_ids.mention(slack_id)) if known else escaped(slack_id, 80)


# --- figures ------------------------------------------------------------------------------------


def percent(share: float | None) -> str:
    """0.0731 -> "7.3 %"; "100 %" only for all, a dash for None."""
    return "–" if share is None else figures.percent(share).replace(" ", NBSP)


def count(value: float) -> str:
    """412, 1,204, 18.4k, 2.1M."""
    for limit, unit in ((999_500_000, "G"), (999_500, "M"), (9_999.5, "k")):
        if abs(value) >= limit:
            scaled = value / {"G": 1e9, "M": 1e6, "k": 1e3}[unit]
            return f"{scaled:,.1f}{unit}"
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 100 else f"{value:.1f}"


def size(of_bytes: float) -> str:
    """Bytes as "48 MB" (powers of ten, as AWS bills)."""
    for limit, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if of_bytes >= limit:
            value = of_bytes / limit
            return f"{value:.{0 if value >= 10 else 1}f}{NBSP}{unit}"
    return f"{of_bytes:.0f}{NBSP}B"


def dollars(usd: float) -> str:
    """$0.0003, $0.42, $12.80; an amount above zero is never shown as $0."""
    if usd <= 0:
        return "$0"
    return f"${usd:,.2f}" if usd >= 0.01 else f"${max(usd, 0.0001):.4f}"


def duration(length: timedelta | float) -> str:
    """A duration (seconds when a number): "40 s", "12 min", "2 h 05 min", "3 days"."""
    total = length.total_seconds() if isinstance(length, timedelta) else length
    seconds = int(abs(total) + 0.5)
    if seconds < 90:
        return f"{seconds}{NBSP}s"
    minutes = (seconds + 30) // 60
    if minutes < 90:
        return f"{minutes}{NBSP}min"
    if minutes < 48 * 60:
        hours, rest = divmod(minutes, 60)
        return f"{hours}{NBSP}h {rest:02d}{NBSP}min" if rest else f"{hours}{NBSP}h"
    return f"{minutes // (24 * 60)}{NBSP}days"


def time_to_onset(seconds: float | None) -> str:
    """When a change was made, from its seconds before the onset: "9 min before onset"."""
    if seconds is None:
        return "near the onset"
    if abs(seconds) < 60:
        return "at the onset"
    return f"{duration(seconds)} {'before' if seconds > 0 else 'after'} onset"


def utc(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def actor_name(who: str) -> str:
    """The name in an IAM ARN: "maria.lopez (role deploy)"; other texts unchanged.

    Of a change of this program: "Incident Helper for U0MAYA and U0JONAS (CHG-61D0C7D0)".
    """
    if own := read_session(who.partition(" (")[0]):
        return f"Incident Helper for {' and '.join(own.people)} ({own.run})"
    if session := _SESSION.fullmatch(who):
        return f"{session[2]} (role {session[1]})"
    user = _IAM_USER.fullmatch(who)
    return user[1] if user else who


def plural(number: int, word: str, many: str | None = None) -> str:
    return f"{number:,} {word if number == 1 else many or word + 's'}"
