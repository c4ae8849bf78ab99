"""The name of the role session that sends a change's calls: who stands in CloudTrail."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

BREAK_GLASS = "BREAK-GLASS"
"""Stands in the place of whoever approved, when the requester approved alone."""

LONGEST = 64
"""Characters of a RoleSessionName (STS API reference, AssumeRole: 2 to 64 of [\\w+=,.@-])."""

_FORBIDDEN = re.compile(r"[^\w+=,@-]", re.ASCII)
_NAME = re.compile(r"(?P<people>[\w+=,@-]+(?:\.[\w+=,@-]+)?)\.(?P<run>CHG-[0-9A-F]{8})")


@dataclass(frozen=True, slots=True)
class ChangeSession:
    """What a session name says: who asked and who approved (Slack user ids), and the run's id."""

    people: tuple[str, ...]
    run: str


def session_name(people: Sequence[str], run: str) -> str:
    """The session name of a run: "U0MAYA.U0JONAS.CHG-61D0C7D0".

    The run's id stands whole at the end. People share the rest; an id longer than its share is cut
    and ends in "+" and four hex digits of its SHA-256, so that two people never look the same.

    Args:
        people: Slack user ids; whoever asked first, then whoever approved, if anybody.
        run: the run's id.
    """
    own = _FORBIDDEN.sub("-", run)[-LONGEST:]
    share = (LONGEST - len(own)) // max(1, len(people)) - 1
    return ".".join([*(_short(each, share) for each in people if share > 5), own])


def read_session(name: str) -> ChangeSession | None:
    """What a session name says; None when it is not one that `session_name` made."""
    found = _NAME.fullmatch(name)
    return ChangeSession(tuple(found["people"].split(".")), found["run"]) if found else None


def _short(person: str, share: int) -> str:
    clean = _FORBIDDEN.sub("-", person)
    if len(clean) <= share and clean == person:
        return clean
    return f"{clean[: share - 5]}+{hashlib.sha256(person.encode()).hexdigest()[:4]}"
