"""Reads the alarm from a Slack message. Pure; raises nothing, whatever the message contains.

The message gives name, region and state; the rest is read from CloudWatch. The title line counts
only in posts of Amazon Q Developer and other configured apps. In all other posts the alarm has to
be given by a link to the CloudWatch console, which is matched by a strict pattern.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from bot.config.settings import AMAZON_Q
from bot.domain.alarm import REGION, Alarm, AlarmState
from handlers.json_access import Ignored, dict_in, list_in, nodes, text_in

_ACCOUNT = re.compile(r"\d{12}")
_STATES = "OK|ALARM|INSUFFICIENT_DATA"
_TOKEN = re.compile(r"<(https?://[^|>\s]+)(?:\|([^>]*))?>")
_BARE = re.compile(r"https://[^\s<>|]+")
_MENTION = re.compile(r"<[@#!][^>]*>")
# "CloudWatch Alarm | name | eu-west-1 | Account: 123456789012"; the last part is not always there.
_TITLE = re.compile(
    rf"CloudWatch Alarm\s*\|\s*(.+?)\s*\|\s*({REGION.pattern})(?:\s*\|\s*Account:\s*(\d+))?"
)
_STATE_TITLE = re.compile(rf"CloudWatch ({_STATES})\b")
_STATE_TEXT = re.compile(
    rf"(?:changed state to|transitioned to|is in|now in|State:)\s*\W?({_STATES})\b"
    rf"|->\s*({_STATES})\s+transition"
)
_STATE_FIELDS = ("alarm state", "current state", "new state", "state")
_REASON = re.compile(r"Thresholds? Crossed:.{0,900}", re.DOTALL)

_HOST = re.compile(
    rf"(?:(?:\d{{12}}-[a-z0-9]+\.)?({REGION.pattern})\.)?"
    r"console\.(?:aws\.amazon\.com|amazonaws-us-gov\.com|amazonaws\.cn)"
)
_PATHS = frozenset({"/cloudwatch/home", "/cloudwatch/home/", "/cloudwatch/deeplink.js"})
_FRAGMENTS = (
    re.compile(r"alarmsV2:alarm/([^?/]+)(?:\?.*)?"),
    re.compile(r"alarm:(?:[^;]*;)*name=([^;]+)(?:;.*)?"),
    re.compile(r"(?:[^&]*&)*alarm=([^&]+)(?:&.*)?"),
)


@dataclass(frozen=True, slots=True)
class MessageText:
    """The content of a message: texts in reading order, links, and pairs of title and value."""

    texts: tuple[str, ...]
    links: tuple[str, ...]
    fields: Mapping[str, str]  # titles in lower case


def alarm_in(message: object, trusted_apps: Iterable[str] = (AMAZON_Q,)) -> Alarm | Ignored:
    """The alarm in a message, or why there is none.

    Args:
        message: the event of a Slack message.
        trusted_apps: ids of apps whose title lines count.
    """
    post = dict_in(message)
    content = flatten(post)
    found = None
    if app_id(post) in frozenset(trusted_apps):
        found = _by_title(content)
    found = found or _by_link(content)
    if found is None:
        return Ignored("neither an alarm app's title line nor a console link to an alarm")
    name, region, account = found
    return Alarm(
        name=name, region=region, account=account, state=_state(content), reason=_reason(content)
    )


def app_id(message: Mapping[str, Any]) -> str:
    """Id of the app that posted a message; empty for a person or when it is not given."""
    profile = dict_in(message.get("bot_profile"))
    return text_in(message.get("app_id")) or text_in(profile.get("app_id"))


def flatten(message: object) -> MessageText:
    """Collect the message's content in the order text, blocks, blocks of attachments, their legacy
    fields, their fallback."""
    raw: list[str] = []
    links: list[str] = []
    fields: dict[str, str] = {}
    post = dict_in(message)
    attachments = [dict_in(each) for each in list_in(post.get("attachments"))]
    raw.append(text_in(post.get("text")))
    for holder in (post, *attachments):
        for node in nodes(list_in(holder.get("blocks"))):
            raw.append(text_in(node.get("text")))
            links.append(text_in(node.get("url")))
    for attachment in attachments:
        raw += [text_in(attachment.get(key)) for key in ("pretext", "title", "text")]
        links.append(text_in(attachment.get("title_link")))
        for field in map(dict_in, list_in(attachment.get("fields"))):
            title, value = _plain(text_in(field.get("title"))), text_in(field.get("value"))
            fields.setdefault(title.lower(), _bare(value))
            raw.append(value)
    raw += [text_in(attachment.get("fallback")) for attachment in attachments]
    texts = tuple(text for text in map(_plain, raw) if text)
    for text in texts:
        title, line, value = text.partition("\n")
        if line and len(title) <= 40:
            fields.setdefault(_bare(title).lower(), _bare(value))
    return MessageText(texts, tuple(dict.fromkeys([*filter(None, links), *_links(raw)])), fields)


def console_alarm(url: str) -> tuple[str, str] | None:
    """Name and region of the alarm that a CloudWatch console address shows; None for any other.

    The address must be https, its whole host one of AWS, without user, port or a second region.
    """
    try:
        parts = urlsplit(unescape(url))
        query = parse_qs(parts.query)
    except ValueError:
        return None
    host = _HOST.fullmatch(parts.netloc)
    if parts.scheme != "https" or host is None or parts.path not in _PATHS:
        return None
    regions = {*query.get("region", ()), *filter(None, host.groups())}
    matches = (pattern.fullmatch(parts.fragment) for pattern in _FRAGMENTS)
    name = next((unquote(match[1]) for match in matches if match), "")
    if len(regions) != 1 or not REGION.fullmatch(region := regions.pop()) or not _is_name(name):
        return None
    return name, region


def unescape(text: str) -> str:
    """Replace Slack's three entities, once. Source: docs.slack.dev, "Formatting message text"."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _by_title(content: MessageText) -> tuple[str, str, str | None] | None:
    for text in content.texts:
        match = _TITLE.search(text)
        if match and _is_name(match[1]):
            account = match[3] if match[3] and _ACCOUNT.fullmatch(match[3]) else None
            return match[1], match[2], account
    return None


