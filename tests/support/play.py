"""A sandbox session with the bot as a process of its own, as production runs it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.state import embedded_valkey
from sandbox import people_and_channels as slack
from sandbox.commands import SCENARIOS
from sandbox.session import Session
from sandbox.world import load

SPEED = 60.0  # a minute of the world lasts a second


class Play:
    """A session with the bot in it, and what a person could see and do."""

    def __init__(self, scenario: str, folder: Path, **options: Any) -> None:
        story = load(SCENARIOS / f"{scenario}.yaml")
        self.session = Session(story, folder, **{"speed": SPEED, **options})
        self.folder = folder
        self.bot: subprocess.Popen[bytes] | None = None

    def start_bot(self, **environment: str) -> None:
        """Start it and wait until it is ready."""
        log = (self.folder / "bot.log").open("ab")
        told = self.folder / "state" / "address"
        told.unlink(missing_ok=True)
        kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        kept.pop("REDIS_URL", None)
        self.bot = subprocess.Popen(
            [sys.executable, "-m", "bot", "serve"],
            env={
                **kept,
                **self.session.environment,
                "STATE_DIR": str(self.folder / "state"),
                "PORT": "0",
                "POLL_SECONDS": "0.5",
                **environment,
            },
            cwd=self.folder,
            stdout=log,
            stderr=log,
        )
        self.until("the bot to be ready", lambda: self._connected() and told.exists(), 120)

    def kill_bot(self) -> None:
        """kill -9."""
        assert self.bot is not None
        self.bot.kill()
        self.bot.wait()
        self.bot = None

    def stop(self) -> None:
        if self.bot is not None:
            self.bot.terminate()
            self.bot.wait(timeout=15)
        embedded_valkey.stop(self.folder / "state")
        self.session.stop()

    # --- what is seen ---------------------------------------------------------------------------

    def alarm_ts(self) -> str:
        return self.until(
            "the alarm's post",
            lambda: next(
                (
                    each.ts
                    for each in self.session.workspace.messages(slack.ALERTS)
                    if not each.user
                ),
                None,
            ),
        )

    def thread(self, viewer: str = slack.RESPONDER) -> list[Any]:
        """Replies under the alarm's post."""
        return self.session.workspace.thread(slack.ALERTS, self.alarm_ts(), viewer=viewer)[1:]

    def reply(self, *words: str, seconds: float = 40) -> Any:
        """The reply that has all these words, once there is one."""

        def found() -> Any:
            return next(
                (each for each in self.thread() if all(word in said(each) for word in words)), None
            )

        return self.until(f"a reply with {words}", found, seconds)

    def click(self, user: str, message: Any, label: str) -> None:
        """Press the button whose text begins with `label`."""
        for block in message.blocks:
            for element in block.get("elements", []):
                text = element.get("text")
                if isinstance(text, dict) and text.get("text", "").startswith(label):
                    self.session.slack.act(
                        user,
                        "click",
                        channel=message.channel,
                        ts=message.ts,
                        block_id=block["block_id"],
                        action_id=element["action_id"],
                    )
                    return
        raise AssertionError(f"no button {label!r} in: {said(message)}")

    def modal(self, user: str, *words: str) -> dict[str, Any]:
        """The person's open modal, once it has these words."""

        def found() -> dict[str, Any] | None:
            view = self.session.slack.site.modals.top(user)
            if view is None:
                return None
            shown = self.session.slack.site.modals.as_json(view)
            return shown if all(word in str(shown) for word in words) else None

        return self.until(f"a modal with {words}", found)

    def until(self, what: str, look: Callable[[], Any], seconds: float = 40) -> Any:
        """Wait for something true. Fails with the bot's last words."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if seen := look():
                return seen
            time.sleep(0.1)
        log = (self.folder / "bot.log").read_text(encoding="utf-8", errors="replace")
        posts = self.session.workspace.messages(slack.ALERTS)
        seen = [
            each
            for post in posts[:1]
            for each in self.session.workspace.thread(slack.ALERTS, post.ts, viewer=slack.RESPONDER)
        ]
        thread = "\n---\n".join(said(each) for each in seen)
        pytest.fail(f"waited {seconds:.0f} s for {what}\n{thread}\n{log[-3000:]}")

    def _connected(self) -> bool:
        return self.session.slack.site.sockets.connected(slack.BOT_APP) > 0

    def writes(self) -> list[str]:
        """Operations that changed the account, from the ledger AWS's side keeps."""
        return [entry.operation for entry in self.session.aws.ledger.writes()]


def said(message: Any) -> str:
    """Every text of a message."""
    texts: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                if key in ("text", "fallback", "value", "name") and isinstance(inner, str):
                    texts.append(inner)
                else:
                    walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk({"text": message.text, "blocks": message.blocks, "attachments": message.attachments})
    return " ".join(texts)
