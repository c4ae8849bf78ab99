"""Every YAML example of docs/scenarios.md is valid, and its complete files can be played."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.world import FrozenClock, Scenario, Simulation, parse
from sandbox.world.kinds import Change, Effect, Resources
from sandbox.world.normal import Normal
from sandbox.world.schema import Alarm, Expect, Surge, Traffic

PAGE = (Path(__file__).parents[3] / "docs" / "scenarios.md").read_text()
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
COMPLETE = [block for block in BLOCKS if block.startswith("title:")]


def examples() -> list[str]:
    """Complete files as they stand; a fragment replaces its sections in the file before it."""
    found: list[str] = []
    base: dict[str, Any] = {}
    for block in BLOCKS:
        data = yaml.safe_load(block)
        if block.startswith("title:"):
            base = data
            found.append(block)
        else:
            found.append(yaml.safe_dump({**base, **data}, sort_keys=False))
    return found


@pytest.mark.parametrize("text", examples(), ids=range(len(BLOCKS)))
def test_the_example_is_valid(text: str) -> None:
    assert parse(text).title


@pytest.mark.parametrize("text", COMPLETE, ids=range(len(COMPLETE)))
@pytest.mark.parametrize("seed", [0, 3])
def test_the_complete_file_plays(text: str, seed: int) -> None:
    world = Simulation(parse(text), seed, FrozenClock())
    assert [post.state for post in world.transitions()] == ["ALARM"]


def models() -> list[type]:
    unions = [*Effect.__origin__.__args__, *Change.__origin__.__args__]  # type: ignore[attr-defined]
    return [Scenario, Traffic, Surge, Normal, Alarm, Expect, Resources, *unions]


@pytest.mark.parametrize("model", models(), ids=lambda model: model.__name__)
def test_every_key_is_in_the_page(model: Any) -> None:
    keys = [field.alias or name for name, field in model.model_fields.items()]
    assert [key for key in keys if not re.search(rf"`{key}`|\b{key}:", PAGE)] == []
