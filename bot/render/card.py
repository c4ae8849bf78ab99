"""The incident card: one message under the alarm's post, to be read on a phone at 3 AM.

What somebody needs comes first and fits on a phone's first screen: how bad it is now, the cause as
a chain, the first guess and what refutes it, what to do. Then chart, evidence, changes, what is
ruled out and what could not be read, one line each; the rest is behind *All evidence*. The order
of the sections stays the same while evidence comes in.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.incident import Incident, IncidentState
from bot.domain.objection import other_actions
from bot.domain.redaction import evidence_in
from bot.domain.report import GapReason, Report
from bot.domain.run import Run
from bot.render import findings
from bot.render.blocks import (
    MOST_CHARACTERS,
    Block,
    Message,
    actions,
    bold,
    button,
    context,
    count_characters,
    header,
    line,
    rich,
)
from bot.render.change_message import UNDER_WAY
from bot.render.changed import changed_by_us, since_the_change, undo_button
from bot.render.chart import chart
from bot.render.clicks import Click, Offer
from bot.render.comparison import history
from bot.render.detail import Detail
from bot.render.gaps import unread
from bot.render.next_step import next_button, query_to_run
from bot.render.state import (
    facts,
    headline,
    more_of_headline,
    now_and_before,
    source,
    state_word,
)
from bot.render.text import (
    Mrkdwn,
    clip,
    dollars,
    duration,
    escaped,
    join,
    literal,
    local_time,
    plural,
    shorten,
    size,
)
from bot.render.verdict import CONFIDENCE, chain_title, ruled_out_guess, verdict, without_cause

BUDGET = MOST_CHARACTERS - 1_200
MOST_OFFERS = 2

# From all details to the fewest; the card gets the first that fits into one message.
DETAIL_LEVELS = (
    Detail(),
    Detail(links=2),
    Detail(links=0),
    Detail(links=0, clues=3, refuted=2, gaps=2, changes=1, others=1, observations=4),
)


def card(
    incident: Incident, report: Report | None, runs: Sequence[Run], offers: Sequence[Offer]
) -> Message:
    """The card for the present state, within all limits of Block Kit.

    Args:
        incident: the incident; the card of a recovered or closed one says so.
        report: the latest report, complete or not; None before the first one.
        runs: guarded changes of this incident, oldest first.
        offers: actions for the cause found, the best first.
    """
    for detail in DETAIL_LEVELS:
        blocks = _blocks(incident, report, runs, offers, detail)
        if count_characters(blocks) <= BUDGET:
            break
    return Message(summary(incident, report), blocks, _kept(report))


def summary(incident: Incident, report: Report | None) -> str:
    """The card in a few sentences, for notifications and screen readers: how bad it is, the cause
    or what to find out, and what can be done."""
    pieces = [escaped(f"{state_word(incident)}{headline(incident, report)}.", 300)]
    if report is not None and report.after is not None and now_and_before(report):
        after = report.after
        pieces.append(escaped(f"Since {clip(after.what, 80)} at {after.at:%H:%M} UTC.", 200))
    if report is not None and report.complete:
        cause = report.cause
        pieces.append(
            escaped(f"{CONFIDENCE[report.verdict]}: {chain_title(report)}.", 300)
            if cause
            else escaped(f"{without_cause(report)}.", 300)
        )
        guess = ruled_out_guess(report)
        if cause and guess:
            pieces.append(escaped(f"Ruled out: {guess.title}.", 200))
        offered = next((each for each in report.actions if each.fits), None)
        if offered and incident.state is IncidentState.OPEN:
            pieces.append(escaped(f"Offered: {offered.title}.", 200))
        elif report.next_test and not cause:
            pieces.append(escaped(f"Next: find out {report.next_test.question}.", 300))
    return join(" ", pieces)


def status(incident: Incident, report: Report | None) -> Message:
    """The answer to `/incident status`: the first lines of the card."""
    head = f"{state_word(incident)}{headline(incident, report)}"
    blocks = [rich(line(bold(head))), context(facts(incident, report))]
    if report is not None:
        blocks.append(verdict(report, Detail()))
    return Message(summary(incident, report), blocks, _kept(report))


def _kept(report: Report | None) -> frozenset[str]:
    return frozenset() if report is None else evidence_in(report.model_dump())


def _blocks(
    incident: Incident,
    report: Report | None,
    runs: Sequence[Run],
    offers: Sequence[Offer],
    detail: Detail,
) -> list[Block]:
    open_now = incident.state is not IncidentState.CLOSED
    blocks: list[Block | None] = [
        header(f"{state_word(incident)}{headline(incident, report)}"),
        context(facts(incident, report)),
        changed_by_us(runs),
    ]
    if report is not None:
        blocks += [
            _rest_of_state(report),
            since_the_change(report),
            history(report),
            verdict(report, detail),
            findings.observations(report, detail),
        ]
    blocks.append(_buttons(incident, report, runs, offers))
    if report is not None:
        if open_now:
            blocks.append(findings.blocked(report, detail))
        blocks += [
            query_to_run(report),
            None if offers else findings.by_hand(report),
            chart(report),
            findings.evidence(report, detail),
            findings.possible(report, detail),
            findings.changes(report, detail),
            findings.ruled_out(report, detail),
            unread(report, detail),
            findings.links(report, detail),
        ]
    blocks += [_more_buttons(incident, report), context(_footer(incident, report))]
    return [block for block in blocks if block is not None]


def _rest_of_state(report: Report) -> Block | None:
    """What the overview's headline says besides the figure."""
    said = more_of_headline(report)
    return context(escaped(" · ".join(said), 300)) if said else None


