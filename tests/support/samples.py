"""An incident and its reports as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from bot.domain.alarm import Alarm
from bot.domain.incident import Incident, IncidentState, Severity, TimelineEntry
from bot.domain.report import (
    BreakdownRow,
    Cause,
    CauseStatus,
    Change,
    Clue,
    ClueKind,
    Cost,
    Gap,
    GapReason,
    Link,
    NextTest,
    Overview,
    Report,
    Series,
    SignalState,
    Verdict,
    Window,
)

BEGAN = datetime(2026, 11, 23, 2, 44, tzinfo=UTC)
ONSET = BEGAN - timedelta(minutes=3)
NOW = BEGAN + timedelta(minutes=6)
CONSOLE = "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1"

ALARM = Alarm(
    name="checkout-api-5xx",
    region="eu-west-1",
    account="123456789012",
    reason="Threshold Crossed: 3 datapoints were greater than the threshold (0.02).",
    changed_at=BEGAN,
    namespace="AWS/ApiGateway",
    metric="5XXError",
)
INCIDENT = Incident(
    id="inc-7f3a",
    playbook="5xx",
    service="checkout",
    severity=Severity.SEV1,
    alarm=ALARM,
    channel="C0CHECKOUT",
    thread_ts="1795401840.000100",
    opened_at=BEGAN,
)
RECOVERED = INCIDENT.model_copy(
    update={"state": IncidentState.RECOVERED, "recovered_at": NOW + timedelta(minutes=9)}
)


def clue(kind: ClueKind, text: str, holds: bool | None = True) -> Clue:
    return Clue(kind=kind, holds=holds, text=text)


def absent(title: str, probe: str) -> Cause:
    """Refuted because the service has no such resource, as the engine's `weigh` says it."""
    text = f"checkout has none: {probe}"
    return Cause(
        id=title.lower().replace(" ", "-"),
        title=title,
        status=CauseStatus.REFUTED,
        applies=False,
        score=0,
        clues=(clue(ClueKind.NECESSARY, text, False),),
    )


COLD_STARTS = Cause(
    id="cold-start-surge",
    title="Lambda cold starts in a surge of traffic",
    status=CauseStatus.SUPPORTED,
    score=6,
    clues=(
        clue(
            ClueKind.NECESSARY,
            "96 % of the 5XX answers come from the integration with checkout-handler",
        ),
        clue(
            ClueKind.SUPPORTING, "requests rose 3.1× in the 5 min before onset (410 → 1,270/min)"
        ).came_first(),
        clue(
            ClueKind.DECISIVE,
            "71 % of the requests that timed out were cold starts, 4 % of those answered",
        ),
        clue(ClueKind.SUPPORTING, "init takes 6.8 s at p50: VPC, 512 MB, java21, no SnapStart"),
        clue(ClueKind.SUPPORTING, "warm p99 is 0.9 s of a 29 s timeout, 1.1× its baseline"),
        clue(ClueKind.CONTRADICTING, "the share of cold starts did not change", False),
        clue(
            ClueKind.SUPPORTING, "whether SnapStart could be switched on for the alias live", None
        ),
    ),
    actions=("enable-provisioned-concurrency",),
)
OVERLOAD = Cause(
    id="backend-overloaded",
    title="Backend overloaded",
    status=CauseStatus.REFUTED,
    score=-2,
    clues=(
        clue(
            ClueKind.CONTRADICTING,
            "warm requests are as quick as before: p99 0.9 s, baseline 0.8 s",
        ),
    ),
)
THROTTLED = Cause(
    id="concurrency-limit",
    title="Lambda concurrency limit",
    status=CauseStatus.REFUTED,
    score=0,
    actions=("raise-reserved-concurrency",),
    clues=(clue(ClueKind.DECISIVE, "0 throttles; 212 of 1,000 concurrent executions", False),),
)
BAD_DEPLOY = Cause(
    id="bad-deployment",
    title="Defect in a deployment",
    status=CauseStatus.REFUTED,
    score=0,
    actions=("rollback-alias", "rollback-codedeploy"),
    clues=(
        clue(
            ClueKind.NECESSARY,
            "function errors are 0.2 % of invocations; version 41 serves since 3 days",
            False,
        ),
    ),
)
ABSENT = (
    absent("No healthy targets", "target health of the load balancer"),
    absent("ECS rollout failing", "ECS service"),
    absent("Database out of connections", "connections of the database"),
)

BREAKDOWN = (
    BreakdownRow(code="504", count=412, of_errors=0.873, of_requests=0.0731),
    BreakdownRow(code="502", count=49, of_errors=0.104, of_requests=0.0087),
    BreakdownRow(code="500", count=11, of_errors=0.023, of_requests=0.0019),
)
CHANGES = (
    Change(
        at=ONSET - timedelta(minutes=9),
        actor="campaign-scheduler",
        kind="scaling",
        resource="events/rule/black-friday-push",
        summary="EventBridge rule black-friday-push enabled",
        lag=540,
    ),
    Change(
        at=ONSET - timedelta(minutes=48),
        actor="arn:aws:sts::123456789012:assumed-role/deploy/maria.lopez",
        kind="configuration",
        resource="checkout-handler",
        summary="memory of checkout-handler 1024 → 512 MB",
        lag=2880,
    ),
)
LINKS = (
    Link(title="Alarm", url=f"{CONSOLE}#alarmsV2:alarm/checkout-api-5xx"),
    Link(title="API metrics", url=f"{CONSOLE}#metricsV2"),
    Link(title="Access log", url=f"{CONSOLE}#logsV2:logs-insights"),
    Link(title="Runbook", url="https://wiki.example.com/runbooks/checkout"),
)


