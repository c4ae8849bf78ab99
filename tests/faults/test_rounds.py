"""Thirty rounds of kills and stops around every state of a change and its undo."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import rounds

pytestmark = [pytest.mark.slow, pytest.mark.story, pytest.mark.xdist_group("rounds")]


def test_no_round_doubles_loses_contradicts_or_conceals(tmp_path: Path) -> None:
    verdicts = list(rounds.play(30, seed=11, folder=tmp_path))
    assert len(verdicts) == 30
    wrong = [str(each) for each in verdicts if each.faults]
    assert not wrong, "\n".join(wrong)
    assert sum(each.run.state == "undone" for each in verdicts) >= 10, "most should go through"
