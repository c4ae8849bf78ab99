"""The account whose state the operations share, and the call an operation answers."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar, cast

from sandbox.aws.callers import Caller, Callers
from sandbox.aws.faults import Faults
from sandbox.aws.moto_account import MotoAccount
from sandbox.world.api import World
from sandbox.world.kinds import Resources

S = TypeVar("S", bound="Store")


class Store:
    """The state of one service. An account has one store of a class, made on first use."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def advance(self) -> None:
        """Pull the levers of changes that have taken effect since the last call."""


@dataclass(frozen=True, slots=True)
class Options:
    """How the endpoint behaves where AWS leaves it open.

    query_seconds: wall time a Logs Insights query takes at least.
    provisioning_seconds: world time until provisioned concurrency is READY.
    rollout_seconds: world time of an ECS or CodeDeploy rollout.
    lookup_limit: LookupEvents calls a wall second before it throttles; 0 is no limit (AWS: 2).
    alarms: parameters of PutMetricAlarm, for alarms that exist from the start.
    warm: read the service models and have the world write its logs after the start, in the
        background, so that the first calls do not wait for it. (What only moto has takes two
        seconds at its first call.)
    """

    query_seconds: float = 0.3
    provisioning_seconds: float = 90.0
    rollout_seconds: float = 90.0
    lookup_limit: int = 0
    alarms: Sequence[Mapping[str, Any]] = ()
    warm: bool = True


@dataclass(eq=False)
class Account:
    """One AWS account in one region. `lock` guards the stores and the world: hold it to touch
    either (a handler runs with it held)."""

    world: World
    resources: Resources
    callers: Callers
    options: Options = field(default_factory=Options)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.moto = MotoAccount(self.resources)
        self.faults = Faults(self.world.faults)
        self.opened = self.world.now()
        self._stores: dict[type[Store], Store] = {}

    @property
    def id(self) -> str:
        """The account number."""
        return self.resources.account

    @property
    def region(self) -> str:
        """The region of all resources."""
        return self.resources.region

    def arn(self, service: str, tail: str) -> str:
        """An ARN of this account and region."""
        return f"arn:aws:{service}:{self.region}:{self.id}:{tail}"

    def store(self, kind: type[S]) -> S:
        """The account's store of this class."""
        with self.lock:
            if kind not in self._stores:
                made = self._stores[kind] = kind(self)
                made.advance()
            return cast(S, self._stores[kind])

    def advance(self) -> None:
        """Call `advance` of every store."""
        with self.lock:
            for store in list(self._stores.values()):
                store.advance()


@dataclass(frozen=True, slots=True)
class Call:
    """One API call as its handler sees it."""

    account: Account
    service: str
    operation: str
    caller: Caller
    request_id: str
    time: datetime  # world time
    user_agent: str = ""
    region: str = ""  # that the caller signed for

    @property
    def world(self) -> World:
        """The scenario being played."""
        return self.account.world

    @property
    def resources(self) -> Resources:
        """The account's resources."""
        return self.account.resources

    def store(self, kind: type[S]) -> S:
        """The account's store of this class."""
        return self.account.store(kind)

    def moto(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """What moto answers to this operation with these parameters. Raises AwsError."""
        return self.account.moto.call(self.service, self.operation, params)
