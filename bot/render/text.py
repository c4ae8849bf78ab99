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

Mrkdwn = NewType("Mrkdwn", str)
"""Text in Slack's markup language, with everything from outside escaped."""

NBSP = "\u00a0"
_SPACES = re.compile(rf"[^\S{NBSP}]+")  # a non-breaking space is kept: "87 %" stays together
_USER = re.compile(r"[UW][A-Z0-9]{2,20}")
_GROUP = re.compile(r"S[A-Z0-9]{2,20}")
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


# --- Slack's markup -----------------------------------------------------------------------------


def literal(text: LiteralString) -> Mrkdwn:
    """Markup that is written in this program."""
    return Mrkdwn(text)


def escaped(text: str, most: int = 500) -> Mrkdwn:
    """Text from outside, escaped: Slack parses no mention, link or entity in it.

    Source: docs.slack.dev, "Formatting message text", escaping.
    """
    plain = shorten(text, most)
    return Mrkdwn(plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))


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


def mention(user_id: str) -> Mrkdwn:
    """A mention of a Slack user; an id of another form is shown as text."""
    return Mrkdwn(f"<@{user_id}>") if is_user(user_id) else escaped(user_id, 80)


def is_user(user_id: str) -> bool:
    return _USER.fullmatch(user_id) is not None


def is_group(group_id: str) -> bool:
    return _GROUP.fullmatch(group_id) is not None


# --- figures ------------------------------------------------------------------------------------


def percent(share: float | None) -> str:
    """0.0731 -> "7.3 %"; whole numbers from 10 %, "100 %" only for all, a dash for None."""
    if share is None:
        return "–"
    value = share * 100
    if 0 < value < 0.1:
        return f"<0.1{NBSP}%"
    if 99 < value < 100:
        return f"{min(value, 99.9):.1f}{NBSP}%"
    digits = 0 if value >= 9.95 or value == 0 else 1
    return f"{value:.{digits}f}{NBSP}%"


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
    """The name in an IAM ARN: "maria.lopez (role deploy)"; other texts unchanged."""
    if session := _SESSION.fullmatch(who):
        return f"{session[2]} (role {session[1]})"
    user = _IAM_USER.fullmatch(who)
    return user[1] if user else who


def plural(number: int, word: str, many: str | None = None) -> str:
    return f"{number:,} {word if number == 1 else many or word + 's'}"
