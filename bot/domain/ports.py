"""What the machinery needs of the outside, as protocols. Adapters implement them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, Protocol

from bot.domain.incident import Incident, TimelineEntry
from bot.domain.plan import Step
from bot.domain.report import Cost, Report
from bot.domain.run import AuditEntry, Run, RunState
from bot.domain.service import Service


class Aws(Protocol):
    """Reads of one account and region, metered and within a budget. Safe to share by threads.

    Every read raises ReadFailed when no answer came; an operation that could change anything is
    a programming error and raises ValueError before anything is sent.
    """

    @property
    def region(self) -> str: ...

    def now(self) -> datetime:
        """AWS's clock (from the `Date` of its latest reply), UTC; ours while AWS says nothing."""
        ...

    def read(
        self, service: str, operation: str, /, *, region: str | None = None, **params: Any
    ) -> dict[str, Any]:
        """One call in boto3's words: `read("lambda", "get_alias", FunctionName=…, Name=…)`."""
        ...

    def pages(
        self, service: str, operation: str, /, *, region: str | None = None, **params: Any
    ) -> Iterator[dict[str, Any]]:
        """All pages of a call; a page that fails raises, so a partial list is never taken whole."""
        ...

    def scanned(self, log_bytes: int) -> None:
        """Logs Insights says it scanned this much. Raises ReadFailed(BUDGET) above the budget."""
        ...

    def cost(self) -> Cost: ...


class AwsWriter(Protocol):
    """Writes, one attempt each, under the write role."""

    def write(self, step: Step) -> dict[str, Any]:
        """Send it once. Raises WriteRefused (nothing changed) or WriteAmbiguous (read back)."""
        ...


class Store(Protocol):
    """State that survives a crash. Every method is one atomic step on Redis."""

    async def now(self) -> datetime:
        """Redis TIME: the one clock that deadlines are kept by."""
        ...

    async def once(self, what: str, seconds: int) -> bool:
        """Remember it for so long; whether this is the first time."""
        ...

    async def known(self, what: str) -> bool:
        """Whether it is remembered."""
        ...

    # incidents
    async def open_incident(self, incident: Incident, dedupe: str) -> tuple[Incident, bool]:
        """Save it unless an open one has this dedupe key; the incident kept, and whether new."""
        ...

    async def incident_for(self, dedupe: str) -> Incident | None:
        """The incident opened last under this dedupe key, whatever its state."""
        ...

    async def incident(self, incident_id: str) -> Incident | None: ...

    async def incident_at(self, channel: str, thread_ts: str) -> Incident | None: ...

    async def latest_incident(self, channel: str) -> Incident | None: ...

    async def change_incident(self, incident_id: str, **fields: Any) -> Incident:
        """Replace fields atomically; the incident as it is then."""
        ...

    async def save_report(self, incident_id: str, report: Report) -> None: ...

    async def report(self, incident_id: str) -> Report | None: ...

    async def note(self, incident_id: str, entry: TimelineEntry) -> None:
        """Append to the timeline; an entry equal in kind, ref and text is kept once."""
        ...

    async def timeline(self, incident_id: str) -> Sequence[TimelineEntry]: ...

    # guarded changes
    async def create_run(self, run: Run) -> Run:
        """Save it unless its id is known; the run as kept."""
        ...

    async def run(self, run_id: str) -> Run | None: ...

    async def runs(self, incident_id: str) -> Sequence[Run]: ...

    async def under_way(self) -> Sequence[Run]:
        """Runs somebody asked for that have not ended."""
        ...

    async def move(
        self, run_id: str, allowed: Collection[RunState], to: RunState, **fields: Any
    ) -> Run | None:
        """Compare-and-set: to `to` if it is in one of `allowed`, with the audit entry in the same
        script. None when it is in none of them (somebody else was first)."""
        ...

    async def approve(self, run_id: str, approver: str, fingerprint: str) -> Run | None:
        """REQUESTED -> APPROVED if the fingerprint is the run's, the approver is not the
        requester and Redis TIME is before `expires_at`; all in one script, audit included."""
        ...

    async def claim(self, target: str, run_id: str) -> str | None:
        """Reserve a target for one pending change; the id of the run that has it, if another."""
        ...

    async def release(self, target: str, run_id: str) -> None: ...

    async def audit(self) -> Sequence[AuditEntry]: ...

    async def verify_audit(self) -> str | None:
        """None when the chain is whole; otherwise a sentence naming the first wrong entry."""
        ...


class Message(Protocol):
    """Rendered: Block Kit blocks, and the text that stands for them in notifications."""

    @property
    def text(self) -> str: ...

    @property
    def blocks(self) -> list[dict[str, Any]]: ...


class Announcer(Protocol):
    """What people see. Posts are durable and coalesced; whispers and views are neither."""

    async def post(
        self,
        channel: str,
        key: str,
        message: Message,
        *,
        thread_ts: str | None = None,
        thread_key: str | None = None,
    ) -> None:
        """Show the message under a stable key: posted once, then edited in place."""
        ...

    async def ephemeral(
        self, channel: str, user: str, message: Message, *, thread_ts: str | None = None
    ) -> None:
        """To one person only; lost when Slack is down."""
        ...

    async def view(self, external_id: str, view: dict[str, Any]) -> None:
        """Replace an open modal."""
        ...


class Queue(Protocol):
    """Durable tasks."""

    async def put(self, kind: str, about: str, *, key: str, after: float = 0.0) -> None:
        """Ask for a task in `after` seconds; a key that is waiting or running is kept."""
        ...

    async def waiting(self, kind: str) -> Collection[str]:
        """What tasks of a kind wait or run for."""
        ...


class Accounts(Protocol):
    """Ways into AWS for a service."""

    def reader(self, service: Service) -> Aws:
        """A metered reader with a fresh budget. Raises ReadFailed."""
        ...

    def writer(self, service: Service, run: Run) -> AwsWriter:
        """The write role, for this one run. Raises WriteRefused when it can't be had."""
        ...
