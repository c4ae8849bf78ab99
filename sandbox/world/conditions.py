"""Conditions on levers: `while` of an effect, `when` of an answer."""

from __future__ import annotations

from typing import cast

from pydantic import model_validator

from sandbox.world.levers import Levers
from sandbox.world.parts import Part


class Condition(Part):
    """True while a lever has a value. Name the lever by what it is, or by its key."""

    function: str | None = None
    alias: str | None = None
    version: str | None = None
    ecs: str | None = None
    task_definition: str | None = None
    codedeploy: str | None = None  # "application/group"
    revision: str | None = None
    not_shifted_from: str | None = None  # zone suffix: true until traffic is shifted away from it
    lever: str | None = None
    equals: str | int | float | bool | None = None
    above: float | None = None
    below: float | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Condition:
        forms = {
            "function, alias, version": (self.function, self.alias, self.version),
            "ecs, task_definition": (self.ecs, self.task_definition),
            "codedeploy, revision": (self.codedeploy, self.revision),
            "not_shifted_from": (self.not_shifted_from,),
        }
        tests = [self.equals is not None, self.above is not None, self.below is not None]
        used = [name for name, values in forms.items() if any(v is not None for v in values)]
        if self.lever is not None:
            used.append("lever")
        if len(used) != 1:
            raise ValueError(
                "a condition has exactly one form: function+alias+version, ecs+task_definition, "
                "codedeploy+revision, not_shifted_from, or lever with equals, above or below"
            )
        if used == ["lever"]:
            if sum(tests) != 1:
                raise ValueError("a lever condition needs one of: equals, above, below")
        elif any(tests):
            raise ValueError("equals, above and below belong to a condition with `lever`")
        elif any(value is None for value in forms[used[0]]):
            raise ValueError(f"this condition needs all of: {used[0]}")
        return self

    def compare(self, levers: Levers, at: float) -> float:
        """The form with `lever`: 1 when it holds at a time, else 0."""
        value = levers.field(cast(str, self.lever), at)
        if self.equals is not None:
            return float(str(value) == str(self.equals))
        if isinstance(value, bool) or not isinstance(value, int | float):
            return 0.0
        if self.above is not None:
            return float(value > self.above)
        return float(self.below is not None and value < self.below)
