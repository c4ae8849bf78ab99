"""Who may act is looked up in the file as it is at that moment."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from bot.config.catalogue import PolicyFile, load

BOTH = "services: [{name: checkout}]\npolicy: {people: {U111: [commander], U222: [responder]}}\n"
ONE = "services: [{name: checkout}]\npolicy: {people: {U222: [responder]}}\n"


def written(file: Path, text: str, second: int) -> None:
    file.write_text(text)
    os.utime(file, (second, second))


def test_a_role_taken_away_is_gone_without_a_new_start(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.yaml"
    written(file, BOTH, 1)
    policy = PolicyFile(file, load(file))
    assert set(policy().people) == {"U111", "U222"}
    written(file, ONE, 2)
    assert set(policy().people) == {"U222"}


@pytest.mark.parametrize("broken", ["policy: {people: {ann: [commander]}}", "{", ""])
def test_an_edit_that_is_not_valid_changes_nothing_and_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    file = tmp_path / "catalogue.yaml"
    written(file, ONE, 1)
    policy = PolicyFile(file, load(file))
    written(file, broken, 2)
    with caplog.at_level(logging.ERROR):
        assert set(policy().people) == {"U222"}
        assert set(policy().people) == {"U222"}
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    written(file, BOTH, 3)
    assert set(policy().people) == {"U111", "U222"}


def test_a_file_that_is_gone_leaves_the_policy(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.yaml"
    written(file, ONE, 1)
    policy = PolicyFile(file, load(file))
    file.unlink()
    assert set(policy().people) == {"U222"}
