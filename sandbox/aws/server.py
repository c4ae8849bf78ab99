"""Serves an account over HTTP on a port of this machine."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from moto.core.routing import get_service_router
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from sandbox.aws.account import Account, Options
from sandbox.aws.callers import Callers
from sandbox.aws.dispatch import Endpoint
from sandbox.aws.ledger import Ledger
from sandbox.aws.registry import OWN_SERVICES
from sandbox.world.api import World
from sandbox.world.kinds import Resources

_TICK_SECONDS = 0.1
_WARM_LOGS = timedelta(hours=2)

log = logging.getLogger(__name__)


class _Handler(WSGIRequestHandler):
    disable_nagle_algorithm = True  # headers and body go out in two writes

    def send_response(self, code: int, message: str | None = None) -> None:
        """Leave out werkzeug's Date in wall time: the endpoint sends world time."""
        self.log_request(code)
        self.send_response_only(code, message)

    def connection_dropped(
        self, error: BaseException, environ: dict[str, Any] | None = None
    ) -> None:
        """Close the connection after an answer was lost."""
        del error, environ
        self.close_connection = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        del size
        log.debug("%s %s %s", self.command, self.path, code)


class AwsServer:
    """An AWS account at `url`, answered from a world and its resources.

    Callers: an access key is a user of that name; sts:AssumeRole gives sessions of any role of the
    account. A role in `read_only_roles` may not write; `policies` maps a role or user to a policy
    document. The credentials' expiry is the only wall time: every other time is the world's.

    Servers in one process do not disturb each other: what the handlers keep is the server's own,
    and moto is given an account number no other server uses, translated at the border.

    Use it as a context manager, or call start() and stop().
    """

    def __init__(
        self,
        world: World,
        resources: Resources,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        read_only_roles: Collection[str] = (),
        policies: Mapping[str, str | Mapping[str, Any]] | None = None,
        options: Options | None = None,
    ) -> None:
        callers = Callers(resources.account, read_only_roles, policies)
        self.account = Account(world, resources, callers, options or Options())
        self.ledger = Ledger()
        self._endpoint = Endpoint(self.account, self.ledger)
        self._address = (host, port)
        self._server: BaseWSGIServer | None = None
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        """The address it listens on. Raises RuntimeError before start()."""
        if self._server is None:
            raise RuntimeError("the AWS endpoint is not running; call start() first")
        return f"http://{self._server.host}:{self._server.server_port}"

    def start(self) -> AwsServer:
        """Listen. Raises OSError when the port is taken."""
        host, port = self._address
        self._endpoint.closing.clear()
        server = make_server(host, port, self._endpoint, threaded=True, request_handler=_Handler)
        self._server = server
        self._threads = [
            threading.Thread(
                target=server.serve_forever,
                kwargs={"poll_interval": 0.05},
                name="aws-endpoint",
                daemon=True,
            ),
            threading.Thread(target=self._tick, name="aws-endpoint-clock", daemon=True),
        ]
        if self.account.options.warm:
            self._threads.append(threading.Thread(target=self._warm, name="aws-warm", daemon=True))
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        """Stop listening and forget what moto held."""
        if self._server is None:
            return
        self._endpoint.closing.set()
        self._server.shutdown()
        self._server.server_close()
        for thread in self._threads:
            thread.join(timeout=5)
        self._server = None
        self.account.moto.close()

    def _warm(self) -> None:
        for service in sorted(OWN_SERVICES):
            if self._endpoint.closing.is_set():
                return
            get_service_router(service)
        world = self.account.world
        for group in world.log_groups():
            world.log_rows(group, world.now() - _WARM_LOGS, world.now())

    def _tick(self) -> None:
        """Advance rollouts and provisioning while no calls come in."""
        while not self._endpoint.closing.wait(_TICK_SECONDS):
            self.account.advance()

    def __enter__(self) -> AwsServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
