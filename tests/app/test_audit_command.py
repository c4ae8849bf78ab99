"""`incident audit`: what it prints, what it leaves behind, and the way out of a freeze."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from bot.__main__ import app
from bot.app import audit_command
from bot.domain.errors import ConfigError
from bot.domain.run import RunState
from bot.state import embedded_valkey
from bot.state.anchor import FILE, FileAnchor
from bot.state.store import RedisStore, connect
from tests.support.values import approved, incident, requested

S = RunState


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("STATE_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "300")


def incident_audit(*words: str) -> Result:
    return CliRunner().invoke(app, ["audit", *words])


def use_store(folder: Path, work: Callable[[RedisStore], Awaitable[object]]) -> None:
    """Do something with the bot's store in this folder."""

    async def run() -> None:
        async with connect(embedded_valkey.start(folder)) as redis:
            store = RedisStore(redis, anchor=FileAnchor(folder / FILE))
            await store.verify_audit()
            await work(store)

    asyncio.run(run())


async def a_night(store: RedisStore) -> None:
    await store.open_incident(incident(), "a")
    await approved(store)
    await requested(store, id="R2")
    await store.move_run("R2", {S.REQUESTED}, S.REJECTED, actor="U_BEN", note="not at night")


def test_without_a_store_nothing_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIR", str(tmp_path / ".state"))
    for words in ((), ("--full",), ("--accept", "why")):
        answer = incident_audit(*words)
        assert isinstance(answer.exception, ConfigError)
        assert f"no store found at {tmp_path / '.state' / 'valkey'}" in str(answer.exception)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("runs", [True, False], ids=["beside the bot", "without the bot"])
def test_what_runs_goes_on_and_what_was_started_is_stopped(state_dir: Path, runs: bool) -> None:
    use_store(state_dir, a_night)
    if not runs:
        embedded_valkey.stop(state_dir)
    answer = incident_audit()
    assert answer.exit_code == 0, answer.output
    assert embedded_valkey.is_running(state_dir) is runs
    for row in (
        ("U_ANA", "checkout", "Enable provisioned concurrency (R1)", "preparing"),
        ("U_BEN", "checkout", "Enable provisioned concurrency (R1)", "approved"),
        ("U_BEN", "checkout", "Enable provisioned concurrency (R2)", "rejected", "not at night"),
    ):
        lines = [line for line in answer.output.splitlines() if all(cell in line for cell in row)]
        assert len(lines) == 1, (row, answer.output)
    assert "8 entries at" in answer.output
    assert "the chain is whole" in answer.output


def test_a_freeze_is_told_and_accepted_by_name(state_dir: Path) -> None:
    use_store(state_dir, a_night)

    async def lose(store: RedisStore) -> None:
        await store._redis.flushall()

    use_store(state_dir, lose)
    told = incident_audit()
    assert told.exit_code == 1
    assert "changes are frozen: the audit record is gone: it ended with entry 8" in told.output
    nothing = incident_audit("--accept", " ")
    assert "say why" in str(nothing.exception)
    accepted = incident_audit("--accept", "a new server [1]")
    assert accepted.exit_code == 0, accepted.output
    whole = incident_audit("--full")
    assert whole.exit_code == 0
    assert f"operator {getpass.getuser()}@" in whole.output
    assert "a new server [1] (accepted: the audit record is gone" in whole.output
    assert "nothing is frozen" in str(incident_audit("--accept", "again").exception)


def test_the_newest_entries_are_printed_and_all_when_asked(
    state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def several(store: RedisStore) -> None:
        for number in range(3):
            await requested(store, id=f"R{number}")

    use_store(state_dir, several)
    monkeypatch.setattr(audit_command, "NEWEST", 4)
    newest = incident_audit()
    assert "5 earlier entries; --all prints them" in newest.output
    assert "(R0)" not in newest.output
    assert "9 entries at" in newest.output
    assert "(R0)" in incident_audit("--all").output
