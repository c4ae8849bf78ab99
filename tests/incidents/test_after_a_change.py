"""After a change by somebody else, and when an alarm comes back: in a sandbox's account, with time
moved by hand."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.domain.incident import IncidentState
from bot.domain.run import RunState
from bot.state.store import RedisStore
from sandbox.commands import SCENARIOS
from sandbox.world import load
from tests.render.reading import read
from tests.support.frozen_play import FrozenPlay

Playing = Callable[..., Any]


@pytest.fixture
def playing(tmp_path: Path, store: RedisStore, monkeypatch: pytest.MonkeyPatch) -> Playing:
    """Plays a scenario, with more changes than its file has."""

    @asynccontextmanager
    async def begin(name: str, *changes: dict[str, Any]) -> AsyncIterator[FrozenPlay]:
        told = yaml.safe_load((SCENARIOS / f"{name}.yaml").read_text(encoding="utf-8"))
        told["changes"] += changes
        file = tmp_path / f"{name}.yaml"
        file.write_text(yaml.safe_dump(told), encoding="utf-8")
        play = FrozenPlay(load(file), tmp_path, store)
        play.start()
        for variable in [each for each in os.environ if each.startswith("AWS_")]:
            monkeypatch.delenv(variable)
        for variable, value in play.session.environment.items():
            monkeypatch.setenv(variable, value)
        try:
            play.connect()
            await play.settle()
            yield play
        finally:
            play.stop()

    return begin


BACK = {
    "kind": "alias",
    "at": "5m",
    "by": "maya",
    "function": "booking",
    "alias": "PROD",
    "version": 1,
}


async def test_a_change_by_somebody_else_that_mends_half_of_it(playing: Playing) -> None:
    """A release and throttles at once; maya takes the release back by hand."""
    async with playing("5xx-release-and-throttles", BACK) as play:
        first = await play.report()
        assert first.after is None
        assert first.signal is not None
        assert f"5XX {first.signal.now} of requests now" in (await play.card()).text
        await play.minutes(15)

        report = await play.report()
        assert report.after is not None
        assert report.after.what == "maya moved PROD to version 1"
        assert report.after.run is None
        at = f"{report.after.at:%H:%M} UTC"
        assert report.signal is not None
        now = report.signal.now or ""
        was = (report.signal.was or "").removesuffix(" %")
        assert int(was) > int(now.removesuffix(" %")) > 0
        compared = f"5XX {now} of requests, was {was} %"
        since = f"since maya moved PROD to version 1 at {at}"
        told = (await play.card()).text
        assert compared in told
        assert since in told.replace("Since", "since")

        # its onset and baseline are those of the incident; the minutes are those since the change
        assert report.overview.onset == first.overview.onset
        assert report.window.baseline_end == first.window.baseline_end
        # what still stands is named by itself now, and has its button
        assert report.cause is not None
        assert report.cause.id == "concurrency-limit"
        assert [each.action for each in report.actions if each.fits] == [
            "raise-reserved-concurrency"
        ]
        deployment = next(each for each in report.causes if each.id == "bad-deployment")
        assert deployment.status == "refuted"

        # it was told in the thread and noted, once
        assert len(play.replies("noticed:")) == 1
        assert "I noticed a change: maya moved PROD" in play.replies("noticed:")[0]
        assert f"{compared}, {since}" in play.replies("since:")[0]
        kinds = [each.kind for each in await play.store.timeline((await play.incident()).id)]
        assert (kinds.count("change"), kinds.count("finding")) == (1, 2)

        # and is not investigated for a second time
        await play.minutes(9)
        assert [kind for kind, _ in play.queue.done].count("investigate") == 2


async def test_an_alarm_that_comes_back_after_an_undo(playing: Playing) -> None:
    async with playing("5xx-bad-alias-move") as play:
        first = await play.incident()
        began = (await play.report()).overview.onset
        await play.minutes(1)
        run = await play.change("rollback-alias")
        await play.minutes(11)  # the latest three are not settled
        run = await play.run(run.id)
        assert run.state is RunState.DONE
        assert (await play.incident()).state is IncidentState.RECOVERED
        await play.minutes(7)
        # mended by a change of ours: investigated once more, also after the alarm is OK
        text = (await play.card()).text
        assert "of requests, was " in text
        assert "Since “Roll payments:PROD back from 32 to 31” at" in text
        assert play.replies("noticed:") == [], "what was done here is no change by others"

        run = await play.undo(run)
        assert run.state is RunState.UNDONE
        await play.minutes(3)

        again = await play.incident()
        assert (again.id != first.id, again.previous) == (True, first.id)
        report = await play.report()
        assert run.undone_at is not None
        assert run.in_force_at is not None
        assert began is not None
        assert report.overview.onset is not None
        assert report.overview.onset >= run.undone_at.replace(second=0, microsecond=0)
        before = await play.store.report(first.id)
        assert before is not None
        assert report.window.baseline_end == before.window.baseline_end < began
        assert report.earlier is not None
        assert report.earlier.mended_by == "Roll payments:PROD back from 32 to 31"
        shown = read((await play.card()).blocks)
        assert f"This was mended at {run.in_force_at:%Y-%m-%d %H:%M} UTC by “Roll payments" in shown
        assert "5XX 0 % of" in shown
        assert f"The change was undone at {run.undone_at:%Y-%m-%d %H:%M} UTC" in shown
        assert [each.action for each in report.actions if each.fits] == ["rollback-alias"]
