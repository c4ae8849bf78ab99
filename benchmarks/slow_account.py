"""A scenario's AWS account in a process of its own, every call late, until its stdin ends.

Writes one line of JSON: the environment that points a bot at it.
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


def main(scenario: str, latency_ms: int) -> None:
    story = load(SCENARIOS / f"{scenario}.yaml")
    with tempfile.TemporaryDirectory(prefix="b3-") as folder:
        session = Session(story, Path(folder), clock=FrozenClock(), latency_ms=latency_ms)
        session.aws.start()
        session.catalogue.write_text(session.catalogue_text(), encoding="utf-8")
        print(json.dumps(session.environment), flush=True)
        sys.stdin.read()
        session.aws.stop()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
