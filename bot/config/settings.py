"""Settings from the environment or a .env file, validated once when the program starts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.domain.errors import ConfigError

ENV_FILE = ".env"
AMAZON_Q = "A6L22LZNH"
"""Slack app id of Amazon Q Developer in chat applications (formerly AWS Chatbot)."""


class Settings(BaseSettings):
    """Every variable the program reads; .env.example explains each. boto3 reads AWS_* itself."""

    model_config = SettingsConfigDict(env_file=ENV_FILE, extra="ignore", env_ignore_empty=True)

    slack_bot_token: SecretStr | None = None
    slack_app_token: SecretStr | None = None  # if given, Socket Mode is used
    slack_signing_secret: SecretStr | None = None  # if given, HTTP at /slack/events is used
    slack_api_url: str = "https://slack.com/api/"
    slack_team_id: str | None = None
    slack_enterprise_id: str | None = None
    slack_app_id: str | None = None
    alarm_app_ids: Annotated[frozenset[str], NoDecode] = frozenset({AMAZON_Q})

    redis_url: str | None = None
    redis_trusted_host: str | None = None  # may be used without password and TLS
    state_dir: Path = Path(".state")
    catalogue: Path = Path("catalogue.yaml")

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)

    aws_profile: str | None = None
    budget_calls: int = Field(default=150, gt=0)  # AWS API calls of one investigation
    budget_log_gb: float = Field(default=5.0, gt=0)  # scanned by Logs Insights
    budget_usd: float = Field(default=0.10, gt=0)

    approval_minutes: float = Field(default=10, gt=0, le=15)  # an approval dies with its evidence
    poll_seconds: float = Field(default=10, gt=0)  # between two reads of a change under way
    watch_seconds: float = Field(default=180, gt=0)  # between two looks for changes by others
    verify_minutes: float = Field(default=20, gt=0)  # by AWS's clock, until verification gives up
    redelivery_seconds: float = Field(
        default=10, gt=0
    )  # until another worker takes over a dead worker's task

    @field_validator("alarm_app_ids", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return frozenset(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("slack_api_url")
    @classmethod
    def _end_with_slash(cls, value: str) -> str:
        return value if value.endswith("/") else f"{value}/"


def settings() -> Settings:
    """Read the settings. Raises ConfigError that names each variable that is wrong.

    boto3 reads the environment only, so the AWS_* variables of the .env file are put there.
    """
    for name, value in dotenv_values(ENV_FILE).items():
        if name.startswith("AWS_") and value:
            os.environ.setdefault(name, value)
    try:
        return Settings()
    except ValidationError as error:
        lines = [
            f"  {'_'.join(str(part) for part in fault['loc']).upper()}: {fault['msg']}"
            for fault in error.errors()
        ]
        raise ConfigError(
            "\n".join(
                ["these settings are wrong, correct them in .env or the environment:", *lines]
            )
        ) from error


def require_slack(settings: Settings) -> None:
    """Raises ConfigError, saying what to set, when a setting that Slack needs is missing."""
    if settings.slack_bot_token is None:
        raise ConfigError("SLACK_BOT_TOKEN is not set; copy .env.example to .env and fill it in")
    if settings.slack_app_token is None and settings.slack_signing_secret is None:
        raise ConfigError(
            "neither SLACK_APP_TOKEN (Socket Mode) nor SLACK_SIGNING_SECRET (HTTP) is set: "
            "Slack could not reach the bot; set at least one"
        )
