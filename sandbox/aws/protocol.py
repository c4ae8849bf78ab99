"""Reads service, operation and parameters from an HTTP request, and writes the reply.

A signed request names the service by its signing name; where services share one, the protocol
tells them apart (API version, target prefix or path). moto's routers and parsers do the rest from
botocore's models.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from threading import Lock
from typing import Any

from botocore.exceptions import UnknownServiceError
from botocore.utils import parse_timestamp
from botocore.validate import ParamValidator
from moto.core import loaders, utils
from moto.core.model import OperationModel, ServiceModel
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.serialize import SerializationContext, get_serializer_class
from moto.core.utils import get_service_model
from werkzeug.exceptions import NotFound

from sandbox.aws import cbor
from sandbox.aws.errors import AwsError, Wire

CBOR = "smithy-rpc-v2-cbor"

# moto makes a loader for every model it reads, and each lists the folders of all 400 services anew.
vars(utils)["create_loader"] = cache(loaders.create_loader)

# A router is compiled when it is first asked, by way of `ast`, which CPython 3.11 can't do in two
# threads at once ("AST constructor recursion depth mismatch", python/cpython#106905).
_ROUTING = Lock()

# Signing names that are not the SDK's name of the one service behind them.
_SIGNING_NAMES: Mapping[str, tuple[str, ...]] = {
    "monitoring": ("cloudwatch",),
    "apigateway": ("apigateway", "apigatewayv2"),
    "elasticloadbalancing": ("elbv2", "elb"),
    "servicequotas": ("service-quotas",),
    "tagging": ("resourcegroupstaggingapi",),
    "states": ("stepfunctions",),
    "elasticfilesystem": ("efs",),
    "email": ("ses", "sesv2"),
    "es": ("opensearch", "es"),
    "dynamodb": ("dynamodb", "dynamodbstreams"),
}

# The prefix of IAM actions, where it is not the SDK's name.
_IAM_PREFIXES: Mapping[str, str] = {
    "elbv2": "elasticloadbalancing",
    "elb": "elasticloadbalancing",
    "apigatewayv2": "apigateway",
    "service-quotas": "servicequotas",
    "resourcegroupstaggingapi": "tag",
    "stepfunctions": "states",
}

_CREDENTIAL = re.compile(
    r"Credential=(?P<key>[^/,\s]+)/(?P<date>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request"
)


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed, when, and for which service and region. (The signature itself is not checked.)

    `signed_at` is None for a request signed in its query string, which says itself how long it
    may be used.
    """

    access_key: str
    region: str
    service: str
    token: str | None
    signed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """The operation a request is for."""

    service: str
    operation: OperationModel
    protocol: str
    uri: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.operation.name)

    @property
    def iam_action(self) -> str:
        """The IAM action, such as "elasticloadbalancing:DescribeTargetHealth"."""
        prefix = _IAM_PREFIXES.get(self.service, self.service)
        if prefix == "apigateway":  # its IAM actions are HTTP methods
            return f"{prefix}:{self.operation.http['method']}"
        return f"{prefix}:{self.name}"


def signature(request: Request) -> Signature | None:
    """The credential scope of a request signed in its header or its query string."""
    query = request.args
    header = request.headers.get("Authorization") or (
        f"Credential={query['X-Amz-Credential']}" if "X-Amz-Credential" in query else ""
    )
    match = _CREDENTIAL.search(header)
    if match is None:
        return None
    token = request.headers.get("X-Amz-Security-Token") or query.get("X-Amz-Security-Token")
    return Signature(match["key"], match["region"], match["service"], token, _stamp(request))


def _stamp(request: Request) -> datetime | None:
    """The time stamp of a request signed in its header."""
    text = request.headers.get("X-Amz-Date", "")
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def candidates(signing_name: str) -> tuple[str, ...]:
    """The services that sign with this name."""
    return _SIGNING_NAMES.get(signing_name, (signing_name,))


def find_target(request: Request, signing_name: str) -> Target:
    """The operation a request is for. Raises AwsError when there is none."""
    for service in candidates(signing_name):
        try:
            model = get_service_model(service)
        except UnknownServiceError:
            continue
        found = _match(request, service, model)
        if found is not None:
            return found
    asked = request.headers.get("X-Amz-Target") or request.values.get("Action")
    raise AwsError(
        "NotImplemented",
        f"{signing_name}: {asked or f'{request.method} {request.path}'} is no operation that "
        "this sandbox's service models know",
    )


