"""The Home tab: open incidents, what waits for the person who reads it, how to use the bot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.incident import Incident
from bot.domain.report import Report
from bot.domain.run import Run, RunState
from bot.render.blocks import (
    Block,
    Part,
    actions,
    bold,
    bullets,
    button,
    context,
    count_characters,
    date,
    fixed_width,
    line,
    permalink,
    person,
    place,
    plain,
    rich,
    sentence,
)
from bot.render.clicks import REFRESH
from bot.render.messages import usage
from bot.render.modal import MOST_CHARACTERS, View
from bot.render.text import join, literal, local_time, plural

MOST_INCIDENTS = 20
MOST_CHANGES = 10
ALWAYS_LAST = 4  # blocks: the button, a line, how to use it, as of when


@dataclass(frozen=True, slots=True)
class HomeIncident:
    """An open incident. `url` is the permalink of its card, None while it is not posted."""

    incident: Incident
    report: Report | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class HomeChange:
    """A change that waits, with its incident. `url` is the permalink of its message or card."""

    run: Run
    incident: Incident
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Home:
    """What one person is shown.

    `hidden` counts open incidents in private channels that the person is no member of.
    """

    as_of: datetime  # Redis time
    incidents: Sequence[HomeIncident] = ()
    hidden: int = 0
    to_approve: Sequence[HomeChange] = ()
    asked: Sequence[HomeChange] = ()  # by this person, and waiting for somebody else
    previews: Sequence[HomeChange] = ()  # looked at by this person, approval not asked for
    frozen: str | None = None  # why no change is approved or applied
    not_shown: str | None = None  # why this person is shown no incident at all


def home_view(home: Home) -> View:
    """The view for views.publish."""
    blocks: list[Block | None] = [
        _frozen(home.frozen),
        _incidents(home),
        _changes("Waiting for your approval", home.to_approve),
        _changes("You asked for, waiting for somebody else", home.asked),
        _changes("Your previews, approval not asked for", home.previews),
        actions([button("Refresh", REFRESH, "home")]),
        {"type": "divider"},
        rich(*usage()),
        context(join(" ", [literal("as of"), local_time(home.as_of, "{time_secs}")])),
    ]
    kept = [block for block in blocks if block is not None]
    while count_characters(kept) > MOST_CHARACTERS and len(kept) > ALWAYS_LAST + 1:
        kept.pop(-ALWAYS_LAST - 1)  # of what waits, the least urgent first
    return {"type": "home", "blocks": kept}


def _frozen(why: str | None) -> Block | None:
    if why is None:
        return None
    return rich(
        line(bold("Changes are frozen: nothing is approved or applied.")),
        line(plain(f"{why[:1].upper()}{why[1:]}".rstrip(".") + ".", 600)),
        line(
            plain("An operator has to look: "), fixed_width("incident audit"), plain(" shows why.")
        ),
    )


def _incidents(home: Home) -> Block:
    if home.not_shown:
        return rich(line(bold("Incidents are not shown")), line(*sentence(home.not_shown, 400)))
    shown = home.incidents[:MOST_INCIDENTS]
    left = len(home.incidents) - len(shown)
    elements: list[Block] = []
    if shown:
        elements = [
            line(bold(f"Open incidents ({len(home.incidents)})")),
            bullets(map(_row, shown)),
        ]
    else:
        elements = [line(bold("No open incident"))]
    if left:
        elements.append(line(plain(f"… and {left} more", quiet=True)))
    if home.hidden:
        many = plural(home.hidden, "open incident")
        said = f"{many} in private channels that you are no member of"
        elements.append(line(plain(said, quiet=True)))
    return rich(*elements)


def _row(each: HomeIncident) -> list[Part]:
    incident, report = each.incident, each.report
    headline = report.overview.headline if report else ""
    parts: list[Part] = [
        bold(f"{incident.service} · {incident.severity.value}", 120),
        plain(f" · {headline or 'looking at it'}", 160),
        plain(" · since "),
        date(incident.since or incident.opened_at, "{time} ({ago})"),
        plain(" · "),
    ]
    found = permalink("Open the card", each.url)
    return [*parts, found] if found else [*parts, plain("in "), place(incident.channel)]


def _changes(title: str, changes: Sequence[HomeChange]) -> Block | None:
    if not changes:
        return None
    shown = changes[:MOST_CHANGES]
    elements: list[Block] = [line(bold(f"{title} ({len(changes)})")), bullets(map(_change, shown))]
    if len(changes) > len(shown):
        elements.append(line(plain(f"… and {len(changes) - len(shown)} more", quiet=True)))
    return rich(*elements)


def _change(each: HomeChange) -> list[Part]:
    run = each.run
    parts: list[Part] = [
        bold(run.plan.title if run.plan else run.action, 200),
        plain(f" · {each.incident.service} · ", 120),
    ]
    if run.state is RunState.REQUESTED:
        parts += [plain("asked by "), person(run.requested_by), plain(" · ")]
    if run.state is RunState.UNDO_REQUESTED and run.undone_by:
        parts += [plain("undo asked by "), person(run.undone_by), plain(" · ")]
    found = permalink("Open", each.url)
    return [*parts, found] if found else [*parts, plain("in "), place(each.incident.channel)]
