"""What a plan rests on, and what of that is no longer so. Pure.

An approval is for a plan and for the findings it was made by. When these have changed, the
approval is void and the change has to be asked for again.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.basis import Basis
from bot.domain.incident import Incident, IncidentState
from bot.domain.objection import objection
from bot.domain.plan import Choice
from bot.domain.report import Cause, Report, Verdict
from bot.domain.run import Run
from bot.incidents import later_changes


def basis(incident: Incident, report: Report | None, runs: Sequence[Run], run: Run) -> Basis:
    """What is known now that a plan of this run rests on.

    Args:
        incident: as stored.
        report: the newest; None when there is none.
        runs: all runs of the incident.
        run: the one that is planned; it is not among the changes.
    """
    known = Basis(
        over=incident.state is not IncidentState.OPEN,
        noticed=incident.noticed,
        ours=tuple(_made(runs, run)),
    )
    if report is None:
        return known
    likely = [cause for cause in _likely(report) if run.action in cause.actions]
    speaks = objection(report, run.action, {})
    offers = [offer for offer in report.actions if offer.action == run.action]
    signal = report.signal
    return known.model_copy(
        update={
            "made_at": report.made_at,
            "complete": report.complete,
            "recovered": report.verdict in (Verdict.NOTHING_WRONG, Verdict.OVER)
            or (signal is not None and signal.over is True),
            "causes": tuple(cause.id for cause in likely),
            "titles": tuple(cause.title for cause in likely),
            "refuted": speaks is not None and speaks.refuted,
            "against": speaks.text if speaks else "",
            "choice": offers[0].choice if offers else None,
            "figure": _figure(report),
        }
    )


def difference(then: Basis, now: Basis) -> str | None:
    """What a plan rested on and is no longer so, in a sentence; None when all of it still is."""
    if now.over and not then.over:
        return "The alarm is OK again."
    if now.refuted and not then.refuted:
        return f"The findings have changed. {now.against}"
    if then.causes and not set(then.causes) & set(now.causes):
        was = f"“{then.titles[0]}” was the likely cause"
        if now.titles:
            return f"{was} when this was planned, now it is “{now.titles[0]}”."
        return f"{was} when this was planned; the newest findings no longer call for this."
    if _names_another(then.choice, now.choice):
        return "The newest findings name another version or resource for this."
    if others := later_changes.new_ones(then.noticed, now.noticed):
        told = later_changes.told(others[-1])
        return f"Something was changed since this was planned: {told}."
    if ours := [each for each in now.ours if each not in then.ours]:
        return f"Since this was planned, {ours[-1]}."
    return None


def _made(runs: Sequence[Run], run: Run) -> list[str]:
    """What other runs of the incident did, one text for each effect."""
    found = []
    for each in runs:
        title = each.plan.title if each.plan else each.action
        if each.id != run.id and each.applied_at is not None:
            found.append(f"“{title}” was applied ({each.id})")
        if each.id != run.id and each.undone_at is not None:
            found.append(f"“{title}” was undone ({each.id})")
    return found


def _likely(report: Report) -> list[Cause]:
    """The causes the report calls likely: its cause, and those of the chain."""
    found = [each for each in report.causes if each.id in report.chain]
    if report.cause is not None and report.cause not in found:
        found.append(report.cause)
    return found


def _names_another(then: Choice | None, now: Choice | None) -> bool:
    if then is None or now is None:
        return False
    return any(
        getattr(then, name) != getattr(now, name) for name in ("target", "suspect", "previous")
    )


def _figure(report: Report) -> str:
    signal = report.signal
    shown = (signal.now or signal.was) if signal else None
    return f"{signal.label} {shown}" if signal and shown else report.overview.headline
