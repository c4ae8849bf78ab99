"""Settings from the environment: every wrong one is named, secrets are not shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.config.settings import AMAZON_Q, require_slack, settings
from bot.domain.errors import ConfigError


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("PORT", "REDIS_URL", "CATALOGUE", "ALARM_APP_IDS", "SLACK_BOT_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def test_all_that_is_wrong_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "99999")
    monkeypatch.setenv("BUDGET_CALLS", "0")
    with pytest.raises(ConfigError) as refused:
        settings()
    assert "PORT: Input should be less than or equal to 65535" in str(refused.value)
    assert "BUDGET_CALLS: Input should be greater than 0" in str(refused.value)


def test_an_empty_variable_is_one_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "")
    monkeypatch.setenv("PORT", "")
    assert (settings().redis_url, settings().port) == (None, 8080)


def test_boto3_gets_its_variables_from_the_file_too(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_REGION"):  # restored after the test
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    text = "AWS_ENDPOINT_URL=http://127.0.0.1:4566\nAWS_REGION=us-east-1\nAWS_PROFILE=\n"
    Path(".env").write_text(text)
    settings()
    assert os.environ["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    assert os.environ["AWS_REGION"] == "eu-west-1"  # the environment wins
    assert "AWS_PROFILE" not in os.environ


@pytest.mark.parametrize("text", ["A1,A2", "A1 A2", " A1,  A2 "])
def test_alarm_apps_are_words(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    assert settings().alarm_app_ids == {AMAZON_Q}
    monkeypatch.setenv("ALARM_APP_IDS", text)
    assert settings().alarm_app_ids == {"A1", "A2"}


def test_slacks_address_ends_with_a_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_API_URL", "http://127.0.0.1:1/api")
    assert settings().slack_api_url == "http://127.0.0.1:1/api/"


def test_a_dot_env_file_is_read_and_the_environment_wins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("PORT=1\nCATALOGUE=a.yaml\n", encoding="utf-8")
    monkeypatch.setenv("CATALOGUE", "b.yaml")
    assert (settings().port, settings().catalogue) == (1, Path("b.yaml"))


def test_tokens_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-canary")
    config = settings()
    assert config.slack_bot_token is not None
    assert config.slack_bot_token.get_secret_value() == "xoxb-canary"
    assert "canary" not in f"{config!r} {config}"
    monkeypatch.delenv("SLACK_APP_TOKEN", raising=False)
    monkeypatch.delenv("SLACK_SIGNING_SECRET", raising=False)
    with pytest.raises(ConfigError, match="SLACK_SIGNING_SECRET"):
        require_slack(settings())


def test_an_approval_is_valid_for_at_most_15_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPROVAL_MINUTES", "15")
    assert settings().approval_minutes == 15
    monkeypatch.setenv("APPROVAL_MINUTES", "16")
    with pytest.raises(ConfigError, match="APPROVAL_MINUTES: Input should be less than or equal"):
        settings()
