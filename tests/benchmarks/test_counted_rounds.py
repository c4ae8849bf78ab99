"""How many AWS calls the original story takes, and how many of them wait for each other."""

from __future__ import annotations

import threading
import time

from benchmarks.b3b_rounds import MOST_CALLS, MOST_ROUNDS
from benchmarks.counted_rounds import Gate, counted
from bot.domain.report import Verdict


def test_the_story_takes_few_calls_in_few_rounds() -> None:
    """With each query still running at the first look, in a first investigation and the next."""
    for each in counted("5xx-cold-starts-in-a-surge", looks=2):
        assert each.report.verdict is Verdict.HIGH
        assert [offer.action for offer in each.report.actions] == ["enable-provisioned-concurrency"]
        assert each.rounds <= MOST_ROUNDS
        assert each.calls <= MOST_CALLS


def test_calls_made_at_once_are_one_round_and_calls_in_turn_are_several() -> None:
    def calls(number: int) -> None:
        for _ in range(number):
            with gate.passed():
                time.sleep(0.01)

    with Gate() as gate:
        chains = [threading.Thread(target=calls, args=(number,)) for number in (1, 3, 2)]
        for chain in chains:
            chain.start()
        for chain in chains:
            chain.join()
    assert (gate.calls, gate.rounds) == (6, 3)
