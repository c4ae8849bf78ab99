from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.night import Night


@pytest.fixture(scope="session")
def stage_of_the_night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """Payments fails since an alias was moved, and nobody is going to move it back."""
    night = Night("5xx-bad-alias-move", tmp_path_factory.mktemp("night"), speed=6.0)
    night.stage.start()
    try:
        night.start_bot()
        yield night
    finally:
        night.stop()


@pytest.fixture
def night(stage_of_the_night: Night) -> Iterator[Night]:
    """The night at its beginning, with a bot that runs."""
    if stage_of_the_night.bot is None:
        stage_of_the_night.start_bot()
    stage_of_the_night.forget()
    yield stage_of_the_night
    stage_of_the_night.aws_faults()
    stage_of_the_night.stage.slack.site.faults.clear()
