"""What the bot says besides the card: help, lists, timeline, answers only one person sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.alarm import Alarm
from bot.domain.incident import Incident, TimelineEntry
from bot.domain.service import Service
from bot.render.blocks import (
    Block,
    Message,
    Part,
    bold,
    bullets,
    context,
    fixed_width,
    line,
    person,
    rich,
    say,
    told,
    when,
)
from bot.render.text import Mrkdwn, code, escaped, fixed, joined, plural

MOST_ENTRIES = 30
USAGE = (
    ("/incident triage 5xx", "investigate this channel's service"),
    ("/incident triage 5xx checkout --since 20m", "another service, and since when"),
    ("/incident triage 5xx --alarm checkout-5xx", "an alarm, by name or console link"),
    ("/incident timeline", "what happened in this channel's latest incident, and who did it"),
    ("/incident status", "where it stands"),
    ("/incident playbooks", "the incident types I know"),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A playbook as it is listed: its id, what it is, and what people usually take it for."""

    id: str
    title: str
    looks_like: str = ""


def help_message() -> Message:
    """What can be said to the bot."""
    rows = [[fixed_width(typed), say(f"  {meaning}")] for typed, meaning in USAGE]
    thread = line(
        say("In a thread, where Slack takes no slash commands, mention me: "),
        fixed_width("@incident triage 5xx"),
    )
    alarms = line(
        say("An alarm post is answered by itself. I only read, until one person asks for a "),
        say("change and another approves it."),
    )
    text = fixed("How to use /incident: triage, timeline, status, playbooks.")
    return Message(text, [rich(alarms), rich(bullets(rows)), rich(thread)])


def playbooks_message(entries: Sequence[Entry]) -> Message:
    """The incident types known."""
    rows: list[list[Part]] = []
    for entry in entries[:MOST_ENTRIES]:
        row = [fixed_width(entry.id, 40), say(f"  {entry.title}", 100)]
        if entry.looks_like:
            row.append(say(f", often taken for: {entry.looks_like}", 140, quiet=True))
        rows.append(row)
    text = escaped(f"{plural(len(entries), 'playbook')} known.")
    if not rows:
        return Message(text, [rich(line(say("No playbook is installed.")))])
    elements = [line(bold("Incident types I know")), bullets(rows)]
    if len(entries) > len(rows):
        elements.append(line(say(f"… and {len(entries) - len(rows)} more", quiet=True)))
    return Message(text, [rich(*elements)])


def unknown_message(what: str, suggestion: str | None) -> Message:
    """A command that was not understood, with the nearest that would be."""
    parts: list[Part] = [say(what, 300)]
    pieces: list[Mrkdwn | None] = [escaped(what, 300)]
    if suggestion:
        parts += [say(" Did you mean "), fixed_width(suggestion), say("?")]
        pieces += [joined("", [fixed("Did you mean "), code(suggestion), fixed("?")])]
    else:
        parts += [say(" "), fixed_width("/incident help"), say(" lists what I understand.")]
    return Message(joined(" ", pieces), [rich(line(*parts))])


def notice(text: str) -> Message:
    """A sentence or two for one person: a refusal, an acknowledgement, a fault."""
    return Message(escaped(text, 900), [rich(line(*told(text, 900)))])


def timeline(incident: Incident, entries: Sequence[TimelineEntry]) -> Message:
    """What happened, oldest first; the newest are kept when there are too many."""
    shown = entries[-MOST_ENTRIES:]
    rows: list[list[Part]] = []
    for entry in shown:
        row = [when(entry.at, "{time_secs}"), say(f"  {entry.kind}: ", 40, bold=True)]
        row += told(entry.text, 180)
        if entry.actor:
            row += [say(" · "), person(entry.actor)]
        rows.append(row)
    title = f"Timeline of {incident.service}, {incident.playbook}"
    blocks: list[Block] = [rich(line(bold(title, 200)), bullets(rows))] if rows else []
    left = len(entries) - len(shown)
    if left:
        blocks.append(context(escaped(f"{plural(left, 'older entry', 'older entries')} left out")))
    if not rows:
        blocks = [rich(line(bold(title, 200)), line(say("Nothing yet.")))]
    return Message(escaped(title), blocks)


def no_incident() -> Message:
    return notice("There is no incident in this channel. /incident triage 5xx starts one.")


def elsewhere(incident: Incident) -> Message:
    """Something was said here about an incident whose card is in another thread or channel."""
    where: Part = {"type": "channel", "channel_id": incident.channel}
    thread = f"in the thread of {incident.alarm.name} " if incident.alarm else ""
    what = f"{incident.playbook} of {incident.service} is open already, {thread}in "
    text = joined("", [escaped(what), Mrkdwn(f"<#{incident.channel}>")])
    return Message(text, [rich(line(say(what), where, say(". I look again there.")))])


def unknown_alarm(alarm: Alarm, service: Service | None, unread: str | None) -> Message:
    """An alarm nothing is known to do about: why, and what to add so that there is."""
    parts: list[Part] = [bold("I can't look into this alarm. ")]
    if unread:
        parts.append(say(f"It could not be read from CloudWatch: {unread}. "))
    if service is None:
        parts.append(
            say("No service of the catalogue owns it: add the resource it watches to a service, ")
        )
        parts.append(say("or name the service in the alarm."))
    else:
        metric = f"{alarm.namespace} {alarm.metric}" if alarm.metric else "an unknown metric"
        parts.append(say(f"It is {service.name}'s, but no playbook answers {metric}. "))
        parts += [fixed_width("/incident triage"), say(" with a playbook's name looks anyway.")]
    text = joined("", [fixed("I can't look into the alarm "), code(alarm.name)])
    return Message(text, [rich(line(*parts))])
