"""Alarm messages as senders sent them: tests/data/alarm_messages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "data/alarm_messages"


def alarm_message(name: str) -> dict[str, Any]:
    """The message in one of the files."""
    message: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())["message"]
    return message
