"""What must be right before the bot runs. Each fault is one message that says what to mend."""

from __future__ import annotations

import logging
import socket
from pathlib import Path

import aiohttp
from redis.exceptions import AuthenticationError, RedisError
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import ConfigError
from bot.slack.outbox import REVOKED
from bot.state.store import connect

log = logging.getLogger(__name__)

REDIS_SECONDS = 3.0
OLDEST_REDIS = 7  # scripts carry flags since then (bot.state.scripts)


def listener(host: str, port: int) -> socket.socket:
    """The socket HTTP is served on. Raises ConfigError when the address can't be had."""
    try:
        return socket.create_server((host, port))
    except OSError as fault:
        raise ConfigError(
            f"nothing can be served at {host}:{port} ({fault.strerror or fault}); set PORT to a "
            "free port (0 takes any) and HOST to an address of this machine"
        ) from fault


def state_dir(path: Path) -> Path:
    """The folder for what is kept, made when it is not there. Raises ConfigError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as fault:
        raise ConfigError(
            f"the state directory {path} can't be written to ({fault.strerror}); set STATE_DIR to "
            "a folder the bot may write in"
        ) from fault
    return path


async def redis_answers(url: str) -> None:
    """Raises ConfigError when Redis does not answer, or is too old."""
    place = url.rsplit("@", 1)[-1]  # without the password
    try:
        client = connect(url, timeout=REDIS_SECONDS)
    except ValueError as fault:
        raise ConfigError(
            f"REDIS_URL is not a Redis URL ({fault}); write for example redis://localhost:6379/0, "
            "or leave it out for an embedded Valkey"
        ) from fault
    try:
        async with client:
            about = await client.info("server")
    except AuthenticationError as fault:
        raise ConfigError(f"Redis at {place} refuses the password in REDIS_URL: {fault}") from fault
    except (RedisError, OSError) as fault:
        raise ConfigError(
            f"Redis at {place} does not answer ({fault}); start it, correct REDIS_URL, or leave "
            "REDIS_URL out for an embedded Valkey"
        ) from fault
    version = str(about.get("redis_version", ""))
    if version.split(".")[0].isdigit() and int(version.split(".")[0]) < OLDEST_REDIS:
        raise ConfigError(f"Redis at {place} is {version}; {OLDEST_REDIS} or later is needed")


async def slack_takes(web: AsyncWebClient) -> None:
    """Raises ConfigError when Slack refuses the bot token. A Slack that is down is waited for:
    the bot must be able to start in the same outage."""
    try:
        await web.auth_test()
    except SlackApiError as fault:
        error = str(fault.response.get("error"))
        if error in REVOKED:
            raise ConfigError(
                f"Slack refuses SLACK_BOT_TOKEN ({error}); copy the Bot User OAuth Token (xoxb-…) "
                "from the app's OAuth & Permissions page"
            ) from fault
        log.warning("Slack did not say who we are (%s); going on", error)
    except (SlackClientError, aiohttp.ClientError, OSError, TimeoutError) as fault:
        log.warning("%s does not answer (%s); what is to be posted waits", web.base_url, fault)


def mendable(group: BaseExceptionGroup[BaseException]) -> ConfigError | None:
    """The first fault in a group that a person can mend."""
    for fault in group.exceptions:
        if isinstance(fault, BaseExceptionGroup):
            if found := mendable(fault):
                return found
        elif isinstance(fault, ConfigError):
            return fault
    return None
