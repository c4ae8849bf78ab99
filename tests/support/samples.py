"""Incidents as plain values: what the golden files are rendered from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain.alarm import Alarm
from bot.domain.incident import Incident, IncidentState, Severity, TimelineEntry
from bot.domain.plan import Check, Plan, Step
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
    Overview,
    Report,
    Series,
    Verdict,
    Window,
)
from bot.domain.run import Answer, Run, RunState, Verification
from bot.render import (
    Entry,
    Offer,
    card,
    error_modal,
    help_message,
    loading_modal,
    nothing_modal,
    playbooks_message,
    preview_modal,
    run_message,
    status,
    timeline,
    unknown_message,
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
        clue(ClueKind.SUPPORTING, "requests rose 3.1× in the 5 min before onset (410 → 1,270/min)"),
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
    clues=(clue(ClueKind.DECISIVE, "0 throttles; 212 of 1,000 concurrent executions", False),),
)
BAD_DEPLOY = Cause(
    id="bad-deployment",
    title="Defect in a deployment",
    status=CauseStatus.REFUTED,
    score=0,
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
    causes=(COLD_STARTS, OVERLOAD, THROTTLED, BAD_DEPLOY, *ABSENT),
    gaps=(DENIED,),
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
        "next_test": "whether the requests that timed out were cold",
    }
)

OFFERS = (
    Offer(id="ofr-51c2", title="Enable provisioned concurrency"),
    Offer(id="ofr-51c3", title="Raise the memory back"),
)
PARAMS = {"FunctionName": "checkout-handler", "Qualifier": "live"}
PLAN = Plan(
    action="enable-provisioned-concurrency",
    title="Enable provisioned concurrency 24 on checkout-handler:live",
    service="checkout",
    target="lambda:checkout-handler:live/provisioned-concurrency",
    before={"alias_version": "41", "provisioned": None},
    after={"alias_version": "41", "provisioned": 24},
    steps=(
        Step(
            service="lambda",
            operation="put_provisioned_concurrency_config",
            params={**PARAMS, "ProvisionedConcurrentExecutions": 24},
        ),
    ),
    inverse=(
        Step(
            service="lambda", operation="delete_provisioned_concurrency_config", params=dict(PARAMS)
        ),
    ),
    checks=(
        Check(text="the API invokes the alias live, not $LATEST", holds=True),
        Check(text="24 of 788 unreserved concurrent executions are free", holds=True),
        Check(text="version 41 is published and active", holds=True),
    ),
    warnings=("Environments start over 1 to 3 min; errors fall only then.",),
    usd_per_hour=0.180,
)
BLOCKED = PLAN.model_copy(
    update={
        "checks": (
            Check(text="the API invokes $LATEST: provisioned concurrency would idle", holds=False),
            Check(text="unreserved concurrency of the account", holds=None),
            *PLAN.checks[2:],
        ),
        "inverse": None,
        "irreversible": "environments that were started are billed for the hour",
        "usd_per_hour": None,
    }
)


def run(state: RunState, **fields: Any) -> Run:
    values = {"requested_by": "U0ANNA", "plan": PLAN, "fingerprint": PLAN.fingerprint, **fields}
    return Run(
        id="run-9d04",
        incident=INCIDENT.id,
        action=PLAN.action,
        state=state,
        **values,
    )


REQUESTED = run(RunState.REQUESTED, expires_at=NOW + timedelta(minutes=10))
SETTLING = run(
    RunState.SETTLING, approved_by="U0BEN", applied_at=NOW, note="IN_PROGRESS: 3 of 24 ready"
)
DONE = run(
    RunState.DONE,
    approved_by="U0BEN",
    applied_at=NOW,
    in_force_at=NOW + timedelta(minutes=2),
    verification=Verification(
        answer=Answer.YES,
        text="5XX 0.2 % of requests in 3 of 3 min, 8.4 % before; 0 spillover",
        at=NOW + timedelta(minutes=6),
    ),
)
NOT_MENDED = DONE.model_copy(
    update={
        "verification": Verification(
            answer=Answer.NO, text="5XX still 7.9 % of requests after 10 min", at=NOW
        )
    }
)
NEVER_IN_FORCE = DONE.model_copy(
    update={
        "in_force_at": None,
        "verification": Verification(
            answer=Answer.NO, text="FAILED: the concurrency limit was exceeded", at=NOW
        ),
    }
)
REFUSED = run(
    RunState.REFUSED,
    approved_by="U0BEN",
    note="The alias live moved from version 41 to 42 after the plan was made.",
)
DRIFTED = run(
    RunState.DRIFTED,
    approved_by="U0BEN",
    applied_at=NOW,
    note="Provisioned concurrency is 10; it was none before and was to be 24.",
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


def hostile() -> dict[str, Any]:
    """Everything that comes from outside is an attack."""
    alarm = ALARM.model_copy(update={"name": HOSTILE})
    evil = COLD_STARTS.model_copy(update={"clues": (clue(ClueKind.DECISIVE, HOSTILE),)})
    change = CHANGES[0].model_copy(update={"actor": HOSTILE, "summary": HOSTILE})
    overview = OVERVIEW.model_copy(
        update={
            "headline": HOSTILE,
            "changes": (change,),
            "breakdown": (BreakdownRow(code=HOSTILE, count=1, of_errors=1, of_requests=None),),
            "chart_title": HOSTILE,
            "links": (Link(title=HOSTILE, url="javascript:alert(1)"), *LINKS[:1]),
        }
    )
    report = FOUND.model_copy(
        update={
            "alarm": alarm,
            "overview": overview,
            "causes": (evil, OVERLOAD.model_copy(update={"title": HOSTILE})),
            "gaps": (DENIED.model_copy(update={"detail": HOSTILE, "permission": HOSTILE}),),
        }
    )
    incident = INCIDENT.model_copy(update={"alarm": alarm, "service": HOSTILE})
    return blocks(card(incident, report, (), (Offer(id="ofr-1", title=HOSTILE),)))


def blocks(message: Any) -> dict[str, Any]:
    return {"text": message.text, "blocks": message.blocks}


def everything() -> dict[str, dict[str, Any]]:
    """Name of each golden file → what is rendered into it."""
    asked = INCIDENT.model_copy(update={"alarm": None, "opened_by": "U0ANNA"})
    return {
        "card_opened": blocks(card(asked, None, (), ())),
        "card_looking": blocks(card(INCIDENT, LOOKING, (), ())),
        "card_found": blocks(card(INCIDENT, FOUND, (), OFFERS)),
        "card_unclear": blocks(card(INCIDENT, UNCLEAR, (), ())),
        "card_recovered": blocks(card(RECOVERED, FOUND, (DONE,), OFFERS[1:])),
        "card_hostile": hostile(),
        "run_requested": blocks(run_message(REQUESTED, INCIDENT)),
        "run_settling": blocks(run_message(SETTLING, INCIDENT)),
        "run_done": blocks(run_message(DONE, INCIDENT)),
        "run_not_mended": blocks(run_message(NOT_MENDED, INCIDENT)),
        "run_never_in_force": blocks(run_message(NEVER_IN_FORCE, INCIDENT)),
        "run_refused": blocks(run_message(REFUSED, INCIDENT)),
        "run_drifted": blocks(run_message(DRIFTED, INCIDENT)),
        "modal_loading": loading_modal("prepare-1"),
        "modal_preview": preview_modal(run(RunState.PROPOSED), PLAN, "prepare-1"),
        "modal_blocked": preview_modal(run(RunState.PROPOSED), BLOCKED, "prepare-1"),
        "modal_nothing": nothing_modal(
            "prepare-1",
            "Nothing to do",
            "Provisioned concurrency of checkout-handler:live is 24 already.",
        ),
        "modal_error": error_modal(
            "prepare-1",
            "The state of the resource could not be read.",
            "lambda:GetProvisionedConcurrencyConfig was denied to the read role; grant it, "
            "then open the action again from the card.",
        ),
        "status": blocks(status(INCIDENT, FOUND)),
        "timeline": blocks(timeline(INCIDENT, TIMELINE)),
        "help": blocks(help_message()),
        "playbooks": blocks(
            playbooks_message((Entry("5xx", "HTTP 5XX errors", "an overloaded backend"),))
        ),
        "unknown": blocks(unknown_message('I do not know "triage 5x".', "/incident triage 5xx")),
    }
