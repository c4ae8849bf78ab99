"""The result of one check of `incident doctor`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `holds` is None when the check itself could not be made."""

    subject: str
    holds: bool | None
    text: str
