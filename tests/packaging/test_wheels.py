"""Two distributions in one repository: the program, and the sandbox that it knows nothing of."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
SHIPPED = {".py", ".yaml", ".html", ".css", ".js", ".svg"}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    return _wheel(ROOT, tmp_path_factory.mktemp("program"))


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    return _wheel(ROOT / "sandbox", tmp_path_factory.mktemp("sandbox"))


def _wheel(project: Path, folder: Path) -> ZipFile:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=project,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return ZipFile(built)


def _packages(wheel: ZipFile) -> set[str]:
    """The top-level folders, without the wheel's own metadata."""
    return {name.partition("/")[0] for name in wheel.namelist() if ".dist-info/" not in name}


def _metadata(wheel: ZipFile, file: str) -> str:
    (path,) = (name for name in wheel.namelist() if name.endswith(f".dist-info/{file}"))
    return wheel.read(path).decode()


def test_the_programs_wheel_has_no_sandbox(program: ZipFile) -> None:
    assert _packages(program) == {"bot", "handlers", "playbooks"}
    assert "incident = bot.__main__:main" in _metadata(program, "entry_points.txt")
    needed = _metadata(program, "METADATA")
    assert "Requires-Dist: boto3" in needed
    assert "moto" not in needed.partition("\n\n")[0]


def test_the_sandboxs_wheel_has_all_of_it(sandbox: ZipFile) -> None:
    there = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "sandbox").rglob("*")
        if path.suffix in SHIPPED
    }
    assert {name for name in sandbox.namelist() if ".dist-info/" not in name} == there
    for kept in ("slack/page/templates/page.html", "slack/page/static/app.js", "cli.py"):
        assert f"sandbox/{kept}" in there


def test_the_sandbox_adds_its_commands_to_the_program(sandbox: ZipFile) -> None:
    assert "[incident.commands]" in _metadata(sandbox, "entry_points.txt")
    assert "Requires-Dist: incident-helper\n" in _metadata(sandbox, "METADATA")


def test_the_program_runs_without_the_sandbox(program: ZipFile, tmp_path: Path) -> None:
    program.extractall(tmp_path)
    alone = (
        "import sys; sys.modules['sandbox'] = None\n"  # importing it fails, as if it were absent
        "from bot.__main__ import main; print(sys.modules['bot'].__file__)\n"
        "sys.argv = ['incident', '--help']; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", alone],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(str(tmp_path))
    commands = done.stdout.partition("Commands")[2]
    assert "serve" in commands
    assert "score" not in commands
