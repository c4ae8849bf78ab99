"""What the evidence says against an action that no likely cause calls for. Pure.

Everything is taken from the stored report; nothing is measured or weighed again.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import AwareDatetime

from bot.domain.base import Frozen
from bot.domain.report import Cause, CauseStatus, Clue, ClueKind, Report

_ORDER = (
    CauseStatus.REFUTED,
    CauseStatus.UNTESTED,
    CauseStatus.POSSIBLE,
    CauseStatus.SUPPORTED,
)


class Standing(Frozen):
    """What the report says of a cause that an action can mend."""

    title: str  # the cause's
    status: CauseStatus
    text: str  # the sentence with the figure that decides it, or what is not known


class Objection(Frozen):
    """What the evidence says against an action."""

    action: str  # the action's id
    title: str  # the action's
    standings: tuple[Standing, ...]  # the causes it can mend, the refuted ones first
    likely: str | None = None  # title of the cause that the evidence supports instead
    instead: str | None = None  # title of the action that mends that one; None: none of ours does
    fits: bool | None = None  # whether that action's plan fits now; None: not known
    made_at: AwareDatetime  # when the report was made; AWS time
    complete: bool = True  # False: its investigation was still reading

    @property
    def refuted(self) -> bool:
        """Whether every cause that the action can mend is ruled out."""
        return bool(self.standings) and all(
            each.status is CauseStatus.REFUTED for each in self.standings
        )

    @property
    def lead(self) -> str:
        """The objection in a few words."""
        return "The evidence refutes it" if self.refuted else "The evidence does not call for it"

    @property
    def text(self) -> str:
        """The objection in one line, with the figure that decides most."""
        first = next(iter(self.standings), None)
        why = f"{self.lead}: {first.text} ({first.title}: {first.status.value})." if first else ""
        instead = f"Instead: {self.remedy}" if self.remedy else ""
        return " ".join(filter(None, (why or f"{self.lead}.", instead)))

    @property
    def remedy(self) -> str:
        """What the evidence supports instead, in a sentence; empty when it supports nothing."""
        if self.likely is None:
            return ""
        mends = {
            True: "mends it",
            False: "is made for it, and a check blocks it now",
            None: "is made for it; whether it fits now is not known",
        }[self.fits]
        named = f"“{self.instead}” {mends}" if self.instead else "no action of mine fits"
        return f"“{self.likely}” is supported; {named}."


def objection(report: Report, action: str, titles: Mapping[str, str]) -> Objection | None:
    """What a report says against an action; None where a likely cause calls for it.

    Args:
        report: the incident's newest report.
        action: id of the action somebody reaches for.
        titles: titles of all actions by id.
    """
    if action in proposed(report):
        return None
    mended = [cause for cause in report.causes if action in cause.actions]
    supported = _supported(report, action)
    instead, fits = _remedy(report, supported, titles) if supported else (None, None)
    return Objection(
        action=action,
        title=titles.get(action, action),
        standings=tuple(
            Standing(title=cause.title, status=cause.status, text=standing(report, cause))
            for cause in sorted(mended, key=lambda cause: _ORDER.index(cause.status))
        ),
        likely=supported.title if supported else None,
        instead=instead,
        fits=fits,
        made_at=report.made_at,
        complete=report.complete,
    )


def proposed(report: Report) -> frozenset[str]:
    """Ids of the actions that the likely causes call for, those that a check blocks included."""
    likely = [each for each in report.causes if each.id in report.chain]
    if report.cause is not None:
        likely.append(report.cause)
    called_for = {action for cause in likely for action in cause.actions} if likely else set()
    return frozenset(called_for | {offer.action for offer in report.actions})


def other_actions(report: Report) -> tuple[str, ...]:
    """Ids of the actions that the incident type has and the likely causes do not call for.

    Left out is what can only mend causes for which the service has no resource.
    """
    known = dict.fromkeys(
        action for cause in report.causes if cause.applies for action in cause.actions
    )
    return tuple(each for each in known if each not in proposed(report))


def refuting_clue(cause: Cause) -> Clue | None:
    """The clue that refutes a cause; None where only want of support does.

    That is a necessary clue that does not hold, a contradicting one that does, or a decisive one
    that does not. The engine lets none of these be told from incomplete evidence.
    """
    for kind, holds in (
        (ClueKind.NECESSARY, False),
        (ClueKind.CONTRADICTING, True),
        (ClueKind.DECISIVE, False),
    ):
        for clue in cause.clues:
            if clue.kind is kind and clue.holds is holds:
                return clue
    return None


def standing(report: Report, cause: Cause) -> str:
    """The sentence that decides a cause's status; for what is not known, what would tell."""
    against = refuting_clue(cause)
    if cause.status is CauseStatus.REFUTED:
        return against.text if against else "nothing supports it"
    if cause.status is CauseStatus.SUPPORTED:
        return next(
            (clue.text for clue in cause.clues if clue.holds and clue.kind is ClueKind.DECISIVE),
            "a decisive clue holds",
        )
    unread = _unread(report, cause)
    unknown = next((clue.text for clue in cause.clues if clue.holds is None), None)
    pieces = (
        f"against it: {against.text}" if against else "",
        f"not known: {unknown}" if unknown else "",
        f"not read: {unread}" if unread else "",
    )
    return "; ".join(filter(None, pieces)) or "nothing decides it"


def _unread(report: Report, cause: Cause) -> str:
    """The reads whose failure leaves a cause open, with the permission that is missing."""
    gaps = [gap for gap in report.gaps if gap.probe in cause.missing]
    said = [f"{gap.permission} denied" if gap.permission else gap.detail for gap in gaps]
    test = report.next_test
    if not said and test and cause.id in test.decides and test.permission:
        said = [f"{test.permission} denied"]
    return ", ".join(dict.fromkeys(said))


def _supported(report: Report, action: str) -> Cause | None:
    """The cause that the evidence supports instead: the one to mend first."""
    supported = [each for each in report.causes if each.status is CauseStatus.SUPPORTED]
    first = report.trigger or next(iter(supported), None)
    return None if first is None or action in first.actions else first


def _remedy(
    report: Report, cause: Cause, titles: Mapping[str, str]
) -> tuple[str | None, bool | None]:
    """The title of the action that mends a cause, and whether its plan fits now.

    The actions of a likely cause have been planned when a report is complete: one that is not
    offered then has nothing to do. Those of another cause have not.
    """
    offered = [each for each in report.actions if each.action in cause.actions]
    if offered:
        best = next((each for each in offered if each.fits), offered[0])
        return best.title, best.fits
    if report.complete and report.cause is not None:
        return None, None
    return next((titles[each] for each in cause.actions if each in titles), None), None
