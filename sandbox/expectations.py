"""Compares a report with what a scenario expects of it: a sentence for each difference."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from bot.domain.plan import Plan
from bot.domain.report import CauseStatus, Report
from sandbox.world.schema import Expect


def compare(
    expect: Expect, report: Report, plans: Mapping[str, Plan] | None = None
) -> Iterator[str]:
    """What is not as expected; each sentence says what was wanted and what came.

    Args:
        expect: the section of the scenario file.
        report: what the investigation found.
        plans: the plans behind the offered actions, by action id.
    """
    yield from _verdict(expect, report)
    yield from _causes(expect, report)
    yield from _trigger(expect.trigger, report)
    missing = {gap.permission for gap in report.gaps}
    for permission in expect.gaps:
        if permission not in missing:
            yield f"gap: {permission} should be named as missing"
    yield from _actions(expect, report)
    if expect.rollback_to is not None:
        yield from _rollback(expect.rollback_to, report, plans or {})
    yield from _by_hand(expect.by_hand, report)


def _verdict(expect: Expect, report: Report) -> Iterator[str]:
    if report.playbook != expect.playbook:
        yield f"playbook: expected {expect.playbook}, was {report.playbook}"
    if report.verdict.value not in expect.verdicts:
        yield f"verdict: expected {' or '.join(expect.verdicts)}, found {report.verdict}"


def _causes(expect: Expect, report: Report) -> Iterator[str]:
    found = report.cause.id if report.cause else None
    # a report without a cause is a miss only where its verdict is not allowed
    likely = (found, *report.chain)
    if expect.cause not in likely and not (
        found is None and report.verdict.value in expect.verdicts
    ):
        yield f"cause: expected {expect.cause or 'none'}, found {found or 'none'}"
    if found in expect.not_cause:
        yield f"cause: must not be {found}, but is"
    status = {cause.id: cause.status for cause in report.causes}
    named = {*expect.not_, *expect.refuted, *expect.not_cause, *filter(None, [expect.cause])}
    for each in sorted(named - status.keys()):
        yield f"{each}: no cause of {report.playbook}; it has {', '.join(sorted(status))}"
    for each in expect.not_:
        if status.get(each) is CauseStatus.SUPPORTED:
            yield f"{each}: must not be supported, but is"
    for each in expect.refuted:
        if each in status and status[each] is not CauseStatus.REFUTED:
            yield f"{each}: should be refuted, is {status[each]}"


def _trigger(wanted: str | None, report: Report) -> Iterator[str]:
    """The first link of the chain of causes: its id, or words that its sentences must have."""
    if wanted is None:
        return
    first = report.chain[0] if report.chain else (report.cause.id if report.cause else None)
    cause = next((each for each in report.causes if each.id == first), None)
    if first == wanted:
        return
    if any(each.id == wanted for each in report.causes) or cause is None:
        yield f"trigger: expected {wanted}, found {first or 'none'}"
        return
    said = [cause.title, *(clue.text for clue in cause.clues if clue.holds)]
    if not _contains(said, wanted):
        yield f"trigger: expected {wanted!r}, found {first}: {'; '.join(said)}"


def _actions(expect: Expect, report: Report) -> Iterator[str]:
    offered = [offer.action for offer in report.actions if offer.fits]
    listed = ", ".join(offered) or "none"
    for action in expect.actions:
        if action not in offered:
            yield f"action: {action} should be offered; offered: {listed}"
    for action in expect.forbidden:
        if action in offered:
            yield f"action: {action} must not be offered; offered: {listed}"


def _rollback(wanted: str, report: Report, plans: Mapping[str, Plan]) -> Iterator[str]:
    """Some rollback that is offered must lead to `wanted`."""
    offered = [
        offer.action
        for offer in report.actions
        if offer.fits and offer.action.startswith("rollback-")
    ]
    leads = {name: plans[name].after for name in offered if name in plans}
    if any(wanted in _values(after) for after in leads.values()):
        return
    shown = "; ".join(f"{name} to {json.dumps(after)}" for name, after in leads.items())
    yield f"rollback: should lead to {wanted}; offered: {shown or ', '.join(offered) or 'none'}"


def _values(value: object) -> Iterator[str]:
    """Every text in a plan's state, ARNs also without what is before the name."""
    if isinstance(value, Mapping):
        for each in value.values():
            yield from _values(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _values(each)
    else:
        yield str(value)
        yield str(value).rpartition("/")[2]


def _by_hand(wanted: Iterable[str], report: Report) -> Iterator[str]:
    advice = report.by_hand
    said = [
        f"{getattr(each, 'text', '') or ''} {getattr(each, 'command', '') or ''}" for each in advice
    ]
    for words in wanted:
        if not _contains(said, words):
            listed = "; ".join(each.strip() for each in said) or "none"
            yield f"by hand: {words!r} should be in the advice; advised: {listed}"


def _contains(texts: Iterable[str], words: str) -> bool:
    """Whether one of the texts has the words; case and spacing do not matter."""
    asked = " ".join(words.lower().split())
    return any(asked in " ".join(text.lower().split()) for text in texts)
