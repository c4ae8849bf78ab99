"""Checks before the bot starts. Each fault is one message that says what to correct."""

from __future__ import annotations

import logging
import socket
from pathlib import Path

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import ConfigError
from bot.slack.faults import FAULTS
from bot.slack.refusals import REVOKED

log = logging.getLogger(__name__)


def open_socket(host: str, port: int) -> socket.socket:
    """Open the socket that HTTP is served on. Raises ConfigError when the address is not free."""
    try:
        return socket.create_server((host, port))
    except OSError as fault:
        raise ConfigError(
            f"HTTP can't be served at {host}:{port} ({fault.strerror or fault}); set PORT to a "
            "free port (0 takes any) and HOST to an address of this machine"
        ) from fault


def make_state_dir(path: Path) -> Path:
    """Create the state directory if it is missing. Raises ConfigError when it can't be written."""
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


async def check_slack_token(web: AsyncWebClient) -> None:
    """Raises ConfigError when Slack refuses the bot token. When Slack does not answer, the bot
    starts anyway: it must be able to start during an outage of Slack."""
    try:
        await web.auth_test()
    except SlackApiError as fault:
        error = str(fault.response.get("error"))
        if error in REVOKED:
            raise ConfigError(
                f"Slack refuses SLACK_BOT_TOKEN ({error}); copy the Bot User OAuth Token (xoxb-…) "
                "from the app's OAuth & Permissions page"
            ) from fault
        log.warning("the bot token could not be checked: Slack answered %s; starting anyway", error)
    except FAULTS as fault:
        log.warning("%s does not answer (%s); messages wait until it does", web.base_url, fault)


def config_error_in(group: BaseExceptionGroup[BaseException]) -> ConfigError | None:
    """The first ConfigError in a group of exceptions; None when it has none."""
    for fault in group.exceptions:
        if isinstance(fault, BaseExceptionGroup):
            if found := config_error_in(fault):
                return found
        elif isinstance(fault, ConfigError):
            return fault
    return None
