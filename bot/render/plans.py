"""The parts of a plan in messages and modals: difference, exact calls, cost, how to undo it, and
what the evidence says against it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.domain.change_wording import cli_command
from bot.domain.objection import Objection
from bot.domain.plan import Check, Number, Plan, Step
from bot.domain.report import CauseStatus
from bot.render.blocks import (
    Block,
    Part,
    bold,
    bullets,
    fixed_width,
    line,
    person,
    plain,
    quote,
    rich,
)
from bot.render.text import dollars, duration, plural, shorten

MOST_ROWS = 12
MOST_OTHERS = 6
MOST_STANDINGS = 5
STATUS = {
    CauseStatus.REFUTED: "refuted",
    CauseStatus.UNTESTED: "untested",
    CauseStatus.POSSIBLE: "possible, not proven",
    CauseStatus.SUPPORTED: "supported",
}
_ABSENT = object()


def diff(plan: Plan) -> list[Block]:
    """What differs between before and after, as elements of a rich text block."""
    rows: list[list[Part]] = []
    before, after = dict(_leaves(plan.before)), dict(_leaves(plan.after))
    for name in sorted({*before, *after}):
        old, new = before.get(name, _ABSENT), after.get(name, _ABSENT)
        if old != new:
            row = [fixed_width(name, 80), plain(" "), plain(_value(old), 120)]
            rows.append([*row, plain(" → "), bold(_value(new), 120)])
    if not rows:
        return [line(plain("No setting differs.", quiet=True))]
    more = len(rows) - MOST_ROWS
    elements = [bullets(rows[:MOST_ROWS])]
    if more > 0:
        elements.append(line(plain(f"… {plural(more, 'more setting')} changed", quiet=True)))
    return elements


def before_in_short(plan: Plan) -> str:
    """The settings that an undo brings back, in a few words: "ReservedConcurrentExecutions 30"."""
    before, after = dict(_leaves(plan.before)), dict(_leaves(plan.after))
    changed = [name for name in sorted(before) if before[name] != after.get(name, _ABSENT)]
    told = ", ".join(f"{name.rpartition('.')[2]} {_value(before[name])}" for name in changed[:2])
    return shorten(told, 100) if told else ""


def calls(steps: Sequence[Step]) -> str:
    """The exact API calls with their parameters, named as in IAM."""
    return "\n".join(
        "\n".join(
            [step.permission, *(f"  {key} = {_json(value)}" for key, value in step.params.items())]
        )
        for step in steps
    )


def commands(steps: Sequence[Step]) -> str:
    """The calls as AWS CLI commands."""
    return "\n".join(cli_command(step) for step in steps)


def hourly_cost(plan: Plan) -> str:
    """What the change costs per hour, in a sentence."""
    if plan.usd_per_hour is None:
        return "The cost per hour is not known."
    if plan.usd_per_hour == 0:
        return "It costs nothing extra."
    if plan.usd_per_hour < 0:
        return f"It saves {dollars(-plan.usd_per_hour)} an hour."
    return f"It costs {dollars(plan.usd_per_hour)} an hour until undone."


def how_to_undo(plan: Plan) -> str:
    """How the change is undone, or why it can't be, in a sentence."""
    if plan.inverse is None:
        return f"It cannot be undone: {plan.irreversible or 'there is no inverse call'}."
    names = ", ".join(dict.fromkeys(step.permission for step in plan.inverse))
    return f"Undone by {names}, if nobody has changed the resource since."


def time_until_in_force(plan: Plan) -> str:
    """How long the change takes to come into force, in a sentence."""
    return f"In force within {duration(plan.settles_within)}."


def number_bounds(number: Number) -> str:
    """Which numbers a person may choose and why, in a sentence."""
    return f"From {number.least} to {number.most}: {number.bounds}."


def sizing(plan: Plan) -> Block | None:
    """How the plan's number came about, and who chose another one; None when it has none."""
    number = plan.number
    if number is None:
        return None
    parts = [plain(f"{number.name}: "), bold(str(number.value))]
    choice = plan.choice
    if choice and choice.amount is not None:
        parts.append(plain(", chosen"))
        if choice.by:
            parts += [plain(" by "), person(choice.by)]
        parts.append(plain(f" (computed: {number.derived})", 500))
    else:
        parts.append(plain(f" ({number.derived})", 500))
    return line(*parts)


def other_users(plan: Plan) -> list[Block]:
    """Who else uses the resource, as elements of a rich text block."""
    if not plan.others:
        return []
    rows = [[plain(each, 300)] for each in plan.others[:MOST_OTHERS]]
    return [line(bold("Who else uses it")), bullets(rows)]


def against(objection: Objection) -> list[Block]:
    """The objection as elements of a rich text block: the figure that decides comes first."""
    first = next(iter(objection.standings), None)
    if first is None:
        return [quote(bold(f"{objection.lead}."))]
    said = first.text if objection.refuted else f"{STATUS[first.status]}; {first.text}"
    elements = [
        quote(bold(f"{objection.lead}: "), plain(said, 600)),
        line(plain("It is made for: "), bold(first.title, 150)),
    ]
    rows: list[list[Part]] = [
        [plain("and "), bold(each.title, 150), plain(f": {STATUS[each.status]}; {each.text}", 400)]
        for each in objection.standings[1:MOST_STANDINGS]
    ]
    if rows:
        elements.append(bullets(rows))
    if objection.remedy:
        elements.append(line(bold("Instead: "), plain(objection.remedy, 400)))
    return elements


def checks(plan: Plan) -> Block | None:
    """The preconditions, and whether each holds."""
    if not plan.checks:
        return None
    return rich(line(bold("Preconditions")), *(line(*_check(each)) for each in plan.checks[:15]))


def _check(check: Check) -> list[Part]:
    if check.holds is None:
        return [bold("? "), plain(check.text), plain(" (could not be checked)", quiet=True)]
    return [bold("✓ " if check.holds else "✗ "), plain(check.text)]


def _leaves(state: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, object]]:
    for key, value in state.items():
        name = f"{path}.{key}" if path else str(key)
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, name)
        else:
            yield name, value


def _value(value: object) -> str:
    if value is _ABSENT or value is None:
        return "none"
    return value if isinstance(value, str) and value else _json(value)


def _json(value: object) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)
