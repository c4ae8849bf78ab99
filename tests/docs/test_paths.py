"""Files and folders that the documents name are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DECISIONS = ROOT / "docs" / "adr"
"""A decision keeps the file names of its day, so these are not checked."""

PAGES = sorted(
    page
    for page in (ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md"))
    if DECISIONS not in page.parents
)
IN_CODE = re.compile(
    r"`((?:bot|handlers|playbooks|sandbox|tests|docs|deploy|benchmarks)/[\w./-]*)`"
)
LINKED = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_names_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = [ROOT / path for path in IN_CODE.findall(text)]
    linked = [page.parent / path for path in LINKED.findall(text)]
    missing = [str(path) for path in (*named, *linked) if not path.exists()]
    assert not missing


def test_the_architecture_names_every_room() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = [
        f"{package}/{folder.name}"
        for package in ("bot", "handlers", "playbooks")
        for folder in (ROOT / package).iterdir()
        if folder.is_dir() and (folder / "__init__.py").exists()
    ]
    unnamed = [room for room in rooms if room not in text and f" {room.split('/')[1]}/" not in text]
    assert len(rooms) >= 15
    assert not unnamed
