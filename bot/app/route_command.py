"""`incident route`: where alarms would lead, before one of them goes off at night."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from bot.app import registry
from bot.aws import alarms, discovery
from bot.config import catalogue
from bot.config.catalogue import Catalogue
from bot.config.settings import Settings, settings
from bot.domain.alarm import Alarm
from bot.domain.alarm_description import from_description
from bot.domain.errors import ConfigError, ReadFailed
from bot.domain.ports import Accounts, Aws
from bot.domain.service import Service
from bot.investigation.ownership import GLOBAL_REGION, Ownership, find_owner
from bot.investigation.routing import Route, RouteKind

SHAPES = (
    "give entries of DescribeAlarms: what `aws cloudwatch describe-alarms` prints, a list of "
    "entries, or one entry a line"
)


@dataclass(frozen=True, slots=True)
class Routed:
    """An alarm, its incident types and its owner; the owner is None without a catalogue."""

    alarm: Alarm
    route: Route
    ownership: Ownership | None

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        owner = self.ownership
        return {
            "alarm": self.alarm.name,
            "region": self.alarm.region,
            "account": self.alarm.account,
            "kind": self.route.kind.value,
            "type": self.route.playbook.id if self.route.playbook else None,
            "types": [
                {
                    "id": claim.playbook.id,
                    "by": claim.strength.name.lower().replace("_", " "),
                    "whole": claim.whole,
                    "reason": claim.reason,
                }
                for claim in self.route.claims
            ],
            "reason": self.route.reason,
            "owner": owner.service.name if owner and owner.service else None,
            "owner_candidates": [each.name for each in owner.candidates] if owner else [],
            "owner_reason": owner.reason if owner else "there is no catalogue",
        }


def routed(files: Sequence[Path], *, live: bool, path: Path | None) -> list[Routed]:
    """Where the alarms of the files lead, and those of the account when `live`.

    Args:
        files: JSON or JSON lines; "-" is the standard input.
        live: read the alarms of the catalogue's accounts and regions.
        path: the catalogue file; None: that of the settings, if it is there.

    Raises ConfigError for a file that is not understood, for a wrong catalogue, and when AWS
    can't be read.
    """
    config = settings()
    known = _catalogue(config, path)
    if not files and not live:
        raise ConfigError(f"name a file, or say --live; {SHAPES}")
    found = with_children([alarm for file in files for alarm in alarms_in(_read(file), str(file))])
    services = known.services if known else ()
    if live:
        if known is None:
            raise ConfigError(
                f"--live reads the accounts and regions of the catalogue, and {config.catalogue} "
                "is not there; name it with --catalogue, see docs/catalogue.md"
            )
        read, services = _live(config, known)
        found += read
    router = registry.router()
    return [
        Routed(alarm, router.route(alarm), find_owner(alarm, services) if known else None)
        for alarm in found
    ]


def alarms_in(text: str, source: str) -> list[Alarm]:
    """The alarms in a file. Raises ConfigError that names the place of what is not understood."""
    alarms = []
    for place, entry in _entries(text, source):
        if not isinstance(entry, dict):
            raise ConfigError(f"{place} is no JSON object; {SHAPES}")
        try:
            alarms.append(from_description(entry))
        except ValueError as fault:
            raise ConfigError(f"{place}: {fault}; {SHAPES}") from fault
    if not alarms:
        raise ConfigError(f"{source} has no alarms; {SHAPES}")
    return alarms


def with_children(given: list[Alarm]) -> list[Alarm]:
    """The alarms, composite ones with those of their children that are among them."""
    by_name = {(each.account, each.region, each.name): each for each in given}

    def whole(alarm: Alarm, above: frozenset[str]) -> Alarm:
        children = [by_name.get((alarm.account, alarm.region, name)) for name in alarm.children]
        read = tuple(
            whole(child, above | {alarm.name})
            for child in children
            if child is not None and child.name not in above
        )
        return alarm.model_copy(update={"child_alarms": read}) if read else alarm

    return [whole(each, frozenset()) for each in given]


def table(found: Sequence[Routed]) -> Table:
    """The alarms with types, owners and reasons, for the terminal."""
    made = Table("alarm", "type", "owner", "why", box=None, padding=(0, 2, 1, 0))
    for each in found:
        why = each.route.reason
        if each.ownership is not None:
            why += f"; {each.ownership.reason}"
        made.add_row(Text(each.alarm.name), _type(each.route), _owner(each.ownership), Text(why))
    return made


def summary(found: Sequence[Routed]) -> str:
    """One line: how many alarms lead where."""
    kinds = [each.route.kind for each in found]
    owned = sum(bool(each.ownership and each.ownership.service) for each in found)
    return (
        f"{len(found)} alarms: {kinds.count(RouteKind.TYPE)} lead to a type, "
        f"{kinds.count(RouteKind.TIE)} ask, {kinds.count(RouteKind.UNKNOWN)} are of no type; "
        f"{owned} have an owner"
    )


def _type(route: Route) -> Text:
    types = [claim.playbook.id for claim in route.claims]
    if route.kind is RouteKind.TYPE:
        rest = f" (then {', '.join(types[1:])})" if types[1:] else ""
        return Text(types[0], style="bold green") + Text(rest, style="dim")
    if route.kind is RouteKind.TIE:
        return Text(f"asks: {' or '.join(types)}?", style="yellow")
    return Text("none", style="dim")


def _owner(ownership: Ownership | None) -> Text:
    if ownership is None:
        return Text("no catalogue", style="dim")
    if ownership.service:
        return Text(ownership.service.name)
    names = " or ".join(each.name for each in ownership.candidates)
    return Text(f"asks: {names}?", style="yellow") if names else Text("nobody", style="dim")


def _catalogue(config: Settings, path: Path | None) -> Catalogue | None:
    if path is None and not config.catalogue.exists():
        return None
    return catalogue.load(path or config.catalogue)


def _read(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{file} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not text in UTF-8") from error


def _entries(text: str, source: str) -> Iterator[tuple[str, object]]:
    """Entries with their places: the whole text as JSON, else a JSON value a line."""
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                place = f"{source}, line {number}"
                try:
                    value = json.loads(line)
                except (ValueError, RecursionError) as fault:
                    raise ConfigError(f"{place} is not JSON ({fault}); {SHAPES}") from fault
                yield from _listed(value, place)
    else:
        yield from _listed(whole, source)


def _listed(value: object, place: str) -> Iterator[tuple[str, object]]:
    keys = ("MetricAlarms", "CompositeAlarms")
    if isinstance(value, dict) and any(key in value for key in keys):
        for key in keys:
            yield from _listed(value.get(key) or [], f"{place}, {key}")
    elif isinstance(value, list):
        yield from ((f"{place}[{number}]", entry) for number, entry in enumerate(value))
    else:
        yield place, value


def _live(config: Settings, known: Catalogue) -> tuple[list[Alarm], tuple[Service, ...]]:
    """All alarms of the catalogue's accounts and regions, and of us-east-1, where those of
    Route 53 and CloudFront are; and the services with the resources that their tags name."""
    from bot.aws.accounts import AwsAccounts

    accounts: Accounts = AwsAccounts(known, config, registry.ACTIONS)
    places: dict[tuple[str | None, str], Aws] = {}
    services = []
    try:
        for service in known.services:
            aws = accounts.reader(service)
            places.setdefault((service.account, service.region), aws)
            if service.region.split("-")[0] not in ("cn", "eusc") and "-gov-" not in service.region:
                places.setdefault((service.account, GLOBAL_REGION), aws)
            completed = discovery.complete(aws, service)
            if not completed.complete:
                unread = ", ".join(gap.detail for gap in completed.gaps)
                raise ConfigError(f"the resources of {service.name} can't be read: {unread}")
            services.append(completed.service)
        found = [
            alarm for (_, region), aws in places.items() for alarm in alarms.list_all(aws, region)
        ]
    except ReadFailed as failed:
        raise ConfigError(f"the alarms can't be read: {failed.detail}") from failed
    return with_children(list(_once(found))), tuple(services)


def _once(found: Iterable[Alarm]) -> Iterable[Alarm]:
    return {each.arn or each.key: each for each in found}.values()
