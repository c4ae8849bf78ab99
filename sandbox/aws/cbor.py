"""The protocol smithy-rpc-v2-cbor, which moto does not have: botocore's codec, turned around.

Smithy "RPC v2 CBOR": POST /service/<name>/operation/<operation>, CBOR maps both ways, timestamps
are tag 1, and `smithy-protocol: rpc-v2-cbor` marks both request and response. botocore prefers
JSON where a service speaks both; the other SDKs do not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from botocore.parsers import ResponseParserError, RpcV2CBORParser
from botocore.serialize import RpcV2CBORSerializer
from botocore.utils import parse_timestamp
from moto.core.model import ListShape, MapShape, OperationModel, Shape, StructureShape

PATH = re.compile(r"/service/(?P<service>[^/]+)/operation/(?P<operation>[^/]+)")

_MAP = 5


class MalformedCbor(ValueError):
    """The body is not CBOR."""


def decode(body: bytes, operation: OperationModel) -> dict[str, Any]:
    """The parameters of a request. Raises MalformedCbor."""
    if not body or operation.input_shape is None:
        return {}
    parser = RpcV2CBORParser(timestamp_parser=parse_timestamp)
    try:
        data = parser.parse_data_item(parser.get_peekable_stream_from_bytes(body))
    except (ResponseParserError, UnicodeDecodeError) as error:
        raise MalformedCbor(str(error)) from error
    if not isinstance(data, dict):
        raise MalformedCbor("the body is not a map")
    parsed = _shaped(operation.input_shape, data)
    assert isinstance(parsed, dict)
    return parsed


def _shaped(shape: Shape, value: Any) -> Any:
    if isinstance(shape, StructureShape):
        return {
            name: _shaped(member, value[name])
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if isinstance(shape, ListShape):
        return [_shaped(shape.member, item) for item in value]
    if isinstance(shape, MapShape):
        return {key: _shaped(shape.value, item) for key, item in value.items()}
    if shape.type_name in ("float", "double"):
        return float(value)
    return value


def encode(reply: Mapping[str, Any], operation: OperationModel) -> bytes:
    """A reply as a CBOR map."""
    if operation.output_shape is None:
        return encode_text_map({})
    body = bytearray()
    RpcV2CBORSerializer()._serialize_data_item(body, reply, operation.output_shape)
    return bytes(body)


def encode_text_map(values: Mapping[str, str]) -> bytes:
    """A CBOR map of strings: an error."""
    writer = RpcV2CBORSerializer()
    body = bytearray()
    length, size = writer._get_additional_info_and_num_bytes(len(values))
    body.extend(writer._get_initial_byte(_MAP, length))
    if size:
        body.extend(len(values).to_bytes(size, "big"))
    for key, value in values.items():
        writer._serialize_type_string(body, key, None, None)
        writer._serialize_type_string(body, value, None, None)
    return bytes(body)
