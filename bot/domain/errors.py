"""Exceptions. A refusal (not allowed, nothing to do, expired) is a value, never an exception."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.domain.report import Gap, GapReason


class IncidentHelperError(Exception):
    """Base of all. Its text can be shown to a person: what is wrong and what to do."""


class ConfigError(IncidentHelperError):
    """The settings or the catalogue are wrong: the program must not start."""


class NotKnown(IncidentHelperError):
    """A change or an incident that the store does not have (any more)."""


class ReadFailed(IncidentHelperError):
    """An AWS read gave no answer. It becomes a `Gap`: unknown, never a value.

    `detail` is one sentence for people; `permission` the missing IAM action, if that is the
    reason, and `denied_by` the policy because of which granting it would not help. `query` is the
    Logs Insights query that was not run over `log_groups`: a person may be able to run it.
    """

    def __init__(
        self,
        reason: GapReason,
        detail: str,
        permission: str | None = None,
        denied_by: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.permission = permission
        self.denied_by = denied_by
        self.query: str | None = None
        self.log_groups: tuple[str, ...] = ()

    def as_gap(self, probe: str) -> Gap:
        """The gap that this failure leaves in the report; `probe` says what was read."""
        from bot.domain.report import Gap  # the command line imports this module and no model

        return Gap(
            probe=probe,
            reason=self.reason,
            detail=self.detail,
            permission=self.permission,
            denied_by=self.denied_by,
            query=self.query,
            log_groups=self.log_groups,
        )


class CredentialsRefused(ReadFailed):
    """AWS accepts no read at all: the credentials, this machine's clock or the region are wrong.

    `detail` says which, and what to do. It says nothing about the service that was read.
    """

    def __init__(self, detail: str) -> None:
        from bot.domain.report import GapReason  # as above

        super().__init__(GapReason.NOT_CONFIGURED, detail)


class WriteRefused(IncidentHelperError):
    """AWS refused a write: nothing was changed. `code` is AWS's error code."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class WriteAmbiguous(IncidentHelperError):
    """A write got no answer: it may or may not have been applied. Read back, never send again."""


class SlackFailed(IncidentHelperError):
    """Slack refused a call; `error` is Slack's error code, `messages` what it says about it."""

    def __init__(self, method: str, error: str, messages: tuple[str, ...] = ()) -> None:
        super().__init__(f"Slack refused {method}: {error}")
        self.method = method
        self.error = error
        self.messages = messages
