"""Which versions of a function served when, by the names of its log streams.

Lambda names a log stream after the version that runs ("2026/11/23/[42]0123…"; Lambda developer
guide, "Sending Lambda function logs to CloudWatch Logs"). So the lines show at once what an alias
serves and since when, minutes before CloudTrail shows who moved it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain.plan import Choice
from bot.domain.report import Change, Gap
from playbooks.evidence import thresholds
from playbooks.evidence.changes import RELEASES
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.wording import count
from playbooks.probes.aliases import Aliases
from playbooks.probes.changes import Changes
from playbooks.probes.changes.actors import UNKNOWN
from playbooks.probes.exceptions import Exceptions
from playbooks.probes.lambda_reports import Reports
from playbooks.probes.metrics import MINUTE

PUBLISHED = "Lambda"  # the source that only knows when a version was published


@dataclass(frozen=True, slots=True)
class Switch:
    """A version that began to serve at `at`, and the one that served before. `both`: the one before
    went on serving, as under a weighted alias. `before` is None when it is not known."""

    function: str
    before: str | None
    after: str
    at: datetime
    both: bool


Minutes = dict[datetime, Counter[str]]
"""Log lines of each minute by the function's version."""


def served(
    reports: Reports | Gap | None, exceptions: Exceptions | Gap | None
) -> dict[str, Minutes]:
    """Log lines by function, minute and version: REPORT lines and those that name exceptions.

    How many lines there are says how many invocations there were only of REPORT lines.
    """
    found: dict[str, Minutes] = defaultdict(lambda: defaultdict(Counter))
    if isinstance(exceptions, Exceptions):
        for raised in exceptions.raised:
            if raised.owner and raised.version:
                found[raised.owner][raised.at][raised.version] += int(raised.count)
    if isinstance(reports, Reports):
        for row in reports.rows:
            if row.version:
                found[reports.function][row.at][row.version] += int(row.count)
    return {function: dict(sorted(minutes.items())) for function, minutes in found.items()}


def switches(function: str, minutes: Minutes) -> tuple[Switch, ...]:
    """Every time that a version began to serve, or served again, while the log was read; in the
    order of time."""
    beginnings = list(_beginnings(minutes))
    found = []
    for number, (at, version, before) in enumerate(beginnings):
        following = [later for later, _, _ in beginnings[number + 1 :] if later > at]
        end = min(following, default=None)
        since = [
            lines for minute, lines in minutes.items() if at <= minute and (not end or minute < end)
        ]
        total = sum(lines.total() for lines in since)
        if sum(lines[version] for lines in since) < thresholds.CANARY * total:
            continue  # somebody tried it: no part of the traffic was given to it
        # requests that began before the switch report for some minutes after it
        both = any(
            lines[before]
            for minute, lines in minutes.items()
            if minute > at + thresholds.AFTERWARDS and (not end or minute < end)
        )
        found.append(Switch(function, before, version, at, both))
    return tuple(found)


def _beginnings(minutes: Minutes) -> Iterator[tuple[datetime, str, str]]:
    """When a version is first seen, or seen again after the others had served without it, and the
    version that served most before."""
    last: dict[str, datetime] = {}
    without: Counter[str] = Counter()  # lines of the others since a version was seen last
    recent: str | None = None
    for at, versions in minutes.items():
        for version in versions:
            away = version not in last or (
                at - last[version] > thresholds.AFTERWARDS
                and without[version] >= thresholds.ENOUGH_REQUESTS
            )
            if away and recent is not None and recent != version:
                yield at, version, recent
        for version in {*last, *versions}:
            without[version] = 0 if version in versions else without[version] + versions.total()
        last.update(dict.fromkeys(versions, at))
        recent = max(versions, key=lambda each: versions[each]) if versions else recent


def with_switches(
    changes: Changes,
    served_lines: Mapping[str, Minutes],
    called: Mapping[str, frozenset[str]],
    aliases: Aliases | Gap | None,
) -> Changes:
    """The changes, with what the log streams show: moves of an alias that no other source tells,
    and what it served before one that is told. `called`: aliases that are called, by function.

    A log group has the lines of every version, whoever invokes it. So $LATEST is left out, which
    no alias of production serves, and a version that another alias serves is told neither as what
    began to serve nor as what served before.
    """
    if not isinstance(aliases, Aliases):
        return changes
    known = list(changes.known)
    for function, lines in served_lines.items():
        names = [name for name in called.get(function, ()) if not name.isdigit()]
        if len(names) != 1 or not aliases.of(function, names[0]):
            continue
        foreign = aliases.of_others(function, names[0])
        published = {at: _without(versions, {"$LATEST"}) for at, versions in lines.items()}
        for switch in switches(function, published):
            if switch.after not in foreign:
                own = switch.before is not None and switch.before not in foreign
                told = switch if own else replace(switch, before=None, both=True)
                known = _told_once(known, told, names[0])
    return replace(changes, known=tuple(sorted(known, key=lambda each: each.at)))


def _without(versions: Counter[str], left_out: set[str]) -> Counter[str]:
    return Counter({name: lines for name, lines in versions.items() if name not in left_out})


