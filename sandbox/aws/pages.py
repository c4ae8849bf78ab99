"""Pagination: a token is an encoded offset into a list that does not change between calls."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TypeVar

from sandbox.aws.errors import AwsError

T = TypeVar("T")


def page(
    items: Sequence[T],
    token: str | None,
    size: int,
    invalid: Callable[[], AwsError] | None = None,
) -> tuple[list[T], str | None]:
    """One page and the token of the next, None at the end. Raises AwsError for a bad token."""
    start = 0
    if token:
        try:
            start = int(base64.urlsafe_b64decode(token.encode()).decode().removeprefix("at:"))
        except (ValueError, binascii.Error, UnicodeDecodeError):
            raise (invalid or _invalid)() from None
    end = start + size
    following = (
        base64.urlsafe_b64encode(f"at:{end}".encode()).decode() if end < len(items) else None
    )
    return list(items[start:end]), following


def _invalid() -> AwsError:
    return AwsError("ValidationException", "The pagination token is invalid.")
