"""Protocols for what the program uses from outside: AWS, the store, the task queue.

The rooms `bot.aws` and `bot.state` implement them; tests put plain objects in their place. Those
for Slack are in `bot.domain.slack_ports`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from bot.domain.incident import Incident, TimelineEntry
from bot.domain.objection import Objection
from bot.domain.plan import Step
from bot.domain.report import Cost, Report
from bot.domain.run import AuditEntry, Run, RunState
from bot.domain.send_limit import SendLimit
from bot.domain.service import Service


class Aws(Protocol):
    """Reads of one account and region, counted and limited by a budget. Safe to use from threads.

    Every read raises ReadFailed when AWS gave no answer. An operation that could change anything
    raises ValueError before anything is sent: it is a programming error.
    """

    @property
    def region(self) -> str:
        """The region of calls that name none."""
        ...

    def now(self) -> datetime:
        """AWS's time, UTC, from the `Date` of its latest reply; the host's before any reply."""
        ...

    def read(
        self, service: str, operation: str, /, *, region: str | None = None, **params: Any
    ) -> dict[str, Any]:
        """One call by boto3's names: `read("lambda", "get_alias", FunctionName=…, Name=…)`."""
        ...

    def pages(
        self, service: str, operation: str, /, *, region: str | None = None, **params: Any
    ) -> Iterator[dict[str, Any]]:
        """All pages of a call. Raises at the page that failed, so a part is not taken for all."""
        ...

    def scanned(self, log_bytes: int) -> None:
        """Count bytes that Logs Insights scanned. Above the budget further queries are refused."""
        ...

    def log_allowance(self) -> int:
        """Bytes that one log query may scan: a share of the budget, and no more than is left."""
        ...

    def cost(self) -> Cost:
        """What the reads have cost so far."""
        ...


class AwsWriter(Protocol):
    """Sends the calls of one change under the write role; one attempt each."""

    def prepare(self, steps: Sequence[Step]) -> float:
        """Do all that is slow before these calls are sent: clients, credentials.

        Returns how many seconds this machine's clock is ahead of AWS's, at most: AWS accepts a
        request by the time it was signed at. Raises WriteRefused; nothing was sent then.
        """
        ...

    def write(self, step: Step, limit: SendLimit) -> dict[str, Any]:
        """Send the call once and return AWS's reply. The limit is checked as the call leaves.

        Raises WriteRefused when nothing was changed (the limit had passed, or AWS said no),
        WriteAmbiguous when it may have been.
        """
        ...


