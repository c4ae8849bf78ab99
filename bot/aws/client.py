"""AWS sessions: a read role for probes, a write role for changes; clients made once and shared.

boto3 honours `AWS_ENDPOINT_URL` by itself. Traps this module is built around (measured with
boto3 1.44): the default retries resend writes, so a writer has one attempt; clients are
thread-safe while sessions are not, so a client is made under a lock and then shared; a role's
credentials expire, so read clients are made with refreshable ones.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from bot.aws import sessions
from bot.aws.sessions import AGENT, READ, Roles
from bot.aws.strict_parsing import strict
from bot.domain.errors import ReadFailed, WriteAmbiguous, WriteRefused
from bot.domain.iam import account_of, iam_action
from bot.domain.plan import Step
from bot.domain.report import Cost, GapReason

_WRITE = Config(
    connect_timeout=2,
    read_timeout=30,
    retries={"mode": "standard", "total_max_attempts": 1},
    user_agent_extra=AGENT,
)

_READING = (
    "batch_get_",
    "describe_",
    "filter_log_events",
    "get_",
    "list_",
    "lookup_events",
    "simulate_principal_policy",
    "start_query",
    "stop_query",
    "test_dns_answer",
)
_DENIED = {"403", "AccessDenied", "AccessDeniedException", "Forbidden", "UnauthorizedOperation"}
_THROTTLED = {
    "RequestLimitExceeded",
    "LimitExceededException",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
}

USD_PER_METRIC = 0.01 / 1000  # GetMetricData, CloudWatch pricing, us-east-1
USD_PER_LOG_GB = 0.005  # Logs Insights, bytes scanned, us-east-1


@dataclass(frozen=True, slots=True)
class Budget:
    """What one investigation may spend before its reads are refused."""

    calls: int = 150
    log_bytes: int = 5 * 1024**3
    usd: float = 0.10


class _Clock:
    """AWS's clock: the latest `Date` header, carried on by the monotonic clock."""

    def __init__(self) -> None:
        self._seen: tuple[datetime, float] | None = None

    def saw(self, reply: dict[str, Any]) -> None:
        header = reply.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        if header:
            self._seen = parsedate_to_datetime(header).astimezone(UTC), time.monotonic()

    def now(self) -> datetime | None:
        if self._seen is None:
            return None
        date, heard = self._seen
        return date + timedelta(seconds=time.monotonic() - heard)


class _Pace:
    """At most `rate` calls a second over all threads: LookupEvents allows 2/s an account."""

    def __init__(self, rate: float) -> None:
        self._gap = 1 / rate
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        with self._lock:
            at = max(self._next, time.monotonic())
            self._next = at + self._gap
        time.sleep(max(0.0, at - time.monotonic()))


