"""Turns boto3's errors into `ReadFailed`: reason, sentence for people, missing permission."""

from __future__ import annotations

from datetime import UTC, datetime

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from bot.aws.credential_faults import credential_fault
from bot.aws.denials import read_denial
from bot.domain.errors import CredentialsRefused, ReadFailed
from bot.domain.iam_names import iam_action
from bot.domain.report import GapReason

_DENIED = {"403", "AuthorizationError", "Forbidden", "UnauthorizedOperation"}
_THROTTLED = {
    "RequestLimitExceeded",
    "LimitExceededException",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
}


def read_failed(
    service: str,
    operation: str,
    error: ClientError | BotoCoreError | ResponseParserError,
    region: str | None = None,
) -> ReadFailed:
    """The failure of a read. `service` and `operation` are boto3's names of the call, `region` is
    where it was sent."""
    action = iam_action(service, operation)
    if getattr(error, "operation_name", "") == "AssumeRole":
        action = "sts:AssumeRole"  # it failed before the call itself was sent
    if fault := credential_fault(error, region, datetime.now(UTC)):
        return CredentialsRefused(fault)
    if isinstance(error, (ReadTimeoutError, ConnectTimeoutError, EndpointConnectionError)):
        return ReadFailed(GapReason.TIMEOUT, f"{action}: no answer from AWS")
    if not isinstance(error, ClientError):
        return ReadFailed(GapReason.ERROR, f"{action}: {error}")
    code, detail = code_and_message(error)
    if code in _DENIED or "AccessDenied" in code or "not authorized to perform" in detail:
        denial = read_denial(detail)
        action = denial.permission or action  # a call may need another service's: kms:Decrypt
        return ReadFailed(GapReason.DENIED, f"{action}: {denial.detail}", action, denial.denied_by)
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
