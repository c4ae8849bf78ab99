"""The incident card: one message under the alarm's post, to be read on a phone.

First what is wrong and how much, since when, the likely cause with its evidence, and the actions;
below them chart, changes, causes ruled out, what was not read. The order of the sections stays the
same while evidence comes in.
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
    bullets,
    button,
    context,
    count_characters,
    header,
    line,
    plain,
    rich,
    table,
)
from bot.render.change_message import UNDER_WAY, outcome
from bot.render.chart import chart
from bot.render.clicks import Click, Offer
from bot.render.comparison import before_and_after, history
from bot.render.findings import Detail
from bot.render.next_step import next_button
from bot.render.text import (
    Mrkdwn,
    clip,
    code,
    count,
    dollars,
    duration,
    escaped,
    join,
    literal,
    local_time,
    mention,
    percent,
    plural,
    shorten,
    size,
    strong,
)

BUDGET = MOST_CHARACTERS - 1_200
MOST_OFFERS = 4
MOST_CODES = 5

# From all details to the fewest; the card gets the first that fits into one message.
DETAIL_LEVELS = (
    Detail(),
    Detail(refuted=3, links=4),
    Detail(refuted=3, links=4, gaps=3, changes=3, others=2, length=220),
    Detail(refuted=2, links=2, gaps=3, changes=2, others=1, clues=4, length=180),
    Detail(refuted=1, links=0, gaps=2, changes=1, others=0, clues=3, observations=4, length=140),
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
    """The card in one or two sentences, for notifications and screen readers."""
    pieces = [escaped(f"{_state_word(incident)}{_headline(incident, report)}", 300)]
    if report is not None and report.complete:
        cause = report.cause
        pieces.append(
            escaped(f"{findings.CONFIDENCE[report.verdict]}: {findings.chain_title(report)}.", 300)
            if cause
            else escaped(f"{findings.without_cause(report)}.", 300)
        )
    return join(" ", pieces)


def status(incident: Incident, report: Report | None) -> Message:
    """The answer to `/incident status`: the first lines of the card."""
    head = f"{_state_word(incident)}{_headline(incident, report)}"
    blocks = [rich(line(bold(head))), context(_facts(incident, report))]
    if report is not None:
        blocks.append(findings.verdict(report, Detail(clues=1, others=2)))
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
    blocks: list[Block | None] = [
        header(f"{_state_word(incident)}{_headline(incident, report)}"),
        context(_facts(incident, report)),
    ]
    if report is not None:
        blocks += [history(report), _codes(report), findings.verdict(report, detail)]
        blocks.append(findings.observations(report, detail))
    blocks += [_runs(runs), _buttons(incident, report, runs, offers)]
    if report is not None and incident.state is not IncidentState.CLOSED:
        blocks.append(findings.blocked(report, detail))
    if report is not None:
        blocks += [
            chart(report),
            None if report.cause else findings.by_hand(report, detail),
            findings.changes(report, detail),
            findings.ruled_out(report, detail),
            findings.by_hand(report, detail) if report.cause else None,
            findings.unread(report, detail),
            findings.links(report, detail),
        ]
    blocks += [_more_buttons(incident, report), context(_footer(report))]
    return [block for block in blocks if block is not None]


def _state_word(incident: Incident) -> str:
    return {
        IncidentState.OPEN: "",
        IncidentState.RECOVERED: "Recovered · ",
        IncidentState.CLOSED: "Closed · ",
    }[incident.state]


def _headline(incident: Incident, report: Report | None) -> str:
    """What is wrong and how much; after a change how it is since, and how it was before."""
    service = clip(incident.service, 60)
    if report is not None and (compared := before_and_after(report)):
        return f"{service} · {compared}"
    if report is not None and report.overview.headline:
        return f"{service} · {report.overview.headline}"
    return f"{service} · {incident.playbook}, investigating"


def _facts(incident: Incident, report: Report | None) -> Mrkdwn:
    """Severity, beginning and duration, alarm or whoever asked."""
    onset = report.overview.onset if report else None
    since = onset or (incident.alarm and incident.alarm.changed_at) or incident.opened_at
    until = incident.recovered_at or (report.made_at if report else None)
    lasted = Mrkdwn(duration(until - since)) if until and until > since else None
    times: list[Mrkdwn | None] = [literal("since"), local_time(since)]
    if incident.recovered_at:
        times = [
            literal("from"),
            local_time(since),
            literal("to"),
            local_time(incident.recovered_at),
        ]
    if lasted:
        times.append(Mrkdwn(f"({lasted})"))
    pieces = [strong(escaped(incident.severity)), join(" ", times)]
    if incident.alarm:
        pieces += [code(incident.alarm.name, 120), escaped(incident.alarm.region, 30)]
    elif incident.opened_by:
        pieces.append(join(" ", [literal("asked by"), mention(incident.opened_by)]))
    return join(" · ", pieces)


def _codes(report: Report) -> Block | None:
    """The table of error codes, the most frequent first."""
    shares = report.overview.breakdown
    if not shares:
        return None
    rows = [
        (share.code, count(share.count), percent(share.of_errors), percent(share.of_requests))
        for share in shares[:MOST_CODES]
    ]
    rest = shares[MOST_CODES:]
    if rest:
        of_requests = [share.of_requests for share in rest]
        known = [each for each in of_requests if each is not None]
        rows.append(
            (
                plural(len(rest), "other code"),
                count(sum(share.count for share in rest)),
                percent(sum(share.of_errors for share in rest)),
                percent(sum(known) if len(known) == len(rest) else None),
            )
        )
    return table(("Code", "Count", "of errors", "of requests"), rows)


def _runs(runs: Sequence[Run]) -> Block | None:
    """The last three guarded changes, one line each; each has its own message too."""
    shown = [run for run in runs if run.plan is not None][-3:]
    if not shown:
        return None
    rows = [
        [bold(run.plan.title if run.plan else run.action, 150), plain(f": {outcome(run)}")]
        for run in shown
    ]
    return rich(line(bold("Actions")), bullets(rows))


def _buttons(
    incident: Incident, report: Report | None, runs: Sequence[Run], offers: Sequence[Offer]
) -> Block | None:
    """The read that would decide, the actions, and the way to those that nothing calls for. The
    first action is highlighted, unless a change is under way."""
    if incident.state is IncidentState.CLOSED:
        return None
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
    if report is not None and report.complete and other_actions(report):
        made.append(button("Other actions…", Click.OTHERS, incident.id))
    return actions(made) if made else None


def _more_buttons(incident: Incident, report: Report | None) -> Block:
    made = [button("Timeline", Click.TIMELINE, incident.id)]
    again = report is not None and report.complete and incident.state is not IncidentState.CLOSED
    read = next_button(report, incident.id) if report else None
    if again and (read is None or read["action_id"] == Click.LATER):  # else it looks again itself
        made.insert(0, button("Look again", Click.RERUN, incident.id))
    return actions(made)


def _footer(report: Report | None) -> Mrkdwn:
    """What is still being read; at the end what the investigation read and cost."""
    if report is None:
        return literal("Investigating; the first findings come in a few seconds.")
    pending = [gap for gap in report.gaps if gap.reason is GapReason.PENDING]
    if pending:
        names = ", ".join(shorten(gap.detail or gap.probe, 60) for gap in pending[:6])
        more = f" and {len(pending) - 6} more" if len(pending) > 6 else ""
        return escaped(f"Still reading: {names}{more}")
    cost = report.cost
    pieces = [f"Investigated in {duration(cost.seconds)}", plural(cost.calls, "AWS read")]
    if cost.metrics:
        pieces.append(plural(cost.metrics, "metric"))
    if cost.log_bytes:
        pieces.append(f"{size(cost.log_bytes)} of logs scanned")
    pieces.append(dollars(cost.usd))
    stamped = join(" ", [literal("as of"), local_time(report.made_at, "{time_secs}")])
    return join(" · ", [*(escaped(piece) for piece in pieces), stamped])
