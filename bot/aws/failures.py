"""Turns boto3's errors into `ReadFailed`: reason, sentence for people, missing permission."""

from __future__ import annotations

import re

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from bot.domain.errors import ReadFailed
from bot.domain.iam_names import iam_action
from bot.domain.report import GapReason

_DENIED = {"403", "AccessDenied", "AccessDeniedException", "Forbidden", "UnauthorizedOperation"}
_THROTTLED = {
    "RequestLimitExceeded",
    "LimitExceededException",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
}

_NOT_AUTHORIZED = re.compile(
    r"User: (?P<who>\S+) is not authorized to perform: \S+(?: on resource: (?P<what>[^\s]+))?"
)


def read_failed(
    service: str, operation: str, error: ClientError | BotoCoreError | ResponseParserError
) -> ReadFailed:
    """The failure of a read. `service` and `operation` are boto3's names of the call."""
    action = iam_action(service, operation)
    if getattr(error, "operation_name", "") == "AssumeRole":
        action = "sts:AssumeRole"  # it failed before the call itself was sent
    if isinstance(error, (NoCredentialsError, PartialCredentialsError)):
        return ReadFailed(GapReason.NOT_CONFIGURED, f"{action}: no AWS credentials found", action)
    if isinstance(error, (ReadTimeoutError, ConnectTimeoutError, EndpointConnectionError)):
        return ReadFailed(GapReason.TIMEOUT, f"{action}: no answer from AWS")
    if not isinstance(error, ClientError):
        return ReadFailed(GapReason.ERROR, f"{action}: {error}")
    code, detail = code_and_message(error)
    if code in _DENIED or "not authorized to perform" in detail:
        return ReadFailed(GapReason.DENIED, f"{action}: {_short_denial(detail)}", action)
    if code in _THROTTLED:
        return ReadFailed(GapReason.THROTTLED, f"{action} was throttled by AWS ({code})")
    if "NotFound" in code or code.startswith("NoSuch"):
        return ReadFailed(GapReason.NOT_FOUND, f"{action}: {detail}")
    return ReadFailed(GapReason.ERROR, f"{action} failed with {code}: {detail}")


def settings_wrong(fault: Exception) -> ReadFailed:
    """The failure when no client can be made: no such region, or a malformed endpoint URL."""
    return ReadFailed(GapReason.NOT_CONFIGURED, f"the AWS settings are wrong: {fault}")


def code_and_message(error: ClientError) -> tuple[str, str]:
    """AWS's error code and its message."""
    body = error.response.get("Error", {})
    return str(body.get("Code", "Unknown")), str(body.get("Message", error))


def _short_denial(detail: str) -> str:
    """AWS's message, shortened to the role's name and the resource without region and account.

    "User: arn:aws:sts::1:assumed-role/reader/bot is not authorized to perform: logs:StartQuery on
    resource: arn:aws:logs:us-east-1:1:log-group:/x:*" is "reader is not authorized on
    log-group:/x:*".
    """
    found = _NOT_AUTHORIZED.search(detail)
    if found is None:
        return detail
    who, what = found["who"], found["what"]
    role = who.rpartition(":")[2].split("/")[1] if "/" in who else who
    if not what or what == "*":
        return f"{role} is not authorized"
    return f"{role} is not authorized on {what.split(':', 5)[-1]}"