def _by_link(content: MessageText) -> tuple[str, str, str | None] | None:
    found = next((alarm for alarm in map(console_alarm, content.links) if alarm), None)
    return (*found, None) if found else None


def _state(content: MessageText) -> AlarmState:
    """The state in the post; ALARM when it has none, because CloudWatch is read anyway."""
    for name in _STATE_FIELDS:
        value = content.fields.get(name, "").upper()
        if value in AlarmState.__members__:
            return AlarmState(value)
    for pattern in (_STATE_TITLE, _STATE_TEXT):
        for text in content.texts:
            if match := pattern.search(text):
                return AlarmState(next(group for group in match.groups() if group))
    return AlarmState.ALARM


def _reason(content: MessageText) -> str:
    matches = (_REASON.search(text) for text in content.texts)
    return next((match[0].strip(" `*") for match in matches if match), "")


def _plain(text: str) -> str:
    """Text without markup: links replaced by their labels, mentions removed, entities replaced."""
    labelled = _TOKEN.sub(lambda match: match[2] or match[1], text)
    return unescape(_MENTION.sub("", labelled)).strip()


def _bare(text: str) -> str:
    return _plain(text).strip(" `*_\n")


def _links(raw: Iterable[str]) -> Iterator[str]:
    for text in raw:
        yield from (match[1] for match in _TOKEN.finditer(text))
        yield from (match[0] for match in _BARE.finditer(_TOKEN.sub(" ", text)))


def _is_name(name: str) -> bool:
    """1 to 255 visible characters. Source: CloudWatch API, PutMetricAlarm, AlarmName."""
    return 0 < len(name) <= 255 and name.isprintable() and not name.isspace()
