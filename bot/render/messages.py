"""All messages but the card and those of changes: help, lists, timeline, notices."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bot.domain.incident import Incident, TimelineEntry
from bot.render.blocks import (
    Block,
    Message,
    Part,
    bold,
    bullets,
    context,
    date,
    fixed_width,
    line,
    person,
    plain,
    rich,
    sentence,
)
from bot.render.text import Mrkdwn, code, escaped, join, literal, plural

MOST_ENTRIES = 30
USAGE = (
    ("/incident triage 5xx", "investigate this channel's service"),
    ("/incident triage 5xx checkout --since 20m", "another service; it began 20 minutes ago"),
    ("/incident triage 5xx --alarm checkout-5xx", "an alarm, given by name or console link"),
    ("/incident health", "look around this channel's service, without an incident type"),
    ("/incident timeline", "what happened in this channel's latest incident, and who did what"),
    ("/incident status", "the present state of that incident"),
    ("/incident playbooks", "the incident types I know"),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A playbook in the list: its id, its title, and what the incident is often mistaken for."""

    id: str
    title: str
    looks_like: str = ""


def help_message() -> Message:
    """The answer to `/incident help`."""
    rows = [[fixed_width(typed), plain(f"  {meaning}")] for typed, meaning in USAGE]
    thread = line(
        plain("Slack allows no slash commands in threads; mention me there: "),
        fixed_width("@incident triage 5xx"),
    )
    alarms = line(
        plain("I answer alarm posts without being asked. I only read from AWS. For a change, "),
        plain("one person has to ask for it and a second one has to approve it."),
    )
    text = literal("How to use /incident: triage, timeline, status, playbooks.")
    return Message(text, [rich(alarms), rich(bullets(rows)), rich(thread)])


def playbooks_message(entries: Sequence[Entry]) -> Message:
    """The answer to `/incident playbooks`."""
    rows: list[list[Part]] = []
    for entry in entries[:MOST_ENTRIES]:
        row = [fixed_width(entry.id, 40), plain(f"  {entry.title}", 100)]
        if entry.looks_like:
            row.append(plain(f", often mistaken for: {entry.looks_like}", 140, quiet=True))
        rows.append(row)
    text = escaped(f"I know {plural(len(entries), 'playbook')}.")
    if not rows:
        return Message(text, [rich(line(plain("No playbook is installed.")))])
    elements = [line(bold("Incident types I know")), bullets(rows)]
    if len(entries) > len(rows):
        elements.append(line(plain(f"… and {len(entries) - len(rows)} more", quiet=True)))
    return Message(text, [rich(*elements)])


def unknown_message(what: str, suggestion: str | None) -> Message:
    """Says what was not understood in a command, and suggests the nearest valid one."""
    parts: list[Part] = [plain(what, 300)]
    pieces: list[Mrkdwn | None] = [escaped(what, 300)]
    if suggestion:
        parts += [plain(" Did you mean "), fixed_width(suggestion), plain("?")]
        pieces += [join("", [literal("Did you mean "), code(suggestion), literal("?")])]
    else:
        parts += [plain(" "), fixed_width("/incident help"), plain(" lists what I understand.")]
    return Message(join(" ", pieces), [rich(line(*parts))])


def notice(text: str, mentions: Collection[str] = ()) -> Message:
    """One or two sentences: a refusal, an acknowledgement, a fault.

    `mentions` are those in it that this program wrote: people who may do what is refused.
    """
    shown = escaped(text, 900)
    for each in mentions:  # Slack's markup again, and only of these
        shown = Mrkdwn(shown.replace(escaped(each), each))
    return Message(shown, [rich(line(*sentence(text, 900, mentions)))])


def timeline(incident: Incident, entries: Sequence[TimelineEntry]) -> Message:
    """The timeline, oldest first; when there are too many entries, the newest are shown."""
    shown = entries[-MOST_ENTRIES:]
    rows: list[list[Part]] = []
    for entry in shown:
        row = [date(entry.at, "{time_secs}"), plain(f"  {entry.kind}: ", 40, bold=True)]
        row += sentence(entry.text, 180)
        if entry.actor:
            row += [plain(" · "), person(entry.actor)]
        rows.append(row)
    title = f"Timeline of {incident.service}, {incident.playbook}"
    blocks: list[Block] = [rich(line(bold(title, 200)), bullets(rows))] if rows else []
    left = len(entries) - len(shown)
    if left:
        blocks.append(context(escaped(f"{plural(left, 'older entry', 'older entries')} left out")))
    if not rows:
        blocks = [rich(line(bold(title, 200)), line(plain("No entries yet.")))]
    return Message(escaped(title), blocks)


def no_incident() -> Message:
    """The answer when a channel has no incident."""
    return notice("There is no incident in this channel. /incident triage 5xx starts one.")


def already_open(incident: Incident) -> Message:
    """Points to the open incident, whose card is in another thread or channel."""
    where: Part = {"type": "channel", "channel_id": incident.channel}
    thread = f"in the thread of {incident.alarm.name} " if incident.alarm else ""
    what = f"An incident {incident.playbook} of {incident.service} is already open, {thread}in "
    text = join("", [escaped(what), Mrkdwn(f"<#{incident.channel}>")])
    return Message(text, [rich(line(plain(what), where, plain(". I investigate again there.")))])
