"""The bot's credentials in AWS: its own, or a role assumed with them.

The role for reads is assumed again before it expires. The role for changes is assumed for one
change only, under a session name that CloudTrail shows, and with a session policy that allows the
calls to be sent and nothing else (IAM User Guide, "Session policies": allowed is what both the
role and the policy allow).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.credentials import DeferredRefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import Loader, create_loader
from botocore.session import Session, get_session
from botocore.utils import parse_timestamp

from bot.aws.credential_faults import MfaRequired
from bot.domain.errors import ConfigError
from bot.domain.partitions import partition_of, partition_of_arn
from bot.domain.plan import Step

AGENT = "incident-helper"
READ = Config(
    connect_timeout=2,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=40,
    user_agent_extra=AGENT,
)

READ_SECONDS = 3600  # of a session; botocore renews it within its last 15 minutes
WRITE_SECONDS = 900  # AWS's minimum
SIGNATURE_SECONDS = 300.0  # AWS accepts a request for this long after it was signed


@dataclass(frozen=True, slots=True)
class Roles:
    """The roles to assume in one account. None: use the bot's own credentials."""

    read: str | None = None  # ARN
    write: str | None = None  # ARN
    external_id: str | None = None  # the ExternalId that the roles' trust policies ask for


def own_session(profile: str | None) -> boto3.Session:
    """A session with the bot's own credentials.

    Raises ConfigError when the profile does not exist.
    """
    try:
        inner = _botocore_session()
        session = boto3.Session(profile_name=profile, botocore_session=inner)
    except BotoCoreError as fault:
        raise ConfigError(f"the AWS settings are wrong: {fault}") from fault
    # botocore would ask for an MFA code on the terminal, and a server would wait for it for ever
    inner.get_component("credential_provider").get_provider("assume-role")._prompter = _no_mfa_code
    return session


def _no_mfa_code(_prompt: str) -> str:
    raise MfaRequired


def renewing_session(base: boto3.Session, role: str, roles: Roles, near: str) -> boto3.Session:
    """A session of a role, which is assumed again before the credentials expire.

    `near` is the region of the service that is read.
    """

    def refresh() -> dict[str, str]:
        credentials = _assume(base, role, roles, near, AGENT, None, READ_SECONDS)
        return {
            "access_key": credentials["AccessKeyId"],
            "secret_key": credentials["SecretAccessKey"],
            "token": credentials["SessionToken"],
            "expiry_time": credentials["Expiration"].isoformat(),
        }

    inner = _botocore_session()
    inner._credentials = DeferredRefreshableCredentials(refresh, "sts-assume-role")
    return boto3.Session(botocore_session=inner)


def change_session(
    base: boto3.Session, role: str, roles: Roles, near: str, name: str, policy: str
) -> tuple[boto3.Session, float]:
    """A session of a role for one change; it expires after 15 minutes.

    `near` is the region of the service that is changed, `name` the session name in CloudTrail,
    `policy` the session policy as JSON. Raises ClientError and BotoCoreError.

    Returns:
        The session, and how many seconds this machine's clock is ahead of AWS's: STS issued the
        credentials WRITE_SECONDS before they expire, by its clock.
    """
    credentials = _assume(base, role, roles, near, name, policy, WRITE_SECONDS)
    issued = credentials["Expiration"] - timedelta(seconds=WRITE_SECONDS)
    session = boto3.Session(
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )
    return session, (datetime.now(UTC) - issued).total_seconds()


def ahead_at_most(measured: float | None) -> float:
    """Seconds that this machine's clock may be ahead of AWS's, from what was measured.

    AWS accepts a request within five minutes of the time stamp in its signature, before and after
    (IAM User Guide, "Elements of an AWS API request signature"). As it accepts this machine's
    reads, the clock is ahead by no more than that. A measurement beyond it was not made with the
    clock that AWS checks signatures by, and says nothing: then the most is assumed.
    """
    if measured is None or abs(measured) > SIGNATURE_SECONDS:
        return SIGNATURE_SECONDS
    return max(0.0, measured)


def session_policy(steps: Iterable[Step], implied: Sequence[str], resources: Sequence[str]) -> str:
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


class CallerIdentity:
    """The account that a session's credentials belong to. STS is asked once, by one thread.

    Threads that ask meanwhile get the same answer or the same error. An error is not kept: the
    next call asks again.
    """

    def __init__(self, session: boto3.Session, near: str) -> None:
        self._session = session
        self._near = near
        self._lock = threading.Lock()
        self._request: Future[str] | None = None

    def account(self) -> str:
        """The account id. Raises ClientError, BotoCoreError and ValueError."""
        with self._lock:
            is_first = self._request is None
            request = self._request = self._request or Future()
        if is_first:
            try:
                request.set_result(self._read_account())
            except (ClientError, BotoCoreError, ValueError) as fault:
                request.set_exception(fault)
            finally:
                if request.cancel() or request.exception():
                    self._request = None
        return request.result()

    def _read_account(self) -> str:
        return str(_sts(self._session, self._near).get_caller_identity()["Account"])


@cache
def _service_models(path: str | None) -> Loader:
    """boto3's service models, read once for all accounts.

    Measured: another account costs 3 MB and 60 ms, instead of 39 MB and 350 ms.
    """
    return create_loader(path)


def _botocore_session() -> Session:
    session = get_session()
    session.register_component(
        "data_loader", _service_models(session.get_config_variable("data_path"))
    )
    parsers = session.get_component("response_parser_factory")
    parsers.set_parser_defaults(timestamp_parser=_time)
    return session


def _time(value: Any) -> datetime:
    """A time in an answer of AWS. Most are seconds since 1970, which botocore turns into local time
    by dateutil: in an investigation that was a sixth of the processor time."""
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    found: datetime = parse_timestamp(value)
    return found


def sts_region(own: str | None, near: str, role: str | None = None) -> str:
    """The region whose STS endpoint is asked.

    STS of one partition knows no credentials and roles of another, so it is a region of the role's
    partition (without a role: of the service's). In it, the bot's own region is preferred, then
    the service's; any region's session tokens are valid in all of them (IAM User Guide, "Managing
    AWS STS in an AWS Region").

    Args:
        own: the region that the bot's own settings name (AWS_REGION, the profile).
        near: the region of the service.
        role: the ARN of the role to be assumed.
    """
    partition = (partition_of_arn(role) if role else None) or partition_of(near)
    for region in (own, near):
        if region and partition_of(region) is partition:
            return region
    return partition.global_region


def _sts(session: boto3.Session, near: str, role: str | None = None) -> Any:
    region = sts_region(session.region_name, near, role)
    return session.client("sts", region_name=region, config=READ)


def _assume(
    base: boto3.Session,
    role: str,
    roles: Roles,
    near: str,
    name: str,
    policy: str | None,
    seconds: int,
) -> dict[str, Any]:
    extra: dict[str, Any] = {"ExternalId": roles.external_id} if roles.external_id else {}
    if policy:
        extra["Policy"] = policy
    reply = _sts(base, near, role).assume_role(
        RoleArn=role, RoleSessionName=name, DurationSeconds=seconds, **extra
    )
    credentials: dict[str, Any] = reply["Credentials"]
    return credentials
