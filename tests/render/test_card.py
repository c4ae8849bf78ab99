"""What the card says, and in which order: the promises of the product, one test each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from bot.domain.incident import Incident
from bot.domain.playbook_contract import Playbook, Probe, Scope, hypothesis, necessary
from bot.domain.report import (
    BreakdownRow,
    Cause,
    CauseStatus,
    Clue,
    ClueKind,
    Gap,
    GapReason,
    NextTest,
    Offer,
    Overview,
    Report,
    SignalState,
    Verdict,
    Window,
)
from bot.domain.run import Verification
from bot.domain.service import Service
from bot.investigation.weighing import weigh
from bot.render import (
    all_evidence_modal,
    already_open,
    card,
    no_incident,
)
from bot.render.blocks import MOST_CHARACTERS, count_characters
from sandbox.slack.limits import validate_blocks
from tests.render.reading import buttons, read
from tests.support.change_samples import DONE, OFFERS
from tests.support.samples import (
    ALARM,
    BEGAN,
    FOUND,
    INCIDENT,
    LOOKING,
    NOW,
    RECOVERED,
    UNCLEAR,
    clue,
)


def told(report: Report | None = FOUND, incident: Incident = INCIDENT, **changes: Any) -> str:
    shown = report.model_copy(update=changes) if report else None
    return read(card(incident, shown, (), OFFERS).blocks)


def causes(**changes: Any) -> tuple[Cause, ...]:
    first = FOUND.causes[0].model_copy(update=changes)
    return (first, *FOUND.causes[1:])


def test_the_first_line_says_what_broke_and_how_bad() -> None:
    first, second, *_ = told().splitlines()
    assert first == "checkout · 5XX 9.1 % of requests now (504)"
    assert second.startswith("*SEV1* · since <!date^")
    assert "^{time} ({ago})|" in second  # counted by Slack when it is read
    assert "`checkout-api-5xx`" in told().splitlines()[-1]


def test_how_it_was_stands_beside_how_it_is_where_that_differs() -> None:
    assert FOUND.signal is not None

    def first(**changes: Any) -> str:
        signal = FOUND.signal.model_copy(update=changes) if FOUND.signal else None
        return told(signal=signal).splitlines()[0]

    assert first(now="2.1 %") == "checkout · 5XX 2.1 % of requests now, 8.4 % since it began"
    assert first(now="0.1 %", over=True) == "checkout · 5XX 0.1 %, was 8.4 %"
    assert first(now=None) == "checkout · 5XX on 8.4 % of requests, mostly 504"


def test_how_many_failed_in_all_by_their_codes() -> None:
    assert "472 failed so far: 504 412 · 502 49 · 500 11" in told()
    rows = tuple(
        BreakdownRow(code=str(500 + n), count=1, of_errors=0.1, of_requests=None) for n in range(9)
    )
    overview = FOUND.overview.model_copy(update={"breakdown": rows})
    assert "9 failed so far: 500 1 · 501 1 · 502 1 · 503 1 · others 5" in told(overview=overview)


def test_the_cause_is_a_chain_what_came_first_before_what_decides() -> None:
    lines = told().splitlines()
    at = lines.index("Lambda cold starts in a surge of traffic (high confidence)")
    assert lines[at + 1] == "Requests rose 3.1× in the 5 min before onset (410 → 1,270/min)"
    assert lines[at + 2].startswith("→ 71 % of the requests that timed out were cold starts")
    assert "surge of traffic (medium confidence)" in told(verdict=Verdict.MEDIUM)


def test_one_cause_that_brought_another_leads_the_chain() -> None:
    release = FOUND.causes[3].model_copy(
        update={
            "status": CauseStatus.SUPPORTED,
            "clues": (clue(ClueKind.DECISIVE, "KeyError in 100 % of the requests"),),
        }
    )
    chain = (release.id, FOUND.causes[0].id)
    lines = told(causes=(release, *FOUND.causes[:3]), chain=chain).splitlines()
    at = lines.index("Defect in a deployment (high confidence)")
    assert lines[at + 1] == "→ KeyError in 100 % of the requests"
    assert lines[at + 2] == "→ Lambda cold starts in a surge of traffic"


def test_the_first_guess_and_what_refutes_it_stand_before_the_buttons() -> None:
    lines = told().splitlines()
    guess = next(n for n, each in enumerate(lines) if each.startswith("First guess ruled out: "))
    assert "Backend overloaded. Warm requests are as quick as before" in lines[guess]
    assert lines[guess + 1].startswith("[Enable provisioned concurrency…]")


def test_clues_that_do_not_hold_are_silent_and_unknown_ones_say_so() -> None:
    text = told()
    assert "the share of cold starts did not change" not in text
    assert "• Not known: whether SnapStart could be switched on" in text


def test_a_clue_against_the_likely_cause_is_shown() -> None:
    against = clue(ClueKind.CONTRADICTING, "2 % failed without a cold start")
    text = told(causes=causes(clues=(*FOUND.causes[0].clues, against)))
    lines = text.splitlines()
    assert lines[lines.index("Evidence") + 1] == "• Against it: 2 % failed without a cold start"


def test_the_evidence_does_not_repeat_the_chain() -> None:
    lines = told().splitlines()
    assert len([line for line in lines if "71 % of the requests that timed out" in line]) == 1
    assert len([line for line in lines if "equests rose 3.1×" in line]) == 1


def test_rivals_are_ruled_out_by_a_fact_each() -> None:
    lines = told().splitlines()
    at = lines.index("Ruled out")
    assert lines[at + 1] == "• Lambda concurrency limit: 0 throttles"
    assert lines[at + 2].startswith("• Defect in a deployment: function errors are 0.2 %")


class Nothing(Probe[str]):
    title = "target health of the load balancer"
    permissions = ()

    def read(self, aws: object, scope: Scope) -> str | None:
        return None


class Bare(Playbook):
    id = "bare"
    title = "Bare"
    looks_like = ""
    targets = Nothing()

    @hypothesis("No healthy targets")
    def no_targets(self, targets: str) -> Iterator[Clue]:
        yield necessary(True, f"{targets} are there")

    def overview(self) -> Overview:
        return Overview(headline="")

    def recovered(self) -> Verification:
        raise NotImplementedError


def test_causes_the_service_has_no_resource_for_are_in_the_modal_alone() -> None:
    """As `bot.investigation.engine` words it, not as this test believes it does."""
    scope = Scope(Service(name="checkout"), None, Window.around(BEGAN, NOW))
    playbook = Bare()
    absent = weigh(playbook, playbook.hypotheses[0], scope, {"targets": None})
    assert absent.status is CauseStatus.REFUTED
    report = FOUND.model_copy(update={"causes": (FOUND.causes[0], absent, absent)})
    assert "No healthy targets" not in told(report)
    everything = read(all_evidence_modal(report, "evidence-1")["blocks"])
    assert "Does not apply to checkout: No healthy targets, No healthy targets" in everything


def test_what_changed_with_its_lag_and_who() -> None:
    lines = told().splitlines()
    at = lines.index("Changes around the onset")
    assert lines[at + 1].startswith(
        "• 9\u00a0min before onset: EventBridge rule black-friday-push enabled"
        " · campaign-scheduler · 2026-11-23 02:32 UTC"
    )
    assert "maria.lopez (role deploy)" in lines[at + 2]


def test_no_change_is_only_claimed_when_everything_was_read() -> None:
    quiet = FOUND.overview.model_copy(update={"changes": ()})
    early = told(overview=quiet, gaps=())
    assert "Changes around the onset: none found yet; CloudTrail may be minutes behind." in early
    window = FOUND.window.model_copy(update={"end": FOUND.window.end + timedelta(minutes=15)})
    assert "Changes around the onset: none found." in told(overview=quiet, gaps=(), window=window)
    assert "Changes around" not in told(overview=quiet)
    assert "Changes around" not in told(overview=quiet, gaps=(), complete=False)


def test_what_could_not_be_checked_names_the_permission() -> None:
    lines = told(UNCLEAR).splitlines()
    at = lines.index("Could not be checked (unknown, not healthy)")
    assert lines[at + 1] == (
        "• No access: needs logs:StartQuery · REPORT lines of /aws/lambda/checkout-handler"
    )
    assert "Therefore not tested: Defect in a deployment" in lines


def test_a_permission_that_would_not_help_is_not_asked_for() -> None:
    gap = Gap(
        probe="exceptions",
        reason=GapReason.DENIED,
        detail="logs:StartQuery: reader is not authorized on log-group:/x:*",
        permission="logs:StartQuery",
        denied_by="a service control policy (explicit deny)",
    )
    granted = gap.model_copy(update={"denied_by": None, "probe": "reports"})
    lines = told(UNCLEAR, gaps=(gap, granted)).splitlines()
    at = lines.index("Could not be checked (unknown, not healthy)")
    assert lines[at + 1] == (
        "• No access: logs:StartQuery is denied by a service control policy (explicit deny); "
        "granting it to the role does not help"
    )
    assert lines[at + 2].startswith("• No access: needs logs:StartQuery · reader is not authorized")


def test_one_fault_of_all_reads_is_told_once() -> None:
    gaps = tuple(
        Gap(probe=probe, reason=GapReason.NOT_CONFIGURED, detail="the credentials have expired")
        for probe in ("exceptions", "traffic")
    )
    said = told(UNCLEAR, gaps=gaps)
    assert "Not set up for 2 reads: the credentials have expired" in said
    everything = all_evidence_modal(UNCLEAR.model_copy(update={"gaps": gaps}), "evidence-1")
    assert "(exceptions, traffic)" in read(everything["blocks"])


def test_inconclusive_says_so_and_what_to_test_next() -> None:
    lines = told(UNCLEAR).splitlines()
    assert "No single cause found. The evidence does not point to one of them." in lines
    assert "Next: find out whether the requests that timed out were cold" in lines
    assert not any("confidence)" in line for line in lines)
    nothing_left = [each for each in FOUND.causes if each.status is CauseStatus.REFUTED]
    ruled_out = told(verdict=Verdict.INCONCLUSIVE, causes=tuple(nothing_left))
    assert "Every cause I know is ruled out." in ruled_out


def test_while_it_looks_it_says_at_what_and_claims_nothing() -> None:
    text = told(LOOKING)
    assert text.splitlines()[-1] == (
        "`checkout-api-5xx` eu-west-1 · "
        "Still reading: access log of the API, cold starts of the functions, "
        "changes around the onset"
    )
    assert "No single cause" not in text
    assert "Could not be checked" not in text
    assert "Lambda cold starts in a surge of traffic (so far)" in told(complete=False)


def test_sections_keep_their_order_while_evidence_comes_in() -> None:
    def kinds(report: Report | None) -> list[str]:
        blocks = card(INCIDENT, report, (), ()).blocks
        return [block["type"] for block in blocks]

    order = iter(kinds(FOUND))
    assert all(kind in order for kind in kinds(LOOKING))
    assert kinds(None)[:2] == kinds(FOUND)[:2] == ["header", "context"]


def test_recovered_shows_on_the_same_card() -> None:
    blocks = card(RECOVERED, FOUND, (DONE,), OFFERS).blocks
    first, second, *rest = read(blocks).splitlines()
    assert first == "Recovered · checkout · 5XX 8.4 % of requests while it lasted"
    assert "from <!date^" in second
    assert "(18\u00a0min)" in second
    assert rest[0].startswith(
        "• Enable provisioned concurrency 24 on checkout-handler:live: verified · "
        "asked by @U0ANNA, approved by @U0BEN · in force "
    )
    assert not any("style" in each for each in buttons(blocks))


def test_a_first_guess_that_is_still_possible_leads_nothing() -> None:
    possible = FOUND.causes[1].model_copy(update={"status": CauseStatus.POSSIBLE})
    assert "First guess" not in told(causes=(FOUND.causes[0], possible, *FOUND.causes[2:]))


def test_what_looking_cost() -> None:
    last = told().splitlines()[-1]
    assert last.endswith(
        "Investigated in 6\u00a0s · 31 AWS reads · 26 metrics · 48\u00a0MB of logs scanned · "
        "$0.0005"
    )


def test_a_card_that_would_be_too_large_says_what_it_leaves_out() -> None:
    many = tuple(
        FOUND.causes[1].model_copy(update={"title": f"Cause {number}"}) for number in range(40)
    )
    lines = told(causes=(FOUND.causes[0], *many)).splitlines()
    assert "… 35 more ruled out in All evidence" in lines


def test_the_worst_card_is_still_a_card() -> None:
    """Everything at its longest and in hundreds: less is shown of each, nothing is refused."""
    long = "W" * 5000

    def worst(cause: Cause, **changes: Any) -> Cause:
        clues = tuple(clue(kind, long, holds) for kind in ClueKind for holds in (True, None))
        return cause.model_copy(update={"title": long, "clues": clues * 9, **changes})

    gap = Gap(probe=long, reason=GapReason.ERROR, detail=long, permission=long)
    change = FOUND.overview.changes[0].model_copy(update={"summary": long, "actor": long})
    url = "https://a.example/" + "x" * 2900
    links = tuple(each.model_copy(update={"url": url}) for each in FOUND.overview.links)
    overview = FOUND.overview.model_copy(
        update={
            "headline": long,
            "changes": (change,) * 200,
            "links": links * 50,
            "breakdown": FOUND.overview.breakdown * 50,
        }
    )
    first, second = FOUND.causes[:2]
    report = FOUND.model_copy(
        update={
            "overview": overview,
            "gaps": (gap,) * 200,
            "next_test": NextTest(question=long, read=long, permission=long, decides=(first.id,)),
            "causes": (
                worst(first),
                *[worst(first, status=CauseStatus.POSSIBLE)] * 100,
                *[worst(second)] * 100,
            ),
            "actions": (Offer(action="x", title=long, fits=None, why=long),) * 50,
        }
    )
    alarm = ALARM.model_copy(update={"name": long})
    incident = INCIDENT.model_copy(update={"alarm": alarm, "service": long})
    plan = DONE.plan.model_copy(update={"title": long}) if DONE.plan else None
    runs = [DONE.model_copy(update={"plan": plan})] * 50
    made = card(incident, report, runs, OFFERS * 30)
    assert validate_blocks(made.blocks) == []
    assert count_characters(made.blocks) <= MOST_CHARACTERS
    assert "more change" in read(made.blocks)


def test_short_answers() -> None:
    assert "#C0CHECKOUT" in read(already_open(INCIDENT).blocks)
    assert "/incident triage 5xx" in no_incident().text


def test_a_look_around_says_what_stands_out_and_claims_no_cause() -> None:
    signal = SignalState(abnormal=True, text="SQS Age of payments 5,000 (threshold 300)")
    seen = FOUND.overview.model_copy(update={"observations": ("CPU of orders: 97 %, usual 30 %",)})
    text = told(
        overview=seen, causes=(), chain=(), verdict=Verdict.INCONCLUSIVE, signal=signal, actions=()
    )
    assert "no cause is looked for" in text
    assert "SQS Age of payments 5,000" in text
    assert "CPU of orders: 97 %, usual 30 %" in text
    assert "ruled out" not in text.lower()
