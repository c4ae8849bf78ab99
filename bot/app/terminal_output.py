"""Prints reports and the list of playbooks in the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bot.domain.report import Cause, CauseStatus, Clue, ClueKind, Gap, GapReason, Report, Verdict
from bot.render import findings
from bot.render.text import (
    actor_name,
    count,
    dollars,
    duration,
    percent,
    plural,
    size,
    time_to_onset,
)
from bot.render.verdict import chain_title, refutation

_VERDICT = {Verdict.HIGH: "bold green", Verdict.MEDIUM: "bold yellow"}
_WITHOUT_CAUSE = {
    Verdict.INCONCLUSIVE: "Inconclusive",
    Verdict.NOTHING_WRONG: "Nothing is wrong now",
    Verdict.OVER: "It is over",
}


def progress(report: Report, probes: int) -> Text:
    """One line of progress: how many probes are done, which are awaited."""
    waiting = [gap.detail for gap in report.gaps if gap.reason is GapReason.PENDING]
    text = Text(f"{probes - len(waiting)} of {probes} reads done", style="cyan")
    if waiting:
        text.append(f"  waiting for: {', '.join(waiting[:3])}", style="dim")
    return text


def show(report: Report, console: Console) -> None:
    """Print the whole report."""
    parts = (
        _head(report),
        _verdict(report),
        *(_cause(cause, report) for cause in report.causes if _is_possible(cause)),
        _by_hand(report),
        _changes(report),
        _ruled_out(report),
        _gaps(report),
        _actions(report),
        _cost(report),
    )
    for part in parts:
        if part is not None:
            console.print(Padding(part, (0, 0, 1, 0), expand=False))


def list_playbooks(found: Mapping[str, Any], console: Console) -> None:
    """Print playbooks with their hypotheses, then actions, from `registry.described()`."""
    for each in found["playbooks"]:
        taken = f", often taken for: {each['looks_like']}" if each["looks_like"] else ""
        console.print(
            Text.assemble((each["id"], "bold cyan"), f"  {each['title']}", (taken, "dim"))
        )
        console.print("causes, and the actions that can mend them:", style="dim")
        for hypothesis in each["hypotheses"]:
            _entry(hypothesis["id"], hypothesis["title"], hypothesis["actions"], console)
        console.print()
    console.print("actions, and what they may call:", style="dim")
    for action in found["actions"]:
        _entry(action["id"], action["title"], action["writes"], console)


def _entry(name: str, title: str, several: Sequence[str], console: Console) -> None:
    """An id with what it is, then a line for each name that belongs to it: ids and permissions are
    never cut, because people copy them."""
    console.print(Text.assemble((name, "cyan"), f"  {title}"))
    for each in several:
        console.print(Text(f"    {each}", style="dim", overflow="ignore", no_wrap=True))


def _is_possible(cause: Cause) -> bool:
    return cause.status in (CauseStatus.SUPPORTED, CauseStatus.POSSIBLE)


def _head(report: Report) -> RenderableType:
    overview = report.overview
    head = Text(f"{report.service} · {overview.headline or 'no findings yet'}", style="bold")
    if overview.onset:
        head.append(f"\nsince {_local(overview.onset)}", style="not bold")
        head.append(f" ({duration(report.made_at - overview.onset)} ago)", style="not bold")
    if report.alarm:
        head.append(f" · alarm {report.alarm.name}", style="not bold")
    if not overview.breakdown:
        return head
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("code", "count", "of errors", "of requests"):
        table.add_column(title, justify="left" if title == "code" else "right")
    for share in overview.breakdown:
        rates = percent(share.of_errors), percent(share.of_requests)
        table.add_row(share.code, count(share.count), *rates)
    return Group(head, "", table)


def _verdict(report: Report) -> RenderableType | None:
    title = _WITHOUT_CAUSE.get(report.verdict)
    if title is None:
        return None
    text = Text(title, style="bold yellow")
    if report.signal and (report.verdict is not Verdict.INCONCLUSIVE or not report.causes):
        text.append(f": {report.signal.text}", style="not bold")
        for each in report.overview.observations:
            text.append(f"\n- {each}", style="not bold default")
        return text
    if report.next_test:
        text.append("\nNext: ", style="not bold")
        text.append(f"find out {report.next_test.question}", style="not bold default")
        if report.next_test.permission and not report.next_test.denied_by:
            needs = f"; grant {report.next_test.permission} to read it"
            text.append(needs, style="not bold default")
    return text


def _cause(cause: Cause, report: Report) -> RenderableType:
    """A possible cause with its clues. Clues that do not hold are left out; `--json` has them."""
    head = Text()
    if cause is report.cause:
        lead = f"Likely cause, {report.verdict} confidence: "
        head.append(lead, style=_VERDICT[report.verdict])
        head.append(chain_title(report), style="bold")
    else:
        head.append("Also possible: " if report.cause else "Still possible: ", style="yellow")
        head.append(cause.title, style="bold")
    shown = [clue for clue in cause.clues if clue.holds is not False]
    clues = _rows((*_mark(clue), clue.text) for clue in findings.strongest_first(shown))
    if not cause.missing:
        return Group(head, clues)
    return Group(head, clues, Text(f"  needs {', '.join(cause.missing)}", style="yellow"))


def _by_hand(report: Report) -> RenderableType | None:
    """Next steps for a person, each with its command or page."""
    if not report.complete or not report.by_hand:
        return None
    rows = [
        ("-", "dim", "\n".join(filter(None, (step.text, step.command, step.url))))
        for step in report.by_hand
    ]
    return Group(Text("By hand", style="bold"), _rows(rows))


def _mark(clue: Clue) -> tuple[str, str]:
    if clue.holds is None:
        return "?", "yellow"
    return ("✗", "red") if clue.kind is ClueKind.CONTRADICTING else ("✓", "green")


def _rows(rows: Iterable[tuple[str, str, str | Text]]) -> Table:
    """Rows of mark, style of the mark and text; long texts are wrapped beside the mark."""
    table = Table.grid(padding=(0, 1))
    table.add_column(width=3, justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    for mark, style, text in rows:
        table.add_row(Text(mark, style=style), Text(text) if isinstance(text, str) else text)
    return table


def _ruled_out(report: Report) -> RenderableType | None:
    refuted = findings.first_guess_first(report)
    not_applicable = [cause for cause in refuted if not cause.applies]
    rows: list[tuple[str, str, str | Text]] = []
    for cause in refuted:
        if cause not in not_applicable:
            text = f"{cause.title}: {refutation(cause)}"
            rows.append(("✗", "dim", text))
    if not_applicable:
        titles = ", ".join(cause.title for cause in not_applicable)
        rows.append(("–", "dim", Text(f"does not apply to {report.service}: {titles}", "dim")))
    return Group(Text("Ruled out", style="bold"), _rows(rows)) if rows else None


def _changes(report: Report) -> RenderableType | None:
    if not report.overview.changes:
        return None
    rows = [
        (
            "·",
            "dim",
            " · ".join(
                (
                    time_to_onset(change.lag),
                    change.summary,
                    actor_name(change.actor),
                    _local(change.at),
                )
            ),
        )
        for change in report.overview.changes
    ]
    return Group(Text(findings.CHANGES, style="bold"), _rows(rows))


def _needed(gap: Gap) -> str:
    if gap.permission and gap.denied_by:
        return f" · denied by {gap.denied_by}: granting {gap.permission} to the role does not help"
    return f" · needs {gap.permission}" if gap.permission else ""


def _gaps(report: Report) -> RenderableType | None:
    if not report.gaps:
        return None
    rows = [("?", "yellow", gap.detail + _needed(gap)) for gap in report.gaps]
    untested = [cause.title for cause in report.causes if cause.status is CauseStatus.UNTESTED]
    if untested:
        rows.append(("", "", f"therefore not tested: {', '.join(untested)}"))
    head = Text.assemble(
        ("Could not be checked", "bold yellow"), (" (unknown, not healthy)", "dim")
    )
    return Group(head, _rows(rows))


def _actions(report: Report) -> RenderableType | None:
    if not report.actions:
        return None
    rows = [
        ("→", "cyan", Text.assemble(offer.title, (f"  {offer.action}", "dim")))
        if offer.fits
        else (
            ("✗", "red", Text.assemble(offer.title, (f"  blocked: {offer.why}", "dim")))
            if offer.fits is False
            else ("?", "yellow", Text.assemble(offer.title, (f"  {offer.why}", "dim")))
        )
        for offer in report.actions
    ]
    return Group(Text("Actions, available on the card in Slack", style="bold"), _rows(rows))


def _cost(report: Report) -> RenderableType:
    cost = report.cost
    pieces = [duration(cost.seconds), plural(cost.calls, "AWS read")]
    if cost.log_bytes:
        pieces.append(f"{size(cost.log_bytes)} of logs scanned")
    return Text(" · ".join([*pieces, dollars(cost.usd)]), style="dim")


def _local(at: datetime) -> str:
    """A time in the time zone of the terminal."""
    return f"{at.astimezone():%H:%M %Z}"
