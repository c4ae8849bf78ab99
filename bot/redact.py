"""Takes secrets and personal data out of text before it goes to Slack, Redis or a log.

Pure and idempotent. What is taken out leaves its kind behind ("[aws key]"), so that a reader
knows that something was there. Ordinary log lines, ARNs, request ids and figures stay as they
are: a pattern either has a shape of its own (a key's prefix, a JWT's dots) or a name in front of
it (`password=`). An e-mail address that is the session name in an ARN stays: who made a change is
the evidence itself.

Shapes: AWS key ids (IAM user guide, "Understanding unique ID prefixes"), Slack tokens (Slack,
"Token types"), JWT (RFC 7519), PEM (RFC 7468), GitHub tokens (GitHub, "About authentication"),
cards (ISO/IEC 7812: issuer prefix, length and Luhn digit).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from logging import Filter, LogRecord
from typing import Any

Replace = str | Callable[[re.Match[str]], str]

_NAME_OF_ONE = (
    r"(?:[a-z0-9_.-]*(?:password|passwd|pwd|passphrase|secret|api[_-]?key|access[_-]?key|"
    r"private[_-]?key|signing[_-]?key|credential|(?:access|auth|bearer|refresh|session|security|"
    r"id|csrf|slack|bot|github)[_-]?token)[a-z0-9_-]*|x-amz-signature|x-amz-credential|token)"
)
_KIND_LEFT = r"\[(?:[a-z -]+)\]"


def _card(match: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", match[0])
    return "[card]" if _is_card(digits) else match[0]


def _is_card(digits: str) -> bool:
    """An issuer's prefix and length, not one digit throughout, and the Luhn sum."""
    if len(set(digits)) == 1:
        return False
    issuer = re.fullmatch(
        r"4(?:\d{12}|\d{15}|\d{18})"  # Visa
        r"|(?:5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12})"  # Mastercard
        r"|3[47]\d{13}"  # American Express
        r"|3(?:0[0-5]|[689]\d)\d{11}"  # Diners
        r"|6(?:011|5\d\d|4[4-9]\d)\d{12}"  # Discover
        r"|35(?:2[89]|[3-8]\d)\d{12}"  # JCB
        r"|62\d{14}",  # UnionPay
        digits,
    )
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return issuer is not None and (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0


_RULES: tuple[tuple[re.Pattern[str], Replace], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE if ignore_case else 0), replace)
    for pattern, replace, ignore_case in (
        (
            r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"
            r".*?(?:-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|\Z)".replace(
                ".*?", r"[\s\S]*?"
            ),
            "[private key]",
            False,
        ),
        (r"\beyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*){1,3}", "[jwt]", False),
        (r"\b(?:xox[abeoprs]|xapp|xwfp)(?:\.xox[bp])?-[\w-]{8,}", "[slack token]", False),
        (
            r"(hooks\.slack\.com/(?:services|workflows|triggers))/[\w/-]+",
            r"\1/[slack token]",
            True,
        ),
        (r"\b(?:gh[pousr]_\w{30,}|github_pat_\w{30,}|glpat-[\w-]{20,})", "[token]", False),
        (r"\b[rs]k_(?:live|test)_\w{16,}", "[token]", False),
        (r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b", "[aws key]", False),
        (
            r"\b((?:proxy-)?authorization[\"']?\s*[:=]\s*[\"']?)(?!\[)[^\s\"',;][^\r\n\"']*",
            r"\1[credentials]",
            True,
        ),
        (r"\b(bearer|basic)\s+(?=[\w.~+/-]*[\d=+/.])[\w.~+/-]{12,}=*", r"\1 [credentials]", True),
        (
            r"\b((?:set-)?cookie[\"']?\s*[:=]\s*[\"']?)(?!\[)[^\s\"'][^\r\n\"']*",
            r"\1[cookie]",
            True,
        ),
        (r"\b([a-z][a-z0-9+.-]*://[^\s:/@\"'<>]*):(?!\[)[^\s@\"'<>]+@", r"\1:[password]@", True),
        (
            rf"(?<![a-z0-9_.-])({_NAME_OF_ONE})(\\?[\"']?\s*(?:=>|[:=])\s*\\?[\"'])"
            rf"(?!{_KIND_LEFT})[^\"'\\\r\n]+",
            r"\1\2[secret]",
            True,
        ),
        (
            rf"(?<![a-z0-9_.-])({_NAME_OF_ONE})(\\?[\"']?\s*(?:=>|[:=])\s*)"
            rf"(?!{_KIND_LEFT}|[\"'\\]|arn:|(?:true|false|null|none|nil|undefined)\b)"
            r"[^\s\"'&,;<>(){}\[\]\\]+",
            r"\1\2[secret]",
            True,
        ),
        (
            r"(?<![\w.+@/=-])(?:[\w.+-]{1,64}|\"[^\"\s]{1,64}\")@(?:[\w-]{1,63}\.)+[a-z]{2,24}\b(?![\w.-]*://)",
            "[email]",
            True,
        ),
        (r"(?<![\w.+/-])(?:\d[ -]?){12,18}\d(?![\w]|[.-]\d)", _card, False),
    )
)


def redact(text: str) -> str:
    """The text without secrets and personal data."""
    for pattern, replace in _RULES:
        text = pattern.sub(replace, text)
    return text


def redact_tree(value: Any) -> Any:
    """The same for every string inside dicts, lists and tuples; keys stay as they are."""
    match value:
        case str():
            return redact(value)
        case dict():
            return {key: redact_tree(item) for key, item in value.items()}
        case list():
            return [redact_tree(item) for item in value]
        case tuple():
            return tuple(redact_tree(item) for item in value)
        case _:
            return value


class RedactingFilter(Filter):
    """For log handlers: the finished message goes out redacted, and so does a traceback."""

    def filter(self, record: LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), ()
        if record.exc_text:
            record.exc_text = redact(record.exc_text)
        return True
