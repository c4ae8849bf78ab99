"""Faults of the AWS API that a scenario plays."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from sandbox.aws.errors import AwsError
from sandbox.aws.policy import matches
from sandbox.aws.protocol import Target
from sandbox.world.api import Fault

_THROTTLE = {
    "ec2": ("RequestLimitExceeded", "Request limit exceeded."),
    "query": ("Throttling", "Rate exceeded"),
    "rest-json": ("TooManyRequestsException", "Rate exceeded"),
    "rest-xml": ("Throttling", "Rate exceeded"),
}


class Faults:
    """Chooses the faults of a call. A share of 0.5 is every other call, not a random half."""

    def __init__(self, faults: Callable[[], Sequence[Fault]]) -> None:
        self._faults = faults
        self._calls: dict[Fault, int] = {}
        self._lock = threading.Lock()

    def met_by(self, target: Target) -> list[Fault]:
        """The faults of this call. Counts the call for faults that apply to a share of calls."""
        names = {target.iam_action, f"{target.service}:{target.name}"}
        names.add(f"{target.iam_action.partition(':')[0]}:{target.name}")
        return [
            fault
            for fault in self._faults()
            if any(matches(fault.operation, name) for name in names) and self._hits(fault)
        ]

    def denies(self, action: str) -> bool:
        """Whether a deny fault covers an IAM action."""
        return any(
            fault.kind == "deny" and matches(fault.operation, action) for fault in self._faults()
        )

    def _hits(self, fault: Fault) -> bool:
        with self._lock:
            calls = self._calls[fault] = self._calls.get(fault, 0) + 1
        return int(calls * fault.share + 1e-9) > int((calls - 1) * fault.share + 1e-9)


def throttling(protocol: str) -> AwsError:
    """The error of a throttled call."""
    return AwsError(*_THROTTLE.get(protocol, ("ThrottlingException", "Rate exceeded")))


def server_error(protocol: str) -> AwsError:
    """The error of an internal failure."""
    code = "InternalFailure" if protocol != "ec2" else "InternalError"
    return AwsError(code, "The request processing has failed because of an unknown error.")


def access_denied(
    protocol: str, service: str, caller: str, action: str, resource: str | None, because: str
) -> AwsError:
    """The error of a call that IAM refuses, in AWS's words (IAM User Guide, "Troubleshoot access
    denied error messages")."""
    where = f" on resource: {resource}" if resource else ""
    message = f"User: {caller} is not authorized to perform: {action}{where} because {because}"
    if protocol == "ec2":
        return AwsError("UnauthorizedOperation", f"You are not authorized. {message}")
    legacy = protocol in ("query", "rest-xml") or service == "cloudwatch"
    return AwsError("AccessDenied" if legacy else "AccessDeniedException", message)


def bad_signature(protocol: str, message: str) -> AwsError:
    """The error of a request whose signature is not accepted. (Query APIs, EC2's and the others
    name it differently: "Common Errors" of each API reference.)"""
    if protocol == "ec2":
        return AwsError("RequestExpired", message, status=400)
    query = protocol in ("query", "rest-xml")
    return AwsError("SignatureDoesNotMatch" if query else "InvalidSignatureException", message)
