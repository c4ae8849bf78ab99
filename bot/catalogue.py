"""The catalogue file: which resources, Slack channel and tier belong to a service; who may act.

docs/catalogue.schema.json is made from these models.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError, model_validator

from bot.errors import ConfigError
from bot.model import Frozen
from bot.policy import Policy
from bot.service import Service


class Account(Frozen):
    """The roles to assume in an AWS account; without one the bot's own credentials are used."""

    read_role: str | None = None
    write_role: str | None = None
    external_id: str | None = None


class Catalogue(Frozen):
    """The whole file. Raises ValueError for services that share a name or a channel."""

    services: tuple[Service, ...] = Field(min_length=1)
    policy: Policy = Policy()
    accounts: dict[str, Account] = Field(default_factory=dict)  # by account id, or "default"

    @model_validator(mode="after")
    def _unambiguous(self) -> Catalogue:
        for field in ("name", "channel"):
            values = [getattr(each, field) for each in self.services if getattr(each, field)]
            twice = sorted({value for value in values if values.count(value) > 1})
            if twice:
                raise ValueError(f"two services have the {field} {', '.join(twice)}")
        return self

    def service(self, name: str) -> Service | None:
        return next((each for each in self.services if each.name == name.lower()), None)

    def in_channel(self, channel: str) -> Service | None:
        return next((each for each in self.services if each.channel == channel), None)

    def account(self, number: str | None) -> Account:
        """The roles for an account: its own entry, else "default", else none."""
        return self.accounts.get(number or "default") or self.accounts.get("default") or Account()


def load(path: Path) -> Catalogue:
    """The catalogue in a file. Raises ConfigError that names every fault and where it is."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"the catalogue {path} can't be read ({error.strerror}); set CATALOGUE to a file "
            "that lists your services, see docs/catalogue.md"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"the catalogue {path} is not text in UTF-8") from error
    try:
        return Catalogue.model_validate(_yaml(text) or {})
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{path} is not valid YAML: {error}") from error
    except ValidationError as error:
        faults = [f"  {_where(fault['loc'])}: {fault['msg']}" for fault in error.errors()]
        raise ConfigError("\n".join([f"{path} is not a valid catalogue:", *faults])) from error


def schema() -> dict[str, Any]:
    """The file's JSON Schema."""
    return Catalogue.model_json_schema() | {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Incident Helper catalogue",
    }


def _yaml(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except (ValueError, TypeError) as error:  # such as the date 2026-02-31
        raise yaml.YAMLError(str(error)) from error


def _where(path: tuple[int | str, ...]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.lstrip(".") or "the file"