def _buttons(
    incident: Incident, report: Report | None, runs: Sequence[Run], offers: Sequence[Offer]
) -> Block | None:
    """The read that would decide, at most two actions, the undo of what was changed last, the way
    to the other actions, and to all evidence. The first action is highlighted, unless a change is
    under way."""
    made: list[Block] = []
    if incident.state is not IncidentState.CLOSED:
        under_way = any(run.state in UNDER_WAY for run in runs)
        first = "primary" if incident.state is IncidentState.OPEN and not under_way else None
        made = [
            button(
                f"{offer.title}…",
                f"{Click.PREPARE}.{number}",
                offer.id,
                style=None if number else first,
            )
            for number, offer in enumerate(offers[:MOST_OFFERS])
        ]
        read = next_button(report, incident.id) if report else None
        if read is not None:
            made.insert(0, read)
        undo = undo_button(runs, report)
        if undo is not None:
            made.append(undo)
        if report is not None and report.complete and other_actions(report):
            made.append(button("Other actions…", Click.OTHERS, incident.id))
    if report is not None and report.complete:
        made.append(button("All evidence", Click.EVIDENCE, incident.id))
    return actions(made) if made else None


def _more_buttons(incident: Incident, report: Report | None) -> Block:
    made = [button("Timeline", Click.TIMELINE, incident.id)]
    again = report is not None and report.complete and incident.state is not IncidentState.CLOSED
    read = next_button(report, incident.id) if report else None
    if again and (read is None or read["action_id"] == Click.LATER):  # else it looks again itself
        made.insert(0, button("Look again", Click.RERUN, incident.id))
    return actions(made)


def _footer(incident: Incident, report: Report | None) -> Mrkdwn:
    """The alarm or whoever asked; what is still being read, or what was read and its cost."""
    about = source(incident)
    if report is None:
        looking = literal("Investigating; the first findings come in a few seconds.")
        return join(" · ", [about, looking])
    pending = [gap for gap in report.gaps if gap.reason is GapReason.PENDING]
    if pending:
        names = ", ".join(shorten(gap.detail or gap.probe, 60) for gap in pending[:6])
        more = f" and {len(pending) - 6} more" if len(pending) > 6 else ""
        return join(" · ", [about, escaped(f"Still reading: {names}{more}")])
    cost = report.cost
    pieces = [f"Investigated in {duration(cost.seconds)}", plural(cost.calls, "AWS read")]
    if cost.metrics:
        pieces.append(plural(cost.metrics, "metric"))
    if cost.log_bytes:
        pieces.append(f"{size(cost.log_bytes)} of logs scanned")
    pieces.append(dollars(cost.usd))
    stamped = join(" ", [literal("as of"), local_time(report.made_at, "{time_secs}")])
    return join(" · ", [about, stamped, *(escaped(piece) for piece in pieces)])
