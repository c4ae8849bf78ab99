"""Redacts secrets in the texts of runs and incidents before they are stored.

A plan is stored unchanged: it is what was approved, and what is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.domain.alarm import Alarm
from bot.domain.incident import Incident
from bot.domain.redaction import redact
from bot.domain.run import Verification


def run_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A run's fields with reason, note and verification text redacted."""
    clean = dict(fields)
    for name in ("note", "reason"):
        if name in fields:
            clean[name] = redact(fields[name])
    if isinstance(answer := fields.get("verification"), Verification):
        clean["verification"] = answer.model_copy(update={"text": redact(answer.text)})
    return clean


def incident_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """An incident's fields with the reasons of the alarm and its children, and what changes by
    others did, redacted."""
    clean = dict(fields)
    if isinstance(alarm := fields.get("alarm"), Alarm):
        clean["alarm"] = _alarm(alarm)
    if noticed := fields.get("noticed"):
        clean["noticed"] = tuple(
            each.model_copy(update={"summary": redact(each.summary)}) for each in noticed
        )
    return clean


def _alarm(alarm: Alarm) -> Alarm:
    children = tuple(_alarm(child) for child in alarm.child_alarms)
    return alarm.model_copy(update={"reason": redact(alarm.reason), "child_alarms": children})


def incident(whole: Incident) -> Incident:
    """The incident with its alarm's reason redacted."""
    return whole.model_copy(update=incident_fields({"alarm": whole.alarm}))
