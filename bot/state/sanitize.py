"""What is told of runs and incidents, without secrets: AWS's words go into the store through here.

A plan stays to the letter: that is what was approved, and what is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.domain.alarm import Alarm
from bot.domain.incident import Incident
from bot.domain.redaction import redact
from bot.domain.run import Verification


def run_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A run's fields about to be stored: its note and what verification said are cleaned."""
    clean = dict(fields)
    if "note" in fields:
        clean["note"] = redact(fields["note"])
    if isinstance(answer := fields.get("verification"), Verification):
        clean["verification"] = answer.model_copy(update={"text": redact(answer.text)})
    return clean


def incident_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """An incident's fields about to be stored: its alarm's reason is cleaned."""
    clean = dict(fields)
    if isinstance(alarm := fields.get("alarm"), Alarm):
        clean["alarm"] = alarm.model_copy(update={"reason": redact(alarm.reason)})
    return clean


def incident(whole: Incident) -> Incident:
    return whole.model_copy(update=incident_fields({"alarm": whole.alarm}))