class AwsAccount:
    """One account: its clients, its clock, its pace. Long-lived; shared by all threads.

    Args:
        roles: how to get in.
        profile: the AWS profile of the bot's own credentials.
        number: which account it has to be. A role's ARN tells; the bot's own credentials are
            asked once, before they are used.

    Raises ConfigError when there is no such profile.
    """

    def __init__(self, roles: Roles, profile: str | None = None, number: str | None = None) -> None:
        self._roles = roles
        self._number = number
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}
        self._base = sessions.own(profile)
        self._own = sessions.Identity(self._base)
        self._reading = (
            sessions.assumed(self._base, roles.read, roles) if roles.read else self._base
        )
        self.clock = _Clock()
        self.lookups = _Pace(rate=2)

    def client(self, service: str, region: str) -> Any:
        """The shared read client. Raises ReadFailed when the settings give none."""
        key = (service, region)
        if key not in self._clients:  # who has theirs does not wait while another is made
            with self._lock:
                if key not in self._clients:
                    self._clients[key] = self._made(service, region)
        return self._clients[key]

    def _made(self, service: str, region: str) -> Any:
        try:
            return strict(self._reading.client(service, region_name=region, config=READ))
        except (BotoCoreError, ValueError) as fault:  # ValueError: no such endpoint URL
            raise ReadFailed(GapReason.NOT_CONFIGURED, f"AWS settings: {fault}") from fault

    def reader(self, region: str, budget: Budget) -> Reader:
        """A metered view for one investigation."""
        return Reader(self, region, budget)

    def writer(
        self,
        region: str,
        *,
        who: str,
        run: str,
        steps: tuple[Step, ...],
        implied: tuple[str, ...] = (),
        resources: tuple[str, ...] = (),
    ) -> Writer:
        """The write role, assumed for this one run and narrowed to the calls to be sent.

        `who` (Slack user id) and the run id become the role session's name, and so the actor in
        CloudTrail. Raises WriteRefused when the role can't be assumed, or is of another account
        than the service: nothing was sent.
        """
        role = self._roles.write
        try:
            self._confirm(role)
        except ReadFailed as fault:
            raise WriteRefused("NotSent", fault.detail) from fault
        session = self._base
        if role:
            allowed = sessions.policy(steps, implied, resources)
            try:
                session = sessions.assumed_once(
                    self._base, role, self._roles, f"{who}-{run}", allowed
                )
            except (ClientError, BotoCoreError) as error:
                raise WriteRefused("AssumeRole", f"{role}: {error}") from error
        return Writer(session, region)

    def confirm(self) -> None:
        """That what is read is read in the account that is meant. Raises ReadFailed."""
        self._confirm(self._roles.read)

    def _confirm(self, role: str | None) -> None:
        if self._number is None:
            return
        if role:
            found, whose = account_of(role), role
        else:
            try:
                found, whose = self._own.account(), "the bot's own AWS credentials"
            except ValueError as fault:  # no such endpoint URL
                raise ReadFailed(GapReason.NOT_CONFIGURED, f"AWS settings: {fault}") from fault
            except (ClientError, BotoCoreError) as error:
                raise _read_failed("sts", "get_caller_identity", error) from error
        if found != self._number:
            raise ReadFailed(
                GapReason.NOT_CONFIGURED,
                f"{whose} belongs to account {found or 'unknown'}, the service to {self._number}: "
                f'the catalogue needs roles of that account, under accounts: "{self._number}"',
            )


class Reader:
    """Implements `bot.domain.ports.Aws` for one investigation, and counts what it costs."""

    def __init__(self, account: AwsAccount, region: str, budget: Budget) -> None:
        self._account = account
        self._region = region
        self._budget = budget
        self._lock = threading.Lock()
        self._cost = Cost()
        self._began = time.monotonic()
        self._clockless = False

    @property
    def region(self) -> str:
        return self._region

    def now(self) -> datetime:
        if self._account.clock.now() is None and not self._clockless:
            try:
                self.read("sts", "get_caller_identity")
            except ReadFailed:
                self._clockless = True
        return self._account.clock.now() or datetime.now(UTC)

    def read(
        self, service: str, operation: str, /, *, region: str | None = None, **params: Any
    ) -> dict[str, Any]:
        if not operation.startswith(_READING):
            raise ValueError(f"{service}.{operation} is not a read; changes go through an action")
        self._account.confirm()
        self._spend(metrics=len(params.get("MetricDataQueries", ())))
        if operation == "lookup_events":
            self._account.lookups.wait()
        client = self._account.client(service, region or self._region)
        try:
            reply: dict[str, Any] = getattr(client, operation)(**params)
        except (ClientError, BotoCoreError, ResponseParserError) as error:
            raise _read_failed(service, operation, error) from error
        self._account.clock.saw(reply)
        return reply

    def pages(
        self, service: str, operation: str, /, *, region: str | None = None, **params: Any
    ) -> Iterator[dict[str, Any]]:
        client = self._account.client(service, region or self._region)
        if not client.can_paginate(operation):
            yield self.read(service, operation, region=region, **params)
            return
        tokens = _tokens(client, operation)
        while True:
            page = self.read(service, operation, region=region, **params)
            yield page
            following = {ours: page.get(theirs) for ours, theirs in tokens}
            if not any(following.values()):
                return
            params |= {name: token for name, token in following.items() if token}

    def scanned(self, log_bytes: int) -> None:
        self._spend(log_bytes=log_bytes, calls=0)

    def cost(self) -> Cost:
        with self._lock:
            seconds = round(time.monotonic() - self._began, 3)
            return self._cost.model_copy(update={"seconds": seconds})

    def _spend(self, *, calls: int = 1, metrics: int = 0, log_bytes: int = 0) -> None:
        with self._lock:
            spent = self._cost
            usd = metrics * USD_PER_METRIC + log_bytes / 1024**3 * USD_PER_LOG_GB
            self._cost = Cost(
                calls=spent.calls + calls,
                metrics=spent.metrics + metrics,
                log_bytes=spent.log_bytes + log_bytes,
                usd=spent.usd + usd,
            )
            over = _over(self._cost, self._budget)
        if over:
            raise ReadFailed(GapReason.BUDGET, f"the investigation's budget is used up: {over}")