def _told_once(known: list[Change], switch: Switch, alias: str) -> list[Change]:
    """The changes with the switch: in the change that tells of it, else as one of its own."""
    if any(_tells(each, switch) for each in known):
        return [_with_previous(each, switch) if _tells(each, switch) else each for each in known]
    others = [each for each in known if not _published(each, switch)]
    return [*others, _moved(switch, alias)]


def _tells(change: Change, switch: Switch) -> bool:
    """Whether a source tells of the move: a release of the function that acts about then."""
    if change.kind not in RELEASES or change.error or change.source == PUBLISHED:
        return False
    function = {name.split(":")[0] for name in change.touches}
    if switch.function not in function and change.source != "CodeDeploy":
        return False
    end = change.until or change.at
    return change.at - thresholds.AFTERWARDS <= switch.at <= end + thresholds.AT_ONCE


def _published(change: Change, switch: Switch) -> bool:
    """Whether it tells only that the version which began to serve was published."""
    return change.source == PUBLISHED and change.summary.startswith(f"version {switch.after},")


def _with_previous(change: Change, switch: Switch) -> Change:
    choice = change.choice
    if choice is None or choice.suspect != switch.after or switch.both:
        return change
    return change.model_copy(
        update={"choice": choice.model_copy(update={"previous": switch.before})}
    )


def _moved(switch: Switch, alias: str) -> Change:
    name = f"{switch.function}:{alias}"
    beside = "beside" if switch.both else "instead of"
    other = f" {beside} {switch.before}" if switch.before else ""
    older = switch.after.isdigit() and (switch.before or "").isdigit()
    return Change(
        at=switch.at,
        actor=UNKNOWN,
        kind="alias",
        resource=switch.function,
        summary=f"{name} serves version {switch.after}{other}",
        source="log streams",
        touches=(name,),
        reverts=older and int(switch.after) < int(switch.before or 0),
        choice=Choice(
            target=f"lambda:{name}/version",
            suspect=switch.after,
            since=switch.at,
            previous=None if switch.both else switch.before,
        ),
    )


# --- version against version ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sides:
    """Invocations in the anomaly of one version and of all others, and how many of each failed."""

    version: str
    lines: float
    failed: float
    other_lines: float
    other_failed: float

    @property
    def only_this(self) -> bool | None:
        """Whether this version fails and the others do not, while both serve; False when others
        fail alike, or they alone. None when too few requests went to the others, or too few
        failed."""
        if self.other_lines < thresholds.ENOUGH_REQUESTS or not self.lines:
            return None
        rate, others = self.failed / self.lines, self.other_failed / self.other_lines
        if self.failed >= thresholds.FEW and rate >= thresholds.VERSION_LIFT * others:
            return True
        return False if self.other_failed >= thresholds.FEW else None

    def told(self, what: str) -> str:
        """ "version 8: 4,079 TypeError in 4,302 invocations; beside it: 0 in 8,027"."""
        return (
            f"version {self.version}: {count(self.failed)} {what} in {count(self.lines)} "
            f"invocations; versions beside it: {count(self.other_failed)} in "
            f"{count(self.other_lines)}"
        )


def sides(
    reports: Reports | Gap | None,
    anomaly: AnomalyWindow,
    version: str,
    failed: Mapping[str, float],
    among: frozenset[str],
) -> Sides | None:
    """The version beside others that served in the same minutes. `failed`: failures in these
    minutes by version; `among`: the versions to compare, those of one alias, as other aliases may
    have other traffic. None without REPORT lines."""
    if not isinstance(reports, Reports):
        return None
    failed = {name: number for name, number in failed.items() if name in {version, *among}}
    lines = Counter[str]()
    for at, versions in served(reports, None).get(reports.function, {}).items():
        if _compared(at, anomaly) and versions[version]:
            lines.update({each: n for each, n in versions.items() if each in {version, *among}})
    if not lines[version]:
        return None
    return Sides(
        version=version,
        lines=lines[version],
        failed=failed.get(version, 0.0),
        other_lines=lines.total() - lines[version],
        other_failed=sum(n for each, n in failed.items() if each != version),
    )


def timed_out_by_version(reports: Reports, anomaly: AnomalyWindow) -> dict[str, float]:
    """Invocations that ended at the function's timeout, by version."""
    found = Counter[str]()
    for row in reports.rows:
        if row.version and _compared(row.at, anomaly):
            found[row.version] += int(row.timed)
    return dict(found)


def raised_by_version(
    exceptions: Exceptions | Gap | None, anomaly: AnomalyWindow, name: str, function: str
) -> dict[str, float]:
    """Log lines of one class of exception that a function wrote, by version."""
    found = Counter[str]()
    if isinstance(exceptions, Exceptions):
        for raised in exceptions.raised:
            of_function = raised.owner in (None, function)
            if (
                raised.name == name
                and raised.version
                and of_function
                and _compared(raised.at, anomaly)
            ):
                found[raised.version] += int(raised.count)
    return dict(found)


def _compared(at: datetime, anomaly: AnomalyWindow) -> bool:
    """Whether versions are compared in this minute: the first of the anomaly is of both."""
    return anomaly.start + MINUTE <= at < anomaly.end
