"""Whether the configured Redis can be used: checked at each start, and by `incident doctor`."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Sequence

from redis.asyncio import Redis, SSLConnection
from redis.exceptions import (
    AuthenticationError,
    ClusterCrossSlotError,
    ClusterDownError,
    MovedError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

from bot.domain.errors import ConfigError
from bot.state.store import connect

log = logging.getLogger(__name__)

REDIS_SECONDS = 3.0
OLDEST_REDIS = 7  # the first version with script flags (bot.state.scripts)
PROBE = """#!lua
redis.call('SET', KEYS[1], '1', 'EX', 60)
redis.call('SET', KEYS[2], '1', 'EX', 60)
return redis.call('TIME')[1]"""
"""A script with keys of the store and of the task queue, which lie in different slots."""


def place_of(url: str) -> str:
    """Where a Redis URL leads, without its password."""
    return url.rsplit("@", 1)[-1]


async def check_redis(url: str, *, trusted_host: str | None = None) -> Sequence[str]:
    """Check that the store can be used, and that nobody else can write to it.

    Returns what should be mended and does not keep the bot from starting. Raises ConfigError when
    Redis does not answer, is too old, is a cluster, or is reached over a network without a
    password or TLS. `trusted_host` is a host that may be.
    """
    place = place_of(url)
    if url.startswith(("redis+cluster:", "rediss+cluster:")):
        raise ConfigError(_cluster(place))
    try:
        client = connect(url, timeout=REDIS_SECONDS)
    except ValueError as fault:
        raise ConfigError(
            f"REDIS_URL is not a Redis URL ({fault}); write for example redis://localhost:6379/0, "
            "or leave it out for an embedded Valkey"
        ) from fault
    warnings = []
    if _is_trusted(client, place, trusted_host):
        warnings.append(
            f"whoever reaches Redis at {place} over the network can approve changes in anybody's "
            "name (REDIS_TRUSTED_HOST)"
        )
    try:
        async with client:
            await client.ping()
            warnings += await _check_server(client, place)
            warnings += await _check_scripts(client, place)
    except AuthenticationError as fault:
        raise ConfigError(f"Redis at {place} refuses the password in REDIS_URL: {fault}") from fault
    except (RedisError, OSError) as fault:
        raise ConfigError(
            f"Redis at {place} does not answer ({fault}); start it, correct REDIS_URL, or leave "
            "REDIS_URL out for an embedded Valkey"
        ) from fault
    return warnings


def _is_trusted(client: Redis, place: str, trusted_host: str | None) -> bool:
    """Whether it is used over a network without protection because the settings say so.

    Whoever can write to Redis can act in anybody's name: it must be a server that only this
    program can write to. Raises ConfigError.
    """
    options = client.connection_pool.connection_kwargs
    host = options.get("host")
    if host is None or _is_loopback(str(host)):
        return False
    missing = []
    if not options.get("password"):
        missing.append("a user and password (redis ACL)")
    if not issubclass(client.connection_pool.connection_class, SSLConnection):
        missing.append("TLS")
    elif str(options.get("ssl_cert_reqs", "required")) in ("none", "optional", "0", "1"):
        missing.append("the check of the server's certificate (ssl_cert_reqs)")
    if missing and host != trusted_host:
        raise ConfigError(
            f"Redis at {place} is used without {' and '.join(missing)}: whoever can write to it "
            "can approve changes in anybody's name. Set "
            "REDIS_URL=rediss://USER:PASSWORD@HOST:PORT/0, or use a unix socket. If only this "
            f"program can reach it over that network, set REDIS_TRUSTED_HOST={host}"
        )
    return bool(missing)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _check_server(client: Redis, place: str) -> list[str]:
    """What the server tells of itself. Raises ConfigError when it is too old, or a cluster."""
    try:
        about = await client.info("everything")
    except NoPermissionError as fault:
        return [f"the version of Redis at {place} is not known ({fault}); grant +info to check it"]
    if str(about.get("cluster_enabled", "0")) == "1":
        raise ConfigError(_cluster(place))
    version = str(about.get("redis_version", ""))
    if version.split(".")[0].isdigit() and int(version.split(".")[0]) < OLDEST_REDIS:
        raise ConfigError(
            f"Redis at {place} is {version}; version {OLDEST_REDIS} or later is needed"
        )
    policy = str(about.get("maxmemory_policy", "noeviction"))
    if policy != "noeviction":
        return [
            f"Redis at {place} may drop what is stored when it is full: its maxmemory-policy is "
            f"{policy}, set it to noeviction"
        ]
    return []


async def _check_scripts(client: Redis, place: str) -> list[str]:
    """Run what needs Redis 7 and one server. Raises ConfigError when it can't be."""
    try:
        await client.eval(PROBE, 2, "{ih}:probe", "incident-helper:probe")
    except (ClusterCrossSlotError, ClusterDownError, MovedError) as fault:
        raise ConfigError(_cluster(place)) from fault
    except NoPermissionError as fault:
        raise ConfigError(
            f"the Redis user at {place} may not run scripts or use the keys {{ih}}:* and "
            f"incident-helper* ({fault})"
        ) from fault
    except (OutOfMemoryError, ReadOnlyError) as fault:  # that may end
        return [f"Redis at {place} cannot be written to now: {fault}"]
    except ResponseError as fault:
        if "compiling script" not in str(fault):
            raise
        raise ConfigError(
            f"Redis at {place} is too old for the scripts ({fault}); version {OLDEST_REDIS} or "
            "later is needed"
        ) from fault
    return []


def _cluster(place: str) -> str:
    return (
        f"Redis at {place} is a cluster (cluster_enabled:1), which is not supported: a step of the "
        "task queue uses keys of several slots. Use one primary with replicas behind one name"
    )
