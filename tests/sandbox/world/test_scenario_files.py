"""The file format: what is wrong is said with its place and what to write instead."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.world import ScenarioError, json_schema, load, parse
from tests.sandbox.world.playing import FILES, FOLDER

DOCS = Path(__file__).parents[3] / "docs"
STORY = (FOLDER / "5xx-bad-alias-move.yaml").read_text()


def problems(old: str, new: str) -> tuple[str, ...]:
    assert old in STORY
    with pytest.raises(ScenarioError) as caught:
        parse(STORY.replace(old, new), "story.yaml")
    return caught.value.problems


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("takes: 25ms", "tkes: 25ms", "effects[0].tkes: unknown key `tkes`; did you mean `takes`?"),
        ("takes: 25ms", "takes: 25 millis", "is not a duration; write for example 250ms, 29s, 5m"),
        ("share: 0.95", "share: a lot", "'a lot' is not a share; write for example 0.25 or 25%"),
        ("share: 0.95", "share: 95", "effects[0].share: input should be less than or equal to 1"),
        ("kind: errors", "kind: error", "unknown kind 'error'; write one of 'cold_starts'"),
        ("qualifier: PROD", "qualifier: PRD", "no alias or version 'PRD'; did you mean 'PROD'?"),
        ("alias: PROD, version: 32}]", "alias: PROD, version: 99}]", "there is no version '99'"),
        ('"POST /payments": 0.5', "payments: 0.5", 'write a method and a path, such as "GET'),
        ("starts: true", "starts: false", "exactly one alarm needs `starts: true`, 0 have it"),
        ("verdict: [high, medium]", "verdict: sure", "'sure' is not allowed; write one of 'high'"),
        ("  rpm: 420\n", "", "traffic.rpm: missing key `rpm`"),
        ("rpm: 420", "rpm: 420\n  rpm: 421", "key `rpm` is there twice"),
        ("title: ", "titel: ", "unknown key `titel`; did you mean `title`?"),
        ("at: -52m", "at: soon", "'soon' is not a duration"),
        ("threshold: 40", "threshold: many", "alarms[0].threshold: input should be a valid number"),
        ("status: 500", "status: 200", "effects[0].status: input should be greater than or equal"),
        ("kind: alias, at", "at", "changes[0]: missing key `kind`"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_its_remedy(old: str, new: str, said: str) -> None:
    assert any(said in problem for problem in problems(old, new)), problems(old, new)


def test_every_problem_is_told_at_once_with_its_line() -> None:
    found = problems("takes: 25ms", "tkes: 25ms\n    share: 2")
    assert len(found) == 3
    assert all(problem.startswith("line ") for problem in found)


def test_a_condition_needs_exactly_one_form() -> None:
    found = problems("version: 32}]", "version: 32, ecs: x}]")
    assert "a condition has exactly one form" in found[0]


def test_what_cannot_be_read_is_an_error_too(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="cannot read the file"):
        load(tmp_path / "none.yaml")
    with pytest.raises(ScenarioError, match=r"line \d+: not YAML"):
        parse("a: [")
    with pytest.raises(ScenarioError, match="must be a mapping that begins with `title:`"):
        parse("- one")


def verdicts(text: str) -> tuple[str, ...]:
    """The problems of a text, or that it is fine."""
    try:
        return (parse(text).title,)
    except ScenarioError as error:
        return error.problems


@settings(max_examples=60, deadline=None)
@given(
    line=st.integers(min_value=0, max_value=STORY.count("\n") - 1),
    text=st.text(alphabet="ab-:[]{} 01'\"\n#&*!", max_size=12),
)
def test_no_damage_ends_in_a_traceback(line: int, text: str) -> None:
    lines = STORY.splitlines()
    lines[line] = lines[line][: len(text)] + text
    assert verdicts("\n".join(lines))


def test_the_schema_in_the_docs_is_current() -> None:
    written = (DOCS / "scenario.schema.json").read_text()
    assert written == json_schema(), "run: python -m sandbox.world > docs/scenario.schema.json"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_json_schema_accepts_every_scenario(file: Path) -> None:
    # what JSON knows as keys are strings, and so are ours
    data = json.loads(json.dumps(yaml.safe_load(file.read_text())))
    assert "title" in data
    jsonschema.validate(data, json.loads(json_schema()))
