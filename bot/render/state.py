"""The first lines of the card: what is wrong and how much now, since when, how much in all."""

from __future__ import annotations

import re

from bot.domain.incident import Incident, IncidentState
from bot.domain.report import Report, SignalState
from bot.render.text import (
    Mrkdwn,
    clip,
    code,
    count,
    duration,
    escaped,
    first_sentence,
    join,
    literal,
    local_time,
    mention,
    sentences,
    since,
    strong,
)

MOST_CODES = 4
NAME = 60  # characters of a service's name in the first line
_NUMBER = re.compile(r"\d[\d,.]*")
CHANGED = 1.5  # times: how it was is told beside how it is where they differ by so much


def state_word(incident: Incident) -> str:
    """ "Recovered · "; empty while the incident is open."""
    return {
        IncidentState.OPEN: "",
        IncidentState.RECOVERED: "Recovered · ",
        IncidentState.CLOSED: "Closed · ",
    }[incident.state]


def headline(incident: Incident, report: Report | None) -> str:
    """ "checkout · 5XX 9.7 % of requests now, 504 mostly"; after a change how it is since, and how
    it was before; "checkout · 5xx, investigating" before the first report."""
    service = clip(incident.service, NAME)
    if report is None:
        return f"{service} · {incident.playbook}, investigating"
    told = now_and_before(report) or _now(incident, report)
    if told is None and report.overview.headline:
        told = first_sentence(report.overview.headline, 150 - NAME)
    return f"{service} · {told or f'{incident.playbook}, investigating'}"


def now_and_before(report: Report) -> str | None:
    """ "5XX 25 % of requests, was 53 %": since a change, and before it. None without a change, and
    while one of the two figures is not known."""
    signal = report.signal
    if report.after is None or signal is None or signal.was is None or signal.now is None:
        return None
    return f"{_label(signal, signal.now)}, was {signal.was}"


def since_change(report: Report) -> str:
    """ "5XX 25 % of requests, was 53 %, since maya moved PROD to version 41 at 03:12 UTC", for
    texts in which Slack shows no local time; empty where `now_and_before` has none."""
    compared, after = now_and_before(report), report.after
    if compared is None or after is None:
        return ""
    return f"{compared}, since {clip(after.what, NAME)} at {after.at:%H:%M} UTC"


def _now(incident: Incident, report: Report) -> str | None:
    """How much fails in the latest minutes, and how much it was where that differs."""
    signal = report.signal
    if signal is None or not signal.abnormal or not signal.of or signal.now is None:
        return None
    if signal.over and signal.was:
        return f"{signal.label} {signal.now}, was {signal.was}"
    if incident.state is not IncidentState.OPEN:  # the report may be older than the recovery
        return f"{_label(signal, signal.was)} while it lasted" if signal.was else None
    before = f", {signal.was} since it began" if _differs(signal) else _mostly(report)
    return f"{_label(signal, signal.now)} now{before}"


def _label(signal: SignalState, value: str) -> str:
    of = f" {signal.of}" if signal.of else ""
    return f"{signal.label} {value}{of}"


def _mostly(report: Report) -> str:
    shares = report.overview.breakdown
    if not shares or shares[0].of_errors < 0.5 or len(shares[0].code) > 30:
        return ""
    return f" ({shares[0].code})" if report.signal and shares[0].code != report.signal.label else ""


def figure(text: str | None) -> float | None:
    """The first number of a text: 9.7 of "9.7 %"; None without one."""
    found = _NUMBER.search(text or "")
    return float(found[0].replace(",", "").rstrip(".")) if found else None


def _differs(signal: SignalState) -> bool:
    now, was = figure(signal.now), figure(signal.was)
    if now is None or not was:
        return False
    return not 1 / CHANGED <= now / was <= CHANGED


def facts(incident: Incident, report: Report | None) -> Mrkdwn:
    """Severity, beginning with its age, and how many failed in all by their codes."""
    onset = report.overview.onset if report else None
    began = onset or (incident.alarm and incident.alarm.changed_at) or incident.opened_at
    pieces: list[Mrkdwn | None] = [strong(escaped(incident.severity))]
    ended = incident.recovered_at
    if ended is None:
        pieces.append(join(" ", [literal("since"), since(began)]))
    else:
        lasted = [Mrkdwn(f"({duration(ended - began)})")] if ended > began else []
        times = [literal("from"), local_time(began), literal("to"), local_time(ended), *lasted]
        pieces.append(join(" ", times))
    if report is not None:
        pieces.append(_failed(incident, report))
    return join(" · ", pieces)


def more_of_headline(report: Report) -> list[str]:
    """What the headline of the overview says besides its first sentence."""
    return sentences(report.overview.headline)[1:] if report.overview.headline else []


def _failed(incident: Incident, report: Report) -> Mrkdwn | None:
    """ "1,608 failed so far: 504 1,602 · 500 6"."""
    shares = report.overview.breakdown
    if not shares:
        return None
    total = sum(share.count for share in shares)
    so_far = " so far" if incident.state is IncidentState.OPEN else ""
    said = f"{count(total)} failed{so_far}"
    if len(shares) > 1 or (report.signal and shares[0].code != report.signal.label):
        codes = [f"{clip(share.code, 30)} {count(share.count)}" for share in shares[:MOST_CODES]]
        if len(shares) > MOST_CODES:
            codes.append(f"others {count(sum(each.count for each in shares[MOST_CODES:]))}")
        said = f"{said}: {' · '.join(codes)}"
    return escaped(said, 200)


def source(incident: Incident) -> Mrkdwn | None:
    """The alarm and its region, or whoever asked."""
    if incident.alarm:
        return join(" ", [code(incident.alarm.name, 120), escaped(incident.alarm.region, 30)])
    if incident.opened_by:
        return join(" ", [literal("asked by"), mention(incident.opened_by)])
    return None
