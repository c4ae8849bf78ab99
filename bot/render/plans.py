"""A plan as people check it: what differs, the exact calls, the price, the way back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.domain.change_wording import cli_command
from bot.domain.plan import Check, Plan, Step
from bot.render.blocks import (
    Block,
    Part,
    bold,
    bullets,
    fixed_width,
    line,
    rich,
    say,
)
from bot.render.text import dollars, plural, span

MOST_ROWS = 12
_ABSENT = object()


def diff(plan: Plan) -> list[Block]:
    """Before → after, only what differs; elements for a rich text block."""
    rows: list[list[Part]] = []
    before, after = dict(_leaves(plan.before)), dict(_leaves(plan.after))
    for name in sorted({*before, *after}):
        old, new = before.get(name, _ABSENT), after.get(name, _ABSENT)
        if old != new:
            row = [fixed_width(name, 80), say(" "), say(_value(old), 120)]
            rows.append([*row, say(" → "), bold(_value(new), 120)])
    if not rows:
        return [line(say("No setting differs.", quiet=True))]
    more = len(rows) - MOST_ROWS
    elements = [bullets(rows[:MOST_ROWS])]
    if more > 0:
        elements.append(line(say(f"… {plural(more, 'more setting')} changed", quiet=True)))
    return elements


def calls(steps: Sequence[Step]) -> str:
    """The exact API calls, one a paragraph, in IAM's names."""
    return "\n".join(
        "\n".join(
            [step.permission, *(f"  {key} = {_json(value)}" for key, value in step.params.items())]
        )
        for step in steps
    )


def commands(steps: Sequence[Step]) -> str:
    """The same calls for a person's own shell."""
    return "\n".join(cli_command(step) for step in steps)


def price(plan: Plan) -> str:
    if plan.usd_per_hour is None:
        return "What it costs per hour is not known."
    if plan.usd_per_hour == 0:
        return "It costs nothing extra."
    if plan.usd_per_hour < 0:
        return f"It saves {dollars(-plan.usd_per_hour)} an hour."
    return f"It costs {dollars(plan.usd_per_hour)} an hour until undone."


def way_back(plan: Plan) -> str:
    """How it is undone, or why it cannot be."""
    if plan.inverse is None:
        return f"It cannot be undone: {plan.irreversible or 'there is no inverse call'}."
    names = ", ".join(dict.fromkeys(step.permission for step in plan.inverse))
    return f"Undone by {names}, if nobody has changed the resource since."


def settling(plan: Plan) -> str:
    return f"In force within {span(plan.settles_within)}."


def checks(plan: Plan) -> Block | None:
    """Preconditions; one that could not be checked refuses, as acting does."""
    if not plan.checks:
        return None
    return rich(line(bold("Preconditions")), *(line(*_check(each)) for each in plan.checks[:15]))


def _check(check: Check) -> list[Part]:
    if check.holds is None:
        return [bold("? "), say(check.text), say(" (could not be checked)", quiet=True)]
    return [bold("✓ " if check.holds else "✗ "), say(check.text)]


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
