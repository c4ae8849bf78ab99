"""An AWS account in which many alarms are in ALARM, in a process of its own, every call late.

Each alarm is that of a scenario under another name. Writes one line of JSON: the environment that
points a bot at it, and the catalogue. Ends with its stdin.

Time stands still, so a call that was answered before is answered with the same: AWS has a data
centre, this machine a core or two, and what is measured is the bot.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from sandbox.commands import SCENARIOS
from sandbox.session import Session
from sandbox.world import load
from sandbox.world.clock import FrozenClock


class Remembering:
    """The account's WSGI application; it computes each answer once and is late with every one."""

    def __init__(self, account: Any, seconds: float) -> None:
        self.closing = account.closing
        self._account, self._seconds = account, seconds
        self._known: dict[tuple[str, ...], tuple[str, list[tuple[str, str]], bytes]] = {}

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        size = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(size)
        environ["wsgi.input"] = io.BytesIO(body)
        names = ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "HTTP_X_AMZ_TARGET")
        scope = str(environ.get("HTTP_AUTHORIZATION", "")).partition(" Signed")[0]
        key = (*(str(environ.get(name, "")) for name in names), scope, body.hex())
        time.sleep(self._seconds)
        if key not in self._known or b"queryId" in body:  # a log query runs for some time
            told: list[Any] = []
            answer = self._account(
                environ, lambda status, headers, *_: told.extend((status, headers))
            )
            content = b"".join(answer)
            if not str(told[0]).startswith("200"):
                start(*told)
                return [content]
            self._known[key] = (told[0], told[1], content)
        status, headers, content = self._known[key]
        start(status, headers)
        return [content]


def main(scenario: str, latency_ms: int, names: list[str]) -> None:
    story = load(SCENARIOS / f"{scenario}.yaml")
    alarms = tuple(story.starting_alarm.model_copy(update={"name": name}) for name in names)
    story = story.model_copy(update={"alarms": alarms})
    with tempfile.TemporaryDirectory(prefix="b5a-") as folder:
        session = Session(story, Path(folder), clock=FrozenClock())
        session.aws._endpoint = Remembering(session.aws._endpoint, latency_ms / 1000)
        session.aws.start()
        told = {"environment": session.environment, "catalogue": session.catalogue_text()}
        print(json.dumps(told), flush=True)
        sys.stdin.read()
        session.aws.stop()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
