"""Removes secrets and personal data from text before it goes to Slack, Redis or a log.

Pure and idempotent. A secret is replaced by its kind ("[aws key]"), so that a reader knows that
something was there. Ordinary log lines, ARNs, request ids and figures are not changed: a secret is
known by its shape (a key's prefix, a JWT's dots) or by the name before it (`password=`). An ARN is
never changed, even when its session name is an e-mail address: who made a change is evidence. So is
an e-mail address under the key "actor", wherever the same tree has it. A figure or a revision is no
secret ("token:43", "update-password: 0"), nor is the name of a service's resource a secret's name.

Shapes: AWS key ids (IAM user guide, "Understanding unique ID prefixes"), Slack tokens (Slack,
"Token types"), JWT (RFC 7519), PEM (RFC 7468), GitHub tokens (GitHub, "About authentication"), keys
of other vendors (each vendor's documentation of its prefix), cards (ISO/IEC 7812: issuer prefix,
length and Luhn digit). Repetitions in patterns are bounded or begin only at the start of a word, so
that hostile text takes linear time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

_ARN = r"\barn:aws[\w-]*:[\w-]*:[\w-]*:\d*:[\w:/.@*+-]+"

_NAME = (
    r"(?<![a-z0-9_.-])"
    r"(?:[a-z0-9_.-]*(?:password|passwd|pwd|passphrase|secret|api[_-]?key|access[_-]?key|"
    r"private[_-]?key|signing[_-]?key|credential|(?:access|auth|bearer|refresh|session|security|"
    r"id|csrf|slack|bot|github)[_-]?token)(?:[_-][a-z0-9_-]+|s|\d+|key|value|hash)?"
    r"|x-amz-signature|x-amz-credential|(?<!unexpected )token)"
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


Kept = frozenset[str]
"""E-mail addresses and resource names that are evidence, and stay."""


def _card(match: re.Match[str], kept: Kept) -> str:
    del kept
    digits = re.sub(r"\D", "", match[0])
    return "[card]" if _ISSUER.fullmatch(digits) and _luhn(digits) else match[0]


def _luhn(digits: str) -> bool:
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0


_FIGURE = re.compile(r"\d{1,4}(?:\.\d+)?%?|[^\d\s]")  # or a single character, of a parser's error
_END_OF_SENTENCE = ".:!?"


def _secret(match: re.Match[str], kept: Kept) -> str:
    if match["arn"]:
        return match[0]
    name, separator = re.split(r"(?=\\?[\"']?\s*(?:=>|[:=]))", match["name"], maxsplit=1)
    value = match[0][len(match["name"]) :].rstrip(_END_OF_SENTENCE)
    said = "=" not in separator and not separator.rstrip().endswith(('"', "'"))
    if said and (name in kept or _FIGURE.fullmatch(value)):
        return match[0]
    return f"{match['name']}[secret]"


def _email(match: re.Match[str], kept: Kept) -> str:
    return match[0] if match["arn"] or match[0] in kept else "[email]"


Replace = str | Callable[[re.Match[str], Kept], str]


def _rule(pattern: str, replace: Replace, flags: int = 0) -> tuple[re.Pattern[str], Replace]:
    return re.compile(pattern, flags), replace


_VENDORS = (
    r"sk-(?:proj|ant|svcacct|admin|or-v1)-[\w-]{16,}|sk-[A-Za-z0-9]{32,}"  # OpenAI, Anthropic
    r"|AIza[\w-]{30,}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,}"  # Google
    r"|SG\.[\w-]{16,}\.[\w-]{16,}|xkeysib-[0-9a-f]{32,}"  # SendGrid, Brevo
    r"|hf_[A-Za-z0-9]{20,}|npm_[A-Za-z0-9]{30,}|pypi-[\w-]{40,}"
    r"|whsec_[\w+/=]{16,}"  # Stripe's and Svix's webhooks
    r"|hv[sbr]\.[\w-]{20,}|glsa_\w{30,}|dop_v1_[0-9a-f]{40,}"  # Vault, Grafana, DigitalOcean
    r"|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}|ATATT3[\w-]{40,}"  # Shopify, Atlassian
)
_ADDRESS = r"(?<![\w.+-])(?!git@)[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,6}[a-z]{2,24}\b"
_ARGUMENTS = r"[^\n|;&]{0,200}?\s"

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
    _rule(rf"(?<![\w.-])(?:{_VENDORS})", "[token]"),
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
    _rule(
        rf"(?P<arn>{_ARN})|{_ADDRESS}",
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
_EMAIL = re.compile(_ADDRESS, _I)


def redact(text: str, kept: Kept = frozenset()) -> str:
    """The text with secrets and personal data replaced by their kind in brackets.

    Args:
        text: any text.
        kept: e-mail addresses that stay, and names of resources that are no secrets' names.
    """
    for pattern, replace in _RULES:
        text = pattern.sub(replace if isinstance(replace, str) else _keeping(replace, kept), text)
    return text


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
    )
