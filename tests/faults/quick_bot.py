"""The bot with the times after which a call can no longer take effect shortened.

AWS accepts a signed request for five minutes, so a reader waits that long before it says "not
applied". Rounds of kills and stops play that with seconds. They ask for the same change again and
again, so nothing is investigated anew after one. Everything else is the program itself.
"""

from __future__ import annotations

import asyncio
import os
from functools import partial
from unittest.mock import patch

from bot.app import server
from bot.changes import service
from bot.changes.engine import Timeouts

ENVIRONMENT = "ROUND_SECONDS"  # "<seconds to send>,<seconds until nothing is in flight>"


def main() -> None:
    sending, in_flight = map(float, os.environ[ENVIRONMENT].split(","))
    shortened = partial(Timeouts, sending=sending, in_flight=in_flight)
    with (
        patch.object(server, "Timeouts", shortened),
        patch.object(service, "INVESTIGATED_AFTER", {}),
    ):
        asyncio.run(server.serve())


if __name__ == "__main__":
    main()
