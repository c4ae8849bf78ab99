"""Which Redis the bot starts with, and what is said about any other."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

from bot.app import redis_checks
from bot.domain.errors import ConfigError
from bot.state import embedded_valkey
from tests.support.two_servers import free_port


@contextmanager
def server(folder: Path, *settings: str) -> Iterator[int]:
    """A Valkey with these settings; its port."""
    port = free_port()
    common = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    log = ["--logfile", str(folder / "log")]
    process = subprocess.Popen([next(embedded_valkey.binaries()), *common, *log, *settings])
    try:
        for _ in range(2_000):
            with suppress(RedisError):
                if Redis(port=port).ping():
                    break
            time.sleep(0.005)
        yield port
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("url", "missing"),
    [
        ("redis://10.0.0.5:6379/0", "without a user and password (redis ACL) and TLS"),
        ("redis://bot:secret@10.0.0.5:6379/0", "without TLS"),
        ("rediss://10.0.0.5:6379/0", "without a user and password (redis ACL)"),
        ("rediss://bot:s@cache.example:6379/0?ssl_cert_reqs=none", "server's certificate"),
        ("redis://valkey:6379/0", "set REDIS_TRUSTED_HOST=valkey"),
        ("redis://localhost.example:6379/0", "without a user"),
    ],
)
async def test_a_redis_over_the_network_needs_a_password_and_tls(url: str, missing: str) -> None:
    with pytest.raises(ConfigError) as refused:
        await redis_checks.check_redis(url, trusted_host="other")
    assert missing in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_this_machine_needs_neither(tmp_path: Path, host: str) -> None:
    with server(tmp_path) as port:
        await redis_checks.check_redis(f"redis://{host}:{port}/0")


async def test_a_trusted_host_is_used_and_warned_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name of another machine; here this one answers to it."""
    monkeypatch.setattr(redis_checks, "_is_loopback", lambda host: False)
    with server(tmp_path) as port:
        url = f"redis://127.0.0.1:{port}/0"
        with pytest.raises(ConfigError, match=r"REDIS_TRUSTED_HOST=127\.0\.0\.1"):
            await redis_checks.check_redis(url)
        (warning,) = await redis_checks.check_redis(url, trusted_host="127.0.0.1")
        assert "approve changes in anybody's name" in warning


async def test_a_user_who_may_not_ask_for_the_version_can_start(tmp_path: Path) -> None:
    with server(tmp_path) as port:
        admin = Redis(port=port)
        rules = ("on", ">pw", "~*", "&*", "+@all", "-info")
        admin.execute_command("ACL", "SETUSER", "bot", *rules)
        (warning,) = await redis_checks.check_redis(f"redis://bot:pw@127.0.0.1:{port}/0")
        assert "grant +info" in warning
        admin.execute_command("ACL", "SETUSER", "bot", "-eval")
        with pytest.raises(ConfigError, match="may not run scripts"):
            await redis_checks.check_redis(f"redis://bot:pw@127.0.0.1:{port}/0")
        with pytest.raises(ConfigError, match="refuses the password"):
            await redis_checks.check_redis(f"redis://bot:wrong@127.0.0.1:{port}/0")


async def test_the_keys_a_user_needs(tmp_path: Path) -> None:
    """The rules that docs and messages name are enough; one of them missing is told."""
    with server(tmp_path) as port:
        admin = Redis(port=port)
        for keys, enough in (("~{ih}:* ~incident-helper*", True), ("~{ih}:*", False)):
            user = "bot" if enough else "half"
            rules = ("on", ">pw", *keys.split(), "&incident-helper*", "+@all", "-@dangerous")
            admin.execute_command("ACL", "SETUSER", user, *rules)
            url = f"redis://{user}:pw@127.0.0.1:{port}/0"
            if enough:
                await redis_checks.check_redis(url)
            else:
                with pytest.raises(ConfigError, match=r"use the keys|No permissions"):
                    await redis_checks.check_redis(url)


@pytest.mark.parametrize("may_ask", [True, False], ids=["info", "no info"])
async def test_a_cluster_is_refused_with_the_reason(tmp_path: Path, may_ask: bool) -> None:
    with server(tmp_path, "--cluster-enabled", "yes") as port:
        admin = Redis(port=port)
        admin.execute_command("ACL", "SETUSER", "bot", "on", ">pw", "~*", "&*", "+@all", "-info")
        url = f"redis://127.0.0.1:{port}" if may_ask else f"redis://bot:pw@127.0.0.1:{port}"
        with pytest.raises(ConfigError, match="is a cluster"):
            await redis_checks.check_redis(url)
    with pytest.raises(ConfigError, match="is a cluster"):
        await redis_checks.check_redis(f"redis+cluster://127.0.0.1:{port}")


async def test_a_full_redis_and_one_that_forgets_start_with_a_warning(tmp_path: Path) -> None:
    with server(tmp_path, "--maxmemory-policy", "allkeys-lru") as port:
        (warning,) = await redis_checks.check_redis(f"redis://127.0.0.1:{port}")
        assert "maxmemory-policy is allkeys-lru" in warning
        Redis(port=port).config_set("maxmemory-policy", "noeviction")
        assert not await redis_checks.check_redis(f"redis://127.0.0.1:{port}")
        Redis(port=port).config_set("maxmemory", "1")
        (warning,) = await redis_checks.check_redis(f"redis://127.0.0.1:{port}")
        assert "cannot be written to now" in warning
