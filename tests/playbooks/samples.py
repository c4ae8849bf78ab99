"""Plain values to build evidence from: minutes around an alarm, usual and abnormal.

Times are minutes relative to the alarm; an incident begins at minute -3 unless it is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from bot.domain.alarm import Alarm
from bot.domain.playbook_contract import Evidence, Scope
from bot.domain.report import (
    Cause,
    Change,
    Clue,
    ClueKind,
    Gap,
    GapReason,
    Overview,
    Verdict,
    Window,
)
from bot.domain.resources import ApiRef, FunctionRef, Resources
from bot.domain.service import Service
from bot.investigation.facts import arguments_for, with_facts
from bot.investigation.verdict import judge, rank
from bot.investigation.weighing import weigh
from playbooks.evidence import onset
from playbooks.evidence.onset import AnomalyWindow
from playbooks.five_xx import SIGNAL, FiveXX
from playbooks.probes.access_log import AccessLog, Answers
from playbooks.probes.aliases import Aliases
from playbooks.probes.authorizers import Authorizers
from playbooks.probes.balancer import Balancer, Target, TargetHealth, ZoneTraffic
from playbooks.probes.changes import Changes, Unread
from playbooks.probes.edge import Edge
from playbooks.probes.exceptions import Exceptions, Raised
from playbooks.probes.functions import FunctionCounts, Limits
from playbooks.probes.lambda_reports import Reported, Reports
from playbooks.probes.metrics import TimeSeries
from playbooks.probes.stopped_tasks import StoppedTasks
from playbooks.probes.target_tls import TargetTls

BEGAN = datetime(2026, 3, 14, 3, 10, tzinfo=UTC)
ONSET, NOW = -3, 12
BASELINE = range(-120, ONSET)
ABNORMAL = range(ONSET, NOW)

ALARM = Alarm(
    name="checkout-5xx",
    region="us-east-1",
    namespace="AWS/ApiGateway",
    metric="5XXError",
    dimensions={"ApiName": "checkout-api", "Stage": "prod"},
    statistic="Sum",
    period=60,
    threshold=20,
)
SERVICE = Service(
    name="checkout",
    resources=Resources(
        apis=(ApiRef(name="checkout-api", id="a1b2c3"),),
        functions=(FunctionRef(name="checkout", alias="PROD"),),
    ),
)


def minute(number: float) -> datetime:
    return BEGAN + timedelta(minutes=number)


def scope(alarm: Alarm | None = ALARM, service: Service = SERVICE, now: float = NOW) -> Scope:
    return Scope(service=service, alarm=alarm, window=Window.around(BEGAN, minute(now)))


def series(
    usual: float | None, abnormal: float | None, onset: int = ONSET, now: int = NOW
) -> TimeSeries:
    """A value in the baseline and another in the anomaly; None publishes nothing."""
    points = {}
    for number in range(-120, now):
        value = usual if number < onset else abnormal
        if value is not None:
            points[minute(number)] = value
    return TimeSeries(points)


def gap(probe: str = "any") -> Gap:
    return Gap(probe=probe, reason=GapReason.DENIED, detail="AccessDenied", permission="x:Y")


def edge(
    requests: tuple[float, float] = (900, 900),
    errors: tuple[float, float] = (0, 180),
    **more: object,
) -> Edge:
    values = {"kind": "rest", "name": "checkout-api"} | more
    return Edge(requests=series(*requests), errors=series(*errors), **values)  # type: ignore[arg-type]


def access(
    status: str,
    n: float,
    *,
    p50: float | None = 29_000,
    response_type: str | None = None,
    integration_status: str | None = None,
) -> AccessLog:
    """5XX that are all alike, `n` a minute."""
    return AccessLog(
        group="/api/checkout",
        query="",
        fields=frozenset({"response_type", "integration_status", "latency"}),
        answers=tuple(
            Answers(minute(m), status, response_type, integration_status, n, p50, p50)
            for m in ABNORMAL
        ),
    )


def reports(
    *,
    cold: tuple[float, float] = (2, 2),
    warm: tuple[float, float] = (898, 898),
    missed_cold: float = 0,
    missed_warm: float = 0,
    timed_cold: float = 0,
    timed_warm: float = 0,
    warm_p50: tuple[float, float] = (180, 180),
    warm_p99: tuple[float, float] = (900, 900),
    init: tuple[float, float] = (900, 900),
    deadline: float = 29,
    timeout: float = 60,
    hidden_cold: float = 0,
    assumed: bool = False,
    invocations: tuple[float, float] | None = None,
) -> Reports:
    """REPORT lines a minute, in the baseline and in the anomaly; late ones in the anomaly only.
    `invocations`: by CloudWatch's metric; as many as there are lines when None."""
    rows = []
    for number in range(-120, NOW):
        now = int(number >= ONSET)
        rows += [
            Reported(
                at=minute(number),
                cold=is_cold,
                count=(cold if is_cold else warm)[now],
                slow=0,
                timed=(timed_cold if is_cold else timed_warm) * now,
                missed=(missed_cold if is_cold else missed_warm) * now,
                p50=warm_p50[now],
                p99=warm_p99[now],
                init_p50=init[now] if is_cold else None,
            )
            for is_cold in (True, False)
            if (cold if is_cold else warm)[now]
        ]
    return Reports(
        function="checkout",
        group="/aws/lambda/checkout",
        query="",
        deadline=deadline,
        deadline_assumed=assumed,
        timeout=timeout,
        rows=tuple(rows),
        settled=minute(NOW),
        init_timeouts={minute(m): hidden_cold for m in ABNORMAL if hidden_cold},
        invocations=series(*(invocations or (cold[0] + warm[0], cold[1] + warm[1]))),
    )


