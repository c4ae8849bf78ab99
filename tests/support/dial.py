"""The smallest world a guarded change can act on: one dial, an action that turns it, and a ledger
of the calls that took effect, kept on the far side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.changes.engine import Offload
from bot.changes.executor import ChangeExecutor, NextStep, Timeouts
from bot.domain.errors import ReadFailed, WriteAmbiguous, WriteRefused
from bot.domain.incident import Incident, Severity
from bot.domain.plan import Check, Choice, Number, Plan, Step
from bot.domain.playbook_contract import Action, Observed, Scope
from bot.domain.policy import Policy, Refusal
from bot.domain.ports import Aws
from bot.domain.report import Cost, GapReason
from bot.domain.run import Answer, Run, RunState, Verification
from bot.domain.send_limit import SendLimit
from bot.domain.service import Service
from tests.support.members import Members
from tests.support.memory_store import MemoryStore
from tests.support.stepping import beside, drive, wait_here

ASKS, APPROVES, OUTSIDER = "U0ASKS", "U0APPROVES", "U0OUTSIDER"
RUN, INCIDENT = "run-1", "inc-1"
SIGNED_FOR = timedelta(minutes=5)


def nothing_happens() -> None:
    """Nobody stops the sender here."""


class Dial:
    """Aws and AwsWriter in one. `lost_before` and `lost_after`: calls whose answer never comes."""

    region = "us-east-1"

    def __init__(self, value: int = 1) -> None:
        self.value = value
        self.ledger: list[Step] = []
        self.attempts = 0
        self.clock = datetime(2026, 11, 23, 3, 12, tzinfo=UTC)
        self.refuses = False
        self.lost_before = False
        self.lost_after = False
        self.unreadable: GapReason | None = None
        self.turning = False
        self.clock_ahead = 0.0
        self.preparing = self.leaving = self.arriving = nothing_happens

    def now(self) -> datetime:
        return self.clock

    def read(
        self, service: str, operation: str, /, *, region: str | None = None, **params: Any
    ) -> dict[str, Any]:
        if self.unreadable:
            raise ReadFailed(self.unreadable, f"dial:Get: {self.unreadable}", "dial:Get")
        return {"value": self.value}

    def pages(
        self, service: str, operation: str, /, *, region: str | None = None, **params: Any
    ) -> Iterator[dict[str, Any]]:
        yield self.read(service, operation, **params)

    def scanned(self, log_bytes: int) -> None: ...

    def log_allowance(self) -> int:
        return 0

    def cost(self) -> Cost:
        return Cost()

    def prepare(self, steps: Sequence[Step]) -> float:
        self.preparing()
        return self.clock_ahead

    def write(self, step: Step, limit: SendLimit) -> dict[str, Any]:
        """`leaving` and `arriving` are called where a sender may be stopped: before the limit is
        checked, and after it. AWS takes a call for SIGNED_FOR by the clock it was signed by."""
        self.leaving()
        if limit.passed():
            raise WriteRefused("NotSent", "it took too long until the call could leave")
        left = self.clock
        self.arriving()
        if self.clock - left > SIGNED_FOR + timedelta(seconds=self.clock_ahead):
            raise WriteRefused("InvalidSignatureException", "Signature expired")
        self.attempts += 1
        if self.refuses:
            raise WriteRefused("AccessDenied", "not allowed to turn the dial")
        if self.lost_before:
            raise WriteAmbiguous("no answer")
        self.ledger.append(step)
        self.value = step.params["to"]
        if self.lost_after:
            raise WriteAmbiguous("no answer")
        return {"turned": True, "ResponseMetadata": {"RequestId": "r-1"}}


def turn(to: int) -> Step:
    return Step(service="dial", operation="turn", params={"to": to})


@dataclass
class TurnDial(Action):
    """From whatever it is to 2."""

    id = "turn-dial"
    title = "Turn the dial"
    reads = ("dial:Get",)
    writes = ("dial:Turn",)

    checks: tuple[Check, ...] = ()
    in_force: Answer = Answer.YES
    reversible: bool = True
    stranger: str | None = None

    def plan(self, aws: Aws, scope: Scope, choice: Choice | None = None) -> Plan | None:
        now = aws.read("dial", "get_dial")["value"]
        to = choice.amount if choice and choice.amount is not None else 2
        if now == to:
            return None
        return Plan(
            action=self.id,
            title=f"Turn the dial from {now} to {to}",
            service=scope.service.name,
            target="dial",
            before={"value": now},
            after={"value": to},
            steps=(turn(to),),
            inverse=(turn(now),) if self.reversible else None,
            irreversible=None if self.reversible else "the dial has a ratchet.",
            checks=self.checks,
            settles_within=60,
            number=Number(
                name="Position",
                value=to,
                least=1,
                most=9,
                derived="2 is the middle",
                bounds="scale",
            ),
            choice=choice,
        )

    def replan(self, aws: Aws, scope: Scope, plan: Plan) -> Plan | None:
        return self.plan(aws, scope, plan.choice)

    def observe(self, aws: Aws, plan: Plan) -> Observed:
        turning = isinstance(aws, Dial) and aws.turning
        return Observed({"value": aws.read("dial", "get_dial")["value"]}, changing=turning)

    def ownership_conflict(
        self, plan: Plan, seen: Observed, results: tuple[dict[str, Any], ...]
    ) -> str | None:
        return self.stranger

    def settled(self, aws: Aws, plan: Plan, results: tuple[dict[str, Any], ...]) -> Verification:
        return Verification(answer=self.in_force, text="as the dial says", at=aws.now())


@dataclass
class Bench:
    """An incident, a dial, and an actor whose every wait can be stopped."""

    offload: Offload = beside
    tier: int = 2
    dial: Dial = field(default_factory=Dial)
    action: TurnDial = field(default_factory=TurnDial)
    verdicts: list[Answer] = field(default_factory=lambda: [Answer.YES])
    before: Verification | Exception | None = None  # what the detector says before it is sent
    slack: Members = field(default_factory=Members)
    people: dict[str, tuple[str, ...]] = field(
        default_factory=lambda: {ASKS: ("responder",), APPROVES: ("commander",)}
    )
    policy: Policy | None = None  # in place of the people with the standard roles

    def __post_init__(self) -> None:
        self.store = MemoryStore(wait_here)
        self.service = Service(name="checkout", tier=self.tier)
        self.elapsed = 0.0
        self.executor = ChangeExecutor(
            store=self.store,
            actions={self.action.id: self.action},
            service=lambda name: self.service if name == "checkout" else None,
            policy=lambda: self.policy or Policy(people=self.people),
            people=self.slack,
            reader=lambda _: self.dial,
            writer=lambda _, __: self.dial,
            detector=self._detect,
            timeouts=Timeouts(),
            offload=self.offload,
            monotonic=lambda: self.elapsed,
        )
        self.store.incidents[INCIDENT] = Incident(
            id=INCIDENT,
            playbook="5xx",
            service="checkout",
            severity=Severity.SEV1,
            channel="C1",
            opened_at=self.store.clock,
        )

    async def _detect(self, run: Run) -> Verification:
        if run.applied_at is None:
            if isinstance(self.before, Exception):
                raise self.before
            text = "5XX 9.7 % of requests"
            return self.before or Verification(answer=Answer.NO, text=text, at=self.dial.now())
        answer = self.verdicts.pop(0) if len(self.verdicts) > 1 else self.verdicts[0]
        return Verification(answer=answer, text=f"{answer} by the detector", at=self.dial.now())

    def pass_time(self, seconds: float) -> None:
        """For the store, for AWS and for this host alike."""
        self.store.advance(seconds)
        self.dial.clock += timedelta(seconds=seconds)
        self.elapsed += seconds

    @property
    def run(self) -> Run:
        return self.store.kept[RUN]

    def state(self) -> RunState:
        """Asked anew each time."""
        return self.run.state

    def proposed(self) -> NextStep | Refusal | None:
        drive(self.executor.begin(RUN, INCIDENT, self.action.id, ASKS))
        return drive(self.executor.prepare(RUN))

    def requested(self) -> NextStep | Refusal | None:
        self.proposed()
        return drive(self.executor.request(RUN, ASKS))

    def approved(self) -> NextStep | Refusal | None:
        self.requested()
        return drive(self.executor.approve(RUN, APPROVES))

    def done(self) -> None:
        self.approved()
        self.follow(drive(self.executor.apply(RUN)))

    def follow(self, following: NextStep | Refusal | None) -> None:
        """Do what is next, when it is due, until nothing is."""
        for _ in range(500):
            if not isinstance(following, NextStep):
                return
            self.pass_time(following.after_seconds)
            following = drive(getattr(self.executor, following.step.value)(RUN))
        raise AssertionError(f"the run never ends: it is {self.state()}")
