"""The evidence of causes that lie in something the code calls: what it raised, and what changed."""

from __future__ import annotations

from bot.domain.playbook_contract import fact
from bot.domain.report import Gap
from playbooks.evidence.errors import code_errors
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.raised import Raised
from playbooks.evidence.sources import BalancerSources, ChangeSources, FunctionSources
from playbooks.evidence.traffic import growth
from playbooks.probes.access_log import AccessLog
from playbooks.probes.balancer import Balancer
from playbooks.probes.edge import Edge
from playbooks.probes.exceptions import Exceptions, ExceptionsProbe
from playbooks.probes.functions import FunctionCounts
from playbooks.probes.lambda_reports import Reports


class FailureSources(FunctionSources, BalancerSources, ChangeSources):
    """Exceptions in the logs, who answered the errors, and changes."""

    exceptions = ExceptionsProbe()

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
    ) -> Raised:
        """Exceptions by kind, and how many of the errors the code answered itself."""
        own = code_errors(counts, reports, access, balancer, anomaly)
        return Raised(anomaly, exceptions, own, growth(edge, anomaly))
