"""Settings, from the environment or a .env file, validated once at the start."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.domain.errors import ConfigError

ENV_FILE = ".env"
AMAZON_Q = "A6L22LZNH"  # Amazon Q Developer in chat applications (once AWS Chatbot)


class Settings(BaseSettings):
    """Every variable the program reads; .env.example explains each. AWS_* are boto3's own."""

    model_config = SettingsConfigDict(env_file=ENV_FILE, extra="ignore", env_ignore_empty=True)

    slack_bot_token: SecretStr | None = None
    slack_app_token: SecretStr | None = None  # Socket Mode when given
    slack_signing_secret: SecretStr | None = None  # HTTP at /slack/events when given
    slack_api_url: str = "https://slack.com/api/"
    slack_team_id: str | None = None
    slack_app_id: str | None = None
    alarm_app_ids: Annotated[frozenset[str], NoDecode] = frozenset({AMAZON_Q})

    redis_url: str | None = None
    state_dir: Path = Path(".state")
    catalogue: Path = Path("catalogue.yaml")

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)

    aws_profile: str | None = None
    budget_calls: int = Field(default=150, gt=0)
    budget_log_gb: float = Field(default=5.0, gt=0)
    budget_usd: float = Field(default=0.10, gt=0)

    approval_minutes: float = Field(default=10, gt=0)
    poll_seconds: float = Field(default=10, gt=0)  # between looks at a change under way
    verify_minutes: float = Field(default=20, gt=0)  # AWS minutes until verification gives up
    redelivery_seconds: float = Field(default=10, gt=0)  # a dead worker's task is taken over after

    @field_validator("alarm_app_ids", mode="before")
    @classmethod
    def _words(cls, value: object) -> object:
        return frozenset(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("slack_api_url")
    @classmethod
    def _slash(cls, value: str) -> str:
        return value if value.endswith("/") else f"{value}/"


def settings() -> Settings:
    """The settings. Raises ConfigError naming each variable that is wrong.

    boto3 reads the environment alone, so the AWS_* variables of the .env file are put there.
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
        raise ConfigError("\n".join(["these settings are wrong:", *lines])) from error


def slack_ready(settings: Settings) -> None:
    """Raises ConfigError when the bot could not talk to Slack, saying what to set."""
    if settings.slack_bot_token is None:
        raise ConfigError("SLACK_BOT_TOKEN is not set; copy .env.example to .env and fill it in")
    if settings.slack_app_token is None and settings.slack_signing_secret is None:
        raise ConfigError(
            "neither SLACK_APP_TOKEN (Socket Mode) nor SLACK_SIGNING_SECRET (HTTP) is set: "
            "Slack could not reach the bot; set at least one"
        )
