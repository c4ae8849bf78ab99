"""Ids that AWS draws at random, derived here from names, so that they never change.

What the simulation publishes under (dimensions, log groups, targets) is named by
`sandbox.world.names`; this module has what only the endpoint shows. Every function is pure.
"""

from __future__ import annotations

import uuid

from sandbox.world.names import digest

_ALPHANUMERIC = "abcdefghijklmnopqrstuvwxyz0123456789"


def unique(*parts: object) -> str:
    """A UUID that depends on the parts alone."""
    return str(uuid.UUID(digest(*parts, length=32)))


def code(*parts: object, length: int = 6) -> str:
    """Lower-case letters and digits that depend on the parts alone, as in API Gateway ids."""
    number = int(digest(*parts, length=32), 16)
    letters = []
    for _ in range(length):
        number, index = divmod(number, len(_ALPHANUMERIC))
        letters.append(_ALPHANUMERIC[index])
    return "".join(letters)


def deployment_id(*parts: object) -> str:
    """A CodeDeploy deployment id such as d-1A2B3C4D5."""
    return f"d-{code(*parts, length=9).upper()}"