def counts(
    *,
    invocations: tuple[float, float] = (900, 900),
    errors: tuple[float, float] = (0, 0),
    throttles: tuple[float, float] = (0, 0),
    concurrency: tuple[float, float] = (5, 5),
    p99: tuple[float, float] = (900, 900),
    p50: tuple[float, float] = (180, 180),
    mean: tuple[float, float] = (240, 240),
    claimed: tuple[float, float] | None = None,
    **more: object,
) -> FunctionCounts:
    return FunctionCounts(
        name="checkout",
        alias="PROD",
        invocations=series(*invocations),
        errors=series(*errors),
        throttles=series(*throttles),
        concurrency=series(*concurrency),
        mean=series(*mean),
        p50=series(*p50),
        p99=series(*p99),
        spillover=TimeSeries(),
        unreserved=series(*concurrency),
        claimed=series(*claimed) if claimed else TimeSeries(),
        **more,  # type: ignore[arg-type]
    )


def exceptions(
    name: str,
    n: float,
    *,
    usual: float = 0,
    version: str | None = None,
    also: float = 0,
    since: datetime | None = None,
) -> Exceptions:
    """`n` lines a minute naming one exception, and `also` of another, in the anomaly."""
    raised = [Raised(minute(m), name, version, n) for m in ABNORMAL]
    raised += [Raised(minute(m), "OtherError", version, also) for m in ABNORMAL if also]
    raised += [Raised(minute(m), name, "41", usual) for m in BASELINE if usual]
    return Exceptions(("/aws/lambda/checkout",), "", since or minute(-120), tuple(raised))


def change(at: float, kind: str = "alias", until: float | None = None) -> Change:
    return Change(
        at=minute(at),
        actor="mara",
        kind=kind,
        resource="checkout",
        summary="UpdateAlias alias PROD to version 42",
        until=None if until is None else minute(until),
    )


def changes(*known: Change, unread: tuple[Unread, ...] = ()) -> Changes:
    return Changes(known=known, unread=unread, asked=("CloudTrail",))


