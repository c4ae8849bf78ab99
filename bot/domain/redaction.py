"""Removes secrets and personal data from text before it goes to Slack, Redis or a log.

Pure and idempotent. A secret is replaced by its kind ("[aws key]"), so that a reader knows that
something was there. Ordinary log lines, ARNs, request ids and figures are not changed: a secret is
known by its shape (a key's prefix, a JWT's dots) or by the name before it (`password=`). An ARN is
never changed, even when its session name is an e-mail address: who made a change is evidence.

Shapes: AWS key ids (IAM user guide, "Understanding unique ID prefixes"), Slack tokens (Slack,
"Token types"), JWT (RFC 7519), PEM (RFC 7468), GitHub tokens (GitHub, "About authentication"),
cards (ISO/IEC 7812: issuer prefix, length and Luhn digit). Repetitions in patterns are bounded or
begin only at the start of a word, so that hostile text takes linear time.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_ARN = r"\barn:aws[\w-]*:[\w-]*:[\w-]*:\d*:[\w:/.@*+-]+"

_NAME = (
    r"(?<![a-z0-9_.-])"
    r"(?:[a-z0-9_.-]*(?:password|passwd|pwd|passphrase|secret|api[_-]?key|access[_-]?key|"
    r"private[_-]?key|signing[_-]?key|credential|(?:access|auth|bearer|refresh|session|security|"
    r"id|csrf|slack|bot|github)[_-]?token)(?:[_-][a-z0-9_-]+|s|\d+|key|value|hash)?"
    r"|x-amz-signature|x-amz-credential|token)"
)
"""Names of secrets in configuration, JSON, query strings and headers."""

_SEPARATOR = r"\\?[\"']?\s*(?:=>|[:=])\s*"
_REDACTED = r"\[[a-z ]+\]"  # left by an earlier rule

_ISSUER = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    r"|(?:5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12})"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|3(?:0[0-5]|[689]\d)\d{11}"  # Diners
    r"|6(?:011|5\d\d|4[4-9]\d)\d{12}"  # Discover
    r"|35(?:2[89]|[3-8]\d)\d{12}"  # JCB
    r"|62\d{14}"  # UnionPay
)


def _card(match: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", match[0])
    return "[card]" if _ISSUER.fullmatch(digits) and _luhn(digits) else match[0]


def _luhn(digits: str) -> bool:
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0


def _secret(match: re.Match[str]) -> str:
    return match[0] if match["arn"] else f"{match['name']}[secret]"


def _email(match: re.Match[str]) -> str:
    return match[0] if match["arn"] else "[email]"


Replace = str | Callable[[re.Match[str]], str]


def _rule(pattern: str, replace: Replace, flags: int = 0) -> tuple[re.Pattern[str], Replace]:
    return re.compile(pattern, flags), replace


_I = re.IGNORECASE
_RULES = (
    _rule(
        r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"
        r"[\s\S]*?(?:-----END (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----|\Z)",
        "[private key]",
    ),
    _rule(r"(?<![\w-])eyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*){1,3}", "[jwt]"),
    _rule(r"\b(?:xox[abeoprs]|xapp|xwfp)(?:\.xox[bp])?-[\w-]{8,}", "[slack token]"),
    _rule(r"(hooks\.slack\.com/(?:services|workflows|triggers)/)[\w/-]+", r"\1[slack token]", _I),
    _rule(r"\b(?:gh[pousr]_\w{30,}|github_pat_\w{30,}|glpat-[\w-]{20,})", "[token]"),
    _rule(r"\b[rs]k_(?:live|test)_\w{16,}", "[token]"),
    _rule(r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b", "[aws key]"),
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
    _rule(
        rf"(?P<arn>{_ARN})|(?<![\w.+-])(?!git@)[\w.+-]{{1,64}}@(?:[\w-]{{1,63}}\.){{1,6}}[a-z]{{2,24}}\b",
        _email,
        _I,
    ),
    _rule(
        r"(?<![\w.+-])(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{4}|\d{4}([ -])\d{6}\2\d{5})"
        r"(?!\w|[.-]\d)",
        _card,
    ),
)
_SECRET_NAME = re.compile(_NAME, _I)


def redact(text: str) -> str:
    """The text with secrets and personal data replaced by their kind in brackets."""
    for pattern, replace in _RULES:
        text = pattern.sub(replace, text)
    return text


def redact_tree(value: Any) -> Any:
    """A copy of dicts, lists and tuples with every string in them redacted.

    Keys are not changed. A string under a key that names a secret becomes "[secret]", except an
    ARN.
    """
    match value:
        case str():
            return redact(value)
        case dict():
            return {
                key: "[secret]" if _is_secret(key, item) else redact_tree(item)
                for key, item in value.items()
            }
        case list():
            return [redact_tree(item) for item in value]
        case tuple():
            return tuple(redact_tree(item) for item in value)
        case _:
            return value


def _is_secret(key: object, item: object) -> bool:
    return (
        isinstance(key, str)
        and isinstance(item, str)
        and not item.startswith("arn:")
        and _SECRET_NAME.fullmatch(key) is not None
    )
