"""What people see, word for word. After a wanted change: `python -m tests.render.golden`."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.slack.limits import validate_blocks, validate_view
from tests.render.golden.__main__ import HERE, written
from tests.support.samples import everything

RENDERED = everything()


@pytest.mark.parametrize("name", sorted(RENDERED))
def test_it_looks_as_it_did(name: str) -> None:
    assert written(RENDERED[name]) == (HERE / f"{name}.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(RENDERED))
def test_slack_takes_it(name: str) -> None:
    shown = RENDERED[name]
    is_view = shown.get("type") == "modal"
    assert (validate_view(shown) if is_view else validate_blocks(shown["blocks"])) == []


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in Path(HERE).glob("*.json")} == set(RENDERED)
