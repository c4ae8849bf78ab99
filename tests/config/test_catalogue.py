"""The catalogue file: what is refused and named, and how much of it is read how fast."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bot.config import strict_yaml
from bot.config.catalogue import load
from bot.domain.errors import ConfigError


def read(tmp_path: Path, text: str) -> str:
    """What is wrong with a file; empty when nothing is."""
    file = tmp_path / "catalogue.yaml"
    file.write_text(text)
    try:
        load(file)
    except ConfigError as fault:
        return str(fault)
    return ""


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("services: [{name: a}]\nservices: [{name: b}]", "“services” stands twice, in line 1 and"),
        (
            "services:\n- name: a\n  tier: 1\n  tier: 3",
            "“tier” stands twice, in line 3 and in line 4",
        ),
        (
            "services: [{name: a}]\npolicy:\n  people:\n    U111: [commander]\n    U111: []",
            "“U111” stands twice, in line 4 and in line 5",
        ),
        ("services: [{name: a}]\naccounts: {default: {}, default: {}}", "“default” stands twice"),
        ("services: [{name: a, tags: {team: x, 'team': y}}]", "“team” stands twice"),
    ],
)
def test_a_key_that_stands_twice_is_named_with_its_lines(
    tmp_path: Path, text: str, named: str
) -> None:
    assert named in read(tmp_path, text)


def test_what_a_merge_key_brings_may_be_written_over(tmp_path: Path) -> None:
    text = """
services:
  - &base {name: cart, tier: 2, channel: C0TEAM}
  - {<<: *base, name: checkout}
"""
    assert read(tmp_path, text) == ""


@given(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6))
def test_a_mapping_is_read_only_if_its_keys_differ(keys: list[str]) -> None:
    text = "\n".join(f"{key}: {number}" for number, key in enumerate(keys))
    if len(set(keys)) == len(keys):
        assert strict_yaml.load(text) == {key: number for number, key in enumerate(keys)}
    else:
        with pytest.raises(yaml.YAMLError, match="stands twice"):
            strict_yaml.load(text)


def test_services_may_share_a_channel_and_not_a_name(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.yaml"
    file.write_text("services: [{name: cart, channel: C1}, {name: checkout, channel: C1}]")
    known = load(file)
    assert [each.name for each in known.services_in("C1")] == ["cart", "checkout"]
    assert known.services_in("C2") == ()
    assert "two services have the name cart" in read(
        tmp_path, "services: [{name: cart}, {name: cart}]"
    )


@pytest.mark.parametrize("text", ["[" * 5_000, "{a: " * 5_000, "- " * 5_000])
def test_a_file_that_is_too_deep_is_refused(tmp_path: Path, text: str) -> None:
    assert "levels of nesting" in read(tmp_path, text)


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    fault = read(tmp_path, "#" * (strict_yaml.MOST_BYTES + 1))
    assert "4,194,305 bytes; more than 4,194,304 are not read" in fault


async def test_reading_a_large_file_in_a_thread_leaves_the_event_loop_its_time(
    tmp_path: Path,
) -> None:
    file = tmp_path / "catalogue.yaml"
    rows = (
        f"- {{name: svc{n}, tier: 2, resources: {{tables: [t{n}], databases: [d{n}]}}}}"
        for n in range(1_500)
    )
    file.write_text("services:\n" + "\n".join(rows))
    reading = asyncio.create_task(asyncio.to_thread(load, file))
    stalls = []
    while not reading.done():
        before = time.monotonic()
        await asyncio.sleep(0.001)
        stalls.append(time.monotonic() - before)
    assert len((await reading).services) == 1_500
    assert len(stalls) > 5  # it ran all the time
