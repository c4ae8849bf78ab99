"""The report of an investigation, and the values it is made of.

All times are timezone-aware UTC by AWS's clock (the `Date` header of its replies), so that a host
with a wrong clock still reads the right minutes.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from pydantic import AwareDatetime, Field, field_validator

from bot.domain.alarm import Alarm
from bot.domain.base import Frozen
from bot.domain.coverage import combined
from bot.domain.plan import Choice
from bot.domain.resources import Resources


class Window(Frozen):
    """The time that is investigated, and an earlier time to compare it with, in whole minutes."""

    began: AwareDatetime  # when the alarm changed state, or the time a person asked about
    start: AwareDatetime  # investigated: from here
    end: AwareDatetime  # to here
    baseline_start: AwareDatetime  # compared with: from here
    baseline_end: AwareDatetime  # to here
    since: AwareDatetime | None = None
    """When something was changed while it was going on. What is abnormal after it is weighed by
    the minutes from here; None: nothing was changed, or there are too few minutes since."""
    begun: AwareDatetime | None = None  # when that change was begun: before it is "before"
    episode: AwareDatetime | None = None
    """When an incident before this one was over: what was abnormal until then is not this one's."""

    @classmethod
    def around(cls, began: datetime, now: datetime) -> Self:
        """From 60 minutes before `began` to now, against 120 to 15 minutes before `began`.

        At most the latest 4 hours are investigated, because Logs Insights bills what it scans.
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
    """What a clue does to its cause; `bot.investigation.engine` has the points."""

    NECESSARY = "necessary"  # refutes the cause when it does not hold; no points
    DECISIVE = "decisive"  # +3 when it holds
    SUPPORTING = "supporting"  # +1 when it holds
    CONTRADICTING = "contradicting"  # -2 when it holds


class Clue(Frozen):
    """One sentence of evidence for or against a cause, with its figures."""

    kind: ClueKind
    holds: bool | None  # None: it could not be checked
    text: str  # "warm requests take 871 ms (p99), as before"
    figures: dict[str, float] = Field(default_factory=dict)  # the figures of the text, by name
    choice: Choice | None = None  # what an action has to act on if this clue holds
    missing: tuple[str, ...] | None = None
    """What is left out of the evidence it rests on. None: it rests on all evidence of its cause."""
    known_from: AwareDatetime | None = None
    """When AWS should have published what leaves it unknown; None: time alone does not tell."""
    first: bool = False  # what happened first: the card tells it before the rest of its cause

    def came_first(self) -> Self:
        """The clue, which tells what happened first: more traffic, a release."""
        return self.model_copy(update={"first": True})

    def known_later(self, at: datetime) -> Self:
        """The clue, which is unknown because AWS publishes late; by `at` (AWS time) it should be
        known."""
        return self.model_copy(update={"known_from": at})

    def resting_on(self, *evidence: object) -> Self:
        """The clue, which rests on these values and on nothing else that its cause asks for."""
        return self.model_copy(update={"missing": combined(evidence).missing})


class CauseStatus(StrEnum):
    """What the clues say of a cause."""

    SUPPORTED = "supported"  # a decisive clue holds, and every necessary one
    POSSIBLE = "possible"  # neither supported nor refuted
    REFUTED = "refuted"  # a clue speaks against it and nothing outweighs that
    UNTESTED = "untested"  # none of its clues could be checked


class Cause(Frozen):
    """A hypothesis after its clues were weighed."""

    id: str  # the hypothesis's
    title: str
    status: CauseStatus
    score: int  # points of the clues that hold
    clues: tuple[Clue, ...] = ()
    missing: tuple[str, ...] = ()  # probes it needs whose reads failed
    actions: tuple[str, ...] = ()  # ids of actions that can mend it, the best first
    choice: Choice | None = None  # what those actions have to act on, by the clues
    explains: tuple[str, ...] = ()  # ids of causes that this one can bring about
    applies: bool = True  # False: refuted only because the service has no such resource


class GapReason(StrEnum):
    """Why a read gave no answer."""

    DENIED = "access-denied"
    THROTTLED = "throttled"
    TIMEOUT = "timeout"
    NOT_FOUND = "not-found"  # AWS has no such resource
    NOT_CONFIGURED = "not-configured"  # catalogue, credentials or the resource lack what it needs
    BUDGET = "budget"  # the investigation's budget of calls, bytes or dollars is used up
    PENDING = "pending"  # not answered yet; only in a report that is not complete
    ERROR = "error"


class Gap(Frozen):
    """A read that failed or was not made. What it would have shown is unknown, not healthy."""

    probe: str  # the probe's attribute name, or what else was read ("alarm", "tags")
    reason: GapReason
    detail: str  # one sentence for people
    permission: str | None = None  # the IAM action that is missing, if that is the reason
    denied_by: str | None = None
    """The policy that stands in the way: granting the permission to the role would not help.
    "a service control policy (explicit deny)"."""
    query: str | None = None  # the Logs Insights query that was not run
    log_groups: tuple[str, ...] = ()  # over which it would have been run


class Change(Frozen):
    """Something somebody changed around the onset."""

    at: AwareDatetime
    actor: str  # "maya (role deploy)", "AWS (autoscaling)"; "unknown" where nothing says it
    kind: str  # deployment, alias, configuration, scaling, targets, security-group, network,
    # permission, secret, parameter, flag, database, dns, waf, certificate, other
    resource: str
    summary: str
    until: AwareDatetime | None = None  # when a rollout ended
    lag: float | None = None  # seconds from the change to the onset; negative: it came after
    choice: Choice | None = None  # what an action takes back; None: no action is known to
    source: str = ""  # where it was read: "CloudTrail"
    touches: tuple[str, ...] = ()  # names of the service's resources; "checkout:PROD" is an alias
    reverts: bool = False  # it goes back to what was there before
    error: str | None = None  # the code AWS refused it with: an attempt, nothing was changed


class BreakdownRow(Frozen):
    """How often one response code was answered since the onset."""

    code: str  # "504"
    count: float  # responses
    of_errors: float  # share of all errors, 0 to 1
    of_requests: float | None  # share of all requests, 0 to 1; None: not known


class Series(Frozen):
    """A line of the chart."""

    name: str
    points: tuple[tuple[AwareDatetime, float | None], ...]  # one a minute; None: not published


class Link(Frozen):
    """A page of the AWS console."""

    title: str
    url: str


class Cost(Frozen):
    """What the investigation itself cost."""

    calls: int = 0  # AWS API calls
    metrics: int = 0  # metrics requested from GetMetricData
    log_bytes: int = 0  # bytes scanned by Logs Insights
    usd: float = 0.0
    seconds: float = 0.0  # since the investigation began


class Verdict(StrEnum):
    """What the report comes to; `bot.investigation.verdict` decides."""

    HIGH = "high"  # the first cause is likely, with high confidence
    MEDIUM = "medium"  # the first cause is likely, with medium confidence
    INCONCLUSIVE = "inconclusive"  # the evidence does not point to a single cause
    NOTHING_WRONG = "nothing-wrong"  # what the alarm is about is normal, and all was read
    OVER = "over"  # it was abnormal and is normal again; no cause is known


class SignalState(Frozen):
    """Whether what the alarm is about is abnormal now, by the incident type's own signal."""

    abnormal: bool | None  # abnormal at some time around the alarm; None: not known
    over: bool | None = None  # normal again since; None: not known
    text: str  # one sentence with its figure
    label: str = ""  # what is measured: "5XX"
    was: str | None = None  # "9.7 %": while it was abnormal, or before a change; None: not known
    now: str | None = None  # "0.3 %": in the latest minutes, or in those since a change
    of: str = ""  # what the figures are shares of: "of requests"


