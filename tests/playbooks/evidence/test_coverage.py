"""Of several functions only one is measured."""

from __future__ import annotations

import pytest

from bot.domain.report import CauseStatus
from tests.playbooks.samples import gap, weighed
from tests.playbooks.stories import STORIES


@pytest.mark.parametrize(
    ("story", "rivals"),
    [
        ("cold-start-surge", ("backend-overload", "concurrency-limit", "function-timeout")),
        ("function-timeout", ("cold-start-surge", "backend-overload", "concurrency-limit")),
        ("concurrency-limit", ("backend-overload",)),
    ],
)
def test_while_another_function_is_not_measured_the_one_measured_refutes_nothing(
    story: str, rivals: tuple[str, ...]
) -> None:
    found = weighed(STORIES[story] | {"unmeasured": gap("unmeasured")})
    for rival in rivals:
        assert found[rival].status is not CauseStatus.REFUTED
    assert found[story].status is CauseStatus.SUPPORTED
