"""What people see, word for word. After a wanted change: `python -m tests.render.golden`."""

from __future__ import annotations

import pytest

from sandbox.slack.limits import validate_blocks, validate_view
from tests.render.golden.files import HERE, contents
from tests.render.golden.messages import everything

CONTENTS = contents()
RENDERED = everything()


@pytest.mark.parametrize("name", sorted(CONTENTS))
def test_it_reads_as_it_did(name: str) -> None:
    assert CONTENTS[name] == (HERE / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(RENDERED))
def test_slack_takes_it(name: str) -> None:
    shown = RENDERED[name]
    is_view = shown.get("type") in ("modal", "home")
    assert (validate_view(shown) if is_view else validate_blocks(shown["blocks"])) == []


def test_no_golden_file_is_left_over() -> None:
    kept = {path.name for path in HERE.iterdir() if path.suffix in (".txt", ".json")}
    assert kept == set(CONTENTS)
