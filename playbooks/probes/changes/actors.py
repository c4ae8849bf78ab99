"""Who made a change, by CloudTrail's record (user guide, "userIdentity element")."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

UNKNOWN = "unknown"

_ASSUMED_ROLE = re.compile(r"arn:[\w-]+:sts::\d*:assumed-role/(?P<role>.+)/(?P<session>[^/]+)")
_SSO_ROLE = re.compile(r"AWSReservedSSO_(?P<set>.+)_[0-9a-f]{16}")
_NAMES_NOBODY = re.compile(
    r"GitHubActions|\d+|i-[0-9a-f]{8,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|(?:botocore|boto3|aws-?cli|aws-sdk|aws-go-sdk|terraform|pulumi|codebuild|session|role)"
    r"[\w.-]*?[-_]?(?:session)?[-_]?[\da-f-]*",
    re.IGNORECASE,
)
"""Session names that an SDK, a runner or an instance made up: they name no person."""


def actor_of(record: Mapping[str, Any], username: str | None) -> str:
    """The user or role session: "maya@example.com (role Admin)", "role deploy (GitHubActions)",
    "AWS (autoscaling)"; else what LookupEvents calls the user name, or "unknown"."""
    found = record.get("userIdentity")
    identity: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    who = _who(identity) or username or UNKNOWN
    invoked = _service(identity.get("invokedBy"))
    if identity.get("type") == "AWSService" or record.get("eventType") == "AwsServiceEvent":
        return f"AWS ({invoked or _service(record.get('eventSource')) or 'a service'})"
    if "AWSServiceRoleFor" in str(identity.get("arn", "")):
        return f"AWS ({invoked or username or 'a service'})"
    return f"{who} via {invoked}" if invoked and invoked != "AWS Internal" else who


def _who(identity: Mapping[str, Any]) -> str | None:
    assumed = _ASSUMED_ROLE.fullmatch(str(identity.get("arn", "")))
    if assumed:
        role, session = assumed["role"].rpartition("/")[2], assumed["session"]
        sso = _SSO_ROLE.fullmatch(role)
        role = sso["set"] if sso else role
        if session == role:
            return session
        if _NAMES_NOBODY.fullmatch(session):
            return f"role {role} ({session})"
        return f"{session} (role {role})"
    if identity.get("type") == "Root":
        return "the account's root user"
    return str(identity["userName"]) if identity.get("userName") else None


def _service(name: object) -> str | None:
    """ "autoscaling" of "autoscaling.amazonaws.com"."""
    return name.removesuffix(".amazonaws.com") if isinstance(name, str) and name else None
