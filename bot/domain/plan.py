"""A change that is proposed: the exact calls, forward and back, and the state they start from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from bot.domain.base import Frozen
from bot.domain.iam import iam_action


class Step(Frozen):
    """One exact AWS API call, in boto3's words."""

    service: str  # "lambda"
    operation: str  # "put_provisioned_concurrency_config"
    params: dict[str, Any]

    @property
    def permission(self) -> str:
        """The IAM action it needs: "lambda:PutProvisionedConcurrencyConfig"."""
        return iam_action(self.service, self.operation)


class Check(Frozen):
    """A precondition: holds, does not, or could not be checked (which refuses, as acting does)."""

    text: str
    holds: bool | None


class Plan(Frozen):
    """A change proposed: exact calls forward and back, and the state it was computed from.

    `before` and `after` are snapshots of the same shape; `inverse` is None when the change cannot
    be undone, and then `irreversible` says why.
    """

    action: str
    title: str
    service: str
    target: str  # the one resource it changes; one pending change per target
    before: dict[str, Any]
    after: dict[str, Any]
    steps: tuple[Step, ...]
    inverse: tuple[Step, ...] | None
    irreversible: str | None = None
    checks: tuple[Check, ...] = ()
    warnings: tuple[str, ...] = ()
    usd_per_hour: float | None = None
    settles_within: int = 300  # seconds until the change should be in force
    resources: tuple[str, ...] = ()  # ARNs the calls touch, forward and back; empty: not known

    @property
    def fingerprint(self) -> str:
        """SHA-256 over what would be done and from which state; an approval is bound to it."""
        facts = self.model_dump(
            mode="json", include={"action", "target", "before", "after", "steps", "inverse"}
        )
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    @property
    def blocked_by(self) -> tuple[Check, ...]:
        """Checks that do not hold or could not be made: acting fails closed."""
        return tuple(check for check in self.checks if check.holds is not True)


def canonical(state: Mapping[str, Any]) -> str:
    """A snapshot as text that is equal exactly when the snapshots are."""
    return json.dumps(state, sort_keys=True, default=str)