class Advice(Frozen):
    """A next step that a person can take, also where the bot may not read or act."""

    text: str
    command: str | None = None  # to be run in a shell, or a Logs Insights query
    url: str | None = None


class Overview(Frozen):
    """What a playbook shows of the incident besides its causes."""

    headline: str  # "5XX: 8.4 % of requests, 504 mostly"
    onset: AwareDatetime | None = None  # when it began by the metrics; None: not seen in them
    observations: tuple[str, ...] = ()  # sentences: what stands out, where no cause is looked for
    breakdown: tuple[BreakdownRow, ...] = ()
    changes: tuple[Change, ...] = ()  # the nearest before the onset first
    chart_title: str = ""
    chart: tuple[Series, ...] = ()
    links: tuple[Link, ...] = ()


class Offer(Frozen):
    """An action that can mend the cause found."""

    action: str  # the action's id
    title: str
    fits: bool | None = True  # False: its preconditions forbid it; None: no plan could be computed
    why: str = ""  # the preconditions that do not hold, or what could not be read
    choice: Choice | None = None  # what the plan was computed with


class NextTest(Frozen):
    """The one thing to find out that would decide most, and what stands in its way."""

    question: str  # "whether the requests that timed out were cold"
    decides: tuple[str, ...] = ()  # ids of the causes that an answer speaks for or against
    probe: str | None = None  # the read that would answer it; None: no read is known to
    read: str = ""  # that read for people: "REPORT lines of the functions"
    reason: GapReason | None = None  # why it gave no answer; None: nothing failed
    permission: str | None = None  # the IAM action to grant first, if that is the reason
    denied_by: str | None = None  # the policy because of which granting it would not help
    again_at: AwareDatetime | None = None  # when AWS should have published it; AWS time
    on: str | None = None  # the resource to grant it on: "log-group:/aws/lambda/checkout:*"
    by_hand: Advice | None = None  # how a person can find it out where the read is denied


