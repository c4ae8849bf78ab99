"""`incident audit`: reads the audit chain from the store that the bot uses; ends a freeze."""

from __future__ import annotations

import getpass
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from redis.exceptions import RedisError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bot.app.redis_checks import place_of
from bot.config.settings import Settings, settings
from bot.domain.errors import ConfigError
from bot.domain.run import AuditEntry, Run
from bot.state import embedded_valkey
from bot.state.anchor import FILE, FileAnchor
from bot.state.store import RedisStore, connect

NEWEST = 100  # entries that are printed unless all are asked for


@dataclass(frozen=True, slots=True)
class Line:
    """An entry of the record, with what it is about; empty where that is not kept any more."""

    entry: AuditEntry
    service: str
    change: str  # what is changed, in words


@dataclass(frozen=True, slots=True)
class Record:
    """The audit record as it was found."""

    place: str
    lines: tuple[Line, ...]
    earlier: int  # entries before the first line
    frozen: str | None  # why no change is approved or sent


async def record(*, every: bool, full: bool) -> Record:
    """Read the record and check it.

    Args:
        every: tell all entries, not the newest.
        full: check all entries now, not what is new and a part of the rest.

    Raises ConfigError when there is no store, or it does not answer.
    """
    async with _store() as (store, place):
        frozen = await store.verify_audit(full=full, adopt=False)
        entries = await (store.audit() if every else store.recent_audit(NEWEST))
        runs: dict[str, Run | None] = {}
        for entry in entries:
            if entry.run and entry.run not in runs:
                runs[entry.run] = await store.run(entry.run)
        lines = tuple([await _line(store, entry, runs.get(entry.run)) for entry in entries])
        first = entries[0].number if entries else 1
        return Record(place, lines, first - 1, frozen)


async def accept(reason: str) -> str:
    """Accept the record as it is, in the name of whoever runs this; what it was frozen for.

    Raises ConfigError when there is no reason, no freeze or no store.
    """
    async with _store() as (store, _):
        try:
            return await store.accept_audit(f"operator {_user()}", reason)
        except ValueError as fault:
            raise ConfigError(str(fault)) from fault


def show(found: Record, console: Console) -> None:
    """Print the record, and what it is frozen for."""
    table = Table("#", "at (UTC)", "who", "service", "change", "became", "", box=None)
    table.padding = (0, 2, 0, 0)
    for line in found.lines:
        entry = line.entry
        at = f"{entry.at:%Y-%m-%d %H:%M:%S}"
        cells = (at, entry.actor, line.service, line.change, entry.event, entry.detail)
        table.add_row(str(entry.number), *(escape(cell) for cell in cells))
    if found.earlier > 0:
        console.print(f"{found.earlier} earlier entries; --all prints them")
    if found.lines:
        console.print(table)
    if found.frozen:
        console.print(f"[bold red]changes are frozen: {escape(found.frozen)}[/]", soft_wrap=True)
        console.print(
            "Look at what AWS has. Then `incident audit --accept REASON` lets changes go on."
        )
        return
    number = found.lines[-1].entry.number if found.lines else 0
    console.print(f"{number} entries at {found.place}; the chain is whole", soft_wrap=True)


async def _line(store: RedisStore, entry: AuditEntry, run: Run | None) -> Line:
    if run is None:
        return Line(entry, "", entry.run)
    incident = await store.incident(run.incident)
    what = run.plan.title if run.plan else run.action
    return Line(entry, incident.service if incident else "", f"{what} ({run.id})")


@asynccontextmanager
async def _store() -> AsyncIterator[tuple[RedisStore, str]]:
    """The bot's store and where it is. Nothing is made that is not there."""
    config = settings()
    with _address(config) as url:
        redis = connect(url)
        try:
            yield RedisStore(redis, anchor=FileAnchor(config.state_dir / FILE)), place_of(url)
        except (RedisError, OSError) as error:
            raise ConfigError(f"Redis at {place_of(url)} does not answer: {error}") from error
        finally:
            await redis.aclose()


@contextmanager
def _address(config: Settings) -> Iterator[str]:
    """The store's URL. The embedded Valkey is started when it is not running, then stopped."""
    if config.redis_url:
        yield config.redis_url
        return
    folder = config.state_dir / "valkey"
    if not any(folder.glob("appendonly*")):
        raise ConfigError(
            f"no store found at {folder}: set STATE_DIR to the bot's, or REDIS_URL to its Redis"
        )
    running = embedded_valkey.is_running(config.state_dir)
    url = embedded_valkey.start(config.state_dir)
    try:
        yield url
    finally:
        if not running:
            embedded_valkey.stop(config.state_dir)


def _user() -> str:
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "unknown"
    return f"{name}@{socket.gethostname()}"
