"""5XX: server errors at an API Gateway API or an Application Load Balancer.

What is particular to 5XX: the alarms, the headline, and which causes can bring them. The causes are
in `causes`, the measurements in `evidence`.
"""

from __future__ import annotations

from typing import ClassVar

from bot.domain.playbook_contract import AlarmRule, Playbook
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
from playbooks.evidence.front_door_overview import FrontDoorOverview
from playbooks.evidence.signal import Signal

SIGNAL = Signal(
    label="5XX",
    alarm_metrics={
        "AWS/ApiGateway": frozenset({"5XXError", "5xx"}),
        "AWS/ApplicationELB": frozenset(
            {f"HTTPCode_ELB_{code}_Count" for code in ("5XX", "500", "502", "503", "504")}
            | {"HTTPCode_Target_5XX_Count"}
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
    FrontDoorOverview,
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
