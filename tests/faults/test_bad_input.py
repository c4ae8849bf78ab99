"""Mistakes a person can mend: one message that says how, exit code 2, no traceback."""

from __future__ import annotations

import re
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.state import embedded_valkey
from sandbox import people_and_channels as slack
from sandbox.slack.people import Seed
from sandbox.slack.server import SlackServer
from sandbox.slack.workspace import Workspace

CATALOGUE = "services: [{name: checkout}, {name: payments}]\n"
SLACK = {"SLACK_BOT_TOKEN": "xoxb-x", "SLACK_SIGNING_SECRET": "s3cret"}

Said = tuple[int, str]
Incident = Callable[..., Said]


@pytest.fixture
def incident(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Incident:
    """incident("triage", "5xx", PORT="1") runs the command line; exit code and all it said."""
    (tmp_path / "catalogue.yaml").write_text(CATALOGUE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    clean = {
        "CATALOGUE": "catalogue.yaml",
        "STATE_DIR": str(tmp_path / "state"),
        "PORT": "0",
        "HOME": str(tmp_path),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    foreign = ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL")
    for name in (*foreign, "REDIS_URL", "SLACK_APP_TOKEN", *SLACK):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str, **environment: str) -> Said:
        for name, value in (clean | environment).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["incident", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        said = re.sub(r"[\s│╭╮╰╯─]+", " ", shown.out + shown.err)
        assert "Traceback" not in said
        return int(ended.value.code or 0), said

    return run


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


# --- incident triage ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("5xy", "--service", "checkout"), ("no playbook '5xy'", "did you mean 5xx")),
        (("nonsense", "--service", "checkout"), ("no playbook", "incident playbooks")),
        (("5xx", "--service", "chekout"), ("no service 'chekout'", "checkout, payments")),
        (("5xx",), ("which service", "--service", "checkout, payments")),
        (("5xx", "--service", "checkout", "--at", "noon"), ("'noon' is not a time", "2026-11-23")),
        (("5xx", "--catalogue", "none.yaml"), ("none.yaml can't be read", "docs/catalogue.md")),
        (("5xx", "--sevice", "checkout"), ("No such option", "--service")),
    ],
)
def test_triage_says_what_is_wrong(
    incident: Incident, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    code, said = incident("triage", *arguments)
    assert code == 2
    for word in words:
        assert word in said


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"services: [", ("not valid YAML", "line 2")),
        (b"services: []", ("services", "at least 1 item")),
        (b"- checkout", ("the file", "not a valid catalogue")),
        (b"", ("services", "Field required")),
        (b"services: [{name: a, tier: 9}]", ("services[0].tier", "less than or equal to 4")),
        (b"services: [{name: a, teir: 1}]", ("services[0].teir", "not permitted")),
        (b"services: [{name: a}, {name: a}]", ("two services have the name a",)),
        (b"services: [{name: 2026-02-31}]", ("not valid YAML",)),
        (b"\xff\xfe\x00", ("not text in UTF-8",)),
        (b"&a [*a]", ("the file",)),
    ],
)
def test_a_malformed_catalogue(
    incident: Incident, tmp_path: Path, content: bytes, words: tuple[str, ...]
) -> None:
    (tmp_path / "bad.yaml").write_bytes(content)
    code, said = incident("triage", "5xx", "--catalogue", "bad.yaml")
    assert code == 2
    assert "bad.yaml" in said
    for word in words:
        assert word in said


def test_no_credentials(incident: Incident) -> None:
    code, said = incident("triage", "5xx", "--service", "checkout")
    assert code == 2
    assert "no AWS credentials found" in said
    assert "AWS_PROFILE" in said


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"AWS_PROFILE": "night"}, ("night", "could not be found")),
        (
            {
                "AWS_ENDPOINT_URL": "nowhere",
                "AWS_ACCESS_KEY_ID": "a",
                "AWS_SECRET_ACCESS_KEY": "b",
            },
            ("Invalid endpoint", "nowhere"),
        ),
    ],
)
def test_aws_settings_that_lead_nowhere(
    incident: Incident, environment: dict[str, str], words: tuple[str, ...]
) -> None:
    code, said = incident("triage", "5xx", "--service", "checkout", **environment)
    assert code == 2
    for word in words:
        assert word in said


