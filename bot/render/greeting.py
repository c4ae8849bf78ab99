"""What the bot says when it is invited into a channel."""

from __future__ import annotations

from collections.abc import Sequence

from bot.render.blocks import Message, bold, bullets, fixed_width, line, plain, rich, spoken
from bot.render.text import plural

MOST_SERVICES = 10


def greeting(channel: str, services: Sequence[str], known: int) -> Message:
    """Names the channel's services, what is listened to and what to type.

    Args:
        channel: id of the channel.
        services: names of the services whose channel it is.
        known: how many services the catalogue has.
    """
    named = ", ".join(services[:MOST_SERVICES])
    if len(services) > MOST_SERVICES:
        named += f" and {len(services) - MOST_SERVICES} more"
    if services:
        first = [plain("Hello. This is the channel of "), bold(named, 400), plain(".")]
    else:
        have = f"The catalogue has {plural(known, 'service')}, none with this channel."
        first = [plain("Hello. "), bold("No service has this channel. "), plain(have)]
    elements = [line(*first)]
    if not services:
        elements.append(
            line(
                plain("To make it a service's channel, add "),
                fixed_width(f"channel: {channel}"),
                plain(" to its entry in the catalogue. Alarms posted here are answered anyway."),
            )
        )
    word = services[0] if services else "SERVICE"
    typed = [
        (f"/incident triage 5xx {'' if len(services) == 1 else word}".strip(), "investigate"),
        (f"/incident health {'' if len(services) == 1 else word}".strip(), "look around"),
        ("/incident help", "all commands"),
    ]
    elements += [
        line(
            plain("When a CloudWatch alarm is posted here, I answer in its thread. I only read "),
            plain("from AWS; a change takes one person to ask for it and another to approve it."),
        ),
        bullets([[fixed_width(command), plain(f"  {what}")] for command, what in typed]),
        line(
            plain("At any message: menu ⋮, “Triage this alarm”. In a thread mention me: "),
            fixed_width("@incident triage 5xx"),
        ),
    ]
    return Message(spoken(elements[0]["elements"]), [rich(*elements)])