class Store(Protocol):
    """State that survives a crash. Every method is one atomic step on Redis."""

    async def now(self) -> datetime:
        """Redis TIME, UTC: the clock that all deadlines use."""
        ...

    async def first_time(self, what: str, seconds: int) -> bool:
        """Remember `what` for some seconds; True if it was not remembered before."""
        ...

    async def was_seen(self, what: str) -> bool:
        """Whether `first_time` has been called for `what` and its seconds have not passed."""
        ...

    # --- incidents
    async def open_incident(self, incident: Incident, dedupe: str) -> tuple[Incident, bool]:
        """Save the incident unless an open one has this dedupe key.

        Nor does an alarm message open one that is older than what the stored incident has seen.
        Returns the incident stored under the key, and whether it is the new one.
        """
        ...

    async def incident_for(self, dedupe: str) -> Incident | None:
        """The incident opened last under this dedupe key, in any state."""
        ...

    async def incident(self, incident_id: str) -> Incident | None:
        """The incident with this id."""
        ...

    async def incident_at(self, channel: str, thread_ts: str) -> Incident | None:
        """The incident whose Slack thread this is."""
        ...

    async def latest_incident(self, channel: str) -> Incident | None:
        """The incident opened last in a Slack channel."""
        ...

    async def incidents_in(self, channel: str, most: int = 50) -> Sequence[Incident]:
        """The incidents of a Slack channel that were opened last, the latest first."""
        ...

    async def open_incidents(self) -> Sequence[Incident]:
        """All open incidents, the one opened last first."""
        ...

    async def change_incident(self, incident_id: str, **fields: Any) -> Incident:
        """Replace these fields; return the incident as stored afterwards.

        Raises LookupError when there is no such incident, ValueError for a field it does not have.
        """
        ...

    async def save_report(self, incident_id: str, report: Report) -> None:
        """Store the incident's report in place of the one before."""
        ...

    async def report(self, incident_id: str) -> Report | None:
        """The incident's latest report."""
        ...

    async def add_to_timeline(self, incident_id: str, entry: TimelineEntry) -> None:
        """Append to the timeline; an entry equal in kind, ref and text is stored once."""
        ...

    async def timeline(self, incident_id: str) -> Sequence[TimelineEntry]:
        """The incident's timeline in the order of time."""
        ...

    # --- guarded changes
    async def create_run(self, run: Run) -> Run:
        """Create the run; if its id exists, return the stored run unchanged.

        Raises ValueError for a run that is already approved or further.
        """
        ...

    async def run(self, run_id: str) -> Run | None:
        """The run with this id."""
        ...

    async def runs(self, incident_id: str) -> Sequence[Run]:
        """All runs of an incident, in the order they were created."""
        ...

    async def unfinished_runs(self) -> Sequence[Run]:
        """Runs of all incidents that somebody requested and that have not ended, oldest first."""
        ...

    async def move_run(
        self, run_id: str, allowed: Collection[RunState], to: RunState, **fields: Any
    ) -> Run | None:
        """Set state and fields if the run is in one of the `allowed` states.

        The audit entry is written in the same script. Returns the run as stored, or None when it
        is in another state (somebody else was first) or a broken audit chain forbids RUNNING.
        Raises ValueError when no allowed state may be followed by `to`.
        """
        ...

    async def approve(
        self,
        run_id: str,
        approver: str,
        fingerprint: str,
        objection: Objection | None = None,
        *,
        break_glass: str = "",
    ) -> Run | None:
        """REQUESTED -> APPROVED, audit entry included, in one script.

        The audit entry has `objection`, the run's, and `break_glass`, the reason for approving
        one's own request. Only if the fingerprint is the run's, the approver is not the requester
        (with `break_glass`: is the requester), Redis TIME is before `expires_at`, and the audit
        chain is intact; else None.
        """
        ...

    async def approve_undo(self, run_id: str, approver: str) -> Run | None:
        """UNDO_REQUESTED -> UNDO_APPROVED, audit entry included, in one script.

        Only if the approver did not ask for the undo and Redis TIME is before `undo_expires_at`;
        else None.
        """
        ...

    async def claim_target(self, target: str, run_id: str) -> str | None:
        """Reserve a target for one run; returns the id of another run that holds it, if any."""
        ...

    async def release_target(self, target: str, run_id: str) -> None:
        """Give up the target if this run holds it."""
        ...

    async def audit(self) -> Sequence[AuditEntry]:
        """The whole audit chain, oldest entry first."""
        ...

    async def recent_audit(self, count: int) -> Sequence[AuditEntry]:
        """The last entries of the audit chain, oldest first."""
        ...

    async def verify_audit(self) -> str | None:
        """None when the audit chain is intact and the one that is known outside of the store;
        else a sentence naming the first fault."""
        ...

    async def frozen(self) -> str | None:
        """Why no change is approved or sent now, as a sentence; None when nothing forbids it."""
        ...

    async def freeze(self, source: str, reason: str) -> None:
        """Let no change be approved or sent until an operator accepts this reason."""
        ...


@dataclass(frozen=True, slots=True)
class Turn:
    """Whether an investigation may begin. Neither given: nothing is left to do."""

    number: int | None = None  # it begins, for the first so many requests
    busy: float | None = None  # another one goes on; seconds until its lease ends


class Turns(Protocol):
    """Whose turn it is to investigate an incident: one run at a time, over all workers."""

    async def ask(self, incident_id: str) -> int:
        """Count a request. Returns how many the latest run that began knew of."""
        ...

    async def begin(self, incident_id: str, owner: str, seconds: float) -> Turn:
        """Begin a run for all requests so far, with a lease of so many seconds, if there is a
        request that no finished run was for and no other run goes on."""
        ...

    async def keep(self, incident_id: str, owner: str, seconds: float) -> bool:
        """Renew the lease; False when another run has taken over."""
        ...

    async def end(self, incident_id: str, owner: str, number: int | None) -> bool:
        """End the run that was for the first `number` requests; None: it failed, and they remain.

        Returns whether something was asked for since it began.
        """
        ...


class Queue(Protocol):
    """Durable tasks: they survive a crash of the process."""

    async def put(self, kind: str, about: str, *, key: str, after: float = 0.0) -> None:
        """Run the task of this kind for `about` in `after` seconds.

        Does nothing when a task with this key is waiting or running.
        """
        ...

    async def waiting(self, kind: str) -> Collection[str]:
        """The `about` of the waiting and running tasks of one kind."""
        ...


class Accounts(Protocol):
    """Gives readers and writers for the AWS account of a service."""

    def reader(self, service: Service) -> Aws:
        """A reader with a fresh budget. Raises ReadFailed when its role can't be assumed."""
        ...

    def writer(self, service: Service, run: Run) -> AwsWriter:
        """A writer for this run only. Raises WriteRefused when its role can't be assumed."""
        ...