# --- scenarios ----------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["demo", "sandbox", "score"])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, ("there is no scenario", "5xx-bad-deployment")),
        ("title: [", ("not YAML", "line ")),
        ("title: a\n", ("service", "missing")),
        ("- a\n", ("must be a mapping",)),
    ],
)
def test_a_malformed_scenario(
    incident: Incident,
    tmp_path: Path,
    command: str,
    content: str | None,
    words: tuple[str, ...],
) -> None:
    path = tmp_path / "story.yaml"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    code, said = incident(command, str(path))
    assert code == 2
    for word in words:
        assert word in said


# --- incident serve -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, ("SLACK_BOT_TOKEN is not set", ".env.example")),
        ({"SLACK_BOT_TOKEN": "x"}, ("SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "at least one")),
        (SLACK | {"PORT": "eighty"}, ("PORT", "valid integer")),
        (SLACK | {"BUDGET_USD": "-1"}, ("BUDGET_USD", "greater than 0")),
        (SLACK | {"CATALOGUE": "none.yaml"}, ("none.yaml can't be read", "docs/catalogue.md")),
        (SLACK | {"STATE_DIR": "catalogue.yaml"}, ("catalogue.yaml can't be written", "STATE_DIR")),
        (SLACK | {"REDIS_URL": "localhost:6379"}, ("not a Redis URL", "redis://localhost")),
        (SLACK | {"AWS_PROFILE": "night", "REDIS_URL": "?"}, ("REDIS_URL",)),
    ],
)
def test_serve_says_what_is_wrong(
    incident: Incident, environment: dict[str, str], words: tuple[str, ...]
) -> None:
    code, said = incident("serve", **environment)
    assert code == 2
    for word in words:
        assert word in said


def test_no_redis(incident: Incident) -> None:
    port = free_port()
    began = time.monotonic()
    code, said = incident("serve", REDIS_URL=f"redis://:hunter2@127.0.0.1:{port}/0", **SLACK)
    assert code == 2
    assert f"127.0.0.1:{port}/0 does not answer" in said
    assert "REDIS_URL" in said
    assert "hunter2" not in said
    assert time.monotonic() - began < 10


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    yield embedded_valkey.start(tmp_path / "redis")
    embedded_valkey.stop(tmp_path / "redis")


def test_the_port_is_taken(incident: Incident, redis_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, said = incident("serve", PORT=port, REDIS_URL=redis_url, **SLACK)
    assert code == 2
    assert f"127.0.0.1:{port}" in said
    assert "set PORT" in said


@pytest.fixture(scope="module")
def workspace() -> Iterator[SlackServer]:
    from sandbox.slack.people import App

    bot = App(slack.BOT_APP, "incident", bot_token=slack.BOT_TOKEN, app_token=slack.APP_TOKEN)
    server = SlackServer(Workspace(Seed(people=slack.PEOPLE, apps=(bot,), channels=())))
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        (("xoxb-wrong", slack.APP_TOKEN), ("refuses SLACK_BOT_TOKEN", "invalid_auth", "OAuth")),
        ((slack.BOT_TOKEN, "xapp-wrong"), ("refuses SLACK_APP_TOKEN", "connections:write")),
    ],
)
def test_a_wrong_slack_token(
    incident: Incident,
    redis_url: str,
    workspace: SlackServer,
    tokens: tuple[str, str],
    words: tuple[str, ...],
) -> None:
    code, said = incident(
        "serve",
        REDIS_URL=redis_url,
        SLACK_API_URL=workspace.api_url,
        SLACK_BOT_TOKEN=tokens[0],
        SLACK_APP_TOKEN=tokens[1],
    )
    assert code == 2
    for word in words:
        assert word in said


def test_an_empty_signing_secret_is_refused(
    incident: Incident, redis_url: str, workspace: SlackServer
) -> None:
    code, said = incident(
        "serve",
        REDIS_URL=redis_url,
        SLACK_API_URL=workspace.api_url,
        SLACK_BOT_TOKEN=slack.BOT_TOKEN,
        SLACK_SIGNING_SECRET="  ",
    )
    assert code == 2
    assert "SLACK_SIGNING_SECRET is empty" in said
