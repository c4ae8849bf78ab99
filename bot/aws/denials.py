"""What AWS says of a call that it denies: the permission, and the policy that stands in the way.

Source of the sentences: IAM User Guide, "Troubleshoot access denied error messages".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NOT_AUTHORIZED = re.compile(
    r"User: (?P<who>\S+) is not authorized to perform: (?P<action>[\w-]+:\w+)?\S*"
    r"(?: on resource: (?P<what>\S+))?"
)
_POLICY = r"(?P<policy>[\w -]*?(?:policy|permissions boundary))\b"
_DENIES = re.compile(
    rf"with an explicit deny(?: in (?:an?|the|your) {_POLICY})?(?:\S* ?\S*?/(?P<id>p-\w+))?", re.I
)
_DOES_NOT_ALLOW = re.compile(rf"because no {_POLICY} allows", re.I)
_GRANTED_BY = "identity-based policy"


@dataclass(frozen=True, slots=True)
class Denial:
    """One denial. `denied_by` is None when granting the permission to the role can help."""

    detail: str
    permission: str | None = None  # the IAM action that AWS names
    denied_by: str | None = None


def read_denial(message: str) -> Denial:
    """A denial from AWS's message, shortened to the role and the resource.

    "User: arn:aws:sts::1:assumed-role/reader/bot is not authorized to perform: logs:StartQuery on
    resource: arn:aws:logs:us-east-1:1:log-group:/x:* with an explicit deny in a service control
    policy" is "reader is not authorized on log-group:/x:*", denied by "a service control policy
    (explicit deny)".
    """
    found = _NOT_AUTHORIZED.search(message)
    if found is None:
        return Denial(message, denied_by=_denied_by(message))
    who, what = found["who"], found["what"]
    _, slash, role = who.rpartition(":")[2].partition("/")
    detail = f"{role.split('/')[0] if slash else who} is not authorized"
    if what and what != "*":
        detail += f" on {what.split(':', 5)[-1].rstrip('.,')}"
    return Denial(detail, found["action"], _denied_by(message))


def _denied_by(message: str) -> str | None:
    """The policy that stands in the way, whatever else the role is granted."""
    if denies := _DENIES.search(message):
        policy, number = denies["policy"], denies["id"]
        named = f"{_with_article(policy)}{f' {number}' if number else ''}" if policy else "a policy"
        return f"{named} (explicit deny)"
    lacks = _DOES_NOT_ALLOW.search(message)
    if lacks is None or lacks["policy"].lower() == _GRANTED_BY:
        return None
    return f"{_with_article(lacks['policy'])} (no allow)"


def _with_article(policy: str) -> str:
    return f"{'an' if policy[0].lower() in 'aeiou' else 'a'} {policy}"