class Writer:
    """Implements `bot.domain.ports.AwsWriter`: one attempt, and the answer told from no answer."""

    def __init__(self, session: boto3.Session, region: str) -> None:
        self._session = session
        self._region = region

    def write(self, step: Step) -> dict[str, Any]:
        client = strict(self._session.client(step.service, region_name=self._region, config=_WRITE))
        try:
            reply: dict[str, Any] = getattr(client, step.operation)(**step.params)
        except ClientError as error:
            code, detail = _code(error)
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
            if status >= 500 and code != "NotImplemented":
                raise WriteAmbiguous(f"{step.permission} answered {status} {code}") from error
            raise WriteRefused(code, detail) from error
        except (EndpointConnectionError, ConnectTimeoutError, NoCredentialsError) as error:
            raise WriteRefused("NotSent", str(error)) from error
        except (ReadTimeoutError, ConnectionClosedError, ResponseParserError) as error:
            raise WriteAmbiguous(f"{step.permission}: no answer ({error})") from error
        except BotoCoreError as error:
            if isinstance(error, PartialCredentialsError) or "validation" in str(error).lower():
                raise WriteRefused("NotSent", str(error)) from error
            raise WriteAmbiguous(f"{step.permission}: {error}") from error
        return reply


def _over(cost: Cost, budget: Budget) -> str | None:
    if cost.calls > budget.calls:
        return f"{cost.calls} of {budget.calls} calls"
    if cost.log_bytes > budget.log_bytes:
        return f"{cost.log_bytes / 1024**3:.1f} of {budget.log_bytes / 1024**3:.1f} GB of logs"
    if cost.usd > budget.usd:
        return f"${cost.usd:.3f} of ${budget.usd:.3f}"
    return None


def _code(error: ClientError) -> tuple[str, str]:
    body = error.response.get("Error", {})
    return str(body.get("Code", "Unknown")), str(body.get("Message", error))


def _read_failed(
    service: str, operation: str, error: ClientError | BotoCoreError | ResponseParserError
) -> ReadFailed:
    action = iam_action(service, operation)
    if getattr(error, "operation_name", "") == "AssumeRole":
        action = "sts:AssumeRole"  # the way into the account, not the call that needed it
    if isinstance(error, (NoCredentialsError, PartialCredentialsError)):
        return ReadFailed(GapReason.NOT_CONFIGURED, f"{action}: no AWS credentials found", action)
    if isinstance(error, (ReadTimeoutError, ConnectTimeoutError, EndpointConnectionError)):
        return ReadFailed(GapReason.TIMEOUT, f"{action}: no answer from AWS")
    if not isinstance(error, ClientError):
        return ReadFailed(GapReason.ERROR, f"{action}: {error}")
    code, detail = _code(error)
    if code in _DENIED or "not authorized to perform" in detail:
        return ReadFailed(GapReason.DENIED, f"{action}: {_denial(detail)}", action)
    if code in _THROTTLED:
        return ReadFailed(GapReason.THROTTLED, f"{action} was throttled by AWS ({code})")
    if "NotFound" in code or code.startswith("NoSuch"):
        return ReadFailed(GapReason.NOT_FOUND, f"{action}: {detail}")
    return ReadFailed(GapReason.ERROR, f"{action} failed with {code}: {detail}")


_NOT_AUTHORIZED = re.compile(
    r"User: (?P<who>\S+) is not authorized to perform: \S+(?: on resource: (?P<what>[^\s]+))?"
)


def _denial(detail: str) -> str:
    """AWS's sentence without what everybody knows: the role, and the resource without its account.

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


def _tokens(client: Any, operation: str) -> list[tuple[str, str]]:
    """The paginator's input and output token names, as boto3's own model has them."""
    config = client.get_paginator(operation)._pagination_cfg
    ours, theirs = config["input_token"], config["output_token"]
    if isinstance(ours, str):
        ours, theirs = [ours], [theirs]
    return [
        (name, path.split("||")[0].strip().split(".")[-1])
        for name, path in zip(ours, theirs, strict=True)
    ]