class SinceChange(Frozen):
    """A change made while an incident was open: by this program, or by anybody."""

    at: AwareDatetime  # when it was in force; AWS time
    begun: AwareDatetime | None = None  # when it was begun, if that was earlier
    what: str  # "maya moved PROD to version 41"
    run: str | None = None  # id of this program's own change


class Earlier(Frozen):
    """How this was over before, and how that ended."""

    over_since: AwareDatetime  # when the change was in force; else when the alarm was OK again
    mended_by: str | None = None  # title of the change that was verified to have mended it
    figure: str = ""  # what it was verified by: "5XX 0.12% of 3,000 requests (usual: 0.30%); …"
    came_after: SinceChange | None = None  # the last change before: only time speaks for it
    undone_at: AwareDatetime | None = None  # AWS time; None: not by this program
    undone_by: str | None = None  # Slack user id


class Report(Frozen):
    """What an investigation has found so far."""

    playbook: str  # the playbook's id
    service: str  # the service's name
    resources: Resources | None = None  # the service's resources, from catalogue and tags
    alarm: Alarm | None
    window: Window
    overview: Overview
    verdict: Verdict
    signal: SignalState | None = None  # None: the playbook does not tell
    causes: tuple[Cause, ...]  # best first
    chain: tuple[str, ...] = ()  # ids of the likely causes: the trigger first, then what it brought
    gaps: tuple[Gap, ...]  # reads that failed or are still running
    actions: tuple[Offer, ...] = ()
    next_test: NextTest | None = None  # what would decide most; None when HIGH or not complete
    first_guess: str | None = None  # id of the cause that people usually suspect first
    by_hand: tuple[Advice, ...] = ()  # next steps for a person
    after: SinceChange | None = None  # the change since which the minutes are investigated
    unsettled: SinceChange | None = None  # a later one: too few minutes since it to tell anything
    earlier: Earlier | None = None  # what had mended it before it came back
    cost: Cost = Cost()
    complete: bool = False  # every probe has answered or failed
    made_at: AwareDatetime

    @field_validator("next_test", mode="before")
    @classmethod
    def _question_alone(cls, value: object) -> object:
        """A report stored by an earlier version has the question only."""
        return {"question": value} if isinstance(value, str) else value

    @property
    def cause(self) -> Cause | None:
        """The cause the verdict is about; None when no cause is called likely."""
        likely = self.verdict in (Verdict.HIGH, Verdict.MEDIUM)
        return self.causes[0] if likely and self.causes else None

    @property
    def trigger(self) -> Cause | None:
        """The first link of the chain: what has to be mended; the cause itself when it is alone."""
        by_id = {cause.id: cause for cause in self.causes}
        return by_id.get(self.chain[0]) if self.cause and self.chain else self.cause


def nearest_first(changes: tuple[Change, ...], onset: datetime | None) -> tuple[Change, ...]:
    """Changes with their lag to the onset: first those before it, the nearest first.

    Without an onset: the latest first, without lags.
    """
    if onset is None:
        return tuple(sorted(changes, key=lambda change: change.at, reverse=True))
    lags = [(onset - change.at).total_seconds() for change in changes]
    dated = sorted(zip(lags, changes, strict=True), key=lambda pair: (pair[0] < 0, abs(pair[0])))
    return tuple(change.model_copy(update={"lag": lag}) for lag, change in dated)
