"""Removes secrets and personal data from text before it goes to Slack, Redis or a log.

Pure and idempotent. A secret is replaced by its kind ("[aws key]"), so that a reader knows that
something was there. Ordinary log lines, ARNs, request ids and figures are not changed: a secret is
known by its shape (a key's prefix, a JWT's dots) or by the name before it (`password=`). An ARN is
never changed, even when its session name is an e-mail address: who made a change is evidence. So is
an e-mail address under the key "actor", wherever the same tree has it. A figure or a revision is no
secret ("token:43", "update-password: 0"), nor is the name of a service's resource a secret's name.

Shapes: tokens by `token_shapes`, JWT (RFC 7519), PEM (RFC 7468), what `personal_data` tells. A bare
secret of AWS has no shape: it is known by being 40 characters drawn by chance. Repetitions in
patterns are bounded or begin only at the start of a word, so that hostile text takes linear time.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache
from math import log2
from typing import Any

from bot.domain.personal_data import iban_in, is_card
from bot.domain.token_shapes import AWS, START, TOKENS

_ARN = r"\barn:aws[\w-]*:[\w-]*:[\w-]*:\d*:[\w:/.@*+-]+"

_CORE = (
    r"(?:[a-z0-9_.-]{0,120}(?:passw(?:or)?d|pwd|passphrase|passcode|secret|credential|"
    r"(?:api|access|private|signing|encryption|account|master|shared|storage|subscription|license|"
    r"auth|app|application|consumer|webhook|ssh|deploy|client)[_-]?key|"
    r"[a-z0-9_.-][_-]?token|[a-z0-9][_-]pat)"
    r"(?:[_-][a-z0-9_-]{1,60}|s|\d{1,4}|key|value|hash)?"
    r"|x-amz-signature|x-amz-credential|(?<!unexpected )token|pat)"
)
_NAME = rf"(?<![a-z0-9_.-]){_CORE}"
"""Names of secrets in configuration, JSON, query strings and headers."""

_NO_SECRET = re.compile(
    r".*(?:next|page|pagination|continuation|idempotency|request|sync|start|starting|resume|max|min"
    r"|total|prompt|completion|input|output|used|num)[_-]?tokens?"
    r"|.*[_-](?:count|length|len|size|limit|used|usage|total|expiry|expires?|expires?[_-](?:in|at)"
    r"|expiration|age|ttl|policy|version|type|arn|name|id|path|file|location|rotation|enabled"
    r"|required|reset|hint|min|max|url|uri|manager|service|status|state)"
    r"|.*[_-]?compat|format",
    re.IGNORECASE,
)
"""Names that have such a word in them and tell something about secrets, or are cursors."""

_SEPARATOR = r"\\?[\"']?\s*(?:=>|[:=]|%3[AD])\s*"
_REDACTED = r"\[[a-z ]+\]"  # left by an earlier rule

Kept = frozenset[str]
"""E-mail addresses and resource names that are evidence, and stay."""


def _card(match: re.Match[str], kept: Kept) -> str:
    del kept
    return "[card]" if is_card(re.sub(r"\D", "", match[0])) else match[0]


_FIGURE = re.compile(
    r"\d{1,4}(?:[.,:/]\d+)*(?:%|[a-z]{1,3})?|[^\d\s]",  # or one character, of a parser's error
    re.IGNORECASE,
)
_COUNT = re.compile(r"\d{1,12}(?:\.\d+)?%?")
_SAID = re.compile(
    r"a|absent|an|and|are|at|bad|before|blank|by|can|cannot|can't|changed|could|denied|disabled|empty"
    r"|enabled|exists|expired|expires|failed|for|found|from|had|has|have|in|incorrect|invalid|is"
    r"|length|malformed|may|mismatch|missing|must|needs|no|not|of|ok|on|only|or|policy|refused"
    r"|rejected|required|reset|revoked|rotated|rotation|set|should|the|this|to|too|unknown|unset"
    r"|valid|was|were|will|with|wrong|yes|your"
    r"|degraded|down|error|errors|failing|healthy|slow|throttled|timed|timeouts?|unhealthy|up",
    re.IGNORECASE,
)
"""Words that follow "password:" in a sentence about one."""
_END_OF_SENTENCE = ".:!?"


def _secret(match: re.Match[str], kept: Kept) -> str:
    if match["arn"]:
        return match[0]
    name, separator = re.split(
        r"(?=\\?[\"']?\s*(?:=>|[:=]|%3[AD]))", match["name"], maxsplit=1, flags=re.IGNORECASE
    )
    value = match[0][len(match["name"]) :].rstrip(_END_OF_SENTENCE)
    if _NO_SECRET.fullmatch(name) or (name[-1] in "sS" and _COUNT.fullmatch(value)):
        return match[0]
    said = ":" in separator and not separator.rstrip().endswith(('"', "'"))
    if said and (name in kept or _FIGURE.fullmatch(value) or _SAID.fullmatch(value)):
        return match[0]
    return f"{match['name']}[secret]"


def _argument(match: re.Match[str], kept: Kept) -> str:
    del kept
    if _NO_SECRET.fullmatch(match["name"]) or _SAID.fullmatch(match["value"].rstrip(".:!?")):
        return match[0]
    return match[0][: -len(match["value"])] + "[secret]"


def _random(text: str) -> bool:
    """Whether a text looks drawn by chance: all kinds of characters, few of them often.

    Of 40 random base64 characters, one in a thousand texts has less than 4.3 bits a character; a
    path or a name has less than 4.2.
    """
    if not (re.search("[a-z]", text) and re.search("[A-Z]", text) and re.search(r"\d", text)):
        return False
    shares = [count / len(text) for count in Counter(text).values()]
    return -sum(share * log2(share) for share in shares) >= 4.3


def _unnamed(match: re.Match[str], kept: Kept) -> str:
    del kept
    return "[secret]" if _random(match[0]) else match[0]


def _user(match: re.Match[str], kept: Kept) -> str:
    del kept
    value = match["value"]
    mixed = re.search("[A-Za-z]", value) and re.search(r"\d", value)
    return "[credentials]" if mixed else value


def _named_before(match: re.Match[str], kept: Kept) -> str:
    del kept
    value = match["value"]
    mixed = re.search("[A-Za-z]", value) and re.search(r"\d", value)
    if not mixed or _UUID.fullmatch(value) or value.startswith("arn:"):
        return match[0]
    return match[0][: -len(value)] + "[secret]"


_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def _iban(match: re.Match[str], kept: Kept) -> str:
    del kept
    end = iban_in(match[0])
    return f"[iban]{match[0][end:]}" if end else match[0]


def _email(match: re.Match[str], kept: Kept) -> str:
    return match[0] if match["arn"] or match[0] in kept else "[email]"


Replace = str | Callable[[re.Match[str], Kept], str]


def _rule(pattern: str, replace: Replace, flags: int = 0) -> tuple[re.Pattern[str], Replace]:
    return re.compile(pattern, flags), replace


def _after(word: str) -> str:
    """A pattern for where a secret may begin: not within a word of these characters, except that
    an escaped line break and percent-encoding end in a letter or a digit."""
    return rf"(?:(?<![{word}])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{{2}}))"


_ADDRESS = r"(?<![\w.+-])(?<!://)(?!git@)[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,6}[a-z]{2,24}\b"
_ARGUMENTS = r"[^\n|;&]{0,200}?\s"

_I = re.IGNORECASE
_RULES = (
    _rule(
        r"(?:-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----|---- BEGIN SSH2 ENCRYPTED "
        r"PRIVATE KEY ----|PuTTY-User-Key-File-\d: )"
        r"[\s\S]*?(?:-----END (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----|---- END SSH2 "
        r"ENCRYPTED PRIVATE KEY ----|Private-MAC: [0-9a-f]+|\Z)",
        "[private key]",
    ),
    _rule(_after(r"\w-") + r"eyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*){1,3}", "[jwt]"),
    _rule(rf"{START}(?:xox[abceoprs]|xapp|xwfp)(?:\.xox[bp])?-[\w-]{{8,}}", "[slack token]"),
    _rule(r"(hooks\.slack\.com/(?:services|workflows|triggers)/)[\w/-]+", r"\1[slack token]", _I),
    _rule(r"(discord(?:app)?\.com/api/webhooks/)\d+/[\w-]+", r"\1[token]", _I),
    _rule(rf"{START}(?:{'|'.join(AWS)})", "[aws key]"),
    _rule(rf"{START}(?:{'|'.join(TOKENS)})", "[token]"),
    _rule(r"([?&]sig=)[\w%+/-]{30,}=*", r"\1[secret]"),  # a shared access signature of Azure
    _rule(
        rf"\b((?:proxy-)?authorization{_SEPARATOR}\\?[\"']?)(?!\[)[^\s\"',;][^\r\n\"']*",
        r"\1[credentials]",
        _I,
    ),
    _rule(r"\b(bearer|basic)\s+(?=[a-z~+/-]*[\d=.])[\w.~+/-]{12,}=*", r"\1 [credentials]", _I),
    _rule(
        rf"\b((?:set-)?cookie{_SEPARATOR}\\?[\"']?)(?!\[)[^\s\"'][^\r\n\"']*",
        r"\1[cookie]",
        _I,
    ),
    _rule(
        r"\b([a-z][a-z0-9+.-]{1,20}://[^\s:/@\"'<>]{0,128}):(?!\[)[^\s@\"'<>]{1,256}@",
        r"\1:[password]@",
        _I,
    ),
    _rule(
        r"(jdbc:oracle:(?:thin|oci8?|kprb):[^\s/@:\"']{1,128}/)(?!\[)[^\s@\"']{1,256}@",
        r"\1[password]@",
        _I,
    ),
    # A password as a client's argument: -p is the password, -P the port.
    _rule(
        rf"\b((?:mysql|mariadb)(?:dump|admin|import|-dump|-admin)?\b{_ARGUMENTS}-p)(?!\[)[^\s]+",
        r"\1[password]",
    ),
    _rule(
        rf"\b((?:sshpass\b{_ARGUMENTS}-p|redis-cli\b{_ARGUMENTS}-a)\s*)(?!\[)[^\s]+",
        r"\1[password]",
    ),
    _rule(
        rf"\b(curl\b{_ARGUMENTS}(?:-u|--user)[ =]?[\"']?[^\s:\"']{{1,128}}:)(?!\[)[^\s\"']+",
        r"\1[password]",
    ),
    _rule(
        rf"(?P<arn>{_ARN})|(?P<name>{_NAME}{_SEPARATOR}\\?[\"'])(?!{_REDACTED}|arn:)[^\"'\\\r\n]+",
        _secret,
        _I,
    ),
    _rule(
        rf"(?P<arn>{_ARN})|(?P<name>{_NAME}{_SEPARATOR})"
        rf"(?!{_REDACTED}|(?:true|false|null|none|nil|undefined)\b)"
        r"[^\s\"'&,;<>(){}\[\]\\]+",
        _secret,
        _I,
    ),
    _rule(rf"<(?P<name>{_NAME})>(?!{_REDACTED}<)(?P<value>[^<>\r\n]+)(?=</)", _argument, _I),
    _rule(
        rf"(?<![\w-])--?(?P<name>{_CORE})[ \t]+(?!-|{_REDACTED})[\"']?"
        r"(?P<value>[^\s\"'&,;<>(){}\[\]\\]+)",
        _argument,
        _I,
    ),
    _rule(
        r"\b(?:secret|password|passphrase|token|(?:api|access|secret|private|license)[ -]key|"
        r"credentials?)[ \t]+(?:(?:is|was|value|of)[ \t]+)?[\"'`(]?(?P<value>[\w+/=.~-]{20,200})",
        _named_before,
        _I,
    ),
    _rule(
        r"\b(?:password|passphrase)[ \t]+(?:is|was)[ \t]+[\"'`(]?(?P<value>[^\s\"'`()]{6,64})",
        _named_before,
        _I,
    ),
    _rule(
        r"(?<=://)(?P<value>[\w.~%+-]{16,256})(?=@)",
        _user,
    ),
    _rule(
        _after(r"\w+/=.~-") + r"[A-Za-z0-9+/]{40}(?![\w+/=~-]|\.\w)", _unnamed
    ),  # AWS: secret keys
    _rule(r"(?<![\w+/=.~-])[A-Za-z0-9+/_-]{120,}={0,2}", _unnamed),
    _rule(_after(r"\w.-") + r"(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-]|\.\d)", "[ssn]"),
    _rule(
        _after(r"\w.-") + r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![\w-])",
        _iban,
    ),
    _rule(
        rf"(?P<arn>{_ARN})|{_ADDRESS}",
        _email,
        _I,
    ),
    _rule(
        _after(r"\w.+-") + r"(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{4}|\d{4}([ -])\d{6}\2\d{5})"
        r"(?!\w|[.-]\d)",
        _card,
    ),
)
_SECRET_NAME = re.compile(_NAME, _I)
_EMAIL = re.compile(_ADDRESS, _I)


REMEMBERED = 400
"""Characters of a text whose redaction is remembered."""


def redact(text: str, kept: Kept = frozenset()) -> str:
    """The text with secrets and personal data replaced by their kind in brackets.

    Args:
        text: any text.
        kept: e-mail addresses that stay, and names of resources that are no secrets' names.
    """
    return _redacted_before(text, kept) if len(text) <= REMEMBERED else _redacted_now(text, kept)


def _redacted_now(text: str, kept: Kept) -> str:
    for pattern, replace in _RULES:
        text = pattern.sub(replace if isinstance(replace, str) else _keeping(replace, kept), text)
    return text


# A report is stored and shown again and again while its evidence comes in: most texts are the same.
_redacted_before = lru_cache(4096)(_redacted_now)


def _keeping(
    replace: Callable[[re.Match[str], Kept], str], kept: Kept
) -> Callable[[re.Match[str]], str]:
    return lambda match: replace(match, kept)


def redact_tree(value: Any, kept: Kept = frozenset()) -> Any:
    """A copy of dicts, lists and tuples with every string in them redacted.

    Keys are not changed. A string under a key that names a secret becomes "[secret]", except an
    ARN. What the tree itself shows to be evidence (`evidence_in`) stays, and so does `kept`.
    """
    return _redacted(value, kept | evidence_in(value))


def _redacted(value: Any, kept: Kept) -> Any:
    match value:
        case str():
            return redact(value, kept)
        case dict():
            return {
                key: "[secret]" if _is_secret(key, item) else _redacted(item, kept)
                for key, item in value.items()
            }
        case list():
            return [_redacted(item, kept) for item in value]
        case tuple():
            return tuple(_redacted(item, kept) for item in value)
        case _:
            return value


def evidence_in(tree: Any) -> Kept:
    """E-mail addresses under "actor", and names under "resources", "resource" and "touches": who
    changed what is evidence."""
    found: set[str] = set()
    for key, text in _texts(tree, None):
        if key == "actor":
            found.update(match[0] for match in _EMAIL.finditer(text))
        elif key in _NAMES_RESOURCES:
            found.add(text)
    return frozenset(found)


_NAMES_RESOURCES = frozenset({"resource", "resources", "touches"})


def _texts(value: Any, under: str | None) -> Iterator[tuple[str | None, str]]:
    """Every string of a tree, with the nearest key that says what it is."""
    match value:
        case str():
            yield under, value
        case dict():
            for key, item in value.items():
                named = key if key == "actor" or key in _NAMES_RESOURCES else None
                inside = under if under in _NAMES_RESOURCES else None
                yield from _texts(item, named or inside)
        case list() | tuple():
            for item in value:
                yield from _texts(item, under)


def _is_secret(key: object, item: object) -> bool:
    return (
        isinstance(key, str)
        and isinstance(item, str)
        and not item.startswith("arn:")
        and _SECRET_NAME.fullmatch(key) is not None
        and _NO_SECRET.fullmatch(key) is None
    )
