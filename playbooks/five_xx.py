"""5XX: server errors at an API Gateway API or an Application Load Balancer.

What is particular to 5XX: the alarms, the headline, and which causes can bring them. The causes are
in `causes`, the measurements in `evidence`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from bot.domain.playbook_contract import AlarmRule, Playbook, Scope
from bot.domain.report import Gap, Overview
from bot.domain.run import Verification
from playbooks.causes.advice_backends import BackendAdvice
from playbooks.causes.advice_general import GeneralAdvice
from playbooks.causes.advice_targets import TargetAdvice
from playbooks.causes.authorizers import AuthorizerFailing
from playbooks.causes.capacity import CapacityCut
from playbooks.causes.certificates import CertificateRefused, TargetTlsFailing
from playbooks.causes.cold_starts import ColdStartSurge
from playbooks.causes.configuration import ConfigurationChange
from playbooks.causes.dependencies import FailingDependencies
from playbooks.causes.function_timeout import FunctionTimeout
from playbooks.causes.keep_alive import KeepAliveRace
from playbooks.causes.memory import OutOfMemory
from playbooks.causes.overload import BackendOverload
from playbooks.causes.permissions import PermissionRemoved
from playbooks.causes.releases import BadDeployment
from playbooks.causes.targets import ConnectionErrors, NoHealthyTargets
from playbooks.causes.throttles import ConcurrencyLimit
from playbooks.causes.waf import WafBlock
from playbooks.causes.zones import ZoneFailure
from playbooks.evidence import onset, overview
from playbooks.evidence.errors import by_code
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.signal import Signal
from playbooks.evidence.wording import percent
from playbooks.probes.access_log import AccessLog
from playbooks.probes.changes import Changes
from playbooks.probes.edge import Edge
from playbooks.probes.exceptions import Exceptions
from playbooks.probes.functions import FunctionCounts
from playbooks.probes.lambda_reports import Reports

SIGNAL = Signal(
    label="5XX",
    alarm_metrics={
        "AWS/ApiGateway": frozenset({"5XXError", "5xx"}),
        "AWS/ApplicationELB": frozenset(
            {
                "HTTPCode_ELB_5XX_Count",
                "HTTPCode_ELB_500_Count",
                "HTTPCode_ELB_502_Count",
                "HTTPCode_ELB_503_Count",
                "HTTPCode_ELB_504_Count",
                "HTTPCode_Target_5XX_Count",
            }
        ),
    },
)

# Each of them is a request that the balancer answers with 502 or 503 (Elastic Load Balancing user
# guides, "CloudWatch metrics for your Application Load Balancer" and "… Classic Load Balancer").
LAMBDA_FAILED = frozenset({"LambdaInternalError", "LambdaUserError"})
NOT_CONNECTED = frozenset({"TargetConnectionErrorCount", "TargetTLSNegotiationErrorCount"})

# As metrics and alarms spell it; a 500 alone may be anything.
WORDS = frozenset(
    {
        *("5xx", "50x", "502", "503", "504", "500s"),
        *("500 error", "500 errors", "500 response", "500 responses"),
        *("http 500", "status 500", "code 500"),
        *("internal server error", "internal server errors"),
        *("bad gateway", "gateway timeout", "service unavailable"),
    }
)

# Answered 500 by API Gateway before it calls the integration (API Gateway developer guide,
# "Gateway response types").
NOT_CALLED = frozenset(
    {"API_CONFIGURATION_ERROR", "AUTHORIZER_CONFIGURATION_ERROR", "AUTHORIZER_FAILURE"}
)


class FiveXX(
    ColdStartSurge,
    BackendOverload,
    ConcurrencyLimit,
    BadDeployment,
    FunctionTimeout,
    NoHealthyTargets,
    ConnectionErrors,
    ZoneFailure,
    AuthorizerFailing,
    ConfigurationChange,
    PermissionRemoved,
    CapacityCut,
    FailingDependencies,
    CertificateRefused,
    OutOfMemory,
    TargetTlsFailing,
    KeepAliveRace,
    WafBlock,
    BackendAdvice,
    TargetAdvice,
    GeneralAdvice,
    Playbook,
):
    """Server errors at API Gateway or a load balancer."""

    id: ClassVar[str] = "5xx"
    title: ClassVar[str] = "5XX errors"
    looks_like: ClassVar[str] = "the backend is overloaded"
    first_guess: ClassVar[str] = "backend-overload"
    signal: ClassVar[Signal] = SIGNAL
    alarms: ClassVar[tuple[AlarmRule, ...]] = (
        *SIGNAL.alarm_rules(),
        AlarmRule("AWS/ApplicationELB", LAMBDA_FAILED),
        AlarmRule("AWS/ApplicationELB", NOT_CONNECTED, primary=False),
        AlarmRule("AWS/ELB", frozenset({"SpilloverCount"})),
        AlarmRule("ApplicationSignals", frozenset({"Fault"})),
        AlarmRule("AWS/ELB", frozenset({"BackendConnectionErrors"}), primary=False),
    )
    metric_words: ClassVar[frozenset[str]] = WORDS
    name_words: ClassVar[frozenset[str]] = WORDS

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
        return overview.build(
            headline(scope, anomaly, edge, counted) + not_called(anomaly, access),
            scope,
            anomaly,
            counted,
            known_changes.known,
            edge,
            overview.links(scope, access, reports, exceptions, counts),
        )

    def recovered(self, scope: Scope, since: datetime, edge: Edge | Gap | None) -> Verification:
        """Whether the front door's 5XX are normal again since `since`."""
        return onset.recovery(edge, scope, since, scope.window.end, self.signal)


def headline(
    scope: Scope, anomaly: AnomalyWindow, edge: Edge | Gap | None, counted: Mapping[str, float]
) -> str:
    """ "5XX: 8.4 % of requests, 504 mostly"."""
    if isinstance(edge, Gap):
        return f"5XX: how many is unknown, {edge.detail}"
    if edge is None:
        return f"5XX: {scope.service.name} has no API or load balancer to count them at"
    requests = anomaly.during(edge.requests).total()
    if not requests:
        return f"5XX: {overview.no_requests(scope, edge)}"
    if anomaly.onset is None or anomaly.share is None:
        share = anomaly.during(edge.errors).total() / requests
        return f"5XX: {percent(share)} of requests, no more than usual at {edge.name}"
    mostly, until = overview.main_code(counted), overview.ended(scope, anomaly, edge, SIGNAL)
    return f"5XX: {percent(anomaly.share)} of requests{mostly}{until}"


def not_called(anomaly: AnomalyWindow, access: AccessLog | Gap | None) -> str:
    """What API Gateway says where it answered most 5XX without calling a backend; else empty."""
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
