"""moto behind the endpoint: what no handler answers, moto does.

moto keeps its backends in the process, by account. Each endpoint uses a moto account of its own
and swaps the account number in everything that goes in and comes out, so two endpoints in one
process share nothing even when their scenarios name the same account. moto is imported when a call
first needs it and furnished, service by service, when a service is first used (`Resource.seeds`).
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import urlencode

from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from moto.backend_index import backend_url_patterns
from moto.core.base_backend import BackendDict
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.model import OperationModel
from moto.core.utils import get_service_model

from sandbox.aws.errors import AwsError, Wire
from sandbox.world.kinds import Resource, Resources

_NUMBERS = itertools.count(900_000_000_001)
_SPOKEN = ("json", "rest-json", "rest-xml", "query", "ec2")  # protocols moto has
_KEPT_HEADERS = ("content-type", "etag", "location", "last-modified")
_NO_BACKEND: tuple[int, dict[str, str], str] = (
    404,
    {},
    "Not yet implemented",
)  # moto: no backend has this path


class MotoAccount:
    """A moto account that one endpoint alone uses."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._public = resources.account
        self._own = str(next(_NUMBERS))
        self._moto = BotocoreStubber()
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
        path, query = request["url_path"], request["query_string"]
        if query:
            query = query if isinstance(query, str) else urlencode(query, doseq=True)
            path += f"{'&' if '?' in path else '?'}{query}"
        wire = self.forward(
            service,
            operation,
            method=request["method"],
            path=path,
            headers=request["headers"],
            body=body.encode() if isinstance(body, str) else bytes(body or b""),
        )
        return parsed(wire, model, protocol)

    def forward(
        self,
        service: str,
        operation: str,
        *,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
    ) -> Wire:
        """Pass an HTTP request on; `path` with its query. Raises AwsError where moto has no such
        operation, or fails."""
        if not _has(service, self._resources.region):
            raise _unsupported(service, operation)
        with self._lock:
            self._furnish(service)
            try:
                wire = self._send(service, method, path, headers, body)
            except (NotImplementedError, ImportError):  # or it needs a package nobody installed
                raise _unsupported(service, operation) from None
            except Exception as error:
                message = f"moto failed on {service}:{operation}: {error!r}"
                raise AwsError("InternalFailure", message, status=500) from error
        if wire is None or (wire.status in (404, 405) and not wire.body and service != "s3"):
            raise _unsupported(service, operation)
        return wire

    def prepare(self, service: str) -> None:
        """Create the account's resources of a service in moto, unless that was done before."""
        with self._lock:
            self._furnish(service)

    def close(self) -> None:
        """Forget everything this account held in moto."""
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

    def _send(
        self, service: str, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Wire | None:
        """What moto answers; None where no backend serves this path."""
        region = self._resources.region
        signing_name = get_service_model(service).signing_name
        sent = HTTPHeaders()
        for name, value in headers.items():
            if name.lower() not in ("authorization", "host"):
                sent[name] = self._inward(str(value))
        sent["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/{region}/"
            f"{signing_name}/aws4_request, SignedHeaders=host, Signature=0"
        )
        sent["X-Moto-Account-Id"] = self._own
        request = AWSPreparedRequest(
            method=method,
            url=f"{_url(service, region)}{self._inward(path)}",
            headers=sent,
            body=body.replace(self._public.encode(), self._own.encode()),
            stream_output=False,
        )
        answer = self._moto.process_request(request)
        if answer is None or answer == _NO_BACKEND:
            return None
        status, kept, content = answer
        return Wire(
            status,
            {
                name.title(): self._outward(str(value))
                for name, value in kept.items()
                if name.lower() in _KEPT_HEADERS or name.lower().startswith("x-amz-")
            },
            content.replace(self._own.encode(), self._public.encode())
            if isinstance(content, bytes)
            else self._outward(content).encode(),
        )

    def _inward(self, text: str) -> str:
        return text.replace(self._public, self._own)

    def _outward(self, text: str) -> str:
        return text.replace(self._own, self._public)


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
    return any(pattern.match(_url(service, region)) for _, pattern in backend_url_patterns)


def _url(service: str, region: str) -> str:
    """Where moto expects the service."""
    return f"http://{get_service_model(service).endpoint_prefix}.{region}.amazonaws.com"
