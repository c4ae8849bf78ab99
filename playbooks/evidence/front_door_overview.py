"""The overview and the recovery of incident types whose signal is a share of the requests at an API
or a load balancer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from bot.domain.playbook_contract import Scope
from bot.domain.report import Gap, Overview
from bot.domain.run import Verification
from playbooks.evidence import onset, overview
from playbooks.evidence.errors import by_code
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.signal import Signal
from playbooks.evidence.sources import ChangeSources, FunctionSources
from playbooks.evidence.wording import percent
from playbooks.probes.access_log import AccessLog
from playbooks.probes.changes import Changes
from playbooks.probes.edge import Edge
from playbooks.probes.exceptions import Exceptions
from playbooks.probes.functions import FunctionCounts
from playbooks.probes.lambda_reports import Reports

# Answered 500 by API Gateway before it calls the integration (API Gateway developer guide,
# "Gateway response types").
NOT_CALLED = frozenset(
    {"API_CONFIGURATION_ERROR", "AUTHORIZER_CONFIGURATION_ERROR", "AUTHORIZER_FAILURE"}
)


class FrontDoorOverview(FunctionSources, ChangeSources):
    """Headline, codes, changes and chart by the incident type's `signal`."""

    def overview(
        self,
        scope: Scope,
        edge: Edge | Gap | None,
        access: AccessLog | Gap | None,
        counts: FunctionCounts | Gap | None,
        reports: Reports | Gap | None,
        exceptions: Exceptions | Gap | None,
        anomaly: AnomalyWindow,
        known_changes: Changes,
    ) -> Overview:
        """Headline, onset, codes, changes, chart and links."""
        counted = by_code(edge, access, anomaly)
        told = headline(self.signal, scope, anomaly, edge, counted)
        return overview.build(
            told + not_called(anomaly, access),
            scope,
            anomaly,
            counted,
            known_changes.known,
            edge,
            overview.links(scope, access, reports, exceptions, counts),
        )

    def recovered(self, scope: Scope, since: datetime, edge: Edge | Gap | None) -> Verification:
        """Whether the front door's errors are normal again since `since`."""
        return onset.recovery(edge, scope, since, scope.window.end, self.signal)


def headline(
    signal: Signal,
    scope: Scope,
    anomaly: AnomalyWindow,
    edge: Edge | Gap | None,
    counted: Mapping[str, float],
) -> str:
    """ "5XX: 8.4 % of requests, 504 mostly"."""
    label = signal.label
    if isinstance(edge, Gap):
        return f"{label}: how many is unknown, {edge.detail}"
    if edge is None:
        return f"{label}: {scope.service.name} has no API or load balancer to count them at"
    requests = anomaly.during(edge.requests).total()
    if not requests:
        return f"{label}: {overview.no_requests(scope, edge)}"
    if anomaly.onset is None or anomaly.share is None:
        share = anomaly.during(edge.errors).total() / requests
        return f"{label}: {percent(share)} of requests, no more than usual at {edge.name}"
    mostly, until = overview.main_code(counted), overview.ended(scope, anomaly, edge, signal)
    return f"{label}: {percent(anomaly.share)} of requests{mostly}{until}"


def not_called(anomaly: AnomalyWindow, access: AccessLog | Gap | None) -> str:
    """What API Gateway says where it answered most errors without calling a backend; else empty."""
    if anomaly.onset is None or not isinstance(access, AccessLog):
        return ""
    answers = access.between(anomaly.start, anomaly.end)
    counted: Counter[str] = Counter()
    for answer in answers:
        if answer.response_type in NOT_CALLED:
            counted[answer.response_type] += int(answer.count)
    if not counted or counted.total() < 0.5 * sum(answer.count for answer in answers):
        return ""
    return f"; API Gateway called no backend for them ({counted.most_common(1)[0][0]})"
