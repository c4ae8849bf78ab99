"""Incident types. To add one: a file with a `Playbook`, a line here, and a test."""

from __future__ import annotations

from typing import ClassVar

from bot.domain.playbook_contract import Playbook
from playbooks import look_around
from playbooks.five_xx import FiveXX
from playbooks.targets import Targets

TYPES: tuple[type[Playbook], ...] = (FiveXX, Targets)


class LookAround(look_around.LookAround):
    """The look-around that names these types."""

    types: ClassVar[tuple[type[Playbook], ...]] = TYPES


PLAYBOOKS: tuple[type[Playbook], ...] = (*TYPES, LookAround)
