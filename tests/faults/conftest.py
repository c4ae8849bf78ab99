from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.night import Night, running_night


@pytest.fixture(scope="session")
def the_one_night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """Payments fails since an alias was moved, and nobody is going to move it back."""
    folder = tmp_path_factory.mktemp("night")
    with running_night("5xx-bad-alias-move", folder, speed=6.0) as night:
        yield night


@pytest.fixture
def night(the_one_night: Night) -> Iterator[Night]:
    """The night at its beginning, with a bot that runs."""
    if the_one_night.bot is None:
        the_one_night.start_bot()
    the_one_night.forget()
    yield the_one_night
    the_one_night.aws_faults()
    the_one_night.session.slack.site.faults.clear()
