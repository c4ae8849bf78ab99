"""A proposed change: the exact calls, the calls that undo them, and the state they start from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from bot.domain.base import Frozen
from bot.domain.iam_names import iam_action


class Step(Frozen):
    """One AWS API call with all its parameters, by boto3's names."""

    service: str  # "lambda"
    operation: str  # "put_provisioned_concurrency_config"
    params: dict[str, Any]

    @property
    def permission(self) -> str:
        """The IAM action it needs: "lambda:PutProvisionedConcurrencyConfig"."""
        return iam_action(self.service, self.operation)


class Check(Frozen):
    """A precondition of a change."""

    text: str  # "zonal shift is enabled on the load balancer"
    holds: bool | None  # None: it could not be checked, which forbids the change too


class Plan(Frozen):
    """A proposed change. `before` and `after` have the same shape."""

    action: str  # the action's id
    title: str  # "Enable provisioned concurrency: pay:PROD 0 → 20"
    service: str  # the service's name
    target: str  # the one resource it changes; a target has one pending change at a time
    before: dict[str, Any]  # the target's state that the plan was computed from
    after: dict[str, Any]  # the target's state when the change is in force
    steps: tuple[Step, ...]  # the calls, in order
    inverse: tuple[Step, ...] | None  # the calls that undo it; None: it cannot be undone
    irreversible: str | None = None  # why it cannot be undone
    checks: tuple[Check, ...] = ()
    warnings: tuple[str, ...] = ()  # sentences a person should read before approving
    usd_per_hour: float | None = None  # extra cost; negative: it saves; None: not known
    settles_within: int = 300  # seconds until the change should be in force
    resources: tuple[str, ...] = ()  # ARNs that steps and inverse touch; empty: not known

    @property
    def fingerprint(self) -> str:
        """SHA-256 of calls, inverse and states, in hex. An approval is for one fingerprint."""
        facts = self.model_dump(
            mode="json", include={"action", "target", "before", "after", "steps", "inverse"}
        )
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    @property
    def blocked_by(self) -> tuple[Check, ...]:
        """Checks that do not hold or could not be checked: any of them forbids the change."""
        return tuple(check for check in self.checks if check.holds is not True)


def canonical(state: Mapping[str, Any]) -> str:
    """A state as JSON text. Two texts are equal exactly when the states are."""
    return json.dumps(state, sort_keys=True, default=str)
