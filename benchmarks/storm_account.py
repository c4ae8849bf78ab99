"""An AWS account in which many alarms are in ALARM, in a process of its own, every call late.

Each alarm is that of a scenario under another name. Writes one line of JSON: the environment that
points a bot at it, and the region and account. Ends with its stdin.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from sandbox.commands import SCENARIOS
from sandbox.session import Session
from sandbox.world import load
from sandbox.world.clock import FrozenClock


def main(scenario: str, latency_ms: int, names: list[str]) -> None:
    story = load(SCENARIOS / f"{scenario}.yaml")
    alarms = tuple(story.starting_alarm.model_copy(update={"name": name}) for name in names)
    story = story.model_copy(update={"alarms": alarms})
    with tempfile.TemporaryDirectory(prefix="b5a-") as folder:
        session = Session(story, Path(folder), clock=FrozenClock(), latency_ms=latency_ms)
        session.aws.start()
        told = {"environment": session.environment, "catalogue": session.catalogue_text()}
        print(json.dumps(told), flush=True)
        sys.stdin.read()
        session.aws.stop()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
