"""The catalogue file: the services with their resources, channel and tier; who may act; the roles.

docs/catalogue.md explains it. docs/catalogue.schema.json is made from these models.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError, model_validator

from bot.config import strict_yaml
from bot.domain.base import Frozen
from bot.domain.errors import ConfigError
from bot.domain.iam_names import account_of
from bot.domain.policy import Policy
from bot.domain.service import Service

log = logging.getLogger(__name__)


class Account(Frozen):
    """The roles to assume in one AWS account.

    Without a role the bot's own credentials are used, if they belong to that account.
    """

    read_role: str | None = None  # ARN
    write_role: str | None = None  # ARN
    external_id: str | None = None  # the ExternalId that the roles' trust policies ask for


class Catalogue(Frozen):
    """The whole file.

    Several services may share a channel. Raises ValueError for services that share a name, and for
    a role of another account than the entry it stands in.
    """

    services: tuple[Service, ...] = Field(min_length=1)
    policy: Policy = Policy()
    accounts: dict[str, Account] = Field(default_factory=dict)  # by account id, or "default"

    @model_validator(mode="after")
    def _check_names(self) -> Catalogue:
        counted = Counter(each.name.lower() for each in self.services)
        repeated = sorted(name for name, times in counted.items() if times > 1)
        if repeated:
            raise ValueError(f"two services have the name {', '.join(repeated)}: give each its own")
        return self

    @model_validator(mode="after")
    def _check_roles(self) -> Catalogue:
        for number, entry in self.accounts.items():
            for role in filter(None, (entry.read_role, entry.write_role)):
                if number != "default" and account_of(role) != number:
                    raise ValueError(
                        f"{role} is not a role of account {number}: move it to the entry of its "
                        "own account"
                    )
        return self

    def service(self, name: str) -> Service | None:
        """The service with this name, in any case."""
        return next((each for each in self.services if each.name == name.lower()), None)

    def services_in(self, channel: str) -> tuple[Service, ...]:
        """The services whose Slack channel this is."""
        return tuple(each for each in self.services if each.channel == channel)

    def account(self, number: str | None) -> Account:
        """The roles for an account id; those of "default" only for a service without an account."""
        return self.accounts.get(number or "default") or Account()


def load(path: Path) -> Catalogue:
    """Read the catalogue from a file.

    Raises ConfigError that names every error and its place in the file.
    """
    try:
        strict_yaml.check_size(path.stat().st_size)
        text = path.read_text(encoding="utf-8")
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: {error}") from error
    except OSError as error:
        raise ConfigError(
            f"the catalogue {path} can't be read ({error.strerror}); set CATALOGUE to a file "
            "that lists your services, see docs/catalogue.md"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"the catalogue {path} is not text in UTF-8: save it as UTF-8") from error
    try:
        with strict_yaml.without_garbage_collection():
            return Catalogue.model_validate(strict_yaml.load(text) or {})
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{path} is not valid YAML: {error}") from error
    except ValidationError as error:
        faults = [f"  {_place(fault['loc'])}: {fault['msg']}" for fault in error.errors()]
        raise ConfigError("\n".join([f"{path} is not a valid catalogue:", *faults])) from error


class PolicyFile:
    """The policy in the catalogue file, read again whenever the file has been written.

    So a role that is taken away counts for changes that are under way. The rest of the file is
    read once, when the program starts. While the file is not a valid catalogue, nobody knows who
    may act: the policy then lets nobody do anything and says why. Reading a large file takes
    seconds: call it in a thread.
    """

    def __init__(self, path: Path, catalogue: Catalogue) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._policy = catalogue.policy
        self._version = self._file_version()

    def __call__(self) -> Policy:
        """The policy now. An unreadable one has a `fault`."""
        with self._lock:
            version = self._file_version()
            if version is None or version != self._version:
                self._read(version)
            return self._policy

    def _read(self, version: tuple[int, int, int] | None) -> None:
        self._version = version
        was_readable = self._policy.fault is None
        try:
            self._policy = load(self._path).policy
        except ConfigError as fault:
            if was_readable or version is not None:
                log.error("every change is refused until this is corrected: %s", fault)
            self._policy = Policy.unreadable(str(fault))
        else:
            log.info("the policy was read again from %s", self._path)

    def _file_version(self) -> tuple[int, int, int] | None:
        """Time of the last write (ns), size in bytes and inode; None when it can't be found."""
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino


def schema() -> dict[str, Any]:
    """The JSON Schema of the file."""
    return Catalogue.model_json_schema() | {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Incident Helper catalogue",
    }


def _place(path: tuple[int | str, ...]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.lstrip(".") or "the file"
