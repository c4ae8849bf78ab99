"""The question about an alarm whose incident type or service is not clear, and its answer."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.alarm import Alarm
from bot.render.blocks import (
    Block,
    Message,
    actions,
    bold,
    button,
    line,
    person,
    plain,
    rich,
    sentence,
)
from bot.render.clicks import Click
from bot.render.text import code, escaped, join, literal


def alarm_question(
    alarm: Alarm,
    reasons: Sequence[str],
    choices: Sequence[tuple[str, str]],
    unread: str | None,
    looking: bool = False,
) -> Message:
    """Says why no incident type is investigated, with a button for each thing that can be.

    Args:
        alarm: the alarm.
        reasons: sentences.
        choices: title and value of each button.
        unread: why the alarm could not be read from CloudWatch.
        looking: whether an incident is opened that looks around without a type.
    """
    lead = (
        "I look around, as I have no incident type for this alarm. "
        if looking
        else "I did not open an incident for this alarm. "
    )
    said = [bold(lead)]
    if unread:
        said.append(plain(f"It could not be read from CloudWatch: {unread}. "))
    for reason in reasons:
        said += sentence(f"{reason} ", 600)
    if choices:
        said.append(
            plain(
                "Choose what else I shall investigate:"
                if looking
                else "Choose what I shall investigate:"
            )
        )
    blocks: list[Block] = [rich(line(*said))]
    if choices:
        blocks.append(
            actions(
                [
                    button(title, f"{Click.CHOOSE}.{number}", value)
                    for number, (title, value) in enumerate(choices)
                ]
            )
        )
    done = "I look around for" if looking else "I did not open an incident for"
    text = join("", [literal(f"{done} the alarm "), code(alarm.name)])
    return Message(text, blocks)


def alarm_answer(title: str, user: str) -> Message:
    """What somebody chose; takes the place of the question."""
    text = escaped(f"Investigating {title}.", 300)
    return Message(text, [rich(line(plain(f"Investigating {title}, chosen by "), person(user)))])
