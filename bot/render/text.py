"""Words and figures as people read them, and the one door for text we did not write.

Alarm names, exception messages and actors come from outside. They go through `clean` (every block
builder calls it), and into mrkdwn only through `escaped` or `code`: `Mrkdwn` is a type of its own,
so that mypy refuses a raw string where Slack would parse markup.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import LiteralString, NewType

Mrkdwn = NewType("Mrkdwn", str)
"""Text in Slack's markup in which everything from outside is escaped."""

NBSP = "\u00a0"
_SPACES = re.compile(rf"[^\S{NBSP}]+")  # a non-breaking space is kept: "87 %" stays together
_USER = re.compile(r"[UW][A-Z0-9]{2,20}")
_SESSION = re.compile(r"arn:aws[a-z-]*:sts::\d+:assumed-role/([^/]+)/([^/]+)")
_IAM_USER = re.compile(r"arn:aws[a-z-]*:iam::\d+:user/(?:.*/)?([^/]+)")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})  # control, bidi and zero-width, surrogates


def clean(text: str) -> str:
    """One line without characters that are invisible or turn the writing direction."""
    spaced = _SPACES.sub(" ", text)
    return "".join(char for char in spaced if unicodedata.category(char) not in _UNSEEN).strip()


def clip(text: str, most: int) -> str:
    """At most `most` characters, an ellipsis saying that there was more."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def short(text: str, most: int) -> str:
    """Cleaned and clipped; a dash when nothing is left, since Slack refuses empty texts.

    Looks at the beginning only, so that a stack trace of a megabyte costs nothing.
    """
    head = text[: 4 * most + 100]
    cleaned = clean(head)
    if len(head) < len(text) and len(cleaned) <= most:
        cleaned = f"{cleaned[: most - 1]}…"
    return clip(cleaned, most) or "–"


# --- Slack's markup -----------------------------------------------------------------------------


def fixed(text: LiteralString) -> Mrkdwn:
    """Markup written in this program."""
    return Mrkdwn(text)


def escaped(text: str, most: int = 500) -> Mrkdwn:
    """Text from outside, as text: Slack parses no mention, link or entity in it.

    Source: docs.slack.dev, "Formatting message text", escaping.
    """
    plain = short(text, most)
    return Mrkdwn(plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))


def code(text: str, most: int = 200) -> Mrkdwn:
    """A name from outside in fixed width; inside it no formatting is parsed."""
    return Mrkdwn(f"`{escaped(text.replace('`', chr(39)), most)}`")


def strong(text: Mrkdwn) -> Mrkdwn:
    return Mrkdwn(f"*{text}*")


def joined(separator: LiteralString, pieces: Iterable[Mrkdwn | None]) -> Mrkdwn:
    return Mrkdwn(separator.join(piece for piece in pieces if piece))


def moment(at: datetime, style: LiteralString = "{time}") -> Mrkdwn:
    """A time in the reader's own zone; UTC where Slack can't tell."""
    return Mrkdwn(f"<!date^{int(at.timestamp())}^{style}|{utc(at)} UTC>")


def mention(user_id: str) -> Mrkdwn:
    """A person, by id; anything that is no user id is shown as text."""
    return Mrkdwn(f"<@{user_id}>") if is_user(user_id) else escaped(user_id, 80)


def is_user(user_id: str) -> bool:
    return _USER.fullmatch(user_id) is not None


# --- figures ------------------------------------------------------------------------------------


def percent(share: float | None) -> str:
    """0.0731 -> "7.3 %"; whole numbers from 10 % on, "100 %" only for all; a dash for unknown."""
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
    """$0.0003, $0.42, $12.80; never $0.00 for something that does cost."""
    if usd <= 0:
        return "$0"
    return f"${usd:,.2f}" if usd >= 0.01 else f"${max(usd, 0.0001):.4f}"


def span(length: timedelta | float) -> str:
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


def lag(seconds: float | None) -> str:
    """Where a change stands to the onset: "9 min before onset"."""
    if seconds is None:
        return "around then"
    if abs(seconds) < 60:
        return "at the onset"
    return f"{span(seconds)} {'before' if seconds > 0 else 'after'} onset"


def utc(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def actor(who: str) -> str:
    """Who made a change, without the ARN around it: "maria.lopez (role deploy)"."""
    if session := _SESSION.fullmatch(who):
        return f"{session[2]} (role {session[1]})"
    user = _IAM_USER.fullmatch(who)
    return user[1] if user else who


def plural(number: int, word: str, many: str | None = None) -> str:
    return f"{number:,} {word if number == 1 else many or word + 's'}"