def balancer(
    *,
    requests: tuple[float, float] = (900, 900),
    own: Mapping[str, float] | None = None,
    targets: float = 0,
    connections: tuple[float | None, float | None] = (0, 0),
    p50: tuple[float | None, float | None] = (80, 80),
    p99: tuple[float | None, float | None] = (400, 400),
    zones: Mapping[str, float] | None = None,
    healthy: tuple[float | None, float | None] = (4, 4),
    **more: object,
) -> Balancer:
    """`own`: the balancer's 5XX a minute by code in the anomaly; `zones`: 5XX by zone."""
    codes = {code: series(0, n) for code, n in (own or {}).items()}
    all_own = sum((own or {}).values())
    by_zone = zones or {"a": (all_own + targets) / 2, "b": (all_own + targets) / 2}
    share = 1 / len(by_zone)
    return Balancer(
        name="shop",
        requests=series(*requests),
        errors=series(0, all_own + targets),
        codes=codes,
        targets=series(0, targets),
        connection_errors=series(*connections),
        p50=series(*p50),
        p99=series(*p99),
        zones={
            f"us-east-1{zone}": ZoneTraffic(
                series(requests[0] * share, requests[1] * share), series(0, errors)
            )
            for zone, errors in by_zone.items()
        },
        healthy={"shop": series(*healthy)},
        **more,  # type: ignore[arg-type]
    )


def health(healthy: int, unhealthy: int = 0, reason: str = "Target.Timeout") -> TargetHealth:
    targets = [
        Target("shop", f"10.0.0.{i}", "us-east-1a", "healthy", None, None) for i in range(healthy)
    ]
    targets += [
        Target("shop", f"10.0.1.{i}", "us-east-1b", "unhealthy", reason, None)
        for i in range(unhealthy)
    ]
    return TargetHealth(("shop",), tuple(targets))


NOTHING_SPECIAL: dict[str, object] = {
    "edge": edge(),
    "access": access("504", 180, response_type="INTEGRATION_TIMEOUT"),
    "integration": (),
    "counts": counts(),
    "limits": Limits(reserved=None, account=1000, unreserved=1000),
    "provisioned": None,
    "reports": reports(),
    "exceptions": Exceptions((), "", BEGAN - timedelta(minutes=120), ()),
    "balancer": None,
    "health": None,
    "tasks": None,
    "dependencies": None,
    "changes": changes(),
    "authorizers": Authorizers("checkout-api"),
    "stopped_tasks": None,
    "ecs_services": None,
    "target_tls_errors": None,
    "web_acl": None,
    "aliases": Aliases({"checkout": {"PROD": frozenset({"41", "42"})}}),
}
"""A service behind a REST API whose 5XX nothing explains."""

TARGETS_ONLY: dict[str, object] = NOTHING_SPECIAL | {
    "access": None,
    "integration": None,
    "counts": None,
    "limits": None,
    "reports": None,
    "exceptions": None,
    "authorizers": None,
    "stopped_tasks": StoppedTasks(()),
    "ecs_services": (),
    "aliases": None,
    "target_tls_errors": TargetTls("shop", TimeSeries()),
}
"""A service of tasks behind a load balancer, without logs."""


def weighed(evidence: Evidence, looked: Scope | None = None) -> dict[str, Cause]:
    playbook, where = FiveXX(), looked or scope()
    known = with_facts(playbook, where, evidence)
    return {each.id: weigh(playbook, each, where, known) for each in playbook.hypotheses}


def verdict(evidence: Evidence, looked: Scope | None = None) -> tuple[Verdict, str]:
    """The verdict on the causes alone, and the best one's id."""
    ranked = rank(tuple(weighed(evidence, looked).values()))
    return judge(ranked), ranked[0].id


def anomaly_window(measured: Edge | Gap | None, looked: Scope) -> AnomalyWindow:
    return onset.anomaly_window(measured, looked, SIGNAL)


def overview(**evidence: object) -> Overview:
    playbook = FiveXX()
    known = with_facts(playbook, scope(), NOTHING_SPECIAL | evidence)
    return playbook.overview(**arguments_for(playbook, playbook.overview, scope(), known))


def decisive(clues: tuple[Clue, ...]) -> list[bool | None]:
    """What each decisive clue holds."""
    return [clue.holds for clue in clues if clue.kind is ClueKind.DECISIVE]