def minutes(values: Mapping[int, float]) -> tuple[tuple[datetime, float | None], ...]:
    """Steps of a level, by the minute from an hour before the alarm; the last holds."""
    points: list[tuple[datetime, float | None]] = []
    level = 0.0
    for minute in range(-60, 7):
        level = values.get(minute, level)
        points.append((BEGAN + timedelta(minutes=minute), level))
    return tuple(points)


CHART = (
    Series(
        name="5XX %",
        points=minutes({-60: 0.1, -3: 2.8, -2: 6.1, -1: 7.9, 1: 9.6, 2: 9.1, 4: 8.4, 5: 8.8}),
    ),
    Series(
        name="cold starts %",
        points=minutes({-60: 0.6, -5: 3.0, -4: 8.2, -3: 14.0, -1: 17.5, 2: 16.0, 4: 15.1}),
    ),
)
OVERVIEW = Overview(
    headline="5XX on 8.4 % of requests, mostly 504",
    onset=ONSET,
    breakdown=BREAKDOWN,
    changes=CHANGES,
    chart_title="5XX and cold starts, % of requests",
    chart=CHART,
    links=LINKS,
)
DENIED = Gap(
    probe="waf",
    reason=GapReason.DENIED,
    detail="web ACL of the API stage",
    permission="wafv2:GetWebACLForResource",
)

FOUND = Report(
    playbook="5xx",
    service="checkout",
    alarm=ALARM,
    window=Window.around(BEGAN, NOW),
    overview=OVERVIEW,
    verdict=Verdict.HIGH,
    signal=SignalState(
        abnormal=True,
        over=False,
        text="5XX on 8.4 % of requests since 02:41 UTC (usual: 0.1 %)",
        label="5XX",
        was="8.4 %",
        now="9.1 %",
        of="of requests",
    ),
    causes=(COLD_STARTS, OVERLOAD, THROTTLED, BAD_DEPLOY, *ABSENT),
    gaps=(DENIED,),
    first_guess="backend-overloaded",
    cost=Cost(calls=31, metrics=26, log_bytes=48_200_000, usd=0.00051, seconds=6.2),
    complete=True,
    made_at=NOW,
)
LOOKING = FOUND.model_copy(
    update={
        "overview": OVERVIEW.model_copy(update={"changes": ()}),
        "verdict": Verdict.INCONCLUSIVE,
        "causes": (
            COLD_STARTS.model_copy(
                update={"status": CauseStatus.UNTESTED, "clues": (), "missing": ("cold_starts",)}
            ),
            THROTTLED,
            *ABSENT[:1],
        ),
        "gaps": (
            Gap(
                probe="logs",
                reason=GapReason.PENDING,
                detail="access log of the API",
            ),
            Gap(probe="starts", reason=GapReason.PENDING, detail="cold starts of the functions"),
            Gap(probe="changes", reason=GapReason.PENDING, detail="changes around the onset"),
        ),
        "complete": False,
        "made_at": BEGAN + timedelta(seconds=40),
    }
)
UNCLEAR = FOUND.model_copy(
    update={
        "verdict": Verdict.INCONCLUSIVE,
        "overview": OVERVIEW.model_copy(update={"changes": (), "chart": CHART[:1]}),
        "causes": (
            COLD_STARTS.model_copy(
                update={
                    "status": CauseStatus.POSSIBLE,
                    "score": 2,
                    "clues": (
                        COLD_STARTS.clues[1],
                        COLD_STARTS.clues[3],
                        clue(
                            ClueKind.DECISIVE,
                            "whether the requests that timed out were cold",
                            None,
                        ),
                    ),
                }
            ),
            OVERLOAD.model_copy(
                update={
                    "status": CauseStatus.POSSIBLE,
                    "score": 1,
                    "clues": (
                        clue(
                            ClueKind.SUPPORTING, "integration latency p99 rose 4.2× (0.9 → 3.8 s)"
                        ),
                    ),
                }
            ),
            BAD_DEPLOY.model_copy(
                update={"status": CauseStatus.UNTESTED, "clues": (), "missing": ("changes",)}
            ),
            THROTTLED,
            *ABSENT,
        ),
        "gaps": (
            Gap(
                probe="starts",
                reason=GapReason.DENIED,
                detail="REPORT lines of /aws/lambda/checkout-handler",
                permission="logs:StartQuery",
            ),
            Gap(
                probe="changes",
                reason=GapReason.THROTTLED,
                detail="CloudTrail LookupEvents, 3 attempts",
            ),
            Gap(
                probe="access",
                reason=GapReason.NOT_CONFIGURED,
                detail="stage prod writes no access log",
            ),
        ),
        "next_test": NextTest(
            question="whether the requests that timed out were cold",
            decides=("cold-start-surge", "backend-overloaded"),
            probe="starts",
            read="REPORT lines of the function",
            reason=GapReason.DENIED,
            permission="logs:StartQuery",
        ),
    }
)

TIMELINE = (
    TimelineEntry(at=BEGAN, kind="alarm", text="checkout-api-5xx went to ALARM"),
    TimelineEntry(
        at=BEGAN + timedelta(seconds=8),
        kind="finding",
        text="Lambda cold starts in a surge of traffic (high confidence)",
    ),
    TimelineEntry(
        at=NOW,
        kind="approval",
        text="Enable provisioned concurrency 24 on checkout-handler:live",
        actor="U0BEN",
        ref="run-9d04",
    ),
    TimelineEntry(at=NOW + timedelta(minutes=9), kind="recovery", text="the alarm is OK"),
)

HOSTILE = (
    "<!channel> <@U0ANNA> <#C0CHECKOUT> @here <https://evil.example|click> `rm -rf` *b* "
    "\u202eniaga\u202c \u200bhttp://evil.example :fire: & </a> {alarm}"
)
