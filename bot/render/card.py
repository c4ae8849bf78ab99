"""The incident card: one message under the alarm, readable at 3 AM on a phone.

What broke and how bad, since when, the likely cause with its evidence, what can be done; below
that what backs it up. The sections keep their order while evidence comes in.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.incident import Incident, IncidentState
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
    header,
    line,
    rich,
    say,
    table,
    weight,
)
from bot.render.chart import chart
from bot.render.clicks import Click, Offer
from bot.render.findings import Detail
from bot.render.run import UNDER_WAY, standing
from bot.render.text import (
    Mrkdwn,
    clip,
    code,
    count,
    dollars,
    escaped,
    fixed,
    joined,
    mention,
    moment,
    percent,
    plural,
    short,
    size,
    span,
    strong,
)

BUDGET = MOST_CHARACTERS - 1_200
MOST_OFFERS = 4
MOST_CODES = 5

# From everything down to the least that is still a card: what matters least goes first.
DETAILS = (
    Detail(),
    Detail(refuted=3, links=4),
    Detail(refuted=3, links=4, gaps=3, changes=3, rivals=2, words=220),
    Detail(refuted=2, links=2, gaps=3, changes=2, rivals=1, clues=4, words=180),
    Detail(refuted=1, links=0, gaps=2, changes=1, rivals=0, clues=3, words=140),
)


def card(
    incident: Incident, report: Report | None, runs: Sequence[Run], offers: Sequence[Offer]
) -> Message:
    """The card for what is known now, within every limit of Block Kit.

    Args:
        incident: what it is about; a recovered one says so.
        report: the latest report, complete or not; None when the investigation has just begun.
        runs: guarded changes of this incident, oldest first.
        offers: actions that fit, the most fitting first.
    """
    for detail in DETAILS:
        blocks = _blocks(incident, report, runs, offers, detail)
        if weight(blocks) <= BUDGET:
            break
    return Message(text=summary(incident, report), blocks=blocks)


def summary(incident: Incident, report: Report | None) -> str:
    """The card in a sentence or two, for notifications and screen readers."""
    pieces = [escaped(f"{_state_word(incident)}{_headline(incident, report)}", 300)]
    if report is not None and report.complete:
        cause = report.cause
        pieces.append(
            escaped(f"{findings.CONFIDENCE[report.verdict]}: {cause.title}.", 300)
            if cause
            else fixed("No cause stands out yet; the card says what to test next.")
        )
    return joined(" ", pieces)


def status(incident: Incident, report: Report | None) -> Message:
    """Where an incident stands, for one person who asked: the card's first lines."""
    head = f"{_state_word(incident)}{_headline(incident, report)}"
    blocks = [rich(line(bold(head))), context(_facts(incident, report))]
    if report is not None:
        blocks.append(findings.verdict(report, Detail(clues=1, rivals=2)))
    return Message(summary(incident, report), blocks)


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
        blocks += [_codes(report), findings.verdict(report, detail)]
    blocks += [_done(runs), _buttons(incident, runs, offers)]
    if report is not None:
        blocks += [
            chart(report),
            findings.changes(report, detail),
            findings.ruled_out(report, detail),
            findings.unknown(report, detail),
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
    if report is not None and report.overview.headline:
        return f"{clip(incident.service, 60)} · {report.overview.headline}"
    return f"{clip(incident.service, 60)} · {incident.playbook}, looking at it"


def _facts(incident: Incident, report: Report | None) -> Mrkdwn:
    """Severity, since when and for how long, which alarm."""
    onset = report.overview.onset if report else None
    since = onset or (incident.alarm and incident.alarm.changed_at) or incident.opened_at
    until = incident.recovered_at or (report.made_at if report else None)
    lasted = Mrkdwn(span(until - since)) if until and until > since else None
    times: list[Mrkdwn | None] = [fixed("since"), moment(since)]
    if incident.recovered_at:
        times = [fixed("from"), moment(since), fixed("to"), moment(incident.recovered_at)]
    if lasted:
        times.append(Mrkdwn(f"({lasted})"))
    pieces = [strong(escaped(incident.severity)), joined(" ", times)]
    if incident.alarm:
        pieces += [code(incident.alarm.name, 120), escaped(incident.alarm.region, 30)]
    elif incident.opened_by:
        pieces.append(joined(" ", [fixed("asked by"), mention(incident.opened_by)]))
    return joined(" · ", pieces)


def _codes(report: Report) -> Block | None:
    """The breakdown by answer code, the most frequent first."""
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


def _done(runs: Sequence[Run]) -> Block | None:
    """Guarded changes of this incident, one line each; each has its own message too."""
    shown = [run for run in runs if run.plan is not None][-3:]
    if not shown:
        return None
    rows = [
        [bold(run.plan.title if run.plan else run.action, 150), say(f": {standing(run)}")]
        for run in shown
    ]
    return rich(line(bold("Actions")), bullets(rows))


def _buttons(incident: Incident, runs: Sequence[Run], offers: Sequence[Offer]) -> Block | None:
    """What can be done. The first stands out, unless something is being done already."""
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
    return actions(made) if made else None


def _more_buttons(incident: Incident, report: Report | None) -> Block:
    made = [button("Timeline", Click.TIMELINE, incident.id)]
    if report is not None and report.complete and incident.state is not IncidentState.CLOSED:
        made.insert(0, button("Look again", Click.RERUN, incident.id))
    return actions(made)


def _footer(report: Report | None) -> Mrkdwn:
    """What is still being read; or what the reading cost."""
    if report is None:
        return fixed("Looking; the first findings come in seconds.")
    pending = [gap for gap in report.gaps if gap.reason is GapReason.PENDING]
    if pending:
        names = ", ".join(short(gap.detail or gap.probe, 60) for gap in pending[:6])
        more = f" and {len(pending) - 6} more" if len(pending) > 6 else ""
        return escaped(f"Still looking at: {names}{more}")
    cost = report.cost
    pieces = [f"Looked for {span(cost.seconds)}", plural(cost.calls, "AWS read")]
    if cost.metrics:
        pieces.append(plural(cost.metrics, "metric"))
    if cost.log_bytes:
        pieces.append(f"{size(cost.log_bytes)} of logs scanned")
    pieces.append(dollars(cost.usd))
    stamped = joined(" ", [fixed("as of"), moment(report.made_at, "{time_secs}")])
    return joined(" · ", [*(escaped(piece) for piece in pieces), stamped])
