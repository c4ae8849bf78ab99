"""Reads the alarm from a Slack message. Pure; raises nothing, whatever the message contains.

The message gives name, region and state; the rest is read from CloudWatch. A title line, or fields
with name, region and state, count only in posts of Amazon Q Developer and other configured apps. In
all other posts the alarm has to be given by a link to the CloudWatch console, which is matched by a
strict pattern, and the post has to tell its present state: many posts merely link an alarm.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from bot.config.settings import AMAZON_Q
from bot.domain.alarm import REGION, Alarm
from handlers.json_access import Ignored, dict_in, list_in, nodes, text_in
from handlers.region_names import region_of
from handlers.slack.alarm_states import state_in, told_now

_ACCOUNT = re.compile(r"\d{12}")
_TOKEN = re.compile(r"<(https?://[^|>\s]+)(?:\|([^>]*))?>")
_BARE = re.compile(r"https://[^\s<>|]+")
_MENTION = re.compile(r"<[@#!][^>]*>")
# "CloudWatch Alarm | name | eu-west-1 | Account: 123456789012"; the last part is not always there.
_TITLE = re.compile(
    rf"CloudWatch Alarm\s*\|\s*(.+?)\s*\|\s*({REGION.pattern})(?:\s*\|\s*Account:\s*(\d+))?"
)
_NAME_FIELDS = ("alarm name", "alarmname", "alarm", "name")
_REASON = re.compile(r"Thresholds? Crossed:.{0,900}", re.DOTALL)

_HOST = re.compile(
    rf"(?:(?:(?P<account>\d{{12}})-[a-z0-9]+\.)?(?P<region>{REGION.pattern})\.)?"
    r"console\.(?:aws\.amazon\.com|amazonaws-us-gov\.com|amazonaws\.cn|amazonaws-eusc\.eu)"
)
# The access portal of IAM Identity Center (its user guide, "Creating shortcut links to AWS
# Management Console destinations"): "#/console?account_id=…&destination=…".
_PORTAL = re.compile(r"[a-z0-9-]+\.(?:awsapps\.(?:com|cn)|portal\.[a-z0-9-]+\.app\.aws)")
_PATHS = frozenset({"/cloudwatch/home", "/cloudwatch/home/", "/cloudwatch/deeplink.js"})
_FRAGMENTS = (
    re.compile(r"alarmsV2:alarm/([^?]+)(?:\?.*)?"),
    re.compile(r"alarm:(?:[^;]*;)*name=([^;]+)(?:;.*)?"),
    re.compile(r"(?:[^&]*&)*alarm=([^&]+)(?:&.*)?"),
)


@dataclass(frozen=True, slots=True)
class MessageText:
    """The content of a message: texts in reading order, links, and pairs of title and value."""

    texts: tuple[str, ...]
    links: tuple[str, ...]
    fields: Mapping[str, str]  # titles in lower case


def alarm_in(
    message: object, trusted_apps: Iterable[str] = (AMAZON_Q,), *, asked: bool = False
) -> Alarm | Ignored:
    """The alarm in a message, or why there is none.

    Args:
        message: the event of a Slack message.
        trusted_apps: ids of apps whose title lines count, and which may leave the state out.
        asked: whether a person asks for the alarm in it; then a link to one alarm is enough.
    """
    post = dict_in(message)
    content = flatten(post)
    is_trusted = app_id(post) in frozenset(trusted_apps)
    state = state_in(content.texts, content.fields)
    found = _by_title(content) if is_trusted else None
    found = found or _by_link(content)
    if found is None and is_trusted and state is not None:
        found = _by_fields(post, content)
    if found is None:
        return Ignored("neither an alarm app's title line nor a console link to an alarm")
    if not is_trusted:
        if state is None and not asked:
            return Ignored("it links an alarm and tells no state of it")
        if not asked and not told_now(content.texts, content.fields):
            return Ignored("it links an alarm and tells of other times")
        if len({alarm[:2] for alarm in map(console_alarm, content.links) if alarm}) > 1:
            return Ignored("it links several alarms")
    name, region, account = found
    return Alarm(name=name, region=region, account=account, state=state, reason=_reason(content))


def app_id(message: Mapping[str, Any]) -> str:
    """Id of the app that posted a message; empty for a person or when it is not given."""
    profile = dict_in(message.get("bot_profile"))
    return text_in(message.get("app_id")) or text_in(profile.get("app_id"))


def flatten(message: object) -> MessageText:
    """Collect the message's content in the order text, blocks, blocks of attachments, their legacy
    fields, their fallback, an e-mail. Of a forwarded post it is the content of that post."""
    raw: list[str] = []
    links: list[str] = []
    fields: dict[str, str] = {}
    post = dict_in(message)
    attachments = [dict_in(each) for each in list_in(post.get("attachments"))]
    raw.append(text_in(post.get("text")))
    for holder in (post, *attachments):
        for node in nodes([holder.get("blocks"), holder.get("message_blocks")]):
            raw.append(text_in(node.get("text")))
            links.append(text_in(node.get("url")))
    for attachment in attachments:
        raw += [text_in(attachment.get(key)) for key in ("pretext", "title", "text")]
        links.append(text_in(attachment.get("title_link")))
        for field in map(dict_in, list_in(attachment.get("fields"))):
            title, value = _plain(text_in(field.get("title"))), text_in(field.get("value"))
            fields.setdefault(title.strip(" *_:").lower(), _bare(value))
            raw.append(value)
    raw += [text_in(attachment.get("fallback")) for attachment in attachments]
    for file in map(dict_in, list_in(post.get("files"))):
        if is_email(file):
            raw += [text_in(file.get(key)) for key in ("title", "subject", "plain_text")]
            raw.append(text_in(file.get("preview_plain_text")) or text_in(file.get("preview")))
    texts = tuple(text for text in map(_plain, raw) if text)
    for text in texts:
        title, line, value = text.partition("\n")
        if line and len(title) <= 40:
            fields.setdefault(_bare(title).rstrip(" :*_").lower(), _bare(value))
    return MessageText(texts, tuple(dict.fromkeys([*filter(None, links), *_links(raw)])), fields)


def console_alarm(url: str) -> tuple[str, str, str | None] | None:
    """Name, region and account of the alarm that a CloudWatch console address shows.

    None for any other address. It must be https, its whole host one of AWS, without user, port or
    a second region; or a shortcut of an access portal to such an address. Few say the account.
    """
    try:
        parts = urlsplit(unescape(url))
        query = parse_qs(parts.query)
        shortcut = parse_qs(parts.fragment.partition("?")[2])
    except ValueError:
        return None
    if parts.scheme != "https":
        return None
    if _PORTAL.fullmatch(parts.netloc) and parts.fragment.startswith("/console?"):
        found = console_alarm(next(iter(shortcut.get("destination", ())), "").replace("&", "&amp;"))
        account = next(iter(shortcut.get("account_id", ())), "")
        return (*found[:2], _account(account) or found[2]) if found else None
    host = _HOST.fullmatch(parts.netloc)
    if host is None or parts.path not in _PATHS:
        return None
    regions = {*query.get("region", ()), *filter(None, [host["region"]])}
    matches = (pattern.fullmatch(parts.fragment) for pattern in _FRAGMENTS)
    name = next((unquote(match[1]) for match in matches if match), "")
    if len(regions) != 1 or not REGION.fullmatch(region := regions.pop()) or not _is_name(name):
        return None
    return name, region, host["account"]


def is_forwarded(message: object) -> bool:
    """Whether the message forwards another one."""
    attachments = map(dict_in, list_in(dict_in(message).get("attachments")))
    return any(each.get("message_blocks") or each.get("is_share") for each in attachments)


def is_email(file: Mapping[str, Any]) -> bool:
    """Whether a file is an e-mail that Slackbot put into a channel (docs.slack.dev, "File
    object": its mode and type are "email")."""
    return "email" in (file.get("mode"), file.get("filetype"))


def unescape(text: str) -> str:
    """Replace Slack's three entities, once. Source: docs.slack.dev, "Formatting message text"."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _by_title(content: MessageText) -> tuple[str, str, str | None] | None:
    for text in content.texts:
        match = _TITLE.search(text)
        if match and _is_name(match[1]):
            return match[1], match[2], _account(match[3] or "")
    return None


def _by_link(content: MessageText) -> tuple[str, str, str | None] | None:
    return next((alarm for alarm in map(console_alarm, content.links) if alarm), None)


def _by_fields(post: Mapping[str, Any], content: MessageText) -> tuple[str, str, str | None] | None:
    """By fields with the name, or the title of an attachment, and the region."""
    titles = [
        _plain(text_in(dict_in(each).get("title"))) for each in list_in(post.get("attachments"))
    ]
    names = [content.fields.get(name, "") for name in _NAME_FIELDS] + titles
    name = next(filter(_is_name, names), "")
    region = region_of(content.fields.get("region", "") or content.fields.get("aws region", ""))
    return (name, region, _account(content.fields.get("account", ""))) if name and region else None


def _account(text: str) -> str | None:
    return text if _ACCOUNT.fullmatch(text) else None


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
        yield from (_unpunctuated(match[0]) for match in _BARE.finditer(_TOKEN.sub(" ", text)))


def _unpunctuated(url: str) -> str:
    """An address without the marks of the sentence it stands in: "(see https://…/shop-5xx)."."""
    while url and (
        url[-1] in ".,;:!?*`'\"’”»]}" or (url[-1] == ")" and url.count(")") > url.count("("))
    ):
        url = url[:-1]
    return url


def _is_name(name: str) -> bool:
    """1 to 255 visible characters. Source: CloudWatch API, PutMetricAlarm, AlarmName."""
    return 0 < len(name) <= 255 and name.isprintable() and not name.isspace()
