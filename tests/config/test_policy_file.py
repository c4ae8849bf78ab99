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


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        ("policy: {people: {ann: [commander]}}", "Slack user id"),
        ("{", "not valid YAML"),
        ("", "services"),
        (
            f"{BOTH}policy: {{people: {{}}}}\n",
            "the key “policy” stands twice, in line 2 and in line",
        ),
        (BOTH.replace("name: checkout", "nam: checkout"), "services[0].nam"),
    ],
)
def test_while_the_file_is_not_valid_nobody_may_act_and_it_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, broken: str, named: str
) -> None:
    file = tmp_path / "catalogue.yaml"
    written(file, BOTH, 1)
    policy = PolicyFile(file, load(file))
    written(file, broken, 2)
    with caplog.at_level(logging.ERROR):
        for _ in range(2):
            assert policy().people == {}
            assert named in (policy().fault or "")
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    written(file, ONE, 3)
    assert set(policy().people) == {"U222"}
    assert policy().fault is None


def test_a_file_that_is_gone_refuses_until_it_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "catalogue.yaml"
    written(file, ONE, 1)
    policy = PolicyFile(file, load(file))
    file.unlink()
    assert "can't be read" in (policy().fault or "")
    assert policy().people == {}
    assert len(caplog.records) == 1
    written(file, ONE, 1)
    assert set(policy().people) == {"U222"}


def test_a_file_replaced_within_a_second_is_read(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.yaml"
    written(file, BOTH.replace("U111", "U333"), 1)
    policy = PolicyFile(file, load(file))
    other = tmp_path / "new.yaml"
    written(other, BOTH, 1)  # of the same size, at the same time
    other.replace(file)
    assert set(policy().people) == {"U111", "U222"}
