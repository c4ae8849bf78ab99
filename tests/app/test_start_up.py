"""Which libraries a command of `incident` does not load: those it can do without."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys
from bot.__main__ import main
try:
    main()
finally:
    loaded = {name.partition(".")[0] for name in sys.modules}
    loaded |= {".".join(name.split(".")[:2]) for name in sys.modules if name.startswith("bot.")}
    print("loaded:", *sorted(loaded), file=sys.stderr)
"""

AWS = {"boto3", "botocore"}
SLACK = {"slack_sdk", "slack_bolt", "aiohttp"}
REDIS = {"redis", "docket"}
STORE = {"redis", "prometheus_client"}  # it counts whether changes are frozen
SERVER = {"starlette", "uvicorn", "apscheduler", "prometheus_client"}
SANDBOX = {"moto", "jinja2"}
ALL = AWS | SLACK | REDIS | SERVER | SANDBOX
MODELS = {"bot.app", "bot.config", "bot.state", "bot.render", "playbooks", "handlers"}

CATALOGUE = "services: [{name: checkout, region: eu-west-1}]"


def loaded_by(folder: Path, *arguments: str, **settings: str) -> set[str]:
    """Run the command in a process of its own; the top-level modules it has loaded at its end."""
    (folder / "catalogue.yaml").write_text(CATALOGUE)
    ours = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=folder,
        env=ours | {"PYTHONPATH": os.pathsep.join(sys.path)} | settings,
        capture_output=True,
        text=True,
    )
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("loaded: "), done.stderr
    return set(last.split()[1:])


@pytest.mark.parametrize(
    "arguments",
    [[], ["--help"], ["triage", "--help"], ["no-such-command"], ["serve", "--port", "1"]],
)
def test_the_command_line_is_parsed_without_clients_and_models(
    tmp_path: Path, arguments: list[str]
) -> None:
    assert not loaded_by(tmp_path, *arguments) & (ALL | MODELS)


def test_help_loads_no_pydantic(tmp_path: Path) -> None:
    assert "pydantic" not in loaded_by(tmp_path, "--help")


@pytest.mark.parametrize("arguments", [["playbooks"], ["playbooks", "--json"]])
def test_playbooks_are_listed_without_any_client(tmp_path: Path, arguments: list[str]) -> None:
    loaded = loaded_by(tmp_path, *arguments)
    assert "playbooks" in loaded
    assert not loaded & ALL


def test_alarms_of_a_file_are_routed_without_any_client(tmp_path: Path) -> None:
    arn = "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:a"
    (tmp_path / "alarms.json").write_text(f'{{"AlarmName": "a", "AlarmArn": "{arn}"}}')
    loaded = loaded_by(tmp_path, "route", "alarms.json", CATALOGUE="catalogue.yaml")
    assert "playbooks" in loaded
    assert not loaded & ALL


def test_triage_loads_only_aws(tmp_path: Path) -> None:
    loaded = loaded_by(tmp_path, "triage", "5xx", AWS_EC2_METADATA_DISABLED="true")
    assert loaded >= AWS
    assert not loaded & (ALL - AWS)


def test_audit_loads_only_redis(tmp_path: Path) -> None:
    loaded = loaded_by(tmp_path, "audit", REDIS_URL=f"unix://{tmp_path}/nobody.sock")
    assert loaded & ALL == STORE


def test_doctor_loads_what_is_configured(tmp_path: Path) -> None:
    nothing_set = loaded_by(tmp_path, "doctor", CATALOGUE="no-such-file.yaml")
    assert not nothing_set & ALL
    redis_set = loaded_by(
        tmp_path,
        "doctor",
        CATALOGUE="no-such-file.yaml",
        REDIS_URL=f"unix://{tmp_path}/nobody.sock",
    )
    assert redis_set & ALL == STORE


def test_serve_loads_nothing_of_the_sandbox(tmp_path: Path) -> None:
    loaded = loaded_by(tmp_path, "serve")
    assert loaded >= AWS | {"slack_bolt", "docket", "uvicorn"}
    assert not loaded & SANDBOX
