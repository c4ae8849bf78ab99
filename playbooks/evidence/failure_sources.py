"""The evidence of causes that lie in something the code calls: what it raised, and what changed."""

from __future__ import annotations

from bot.domain.playbook_contract import fact
from bot.domain.report import Gap
from playbooks.evidence.errors import code_errors
from playbooks.evidence.exceptions import leading_exception
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.raised import Raised
from playbooks.evidence.served_versions import Sides, raised_by_version, sides
from playbooks.evidence.sources import BalancerSources, ChangeSources, FunctionSources
from playbooks.evidence.traffic import growth
from playbooks.probes.access_log import AccessLog
from playbooks.probes.aliases import Aliases
from playbooks.probes.balancer import Balancer
from playbooks.probes.edge import Edge
from playbooks.probes.exceptions import Exceptions
from playbooks.probes.functions import FunctionCounts
from playbooks.probes.lambda_reports import Reports


class FailureSources(FunctionSources, BalancerSources, ChangeSources):
    """Exceptions in the logs, who answered the errors, and changes."""

    @fact
    def raised(
        self,
        anomaly: AnomalyWindow,
        edge: Edge | Gap | None,
        access: AccessLog | Gap | None,
        counts: FunctionCounts | Gap | None,
        reports: Reports | Gap | None,
        balancer: Balancer | Gap | None,
        exceptions: Exceptions | Gap | None,
        aliases: Aliases | Gap | None,
    ) -> Raised:
        """Exceptions by kind, and how many of the errors the code answered itself."""
        own = code_errors(counts, reports, access, balancer, anomaly)
        traffic = growth(edge, anomaly)
        beside = leading_beside(anomaly, counts, reports, exceptions, aliases, traffic)
        silent = isinstance(reports, Reports) and reports.kept == 0
        if isinstance(exceptions, Exceptions) and exceptions.raised:
            silent = False
        return Raised(anomaly, exceptions, own, traffic, beside, silent)


def leading_beside(
    anomaly: AnomalyWindow,
    counts: FunctionCounts | Gap | None,
    reports: Reports | Gap | None,
    exceptions: Exceptions | Gap | None,
    aliases: Aliases | Gap | None,
    traffic: float | None,
    suspect: str | None = None,
) -> Sides | None:
    """The suspected version, else the one that nearly all lines of the leading exception are from,
    beside those that serve at the same time; None when there is none."""
    if not isinstance(exceptions, Exceptions) or not isinstance(reports, Reports):
        return None
    top = leading_exception(exceptions, anomaly, traffic)
    if top is None or top.owner not in (None, reports.function):
        return None
    failed = raised_by_version(exceptions, anomaly, top.name, reports.function)
    versions = (each for each in (suspect, top.version) if each is not None)
    among = of_alias(counts, aliases)
    compared = (sides(reports, anomaly, each, failed, among) for each in versions)
    return next((each for each in compared if each is not None), None)


def of_alias(counts: FunctionCounts | Gap | None, aliases: Aliases | Gap | None) -> frozenset[str]:
    """The versions that the alias serves whose calls are measured; none when it is not known."""
    if not isinstance(counts, FunctionCounts) or not isinstance(aliases, Aliases):
        return frozenset()
    return (counts.alias and aliases.of(counts.name, counts.alias)) or frozenset()
