"""Faults. A refusal (not allowed, nothing to do, expired) is a value, never one of these."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.domain.report import GapReason


class IncidentHelperError(Exception):
    """Base of all; its text is fit to be shown to a person and says what to do."""


class ConfigError(IncidentHelperError):
    """Settings or the catalogue are wrong; the process should not start."""


class ReadFailed(IncidentHelperError):
    """An AWS read gave no answer. Becomes a `Gap`; never a value."""

    def __init__(self, reason: GapReason, detail: str, permission: str | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.permission = permission


class WriteRefused(IncidentHelperError):
    """AWS answered a write with no: nothing was changed. `code` is AWS's error code."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class WriteAmbiguous(IncidentHelperError):
    """No answer came to a write: it may or may not have been applied. Read back, never resend."""


class SlackFailed(IncidentHelperError):
    """Slack refused a call; `error` is Slack's code."""

    def __init__(self, method: str, error: str) -> None:
        super().__init__(f"Slack refused {method}: {error}")
        self.method = method
        self.error = error
