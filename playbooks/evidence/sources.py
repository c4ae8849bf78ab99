"""What causes have in common: the probes they read, and the anomaly they are weighed in.

Several causes read the same evidence. Each class here declares the probes of one part of a service;
a cause inherits the classes whose evidence it weighs.
"""

from __future__ import annotations

from typing import ClassVar

from bot.domain.playbook_contract import Causes, Scope, fact
from bot.domain.report import Gap, SignalState
from playbooks.evidence import after_change
from playbooks.evidence.changes import acting, all_changes, called_versions
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.served_versions import served, with_switches
from playbooks.evidence.signal import Signal
from playbooks.probes.access_log import AccessLogProbe
from playbooks.probes.aliases import Aliases, AliasesProbe
from playbooks.probes.balancer import BalancerProbe, TargetHealthProbe
from playbooks.probes.changes import Changes, ChangesProbe
from playbooks.probes.edge import Edge, EdgeProbe
from playbooks.probes.exceptions import Exceptions, ExceptionsProbe
from playbooks.probes.front_door import Call
from playbooks.probes.functions import FunctionCountsProbe
from playbooks.probes.invoked_function import IntegrationProbe
from playbooks.probes.lambda_reports import Reports, ReportsProbe


class FrontDoorSources(Causes):
    """Requests and errors at the API or load balancer. The incident type sets `signal`."""

    signal: ClassVar[Signal]

    edge = EdgeProbe()
    access = AccessLogProbe()

    @fact
    def anomaly(self, scope: Scope, edge: Edge | Gap | None) -> AnomalyWindow:
        """The minutes in which the incident type's errors are abnormal."""
        return after_change.anomaly_window(edge, scope, self.signal)

    @fact
    def signal_state(self, scope: Scope, edge: Edge, anomaly: AnomalyWindow) -> SignalState:
        """Whether the incident type's errors are abnormal, and whether that is over."""
        return after_change.signal_state(edge, scope, self.signal, anomaly)


class FunctionSources(FrontDoorSources):
    """Metrics and REPORT lines of the Lambda function that the front door invokes."""

    counts = FunctionCountsProbe()
    reports = ReportsProbe()


class BalancerSources(FrontDoorSources):
    """Metrics of the load balancer and health of its targets."""

    balancer = BalancerProbe()
    health = TargetHealthProbe()


class ChangeSources(FrontDoorSources):
    """What somebody changed, from every source."""

    changes = ChangesProbe()
    integration = IntegrationProbe()
    reports = ReportsProbe()
    exceptions = ExceptionsProbe()
    aliases = AliasesProbe()

    @fact
    def known_changes(
        self,
        scope: Scope,
        changes: Changes | Gap | None,
        integration: tuple[Call, ...] | Gap | None,
        reports: Reports | Gap | None,
        exceptions: Exceptions | Gap | None,
        aliases: Aliases | Gap | None,
    ) -> Changes:
        """The changes that act on what is called, with moves of aliases that the log streams show;
        where nothing could be read, all is unread."""
        called = called_versions(scope, integration)
        lines = served(reports, exceptions)
        return with_switches(acting(all_changes(changes), called), lines, called, aliases)
