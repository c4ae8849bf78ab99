"""The nouns: alarm, incident, report, plan, run, timeline. Frozen values; no client in reach.

Times are timezone-aware UTC. Times of evidence are AWS's (the `Date` of its replies), so a host
with a wrong clock does not look for the incident in the wrong minutes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from pydantic import AwareDatetime, Field

from bot.frozen import Frozen as Frozen
from bot.iam import iam_action
from bot.resources import Resources

# --- alarm and incident ------------------------------------------------------------------------


class AlarmState(StrEnum):
    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Alarm(Frozen):
    """A CloudWatch alarm as a message told of it, later filled in by DescribeAlarms."""

    name: str
    region: str
    account: str | None = None
    arn: str | None = None
    state: AlarmState = AlarmState.ALARM
    reason: str = ""
    changed_at: AwareDatetime | None = None  # StateTransitionedTimestamp
    namespace: str | None = None
    metric: str | None = None
    dimensions: dict[str, str] = Field(default_factory=dict)
    statistic: str | None = None
    period: int | None = None  # seconds
    threshold: float | None = None
    children: tuple[str, ...] = ()  # names, for a composite alarm

    @property
    def key(self) -> str:
        """The same for every message about this alarm, whatever its path here."""
        return f"{self.account or '-'}:{self.region}:{self.name}"


class Severity(StrEnum):
    SEV1 = "SEV1"
    SEV2 = "SEV2"
    SEV3 = "SEV3"
    SEV4 = "SEV4"


class IncidentState(StrEnum):
    OPEN = "open"
    RECOVERED = "recovered"  # the alarm went back to OK
    CLOSED = "closed"


class Incident(Frozen):
    """One incident and the Slack thread it lives in."""

    id: str
    playbook: str
    service: str
    severity: Severity
    state: IncidentState = IncidentState.OPEN
    alarm: Alarm | None = None
    channel: str
    thread_ts: str | None = None  # the post the card hangs under; None until the outbox sent it
    opened_by: str | None = None  # user id; None when an alarm opened it
    opened_at: AwareDatetime  # AWS time
    since: AwareDatetime | None = None  # when it began, as somebody said who asked; AWS time
    recovered_at: AwareDatetime | None = None


class TimelineEntry(Frozen):
    """What happened, when, by whom; `ref` names the plan or report it came from."""

    at: AwareDatetime
    kind: str  # alarm, triage, finding, plan, approval, change, verification, undo, recovery, note
    text: str
    actor: str | None = None  # Slack user id, or None for the bot
    ref: str | None = None


# --- what an investigation found -----------------------------------------------------------------


class Window(Frozen):
    """The minutes looked at, and the quiet minutes they are compared with."""

    began: AwareDatetime  # the alarm's change of state, or the time asked about
    start: AwareDatetime
    end: AwareDatetime
    baseline_start: AwareDatetime
    baseline_end: AwareDatetime

    @classmethod
    def around(cls, began: datetime, now: datetime) -> Self:
        """[began-60m, now] against [began-120m, began-15m], in whole minutes.

        What began over 4 hours ago is looked at for the latest 4 hours only: the minutes cost.
        """
        began = began.replace(second=0, microsecond=0)
        end = max(now.replace(second=0, microsecond=0), began + timedelta(minutes=1))
        return cls(
            began=began,
            start=max(began - timedelta(minutes=60), end - timedelta(hours=4)),
            end=end,
            baseline_start=began - timedelta(minutes=120),
            baseline_end=began - timedelta(minutes=15),
        )


class ClueKind(StrEnum):
    NECESSARY = "necessary"  # false: the cause is refuted
    DECISIVE = "decisive"  # +3
    SUPPORTING = "supporting"  # +1
    CONTRADICTING = "contradicting"  # -2


class Clue(Frozen):
    """One sentence with its figure, and whether it holds; None when it could not be checked."""

    kind: ClueKind
    holds: bool | None
    text: str
    figures: dict[str, float] = Field(default_factory=dict)


class CauseStatus(StrEnum):
    SUPPORTED = "supported"
    POSSIBLE = "possible"
    REFUTED = "refuted"
    UNTESTED = "untested"


class Cause(Frozen):
    """A hypothesis weighed. `missing` names the probes it needed and did not get."""

    id: str
    title: str
    status: CauseStatus
    score: int
    clues: tuple[Clue, ...] = ()
    missing: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()  # ids of actions that fit, most fitting first


class GapReason(StrEnum):
    DENIED = "access-denied"
    THROTTLED = "throttled"
    TIMEOUT = "timeout"
    NOT_FOUND = "not-found"
    NOT_CONFIGURED = "not-configured"
    BUDGET = "budget"
    PENDING = "pending"  # only in a report that is not complete yet
    ERROR = "error"


class Gap(Frozen):
    """A read that failed or could not be made: what it was for stays unknown."""

    probe: str
    reason: GapReason
    detail: str
    permission: str | None = None  # the IAM action that is missing, when that is why


class Change(Frozen):
    """Something somebody changed around the onset. `lag`: seconds from change to onset."""

    at: AwareDatetime
    actor: str
    kind: str  # deployment, alias, configuration, scaling, security-group, other
    resource: str
    summary: str
    until: AwareDatetime | None = None  # a rollout's end
    lag: float | None = None


class Share(Frozen):
    """One row of a breakdown: an answer code, how often, of all errors and of all requests."""

    code: str
    count: float
    of_errors: float
    of_requests: float | None


class Series(Frozen):
    """A line of the chart: one value a minute; None where nothing was published."""

    name: str
    points: tuple[tuple[AwareDatetime, float | None], ...]


class Link(Frozen):
    title: str
    url: str


class Cost(Frozen):
    """What the investigation itself cost."""

    calls: int = 0
    metrics: int = 0  # metrics requested of GetMetricData
    log_bytes: int = 0  # scanned by Logs Insights
    usd: float = 0.0
    seconds: float = 0.0


class Verdict(StrEnum):
    HIGH = "high"
    MEDIUM = "medium"
    INCONCLUSIVE = "inconclusive"


class Picture(Frozen):
    """What a playbook shows of the incident besides its causes."""

    headline: str  # "5XX: 8.4 % of requests, 504 mostly"
    onset: AwareDatetime | None = None
    breakdown: tuple[Share, ...] = ()
    changes: tuple[Change, ...] = ()
    chart_title: str = ""
    chart: tuple[Series, ...] = ()
    links: tuple[Link, ...] = ()


class Offer(Frozen):
    """An action that fits the cause found. `fits` is None when its plan could not be computed."""

    action: str
    title: str
    fits: bool | None = True
    why: str = ""  # when fits is None: what could not be read


class Report(Frozen):
    """What an investigation found so far; `complete` when every probe has answered or failed."""

    playbook: str
    service: str
    resources: Resources | None = None  # what the service was found to be made of
    alarm: Alarm | None
    window: Window
    picture: Picture
    verdict: Verdict
    causes: tuple[Cause, ...]  # best first
    gaps: tuple[Gap, ...]
    actions: tuple[Offer, ...] = ()
    next_test: str | None = None  # when inconclusive: what would tell most
    cost: Cost = Cost()
    complete: bool = False
    made_at: AwareDatetime

    @property
    def cause(self) -> Cause | None:
        """The cause the verdict is about; None when inconclusive."""
        return None if self.verdict is Verdict.INCONCLUSIVE or not self.causes else self.causes[0]


# --- a guarded change -----------------------------------------------------------------------------


class Step(Frozen):
    """One exact AWS API call, in boto3's words."""

    service: str  # "lambda"
    operation: str  # "put_provisioned_concurrency_config"
    params: dict[str, Any]

    @property
    def permission(self) -> str:
        """The IAM action it needs: "lambda:PutProvisionedConcurrencyConfig"."""
        return iam_action(self.service, self.operation)


