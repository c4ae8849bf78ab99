"""The work of the sandbox's commands: play a scenario for people to see, or several for a score."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from rich.console import Console
from rich.panel import Panel

from bot.domain.errors import ConfigError
from bot.state import embedded_valkey
from sandbox.score import Played, play, table
from sandbox.session import Session
from sandbox.world import Scenario, ScenarioError, load

SCENARIOS = Path(__file__).parent / "scenarios"
DEFAULT = {"5xx": "5xx-cold-starts-in-a-surge"}
READY_SECONDS = 30.0

out = Console(highlight=False)


def demo(scenario: str, *, speed: float, seed: int, port: int) -> None:
    """Run a session and the bot until Ctrl-C. Raises ConfigError when the bot does not start."""
    story = _load(scenario)
    folder = Path(tempfile.mkdtemp(prefix="incident-demo-"))
    out.print(f"Playing the day of {story.service.name} up to its alarm …", style="dim")
    try:
        with _session(story, folder, seed=seed, speed=speed, port=port) as session:
            if port and session.slack.page_url.find(f":{port}/") < 0:
                out.print(f"Port {port} is taken; using a free one.", style="dim")
            out.print("Slack and AWS are up. Starting the bot and its Valkey …", style="dim")
            bot = _start_bot(session, folder)
            try:
                _wait_ready(bot, folder)
                out.print("The bot is ready. The alarm goes off now.", style="dim")
                session.start_alarms()
                out.print(Panel(_invitation(story, session), title=story.title, expand=False))
                _until_stopped(bot, folder)
            finally:
                _stop(bot)
    finally:
        # the bot's own Valkey outlives it by design; a demo's state is of no further use
        embedded_valkey.stop(folder / "state")
        shutil.rmtree(folder, ignore_errors=True)


def sandbox(scenario: str, *, speed: float, seed: int, port: int, aws_port: int) -> None:
    """Run a session without the bot until Ctrl-C; write its environment to stdout."""
    story = _load(scenario)
    folder = Path(tempfile.mkdtemp(prefix="incident-sandbox-"))
    try:
        with _session(
            story, folder, seed=seed, speed=speed, port=port, aws_port=aws_port
        ) as session:
            for name, value in session.environment.items():
                sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
            sys.stdout.flush()
            session.start_alarms()
            Console(stderr=True).print(f"Slack: {session.slack.page_url}  (Ctrl-C stops)")
            _until_stopped(None, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def score(paths: list[str], *, seeds: int, as_json: bool) -> bool:
    """Play all scenarios and print what the bot finds; True when all of it is as expected.

    Raises ConfigError at the end for scenarios that cannot be scored: whether an alarm ever goes
    off shows only when the scenario is played.
    """
    stories = [(path, _load(str(path))) for each in paths for path in _files(each)]
    played: list[Played] = []
    refused: list[ScenarioError] = []
    for path, story in stories:
        for seed in range(seeds + 1):
            try:
                result = play(path.stem, story, seed)
            except ScenarioError as error:
                refused.append(ScenarioError(f"{path} #{seed}", error.problems))
                continue
            played.append(result)
            if not as_json:
                out.print(result.line())
    if as_json:
        sys.stdout.write(json.dumps([result.as_dict() for result in played], indent=2) + "\n")
    else:
        if seeds:
            out.print("", table(played))
        hits = sum(result.hit for result in played)
        out.print(f"\n[bold]{hits} of {len(played)} found as expected[/]")
    if refused:
        raise ConfigError("\n".join(map(str, refused)))
    return all(result.hit for result in played)


# --- inside -------------------------------------------------------------------------------------


def _files(named: str) -> list[Path]:
    path = Path(named)
    if path.is_dir():
        found = sorted(path.glob("*.yaml"))
        if not found:
            raise ConfigError(f"{path} has no *.yaml files")
        return found
    return [_path(named)]


def _path(named: str) -> Path:
    path = Path(named)
    if path.is_file():
        return path
    own = SCENARIOS / f"{DEFAULT.get(named, named)}.yaml"
    if own.is_file():
        return own
    known = ", ".join(sorted({*DEFAULT, *(each.stem for each in SCENARIOS.glob("*.yaml"))}))
    raise ConfigError(f"there is no scenario {named!r}: neither a file nor one of {known}")


def _load(named: str) -> Scenario:
    try:
        return load(_path(named))
    except ScenarioError as error:
        raise ConfigError(str(error)) from error


def _session(
    story: Scenario, folder: Path, *, seed: int, speed: float, port: int, aws_port: int = 0
) -> Session:
    def at_port(slack_port: int) -> Session:
        try:
            return Session(
                story, folder, seed=seed, speed=speed, slack_port=slack_port, aws_port=aws_port
            )
        except ScenarioError as error:
            raise ConfigError(str(error)) from error

    try:
        return at_port(port)
    except OSError:
        if port == 0:
            raise
    return at_port(0)


def _start_bot(session: Session, folder: Path) -> subprocess.Popen[bytes]:
    """Start the bot as production runs it, with the session's environment."""
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("AWS_")},
        **session.environment,
        "STATE_DIR": str(folder / "state"),
        "HOST": "127.0.0.1",
        "PORT": "0",
        "POLL_SECONDS": "2",
        "WATCH_SECONDS": "10",
    }
    environment.pop("REDIS_URL", None)
    log = (folder / "bot.log").open("wb")
    return subprocess.Popen(
        [sys.executable, "-m", "bot", "serve"],
        env=environment,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        cwd=folder,
    )


def _wait_ready(bot: subprocess.Popen[bytes], folder: Path) -> None:
    """Wait until the bot is ready. Raises ConfigError with the end of its log when it is not."""
    address = folder / "state" / "address"
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if bot.poll() is not None:
            raise ConfigError(f"the bot did not start:\n{_log_tail(folder)}")
        if address.exists():
            try:
                with urllib.request.urlopen(f"{address.read_text().strip()}/readyz", timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                pass
        time.sleep(0.1)
    raise ConfigError(f"the bot was not ready in {READY_SECONDS:.0f} s:\n{_log_tail(folder)}")


def _log_tail(folder: Path) -> str:
    text = (folder / "bot.log").read_text(encoding="utf-8", errors="replace")
    return "\n".join(text.splitlines()[-15:])


def _invitation(story: Scenario, session: Session) -> str:
    return (
        f"[bold]{session.slack.page_url}[/]\n\n"
        f"{story.story.looked_like.strip()}\n\n"
        "The alarm is in #alerts, what the bot found in its thread. Maya may ask for a change, "
        "Jonas may approve it, Priya may only look: switch person at the top left.\n"
        "Also try /incident help. Ctrl-C stops everything."
    )


def _until_stopped(bot: subprocess.Popen[bytes] | None, folder: Path) -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        while bot is None or bot.poll() is None:
            time.sleep(0.5)
    except KeyboardInterrupt:
        return
    raise ConfigError(f"the bot stopped by itself:\n{_log_tail(folder)}")


def _stop(bot: subprocess.Popen[bytes]) -> None:
    bot.terminate()
    try:
        bot.wait(timeout=10)
    except subprocess.TimeoutExpired:
        bot.kill()
