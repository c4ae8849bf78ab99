"""The bot's HTTP side as it is, without a worker: tasks are kept, somebody else would run them."""

from __future__ import annotations

import asyncio
import os
import socket
import sys

from bot.app import http_server
from bot.app.server import program
from bot.config import catalogue
from bot.config.settings import settings


async def main(port: int) -> None:
    config = settings()
    known = catalogue.load(config.catalogue)
    with socket.create_server(("127.0.0.1", port)) as listener:
        async with program(config, known, os.environ["REDIS_URL"]) as running:
            await http_server.server(running.http(), listener).serve()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