def _match(request: Request, service: str, model: ServiceModel) -> Target | None:
    if request.headers.get("smithy-protocol") == "rpc-v2-cbor":
        path = cbor.PATH.search(request.path)
        names = model.operation_names
        if path is None or path["operation"] not in names:
            return None
        if path["service"] != model.metadata.get("targetPrefix"):
            return None
        return Target(service, model.operation_model(path["operation"]), CBOR, {})
    version = request.values.get("Version") if request.method in ("GET", "POST") else None
    if version and model.protocol in ("query", "ec2") and version != model.api_version:
        return None
    try:
        protocol = _protocol(request, model)
        with _ROUTING:
            operation, uri = get_service_router(service).match(request)
    except (NotFound, NotImplementedError):
        return None
    return Target(service, operation, protocol, uri)


def _protocol(request: Request, model: ServiceModel) -> str:
    return str(determine_request_protocol(model, request.content_type))


def _aware(value: str) -> datetime:
    """A timestamp with its zone; text without one is UTC."""
    parsed: datetime = parse_timestamp(value)
    return parsed.astimezone(UTC)


def parse(request: Request, target: Target) -> dict[str, Any]:
    """The parameters of a request; timestamps are aware. Raises AwsError when they are wrong."""
    if target.protocol == CBOR:
        try:
            params = cbor.decode(request.get_data(), target.operation)
        except cbor.MalformedCbor as error:
            raise AwsError("SerializationException", str(error), status=400) from error
    else:
        parser = PROTOCOL_PARSERS[target.protocol](target.operation, timestamp_parser=_aware)
        try:
            params = parser.parse(
                {
                    "method": request.method,
                    "values": request.values,
                    "headers": request.headers,
                    "body": request.get_data(),
                    "url_path": request.path,
                    "url_params": dict(target.uri),
                }
            )
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise AwsError("SerializationException", f"malformed request: {error}") from error
    known: dict[str, Any] = without_none(params)
    return known


def check_input(params: Mapping[str, Any], target: Target) -> None:
    """Raises AwsError for parameters that the model refuses."""
    shape = target.operation.input_shape
    if shape is None:
        return
    report = ParamValidator().validate(params, shape)
    if report.has_errors():
        code = "ValidationError" if target.protocol in ("query", "ec2") else "ValidationException"
        raise AwsError(code, report.generate_report().replace("\n", "; "))


def check_output(reply: Mapping[str, Any], target: Target) -> None:
    """Raises AwsError (an internal failure) for a reply that the service could not have sent.

    Unknown fields, wrong types and missing fields count; ranges do not: the models state those for
    input, and AWS itself answers outside them.
    """
    shape = target.operation.output_shape
    wrong = ""
    if shape is None:
        wrong = f"the operation answers nothing, not {sorted(reply)}" if reply else ""
    else:
        report = ParamValidator().validate(reply, shape)
        report._errors = [error for error in report._errors if error[0] != "invalid range"]
        if report.has_errors():
            wrong = report.generate_report().replace("\n", "; ")
    if wrong:
        raise AwsError(
            "InternalFailure",
            f"the sandbox built a reply of {target.service}:{target.name} that AWS could not have "
            f"sent: {wrong}",
            status=500,
        )


def without_none(value: Any) -> Any:
    """The value without members that are None, which AWS leaves out."""
    if isinstance(value, Mapping):
        return {key: without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [without_none(item) for item in value]
    return value


def serialize(reply: Mapping[str, Any], target: Target, request_id: str) -> Wire:
    """The reply on the wire."""
    if target.protocol == CBOR:
        headers = {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
        return Wire(200, headers, cbor.encode(reply, target.operation))
    kind = get_serializer_class(target.service, target.protocol)
    sent = kind(target.operation, SerializationContext(request_id)).serialize(reply)
    body = sent["body"]
    headers = {str(key): str(value) for key, value in sent["headers"].items()}
    if target.protocol in ("json", "rest-json"):
        version = "application/x-amz-json-1.1"
        headers["Content-Type"] = version if target.protocol == "json" else "application/json"
    status = sent["status_code"]
    if status == 204:
        body = b""
    return Wire(status, headers, body.encode() if isinstance(body, str) else body)


@cache
def operation_names(service: str) -> frozenset[str]:
    """Every operation in the service's model."""
    return frozenset(get_service_model(service).operation_names)
