"""All messages but the card and those of changes: help, lists, timeline, notices."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

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
    permalink,
    person,
    place,
    plain,
    rich,
    sentence,
    spoken,
)
from bot.render.text import Mrkdwn, code, escaped, join, literal, local_time, plural

MOST_ENTRIES = 30
USAGE = (
    ("/incident triage 5xx", "investigate this channel's service"),
    ("/incident triage 5xx checkout --since 20m", "another service; it began 20 minutes ago"),
    ("/incident triage 5xx --alarm checkout-5xx", "an alarm, given by name or console link"),
    ("/incident health", "look around this channel's service, without an incident type"),
    ("/incident timeline", "what happened in this channel's latest incident, and who did what"),
    ("/incident status", "where all open incidents of this channel stand now"),
    ("/incident playbooks", "the incident types I know"),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A playbook in the list: its id, its title, and what the incident is often mistaken for."""

    id: str
    title: str
    looks_like: str = ""
    for_any_alarm: bool = False  # it looks around; chosen where no type is known


def usage() -> list[Block]:
    """How to use the bot, as elements of a rich text block."""
    rows = [[fixed_width(typed), plain(f"  {meaning}")] for typed, meaning in USAGE]
    alarms = line(
        plain("I answer alarm posts without being asked. I only read from AWS. For a change, "),
        plain("one person has to ask for it and a second one has to approve it."),
    )
    thread = line(
        plain("Slack allows no slash commands in threads. Mention me there: "),
        fixed_width("@incident triage 5xx"),
        plain(", or use “Triage this alarm” in a message's menu ⋮."),
    )
    return [alarms, bullets(rows), thread]


def help_message() -> Message:
    """The answer to `/incident help`."""
    text = literal("How to use /incident: triage, health, timeline, status, playbooks.")
    return Message(text, [rich(each) for each in usage()])


def playbooks_message(entries: Sequence[Entry]) -> Message:
    """The answer to `/incident playbooks`."""
    rows: list[list[Part]] = []
    for entry in entries[:MOST_ENTRIES]:
        row = [fixed_width(entry.id, 40), plain(f"  {entry.title}", 100)]
        if entry.looks_like:
            row.append(plain(f", often mistaken for: {entry.looks_like}", 140, quiet=True))
        rows.append(row)
    named = ", ".join(f"{entry.title} ({entry.id})" for entry in entries[:MOST_ENTRIES])
    text = escaped(f"I know {plural(len(entries), 'playbook')}: {named}.", 900)
    if not rows:
        return Message(text, [rich(line(plain("No playbook is installed.")))])
    elements = [line(bold("Incident types I know")), bullets(rows)]
    if len(entries) > len(rows):
        elements.append(line(plain(f"… and {len(entries) - len(rows)} more", quiet=True)))
    return Message(text, [rich(*elements)])


def unknown_message(what: str, suggestion: str | None, *, mentioned: bool = False) -> Message:
    """Says what was not understood in a command, and suggests the nearest valid one.

    Args:
        what: a sentence.
        suggestion: a whole command that is valid, as it is typed into a channel.
        mentioned: the bot was mentioned; in a thread Slack allows no slash command.
    """
    help_typed = _typed("/incident help", mentioned)
    parts: list[Part] = [plain(what, 300)]
    pieces: list[Mrkdwn | None] = [escaped(what, 300)]
    if suggestion:
        typed = _typed(suggestion, mentioned)
        parts += [plain(" Did you mean "), fixed_width(typed), plain("?")]
        pieces += [join("", [literal("Did you mean "), code(typed), literal("?")])]
    else:
        parts += [plain(" "), fixed_width(help_typed), plain(" lists what I understand.")]
        pieces += [join(" ", [code(help_typed), literal("lists what I understand.")])]
    return Message(join(" ", pieces), [rich(line(*parts))])


def _typed(command: str, mentioned: bool) -> str:
    return command.replace("/incident", "@incident", 1) if mentioned else command


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
    newest = [escaped(f"{entry.at:%H:%M} {entry.kind}: {entry.text}", 160) for entry in shown[-3:]]
    return Message(join(". ", [escaped(title), *newest]), blocks)


def statuses(shown: Sequence[Message], now: datetime, more: int = 0) -> Message:
    """One answer of the status of several incidents, with the time it is for.

    Args:
        shown: the status of each.
        now: AWS's time.
        more: how many are left out.
    """
    foot = [literal("As of"), local_time(now)]
    if more > 0:
        foot.append(literal(f"· {plural(more, 'more open incident')}"))
    blocks = [block for message in shown for block in message.blocks]
    kept = frozenset[str]().union(*(message.kept for message in shown))
    text = join(" ", [Mrkdwn(message.text) for message in shown])
    return Message(text, [*blocks, context(join(" ", foot))], kept)


def no_incident() -> Message:
    """The answer when a channel has no incident."""
    return notice("There is no incident in this channel. /incident triage 5xx starts one.")


def not_a_member() -> Message:
    """The answer to whoever asks for an investigation where the bot could not show it."""
    return notice(
        "I am not in this channel, so I opened nothing. "
        "Invite me with /invite @incident, then ask again."
    )


def not_posted(incident: Incident, why: str) -> Message:
    """An incident was closed because its card could not be posted.

    Args:
        incident: the incident.
        why: what Slack answered, in words.
    """
    where: Part = {"type": "channel", "channel_id": incident.channel}
    said = f"I could not post the card of {incident.service} ({incident.playbook}) in "
    rest = f": {why}. I closed it; the next alarm opens a new one. "
    advice = "Invite me there with /invite @incident, then ask again."
    text = join("", [escaped(said), Mrkdwn(f"<#{incident.channel}>"), escaped(rest + advice)])
    return Message(text, [rich(line(plain(said), where, plain(rest, 300), plain(advice)))])


def already_open(incident: Incident, card: str | None = None) -> Message:
    """Points to the open incident, whose card is in another thread or channel.

    Args:
        incident: the open one.
        card: permalink of its card; None while it is not posted.
    """
    where = place(incident.channel)
    thread = f"in the thread of {incident.alarm.name} " if incident.alarm else ""
    what = f"An incident {incident.playbook} of {incident.service} is already open, {thread}in "
    parts = [plain(what, 400), where, plain(". I investigate again there.")]
    if found := permalink("Open the card", card):
        parts += [plain(" "), found]
    return Message(spoken(parts), [rich(line(*parts))])


def looks_again(incident: Incident, card: str | None) -> Message:
    """The answer in its own thread to a mention about an open incident: its card is edited, which
    notifies nobody."""
    parts = [plain(f"I investigate {incident.service} again; the card in this thread follows.")]
    if found := permalink("Open the card", card):
        parts += [plain(" "), found]
    return Message(spoken(parts), [rich(line(*parts))])
