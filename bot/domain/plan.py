"""A proposed change: the exact calls, the calls that undo them, and the state they start from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import AwareDatetime

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

    @property
    def reason(self) -> str:
        """Why it forbids the change, for a line of text."""
        held = "does not hold" if self.holds is False else "could not be checked"
        return f"{held}: {self.text}"


class Choice(Frozen):
    """What is chosen for a plan and cannot be read from AWS: by a cause's evidence, or a person."""

    target: str = ""  # the plan's target that the evidence names; "": any
    suspect: str | None = None  # what the evidence names there: version "22", a deployment's id
    since: AwareDatetime | None = None  # when the suspect came into force; AWS time
    previous: str | None = None  # what the evidence says was in force before the suspect
    amount: int | None = None  # a number that a person typed in the preview
    by: str | None = None  # Slack user id of that person


class Number(Frozen):
    """The number of a plan that a person may change in the preview."""

    name: str  # "Provisioned executions"
    value: int
    least: int  # the bounds, both included
    most: int
    derived: str  # how the program came to its own number, with figures
    bounds: str  # why the bounds are what they are


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
    others: tuple[str, ...] = ()  # sentences: who else uses the resource, and what it is to them
    number: Number | None = None  # what a person may choose; None: nothing
    choice: Choice | None = None  # what the plan was computed with

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
