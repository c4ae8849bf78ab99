"""moto behind the endpoint: what no handler answers, moto does.

moto keeps its backends in the process, by account. Each endpoint uses a moto account of its own
and swaps the account number in everything that goes in and comes out, so two endpoints in one
process share nothing even when their scenarios name the same account. moto is imported when a call
first needs it and furnished, service by service, when a service is first used (`Resource.seeds`).
"""

from __future__ import annotations

import io
import itertools
import threading
from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from moto.core.model import OperationModel
from moto.core.utils import get_service_model

from sandbox.aws.errors import AwsError, Wire
from sandbox.world.kinds import Resource, Resources

if TYPE_CHECKING:
    from flask import Flask

_NUMBERS = itertools.count(900_000_000_001)
_SPOKEN = ("json", "rest-json", "rest-xml", "query", "ec2")  # protocols moto has
_KEPT_HEADERS = ("content-type", "etag", "location", "last-modified")


class MotoAccount:
    """A moto account of one endpoint's own."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._public = resources.account.encode()
        self._own = str(next(_NUMBERS))
        self._app: Any = None
        self._furnished: set[str] = set()
        self._lock = threading.RLock()

    def call(self, service: str, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Make a call in Python terms. Raises AwsError with moto's error."""
        model = get_service_model(service).operation_model(operation)
        protocol = _protocol(model)
        request = create_serializer(protocol, include_validation=False).serialize_to_request(
            dict(params), model
        )
        body = request["body"]
        if isinstance(body, Mapping):
            body = urlencode(body)
        query = request["query_string"]
        wire = self.forward(
            service,
            operation,
            {
                "REQUEST_METHOD": request["method"],
                "PATH_INFO": request["url_path"].partition("?")[0],
                "QUERY_STRING": query if isinstance(query, str) else urlencode(query, doseq=True),
                **{
                    f"HTTP_{name.upper().replace('-', '_')}": str(value)
                    for name, value in request["headers"].items()
                },
                "CONTENT_TYPE": request["headers"].get("Content-Type", ""),
            },
            body.encode() if isinstance(body, str) else bytes(body or b""),
        )
        return parsed(wire, model, protocol)

    def forward(
        self, service: str, operation: str, environ: Mapping[str, Any], body: bytes
    ) -> Wire:
        """Pass an HTTP request on. Raises AwsError where moto has no such operation."""
        if not _has(service, self._resources.region):
            raise _unsupported(service, operation)
        with self._lock:
            self._furnish(service)
            wire = self._send(service, environ, body)
        kind = wire.headers.get("Content-Type", "")
        absent = wire.status in (404, 405) and (kind.startswith("text/html") or not wire.body)
        if wire.status == 501 or (absent and service != "s3"):
            raise _unsupported(service, operation)
        if wire.status == 500 and kind.startswith("text/html"):
            raise AwsError("InternalFailure", f"moto failed on {service}:{operation}", status=500)
        return wire

    def prepare(self, service: str) -> None:
        """Put into moto what the account has of a service, if that has not been done."""
        with self._lock:
            self._furnish(service)

    def close(self) -> None:
        """Forget everything this account held in moto."""
        if self._app is None:
            return
        from moto.core.base_backend import BackendDict

        for backends in list(vars(BackendDict)["_instances"]):
            backends.pop(self._own, None)

    def _furnish(self, service: str) -> None:
        if service in self._furnished:
            return
        self._furnished.add(service)
        for resource in self._resources.every(Resource):
            for seed in resource.seeds():
                if seed.service == service:
                    self.call(service, seed.operation, seed.params)

    def _send(self, service: str, environ: Mapping[str, Any], body: bytes) -> Wire:
        if self._app is None:
            self._app = _application()
        region = self._resources.region
        signing_name = get_service_model(service).signing_name
        full = {
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "localhost",
            "SCRIPT_NAME": "",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        own = self._own
        full |= {key: self._inward(value) for key, value in environ.items()}
        body = body.replace(self._public, own.encode())
        full |= {
            "HTTP_X_MOTO_ACCOUNT_ID": own,
            "HTTP_AUTHORIZATION": (
                f"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/{region}/"
                f"{signing_name}/aws4_request, SignedHeaders=host, Signature=0"
            ),
            "wsgi.input": io.BytesIO(body),
            "CONTENT_LENGTH": str(len(body)),
        }
        answer: dict[str, Any] = {}

        def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
            answer["status"], answer["headers"] = int(status.split()[0]), headers

        chunks: Iterable[bytes] = self._app(full, start_response)
        content = b"".join(chunks).replace(own.encode(), self._public)
        headers = {
            name.title(): value.replace(own, self._resources.account)
            for name, value in answer["headers"]
            if name.lower() in _KEPT_HEADERS or name.lower().startswith("x-amz-")
        }
        return Wire(answer["status"], headers, content)

    def _inward(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return value.replace(self._resources.account, self._own)


def parsed(wire: Wire, model: OperationModel, protocol: str | None = None) -> dict[str, Any]:
    """A response in Python terms. Raises AwsError for an error."""
    parser = create_parser(protocol or _protocol(model))
    headers = {name.lower(): value for name, value in wire.headers.items()}
    response = {"status_code": wire.status, "headers": headers, "body": wire.body}
    reply: dict[str, Any] = parser.parse(response, model.output_shape)
    reply.pop("ResponseMetadata", None)
    if wire.status >= 400:
        error = reply.get("Error", {})
        code = str(error.get("Code") or wire.status)
        raise AwsError(code, str(error.get("Message", "")), status=wire.status)
    return reply


def _protocol(model: OperationModel) -> str:
    spoken = model.service_model.metadata.get("protocols") or [model.service_model.protocol]
    return next(protocol for protocol in _SPOKEN if protocol in spoken)


def _unsupported(service: str, operation: str) -> AwsError:
    return AwsError("NotImplemented", f"{service}:{operation} is not supported by this sandbox")


@cache
def _has(service: str, region: str) -> bool:
    """Whether moto has this service."""
    host = f"http://{get_service_model(service).endpoint_prefix}.{region}.amazonaws.com"
    from moto.backend_index import backend_url_patterns

    return any(pattern.match(host) for _, pattern in backend_url_patterns)


def _application() -> Any:
    """moto's server application; an operation it lacks answers 501, a crash 500, both plainly."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    def create(service: Any) -> Flask:
        app = create_backend_app(service)
        app.debug = False
        app.register_error_handler(NotImplementedError, lambda _: ("", 501))
        return app

    return DomainDispatcherApplication(create)
