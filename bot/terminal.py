"""A report in the terminal: rich text in, rich text out; knows no client."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from bot.model import Cause, CauseStatus, ClueKind, GapReason, Report, Verdict

_MARK = {True: ("✓", "green"), False: ("✗", "red"), None: ("?", "yellow")}
_VERDICT = {Verdict.HIGH: "bold green", Verdict.MEDIUM: "bold yellow"}


def progress(report: Report, probes: int) -> Text:
    """One line while probes come in."""
    waiting = [gap.detail for gap in report.gaps if gap.reason is GapReason.PENDING]
    done = probes - len(waiting)
    text = Text(f"{done} of {probes} looked at", style="cyan")
    if waiting:
        text.append(f"  waiting for: {', '.join(waiting[:3])}", style="dim")
    return text


def show(report: Report, console: Console) -> None:
    """The whole report."""
    console.print(
        Group(
            _head(report),
            *(_causes(report)),
            *(_changes(report)),
            *(_gaps(report)),
            *(_actions(report)),
            _cost(report),
        )
    )


def _head(report: Report) -> RenderableType:
    picture = report.picture
    head = Text()
    head.append(f"{report.service}  ", style="bold")
    head.append(picture.headline or "nothing is known yet", style="bold")
    if picture.onset:
        minutes = (report.made_at - picture.onset).total_seconds() / 60
        head.append(f"\nsince {picture.onset:%Y-%m-%d %H:%M} UTC ({minutes:.0f} min ago)")
    if not picture.breakdown:
        return head
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("code", "count", "of errors", "of requests"):
        table.add_column(title, justify="left" if title == "code" else "right")
    for share in picture.breakdown:
        rate = "?" if share.of_requests is None else f"{share.of_requests:.1%}"
        table.add_row(share.code, f"{share.count:,.0f}", f"{share.of_errors:.0%}", rate)
    return Group(head, "", table)


def _causes(report: Report) -> list[RenderableType]:
    standing = [each for each in report.causes if each.status is not CauseStatus.REFUTED]
    refuted = [each for each in report.causes if each.status is CauseStatus.REFUTED]
    parts: list[RenderableType] = [""]
    if report.verdict is Verdict.INCONCLUSIVE:
        parts.append(Text("Inconclusive", style="bold yellow"))
        if report.next_test:
            parts.append(Text(f"  would tell most: {report.next_test}"))
    for cause in standing:
        parts.append(_cause(cause, report))
    if refuted:
        parts += ["", Text("Ruled out", style="bold")]
        parts += [Text(f"  {cause.title}: {why(cause)}") for cause in refuted]
    return parts


def _cause(cause: Cause, report: Report) -> RenderableType:
    head = Text()
    if cause is report.cause:
        head.append(f"Likely cause ({report.verdict}): ", style=_VERDICT[report.verdict])
    head.append(cause.title, style="bold")
    head.append(f"  {cause.status}, score {cause.score}", style="dim")
    if cause.missing:
        head.append(f"\n  needs: {', '.join(cause.missing)}", style="yellow")
    for clue in cause.clues:
        mark, style = _MARK[clue.holds]
        if clue.kind is ClueKind.CONTRADICTING and clue.holds is not None:
            style = "red" if clue.holds else "dim"
        head.append(f"\n  {mark} ", style=style)
        head.append(f"{clue.text} ")
        head.append(clue.kind.value, style="dim")
    return head


def why(cause: Cause) -> str:
    """The fact that refutes a cause."""
    against = [
        clue.text
        for clue in cause.clues
        if (clue.kind is ClueKind.NECESSARY and clue.holds is False)
        or (clue.kind is ClueKind.CONTRADICTING and clue.holds)
    ]
    failed = [
        clue.text for clue in cause.clues if clue.kind is ClueKind.DECISIVE and clue.holds is False
    ]
    return next(iter([*against, *failed]), "no clue for it holds")


def _changes(report: Report) -> list[RenderableType]:
    if not report.picture.changes:
        return []
    lines: list[RenderableType] = ["", Text("Changes around the onset", style="bold")]
    for change in report.picture.changes:
        lag = "" if change.lag is None else f"  {lag_words(change.lag)}"
        lines.append(Text(f"  {change.at:%H:%M} {change.summary} by {change.actor}{lag}"))
    return lines


def lag_words(lag: float) -> str:
    """A lag in seconds as "9 min before onset"."""
    return f"{abs(lag) / 60:.0f} min {'before' if lag >= 0 else 'after'} onset"


def _gaps(report: Report) -> list[RenderableType]:
    if not report.gaps:
        return []
    lines: list[RenderableType] = ["", Text("Could not be checked", style="bold yellow")]
    for gap in report.gaps:
        permission = f"  (missing permission: {gap.permission})" if gap.permission else ""
        lines.append(Text(f"  {gap.probe}: {gap.detail}{permission}"))
    return lines


def _actions(report: Report) -> list[RenderableType]:
    if not report.actions:
        return []
    titles = ", ".join(f"{offer.title} ({offer.action})" for offer in report.actions)
    return ["", Text.assemble(("Actions that fit: ", "bold"), titles)]


def _cost(report: Report) -> RenderableType:
    cost = report.cost
    return Text(
        f"\n{cost.calls} AWS calls, {cost.log_bytes / 1e6:.1f} MB of logs scanned, "
        f"${cost.usd:.4f}, {cost.seconds:.1f} s",
        style="dim",
    )
