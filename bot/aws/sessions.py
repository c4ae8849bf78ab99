"""Who the bot is in AWS: its own credentials, or a role assumed with them.

A role for reading renews itself; one for a change is assumed for that change alone, under a
session name that CloudTrail shows, and with a session policy that allows the calls to be sent and
nothing else (IAM User Guide, "Session policies": what both the role and the policy allow).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.credentials import DeferredRefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import Loader, create_loader
from botocore.session import Session, get_session

from bot.domain.errors import ConfigError
from bot.domain.plan import Step

AGENT = "incident-helper"
READ = Config(
    connect_timeout=2,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=40,
    user_agent_extra=AGENT,
)

READ_SESSION = 3600  # seconds; botocore renews within the last 15 minutes of a session
WRITE_SESSION = 900


@dataclass(frozen=True, slots=True)
class Roles:
    """How to get into one account; an ARN of None means the bot's own credentials."""

    read: str | None = None
    write: str | None = None
    external_id: str | None = None


def own(profile: str | None) -> boto3.Session:
    """The bot's own credentials. Raises ConfigError when there is no such profile."""
    try:
        return boto3.Session(profile_name=profile, botocore_session=_session())
    except BotoCoreError as fault:
        raise ConfigError(f"AWS settings: {fault}") from fault


def assumed(base: boto3.Session, role: str, roles: Roles) -> boto3.Session:
    """A session whose credentials renew themselves by assuming the role again."""

    def refresh() -> dict[str, str]:
        found = _assume(base, role, roles, AGENT, None, READ_SESSION)
        return {
            "access_key": found["AccessKeyId"],
            "secret_key": found["SecretAccessKey"],
            "token": found["SessionToken"],
            "expiry_time": found["Expiration"].isoformat(),
        }

    inner = _session()
    inner._credentials = DeferredRefreshableCredentials(refresh, "sts-assume-role")
    return boto3.Session(botocore_session=inner)


def assumed_once(
    base: boto3.Session, role: str, roles: Roles, name: str, policy: str
) -> boto3.Session:
    """A session for one change. Raises ClientError and BotoCoreError."""
    found = _assume(base, role, roles, name, policy, WRITE_SESSION)
    return boto3.Session(
        aws_access_key_id=found["AccessKeyId"],
        aws_secret_access_key=found["SecretAccessKey"],
        aws_session_token=found["SessionToken"],
    )


def policy(steps: Iterable[Step], implied: Sequence[str], resources: Sequence[str]) -> str:
    """The session policy, as JSON, that allows these calls on these ARNs (on any when none given).

    `implied` are IAM actions that AWS checks in addition to the calls' own, on other kinds of
    resource: passing a task's role, reading a deployment's settings. They are allowed on any
    resource; what the role itself allows limits them.
    """
    calls = sorted({step.permission for step in steps})
    statements: list[dict[str, Any]] = [
        {"Effect": "Allow", "Action": calls, "Resource": list(resources) or "*"}
    ]
    if implied:
        statements.append({"Effect": "Allow", "Action": sorted(implied), "Resource": "*"})
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


class Identity:
    """Which account some credentials are of: asked once, by one of all who want to know.

    Who asks meanwhile gets the same answer, or the same fault; a fault is not kept.
    """

    def __init__(self, session: boto3.Session) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._asking: Future[str] | None = None

    def account(self) -> str:
        """The account's number. Raises ClientError, BotoCoreError and ValueError."""
        with self._lock:
            mine = self._asking is None
            asking = self._asking = self._asking or Future()
        if mine:
            try:
                asking.set_result(self._ask())
            except (ClientError, BotoCoreError, ValueError) as fault:
                asking.set_exception(fault)
            finally:
                if asking.cancel() or asking.exception():
                    self._asking = None
        return asking.result()

    def _ask(self) -> str:
        return str(_sts(self._session).get_caller_identity()["Account"])


@cache
def _models(path: str | None) -> Loader:
    """The service models, read once for all accounts: 3 MB and 60 ms each, not 39 and 350."""
    return create_loader(path)


def _session() -> Session:
    session = get_session()
    session.register_component("data_loader", _models(session.get_config_variable("data_path")))
    return session


def _sts(session: boto3.Session) -> Any:
    return session.client("sts", region_name=session.region_name or "us-east-1", config=READ)


def _assume(
    base: boto3.Session, role: str, roles: Roles, name: str, policy: str | None, seconds: int
) -> dict[str, Any]:
    extra: dict[str, Any] = {"ExternalId": roles.external_id} if roles.external_id else {}
    if policy:
        extra["Policy"] = policy
    reply = _sts(base).assume_role(
        RoleArn=role, RoleSessionName=name[:64], DurationSeconds=seconds, **extra
    )
    credentials: dict[str, Any] = reply["Credentials"]
    return credentials
