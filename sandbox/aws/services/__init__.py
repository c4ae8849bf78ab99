"""The operations the endpoint answers by itself: a module a service, or a part of one."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping

from sandbox.aws.registry import OPERATIONS, Operation


def load() -> Mapping[tuple[str, str], Operation]:
    """Import every module of this package, which registers its operations; all of them."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return OPERATIONS
