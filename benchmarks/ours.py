"""The bot's HTTP side as it is, without a worker: tasks are kept, somebody else would run them."""

from __future__ import annotations

import asyncio
import os
import sys

import uvicorn

from bot.app.server import program
from bot.config import catalogue
from bot.config.settings import settings


async def main(port: int) -> None:
    config = settings()
    known = catalogue.load(config.catalogue)
    async with program(config, known, os.environ["REDIS_URL"]) as running:
        options = uvicorn.Config(running.http(), port=port, log_level="error", access_log=False)
        await uvicorn.Server(options).serve()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
