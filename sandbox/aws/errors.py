"""An AWS error, and how each protocol writes it on the wire."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

from moto.core.model import ServiceModel, StructureShape
from moto.core.utils import get_service_model

from sandbox.aws import cbor

# Errors every service has and no model lists (AWS "Common Errors" pages), with their HTTP status.
COMMON: Mapping[str, int] = {
    "AccessDenied": 403,
    "AccessDeniedException": 400,
    "UnauthorizedOperation": 403,
    "ExpiredToken": 403,
    "ExpiredTokenException": 400,
    "InvalidClientTokenId": 403,
    "UnrecognizedClientException": 400,
    "MissingAuthenticationToken": 403,
    "SignatureDoesNotMatch": 403,
    "InvalidSignatureException": 403,
    "InternalFailure": 500,
    "ServiceUnavailable": 503,
    "NotImplemented": 501,
    "InvalidParameterCombination": 400,
    "InvalidParameterValue": 400,
    "ValidationError": 400,
    "ValidationException": 400,
    "Throttling": 400,
    "ThrottlingException": 400,
    "TooManyRequestsException": 429,
    "RequestLimitExceeded": 503,
    "SlowDown": 503,
}

_REST = ("rest-json", "rest-xml")


class AwsError(Exception):
    """An error of the API; a handler raises it, the endpoint answers with it.

    `code` is the code on the wire or the name of the modelled exception; its HTTP status comes
    from the service's model unless given. `members` are further fields of the exception.
    """

    def __init__(
        self, code: str, message: str, *, status: int | None = None, **members: Any
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.members = members


@dataclass(frozen=True, slots=True)
class ErrorModel:
    """A modelled exception: the code on the wire, its status and the name of its shape."""

    code: str
    status: int
    shape: str
    message_key: str = "message"


@cache
def error_models(service: str) -> Mapping[str, ErrorModel]:
    """The service's modelled exceptions by wire code and by shape name."""
    model: ServiceModel = get_service_model(service)
    found: dict[str, ErrorModel] = {}
    for shape in model.error_shapes:
        assert isinstance(shape, StructureShape)
        trait = shape.metadata.get("error", {})
        status = trait.get("httpStatusCode", 500 if shape.metadata.get("fault") else 400)
        key = next((name for name in shape.members if name.lower() == "message"), "message")
        error = ErrorModel(trait.get("code", shape.name), int(status), shape.name, key)
        found.setdefault(error.code, error)
        found[shape.name] = error
    return found


def resolve(service: str | None, error: AwsError, protocol: str) -> ErrorModel:
    """How `error` looks on the wire of a service."""
    modelled = error_models(service).get(error.code) if service else None
    status = modelled.status if modelled else COMMON.get(error.code, 400)
    if error.code == "AccessDeniedException" and protocol in _REST:
        status = 403
    code = modelled.code if modelled else error.code
    return ErrorModel(
        code,
        error.status or status,
        modelled.shape if modelled else error.code,
        modelled.message_key if modelled else "message",
    )


@dataclass(frozen=True, slots=True)
class Wire:
    """An HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes


def write_error(error: AwsError, service: str | None, protocol: str, request_id: str) -> Wire:
    """The error as `protocol` writes it."""
    model = resolve(service, error, protocol)
    fault = "Sender" if model.status < 500 else "Receiver"
    if protocol in ("query", "ec2", "rest-xml"):
        body = _xml_error(model.code, error.message, fault, protocol, service, request_id)
        return Wire(model.status, {"Content-Type": "text/xml"}, body.encode())
    fields = {model.message_key: error.message, **error.members}
    headers: dict[str, str] = {}
    if service and get_service_model(service).is_query_compatible:
        headers["x-amzn-query-error"] = f"{model.code};{fault}"
    if protocol == "smithy-rpc-v2-cbor":
        headers |= {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
        plain = {key: value for key, value in fields.items() if isinstance(value, str)}
        return Wire(model.status, headers, cbor.encode_text_map({"__type": model.shape, **plain}))
    if protocol == "rest-json":
        headers |= {"Content-Type": "application/json", "x-amzn-ErrorType": model.code}
        return Wire(model.status, headers, json.dumps({"Type": fault, **fields}).encode())
    headers["Content-Type"] = "application/x-amz-json-1.1"
    return Wire(model.status, headers, json.dumps({"__type": model.shape, **fields}).encode())


def _xml_error(
    code: str, message: str, fault: str, protocol: str, service: str | None, request_id: str
) -> str:
    parts = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    if protocol == "ec2":
        errors = f"<Errors><Error>{parts}</Error></Errors>"
        return f"{head}<Response>{errors}<RequestID>{request_id}</RequestID></Response>"
    if service == "s3":
        return f"{head}<Error>{parts}<RequestId>{request_id}</RequestId></Error>"
    error = f"<Error><Type>{fault}</Type>{parts}</Error>"
    return f"{head}<ErrorResponse>{error}<RequestId>{request_id}</RequestId></ErrorResponse>"
