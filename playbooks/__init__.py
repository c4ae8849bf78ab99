"""Incident types. To add one: a file with a `Playbook`, a line here, and a test."""

from __future__ import annotations

from bot.domain.playbook_contract import Playbook
from playbooks.five_xx import FiveXX
from playbooks.targets import Targets

PLAYBOOKS: tuple[type[Playbook], ...] = (FiveXX, Targets)
