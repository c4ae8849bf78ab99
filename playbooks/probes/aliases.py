"""What the aliases of the service's functions serve now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from bot.domain.playbook_contract import Probe, Scope
from bot.domain.ports import Aws
from playbooks.probes.alias_history import read_aliases

MOST_ASKED = 8  # functions; the change collector lists their aliases too, so that costs no call


@dataclass(frozen=True, slots=True)
class Aliases:
    """Versions by function and alias, weighted ones included. A function is left out that was not
    asked."""

    serving: Mapping[str, Mapping[str, frozenset[str]]]

    def of(self, function: str, alias: str) -> frozenset[str] | None:
        """The versions that the alias serves; None when it is not known."""
        return self.serving.get(function, {}).get(alias)

    def of_others(self, function: str, alias: str) -> frozenset[str]:
        """Versions that other aliases of the function serve, and this one does not."""
        own = self.of(function, alias) or frozenset()
        others = (each for name, each in self.serving.get(function, {}).items() if name != alias)
        return frozenset().union(*others) - own


class AliasesProbe(Probe[Aliases]):
    title: ClassVar[str] = "aliases of the functions"
    permissions: ClassVar[tuple[str, ...]] = ("lambda:ListAliases",)

    def read(self, aws: Aws, scope: Scope) -> Aliases | None:
        functions = [each for each in scope.service.resources.functions if each.alias]
        if not functions:
            return None
        return Aliases(
            {
                function.name: {
                    name: frozenset({alias.version, *alias.weights})
                    for name, alias in read_aliases(aws, function.name).items()
                }
                for function in functions[:MOST_ASKED]
            }
        )
