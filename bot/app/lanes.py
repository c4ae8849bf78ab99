"""What waits for what: the lanes of the durable tasks, and the threads that wait for AWS.

Nobody waits behind an investigation: not a person's click, not an alarm's first card, not a message
to Slack, not a step of a change. Each has slots and threads of its own.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from bot.state.durable_tasks import Lane

ALARMS = Lane("alarms", 40)
"""An alarm was posted: what it is, and its first card."""

QUICK = Lane("quick", 40, check=0.1)
"""Messages to Slack, and what only writes down that something is to be done."""

CHANGES = Lane("changes", 20)
"""Steps of guarded changes."""

INVESTIGATIONS = Lane("investigations", 16)
"""All run in one interpreter, so more of them at once would only make each later."""

WATCH = Lane("watch", 4)
"""Looks for changes by others at open incidents."""

THREADS = {"investigations": 96, "alarms": 48, "changes": 16}
"""An investigation reads with up to a dozen threads at once. Waiting for AWS costs a thread no CPU.
The names are those of the pools."""

PEOPLE_THREADS = 48
"""Of asyncio's own pool: previews, looking up host names. asyncio's default has 6 on 2 cores."""

SWITCH_SECONDS = 0.001
"""After which a thread that computes lets another one go on, at the latest. With Python's 5 ms the
event loop would wait so long for each thread that reads an answer of AWS."""


@dataclass(frozen=True, slots=True)
class Pools:
    """The threads that wait for AWS, by what they read for."""

    investigations: ThreadPoolExecutor
    alarms: ThreadPoolExecutor
    changes: ThreadPoolExecutor


@contextmanager
def pools() -> Iterator[Pools]:
    """Make the pools and asyncio's own; at the end, what waits in them is dropped."""
    sys.setswitchinterval(SWITCH_SECONDS)
    asyncio.get_running_loop().set_default_executor(
        ThreadPoolExecutor(PEOPLE_THREADS, thread_name_prefix="people")
    )
    made = {name: ThreadPoolExecutor(count, name) for name, count in THREADS.items()}
    try:
        yield Pools(**made)
    finally:
        for pool in made.values():
            pool.shutdown(wait=False, cancel_futures=True)
