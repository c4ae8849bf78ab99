"""The callers of the API, told by their access keys, and what they may do."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.aws.names import code, unique
from sandbox.aws.policy import Decision, Policy
from sandbox.aws.protocol import Signature
from sandbox.aws.writes import is_write
from sandbox.world.names import digest

SIGNATURE_LASTS = timedelta(minutes=5)
"""A request must reach AWS within five minutes of its signature's time stamp, and not before it
by more (IAM User Guide, "Elements of an AWS API request signature")."""


@dataclass(frozen=True, slots=True)
class Caller:
    """An IAM user, or a session of an assumed role."""

    arn: str
    user_id: str
    actor: str  # CloudTrail's Username: the user or the role session's name
    access_key: str
    role: str | None = None
    session_policy: Policy | None = None


@dataclass(frozen=True, slots=True)
class Credentials:
    """The reply of AssumeRole. `expires` is wall time: the client compares it with its clock."""

    access_key: str
    secret: str
    token: str
    expires: datetime
    caller: Caller


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an action is not allowed, in AWS's words."""

    decision: Decision
    because: str


class Callers:
    """The account's users and roles.

    Any access key is a user of that name; any role of the account can be assumed. A role in
    `read_only_roles` is refused everything that writes; a role in `policies` may do what its policy
    document allows. `policies` may also name users.
    """

    def __init__(
        self,
        account: str,
        read_only_roles: Collection[str] = (),
        policies: Mapping[str, str | Mapping[str, Any]] | None = None,
    ) -> None:
        self._account = account
        self._read_only = frozenset(read_only_roles)
        self._policies = {name: Policy.parse(text) for name, text in (policies or {}).items()}
        self._sessions: dict[str, Credentials] = {}
        self._lock = threading.Lock()

    def identify(self, signature: Signature) -> Caller:
        """The caller that signed. Raises AwsError for unknown or expired temporary credentials."""
        with self._lock:
            session = self._sessions.get(signature.access_key)
        if session is None:
            if signature.access_key.startswith("ASIA"):
                raise AwsError(
                    "UnrecognizedClientException",
                    "The security token included in the request is invalid.",
                )
            return self.user(signature.access_key)
        if signature.token != session.token:
            raise AwsError(
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            )
        if datetime.now(UTC) >= session.expires:
            raise AwsError(
                "ExpiredTokenException", "The security token included in the request is expired"
            )
        return session.caller

    def user(self, access_key: str) -> Caller:
        """The user an access key names."""
        return Caller(
            arn=f"arn:aws:iam::{self._account}:user/{access_key}",
            user_id=f"AIDA{code('user', access_key, length=17).upper()}",
            actor=access_key,
            access_key=access_key,
        )

    def assume(
        self, role_arn: str, session: str, lasts: timedelta, policy: str | None
    ) -> Credentials:
        """New credentials for a session of a role. Raises AwsError for a policy it cannot read."""
        role = role_arn.rpartition("/")[2]
        try:
            narrowed = Policy.parse(policy) if policy else None
        except (ValueError, KeyError, TypeError) as error:
            raise AwsError("MalformedPolicyDocument", f"Syntax errors in policy: {error}") from None
        with self._lock:
            number = len(self._sessions)
            access_key = f"ASIA{code('session', number, length=16).upper()}"
            caller = Caller(
                arn=f"arn:aws:sts::{self._account}:assumed-role/{role}/{session}",
                user_id=f"{self.role_id(role)}:{session}",
                actor=session,
                access_key=access_key,
                role=role,
                session_policy=narrowed,
            )
            found = Credentials(
                access_key,
                secret=unique("secret", number),
                token=f"{digest('token', session, number, length=64)}==",
                expires=datetime.now(UTC).replace(microsecond=0) + lasts,
                caller=caller,
            )
            self._sessions[access_key] = found
        return found

    @staticmethod
    def role_id(role: str) -> str:
        """The unique id of a role."""
        return f"AROA{code('role', role, length=17).upper()}"

    def refusal(self, principal: str, action: str, resource: str = "*") -> Refusal | None:
        """Why IAM refuses the action to the role or user of this name; None when it is allowed."""
        verb = f"allows the {action} action"
        if principal in self._read_only and is_write(action):
            return Refusal("implicitDeny", f"no identity-based policy {verb}")
        policy = self._policies.get(principal)
        decision = policy.decide(action, resource) if policy else "allowed"
        if decision == "explicitDeny":
            return Refusal(decision, "of an explicit deny in an identity-based policy")
        if decision == "implicitDeny":
            return Refusal(decision, f"no identity-based policy {verb}")
        return None

    def refusal_of(self, caller: Caller, action: str, resource: str = "*") -> Refusal | None:
        """Why IAM refuses the action to this caller; None when it is allowed."""
        found = self.refusal(caller.role or caller.actor, action, resource)
        if found is None and caller.session_policy is not None:
            decision = caller.session_policy.decide(action, resource)
            if decision == "explicitDeny":
                return Refusal(decision, "of an explicit deny in a session policy")
            if decision == "implicitDeny":
                return Refusal(decision, f"no session policy allows the {action} action")
        return found


def signature_fault(signature: Signature) -> str | None:
    """Why a signature is too old, or not current yet, in AWS's words; None when it is neither.

    By wall time: the client signs by its own clock, not by the world's.
    """
    signed, now, limit = signature.signed_at, datetime.now(UTC), SIGNATURE_LASTS
    if signed is None or abs(now - signed) <= limit:
        return None
    if signed < now:
        bound, how, sign = now - limit, "Signature expired: {} is now earlier than", "-"
    else:
        bound, how, sign = now + limit, "Signature not yet current: {} is still later than", "+"
    return f"{how.format(_stamp(signed))} {_stamp(bound)} ({_stamp(now)} {sign} 5 min.)"


def _stamp(at: datetime) -> str:
    return f"{at:%Y%m%dT%H%M%SZ}"
