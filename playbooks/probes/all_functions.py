"""Calls, errors and throttled calls of all functions of the service, whoever calls them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bot.domain.coverage import Coverage
from bot.domain.playbook_contract import Probe, Scope
from bot.domain.ports import Aws
from playbooks.probes.functions import function_metrics
from playbooks.probes.metrics import PERMISSION, TimeSeries, read_series

MOST_FUNCTIONS = 50
READ = ("invocations", "errors", "throttles", "p99")


@dataclass(frozen=True, slots=True)
class CalledFunction:
    """A function's metrics a minute; `p99`: its duration in ms."""

    name: str
    invocations: TimeSeries
    errors: TimeSeries
    throttles: TimeSeries
    p99: TimeSeries


@dataclass(frozen=True, slots=True)
class AllFunctions:
    """The functions of the service; `left_out`: how many are not measured."""

    functions: tuple[CalledFunction, ...]
    left_out: int = 0

    @property
    def coverage(self) -> Coverage:
        """Complete when all are measured; one that nobody calls publishes nothing."""
        few = f"{self.left_out} functions were not measured" if self.left_out else None
        return Coverage.of(few)


class AllFunctionsProbe(Probe[AllFunctions]):
    title: ClassVar[str] = "errors and throttled calls of the functions"
    permissions: ClassVar[tuple[str, ...]] = (PERMISSION,)

    def read(self, aws: Aws, scope: Scope) -> AllFunctions | None:
        listed = {each.name: each for each in scope.service.resources.functions}
        if not listed:
            return None
        asked = dict(list(listed.items())[:MOST_FUNCTIONS])
        metrics = {name: function_metrics(function) for name, function in asked.items()}
        found = read_series(
            aws,
            scope.window,
            {f"{name}\t{label}": metrics[name][label] for name in asked for label in READ},
        )
        functions = tuple(
            CalledFunction(name, *(found[f"{name}\t{label}"] for label in READ)) for name in asked
        )
        return AllFunctions(functions, len(listed) - len(asked))
