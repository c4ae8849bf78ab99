"""What is known of the audit record outside of Redis: where it ended, and which record it was.

Redis may lose the record (FLUSHALL, another server behind the address), or go back to an older one
(a backup, a replica that lagged behind). Neither can be seen from within Redis. So the end of the
record that was checked last is kept in a file of the state directory too.

A file may lag behind the record: other replicas append as well. The record never lags behind a
file, unless it was lost, cut or replaced.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

log = logging.getLogger(__name__)

FILE = "audit-anchor.json"
WRITE_SECONDS = 1.0  # a write of the file is waited for at most this long; it then goes on


@dataclass(frozen=True, slots=True)
class Known:
    """An end of the record that was checked."""

    generation: str  # id of the record, made when its store was first used
    number: int  # of its last entry; 0: it had none
    digest: str  # of that entry; empty when it had none
    accepted: str = ""  # digest of the entry by which an operator accepted the record last


class Anchor(Protocol):
    """Keeps what is known of the record outside of the record's own store."""

    @property
    def name(self) -> str:
        """Tells this anchor from those of other replicas."""
        ...

    async def load(self) -> Known | None:
        """What is known; None when nothing was ever known here."""
        ...

    async def save(self, known: Known) -> None:
        """Keep it in place of what was known."""
        ...


class MemoryAnchor:
    """Keeps it as long as the process lives."""

    def __init__(self) -> None:
        self.name = uuid.uuid4().hex[:8]
        self.known: Known | None = None

    async def load(self) -> Known | None:
        return self.known

    async def save(self, known: Known) -> None:
        self.known = known


class FileAnchor:
    """Keeps it in a file, replaced as a whole and on the disk before the replacement.

    Raises OSError in `load` when there is a file that cannot be read, ValueError when it is not
    one of these: nothing may then be taken for a first start.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="anchor")
        self.name = f"{socket.gethostname()}:{path.resolve()}"

    async def load(self) -> Known | None:
        try:
            text = self._path.read_text("utf-8")
        except FileNotFoundError:
            return None
        try:
            fields = json.loads(text)
            return Known(
                str(fields["generation"]),
                int(fields["number"]),
                str(fields["digest"]),
                str(fields.get("accepted", "")),
            )
        except (ValueError, KeyError, TypeError) as fault:
            raise ValueError(f"{self._path} cannot be understood: {fault}") from fault

    async def save(self, known: Known) -> None:
        written = asyncio.get_running_loop().run_in_executor(self._thread, self._write, known)
        await asyncio.wait((written,), timeout=WRITE_SECONDS)

    def _write(self, known: Known) -> None:
        fresh = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            with fresh.open("w", encoding="utf-8") as file:
                json.dump(asdict(known), file)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
        except OSError as fault:  # the file lags behind then, which is allowed
            log.error("the end of the audit record could not be written to %s: %s", fresh, fault)
