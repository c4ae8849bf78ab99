"""How much provisioned concurrency a surge needs, and what it costs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.errors import ReadFailed
from bot.domain.report import GapReason, Window
from playbooks.probes.concurrency_use import HEADROOM, Use, with_headroom

USD_PER_GB_SECOND = {"x86_64": 0.0000041667, "arm64": 0.0000033334}
"""Of provisioned concurrency, by architecture, in the regions of `_PRICED` (AWS Lambda pricing).
About, not a quote."""
_PRICED = frozenset(
    {
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ca-central-1",
        "eu-central-1",
        "eu-north-1",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "sa-east-1",
        "us-east-1",
        "us-east-2",
        "us-west-1",
        "us-west-2",
    }
)


@dataclass(frozen=True, slots=True)
class Size:
    """Executions for the peak with headroom, and how they were derived."""

    wanted: int
    derived: str


def size_of_surge(use: Use | ReadFailed, window: Window, name: str) -> Size:
    """The executions that the calls of the surge need when all environments are warm.

    What ran at once is no measure of it while environments start: each call then holds its
    environment for the init and the first request too. So executions are scaled from what as many
    calls needed as usual; what really ran is the upper bound. Raises ReadFailed.
    """
    if isinstance(use, ReadFailed):
        raise use
    surge = use.own.between(window.start, window.end)
    ran = surge.peak()
    if ran is None:
        raise ReadFailed(
            GapReason.NOT_FOUND, f"CloudWatch has no ConcurrentExecutions of {name} to size it from"
        )
    usual = use.own.between(window.baseline_start, window.baseline_end)
    usual_calls = use.calls.between(window.baseline_start, window.baseline_end)
    at_most = use.calls.between(window.start, window.end).peak()
    per_call = usual.over(usual_calls).typical()
    if per_call is None or at_most is None or per_call * at_most >= ran:
        size = with_headroom(ran)
        return Size(size, f"peak {ran:.0f} executions at once × {HEADROOM:g} = {size}")
    warm = math.ceil(round(per_call * at_most, 6))
    size = with_headroom(warm)
    return Size(
        size,
        f"peak {warm} executions × {HEADROOM:g} = {size}; usually {usual.typical() or 0:.0f} serve "
        f"{usual_calls.typical() or 0:.0f} calls a minute, and at most {at_most:.0f} came. "
        f"{ran:.0f} ran at once, because calls waited for environments to start",
    )


def usd_per_hour(settings: Mapping[str, Any], region: str, executions: int) -> float | None:
    """What the executions cost per hour; None where the price is not known."""
    architecture = next(iter(settings.get("Architectures") or ["x86_64"]))
    price = USD_PER_GB_SECOND.get(architecture)
    if price is None or region not in _PRICED:
        return None
    gigabytes = int(settings.get("MemorySize", 128)) / 1024
    return round(executions * gigabytes * 3600 * price, 4)
