from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.play import Play


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Callable[..., Play]]:
    """Make a play; it is stopped when the test ends."""
    made: list[Play] = []

    def make(scenario: str = "5xx-cold-starts-in-a-surge", **options: Any) -> Play:
        each = Play(scenario, tmp_path, **options)
        made.append(each)
        each.session.start()
        return each

    yield make
    for each in made:
        each.stop()