class Check(Frozen):
    """A precondition: holds, does not, or could not be checked (which refuses, as acting does)."""

    text: str
    holds: bool | None


class Plan(Frozen):
    """A change proposed: exact calls forward and back, and the state it was computed from.

    `before` and `after` are snapshots of the same shape; `inverse` is None when the change cannot
    be undone, and then `irreversible` says why.
    """

    action: str
    title: str
    service: str
    target: str  # the one resource it changes; one pending change per target
    before: dict[str, Any]
    after: dict[str, Any]
    steps: tuple[Step, ...]
    inverse: tuple[Step, ...] | None
    irreversible: str | None = None
    checks: tuple[Check, ...] = ()
    warnings: tuple[str, ...] = ()
    usd_per_hour: float | None = None
    settles_within: int = 300  # seconds until the change should be in force
    resources: tuple[str, ...] = ()  # ARNs the calls touch, forward and back; empty: not known

    @property
    def fingerprint(self) -> str:
        """SHA-256 over what would be done and from which state; an approval is bound to it."""
        facts = self.model_dump(
            mode="json", include={"action", "target", "before", "after", "steps", "inverse"}
        )
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    @property
    def blocked_by(self) -> tuple[Check, ...]:
        """Checks that do not hold or could not be made: acting fails closed."""
        return tuple(check for check in self.checks if check.holds is not True)


