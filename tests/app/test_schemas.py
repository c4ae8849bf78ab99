"""What is published stays true: schemas, the example catalogue, the report that is printed."""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
import yaml

from bot.__main__ import main
from bot.app import schemas
from bot.config import catalogue
from bot.config.catalogue import Catalogue
from sandbox.commands import SCENARIOS
from sandbox.session import Session
from sandbox.world import load
from sandbox.world.clock import FrozenClock

ROOT = Path(__file__).parents[2]
PUBLISHED = schemas.published()


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_schema_in_docs_is_current(name: str) -> None:
    there = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert there == schemas.text(PUBLISHED[name]), "run: python -m bot.app.schemas"
    jsonschema.Draft202012Validator.check_schema(PUBLISHED[name])


def example() -> str:
    page = (ROOT / "docs" / "catalogue.md").read_text(encoding="utf-8")
    found = re.search(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def test_the_example_catalogue_is_one(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.yaml"
    path.write_text(example(), encoding="utf-8")
    known = catalogue.load(path)
    assert known.services[0].name == "checkout"
    assert known.policy.people
    jsonschema.validate(yaml.safe_load(example()), PUBLISHED["catalogue.schema.json"])


@pytest.mark.parametrize(
    "wrong", [{}, {"services": []}, {"services": [{"name": "a", "tier": 9}]}, {"services": [{}]}]
)
def test_the_schema_refuses_what_the_program_refuses(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Catalogue.model_validate(wrong)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, PUBLISHED["catalogue.schema.json"])


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["5xx-bad-alias-move", "5xx-logs-denied"])
def test_triage_prints_a_report_by_its_schema(
    scenario: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`incident triage 5xx --json`, over HTTP, of a service in trouble."""
    clock = FrozenClock(datetime(2026, 11, 23, 3, 12, tzinfo=UTC))
    with Session(load(SCENARIOS / f"{scenario}.yaml"), tmp_path, clock=clock) as session:
        for name, value in session.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("AWS_PROFILE", raising=False)
        monkeypatch.setattr(sys, "argv", ["incident", "triage", "5xx", "--json"])
        with pytest.raises(SystemExit) as ended:
            main()
    printed = json.loads(capsys.readouterr().out)
    jsonschema.validate(printed, PUBLISHED["report.schema.json"])
    assert printed["complete"] is True
    assert printed["playbook"] == "5xx"
    assert bool(ended.value.code) is (printed["verdict"] == "inconclusive")
    assert printed["cost"]["calls"] > 5
