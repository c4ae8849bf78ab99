"""What readers that wrap another reader have in common."""

from __future__ import annotations

from datetime import datetime

from bot.domain.ports import Aws
from bot.domain.report import Cost


class WrappedReader:
    """The part of an `Aws` that a wrapper leaves to the reader it wraps; reads are its own."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    @property
    def region(self) -> str:
        return self._aws.region

    def now(self) -> datetime:
        return self._aws.now()

    def scanned(self, log_bytes: int) -> None:
        self._aws.scanned(log_bytes)

    def log_allowance(self) -> int:
        return self._aws.log_allowance()

    def cost(self) -> Cost:
        return self._aws.cost()