class Answer(StrEnum):
    YES = "yes"
    NO = "no"
    INCONCLUSIVE = "inconclusive"


class Verification(Frozen):
    """Is the service mended? One answer with its figures, at one time."""

    answer: Answer
    text: str
    at: AwareDatetime


class RunState(StrEnum):
    """The way of a guarded change. Everything moves by compare-and-set; see `bot.store`."""

    PREPARING = "preparing"  # the plan is being computed for the preview
    PROPOSED = "proposed"  # shown to the requester
    REQUESTED = "requested"  # waits for an approver
    APPROVED = "approved"
    RUNNING = "running"  # intent recorded; the calls may have been sent
    SETTLING = "settling"  # sent and accepted; not in force yet
    VERIFYING = "verifying"
    DONE = "done"  # verification has answered, see `verification`
    UNDOING = "undoing"
    UNDONE = "undone"
    REJECTED = "rejected"
    EXPIRED = "expired"
    REFUSED = "refused"  # a guard or AWS said no; nothing was changed
    DRIFTED = "drifted"  # the world is neither before nor after: a human looks


class Run(Frozen):
    """A plan on its way: who asked, who approved, how far it came."""

    id: str
    incident: str
    action: str
    state: RunState
    requested_by: str
    plan: Plan | None = None
    fingerprint: str | None = None  # of the plan the requester saw
    approved_by: str | None = None
    requested_at: AwareDatetime | None = None  # when approval was asked for, Redis time
    expires_at: AwareDatetime | None = None  # of that request, Redis time
    deadline: AwareDatetime | None = None  # by which the present state should end, Redis time
    applied_at: AwareDatetime | None = None  # AWS time
    in_force_at: AwareDatetime | None = None  # AWS time; None: it never was, as far as is known
    results: tuple[dict[str, Any], ...] = ()  # what each step returned, trimmed
    verification: Verification | None = None
    note: str = ""  # why it ended, in a sentence
    undone_by: str | None = None


class AuditEntry(Frozen):
    """One link of the audit chain: who did what; `digest` covers it and the link before."""

    number: int
    at: AwareDatetime  # Redis TIME
    actor: str
    event: str  # "approved", "running", "settling"…
    run: str
    detail: str
    digest: str


def canonical(state: Mapping[str, Any]) -> str:
    """A snapshot as text that is equal exactly when the snapshots are."""
    return json.dumps(state, sort_keys=True, default=str)
