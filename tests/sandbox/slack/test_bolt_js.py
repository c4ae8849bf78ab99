"""Slack's other framework lives in the local workspace too: an app of Bolt for JavaScript.

What holds only for the Python SDK would not be Slack's behaviour. npm installs Bolt from its
registry; where Node.js or the registry is missing the test is skipped.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.slack.server import SlackServer
from sandbox.slack.workspace import Workspace
from tests.sandbox.slack.conftest import ADA, BOT, OPS, seed

pytestmark = pytest.mark.slow
SOURCE = Path(__file__).parent / "bolt_js"


class JsApp:
    """The app as a process, and what it has heard."""

    def __init__(self, folder: Path, slack: SlackServer) -> None:
        self.slack = slack
        self._heard: queue.Queue[dict[str, Any]] = queue.Queue()
        self.process = subprocess.Popen(
            ["node", "app.js"],
            cwd=folder,
            env={
                **os.environ,
                "SLACK_API_URL": slack.api_url,
                "SLACK_BOT_TOKEN": BOT.bot_token,
                "SLACK_APP_TOKEN": BOT.app_token,
            },
            stdout=subprocess.PIPE,
            text=True,
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._heard.put(json.loads(line))

    def hears(self, what: str) -> Any:
        """The next thing it hears, which has to be this."""
        heard = self._heard.get(timeout=30)
        assert heard["what"] == what
        return heard["detail"]

    def reconnects(self, before: int) -> None:
        """Wait until it has come back on a new connection."""
        sockets = self.slack.site.sockets
        deadline = time.monotonic() + 30
        while sockets.accepted == before or not sockets.connected(BOT.id):
            assert time.monotonic() < deadline, "it did not come back"
            time.sleep(0.05)

    def act(self, verb: str, **fields: Any) -> dict[str, Any]:
        return self.slack.act(ADA, verb, **fields)


@pytest.fixture
def js_app(tmp_path: Path) -> Iterator[JsApp]:
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node.js is not installed")
    shutil.copytree(SOURCE, tmp_path, dirs_exist_ok=True)
    installed = subprocess.run(
        ["npm", "install", "--silent", "--no-audit", "--no-fund"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
    )
    if installed.returncode:
        pytest.skip(f"npm could not install Bolt for JavaScript: {installed.stderr[-300:]}")
    with SlackServer(Workspace(seed())) as slack:
        app = JsApp(tmp_path, slack)
        try:
            app.hears("ready")
            yield app
        finally:
            app.process.kill()
            app.process.wait()


def test_an_app_of_bolt_for_javascript_does_all_that_apps_do(js_app: JsApp) -> None:
    workspace = js_app.slack.workspace

    js_app.act("command", channel=OPS, name="/incident", text="checkout")
    assert js_app.hears("command") == "checkout"
    card = js_app.hears("posted")
    answers = [one for one in workspace.messages(OPS, viewer=ADA) if one.only_for == ADA]
    assert [one.text for one in answers] == ["looking at checkout"]

    where = {"channel": OPS, "ts": card}
    js_app.act("click", action_id="open", **where)
    assert js_app.hears("opened") == "7"
    view = js_app.slack.site.modals.top(ADA)
    assert view is not None
    refused = js_app.act("submit", view_id=view.id, values={"why": {"why": "no"}})
    assert refused == {"errors": {"why": "Longer, please."}}
    js_app.act("submit", view_id=view.id, values={"why": {"why": "it burns"}})
    assert js_app.hears("submitted") == "it burns"
    assert js_app.slack.site.modals.top(ADA) is None

    (option,) = js_app.act("suggest", action_id="which", value="", **where)["options"]
    assert js_app.hears("asked") == ""
    js_app.act("click", action_id="which", value=option, **where)
    assert js_app.hears("chosen") == "checkout"

    said = js_app.act("say", channel=OPS, text="hello there")
    assert js_app.hears("message") == 1, "what people type has one block of rich text"
    js_app.act("shortcut", callback_id="investigate", channel=OPS, ts=said["ts"])
    assert js_app.hears("shortcut") == "hello there"
    replies = workspace.thread(OPS, said["ts"])
    assert [one.text for one in replies] == ["hello there", "hello to you"]

    js_app.act("say", channel=OPS, text=f"<@{BOT.user_id}> status")
    assert js_app.hears("mention") == OPS
    js_app.act("open_home", app_id=BOT.id)
    assert js_app.hears("home") == "home"
    before = js_app.slack.site.sockets.accepted
    js_app.slack.play("refresh_sockets")
    js_app.reconnects(before)
    js_app.act("say", channel=OPS, text="hello again")
    assert js_app.hears("message") == 1, "still there after a refresh of its connection"
