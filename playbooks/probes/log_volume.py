"""How much of a log a query may scan: as many of the latest minutes as the budget allows.

CloudWatch counts the bytes that come into each log group (AWS/Logs IncomingBytes), and a query
scans about what came in during its span. So what it would scan is known before it is started. The
metric is asked for together with the others of an investigation and costs no call of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from bot.domain.errors import ReadFailed
from bot.domain.ports import Aws
from bot.domain.report import Window
from playbooks.probes.logs_insights import read_from
from playbooks.probes.metrics import MINUTE, Metric, TimeSeries, read_series, summed

MOST_GROUPS = 20  # whose bytes are asked for
GIGABYTE = 1024**3

Volume = Mapping[str, TimeSeries]
"""Bytes a minute that came into log groups, by name."""


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a log that is read: from `since` to the window's end. `unread`: a sentence on
    what is left out; None when nothing is."""

    since: datetime
    unread: str | None = None


def begin(aws: Aws, window: Window, groups: Iterable[str]) -> Future[Volume]:
    """Begin to read the bytes of log groups, while other reads find out which of them is meant.

    A group that is not among the first MOST_GROUPS, or cannot be read, is missing: nothing is then
    known of its size.
    """
    names = list(dict.fromkeys(groups))[:MOST_GROUPS]
    pool = ThreadPoolExecutor(1, thread_name_prefix="log-volume")
    reading = pool.submit(_read, aws, window, names)
    pool.shutdown(wait=False)
    return reading


def _read(aws: Aws, window: Window, names: list[str]) -> Volume:
    if not names:
        return {}
    asked = {
        name: Metric("AWS/Logs", "IncomingBytes", "Sum", {"LogGroupName": name}) for name in names
    }
    try:
        return read_series(aws, window, asked)
    except ReadFailed:
        return {}


def affordable(aws: Aws, window: Window, groups: Iterable[str], volume: Volume) -> Part:
    """The part of the groups' logs that one query may scan, the latest minute always.

    Of groups whose bytes are not known all is read: the budget then stops the queries after it.
    """
    names = tuple(groups)
    first, last = read_from(window), window.end - MINUTE
    incoming = summed(volume[name] for name in names if name in volume)
    incoming = incoming.between(first, window.end)
    whole, allowed = incoming.total(), aws.log_allowance()
    if whole <= allowed:
        return Part(first)
    read, since = 0.0, window.end
    for at in sorted(incoming.points, reverse=True):
        read += incoming.points[at]
        if read > allowed:
            break
        since = at
    since = min(since, last)
    return Part(
        since,
        f"of {', '.join(names)} only what came after {since:%H:%M} UTC was read: the "
        f"{whole / GIGABYTE:.1f} GB since {first:%H:%M} are more than a query may scan "
        f"({allowed / GIGABYTE:.1f} GB)",
    )
