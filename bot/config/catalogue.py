"""The catalogue file: which resources, Slack channel and tier belong to a service; who may act.

docs/catalogue.schema.json is made from these models.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError, model_validator

from bot.domain.base import Frozen
from bot.domain.errors import ConfigError
from bot.domain.iam import account_of
from bot.domain.policy import Policy
from bot.domain.service import Service

log = logging.getLogger(__name__)


class Account(Frozen):
    """The roles to assume in an AWS account. Without one the bot's own credentials are used, where
    they are of that account."""

    read_role: str | None = None
    write_role: str | None = None
    external_id: str | None = None


class Catalogue(Frozen):
    """The whole file. Raises ValueError for services that share a name or a channel."""

    services: tuple[Service, ...] = Field(min_length=1)
    policy: Policy = Policy()
    accounts: dict[str, Account] = Field(default_factory=dict)  # by account number, or "default"

    @model_validator(mode="after")
    def _unambiguous(self) -> Catalogue:
        for field in ("name", "channel"):
            values = [getattr(each, field) for each in self.services if getattr(each, field)]
            twice = sorted({value for value in values if values.count(value) > 1})
            if twice:
                raise ValueError(f"two services have the {field} {', '.join(twice)}")
        return self

    @model_validator(mode="after")
    def _roles_are_there(self) -> Catalogue:
        for number, entry in self.accounts.items():
            for role in filter(None, (entry.read_role, entry.write_role)):
                if number != "default" and account_of(role) != number:
                    raise ValueError(f"{role} is no role of account {number}, which names it")
        return self

    def service(self, name: str) -> Service | None:
        return next((each for each in self.services if each.name == name.lower()), None)

    def in_channel(self, channel: str) -> Service | None:
        return next((each for each in self.services if each.channel == channel), None)

    def account(self, number: str | None) -> Account:
        """The roles for an account, "default" where a service names none: roles of one account
        are never used for another."""
        return self.accounts.get(number or "default") or Account()


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


class PolicyFile:
    """Who may act, as the catalogue file says at this moment.

    It is read again when it was written since: a role taken away counts for what is under way.
    The rest of the file holds from the start of the program. An edit that is no valid catalogue
    is logged, and what was before goes on to hold.
    """

    def __init__(self, path: Path, known: Catalogue) -> None:
        self._path = path
        self._policy = known.policy
        self._seen = self._written()

    def __call__(self) -> Policy:
        written = self._written()
        if written != self._seen:
            self._seen = written
            try:
                self._policy = load(self._path).policy
            except ConfigError as fault:
                log.error("the policy stays as it was: %s", fault)
            else:
                log.info("the policy was read again from %s", self._path)
        return self._policy

    def _written(self) -> tuple[int, int] | None:
        try:
            about = self._path.stat()
        except OSError:
            return None
        return about.st_mtime_ns, about.st_size


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
