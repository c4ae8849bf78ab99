"""AWS's replies, read strictly.

botocore (1.43) takes a JSON body it can't parse (cut short, or a proxy's page) for an answer
without any field: no alias, no task, no alarm. Here that is no answer at all.
"""

from __future__ import annotations

import json
from typing import Any

from botocore.model import OperationModel
from botocore.parsers import ResponseParserError


def strict(client: Any) -> Any:
    """The client, whose calls raise ResponseParserError for a reply that can't be read, as botocore
    itself does for one in XML or CBOR."""
    client.meta.events.register("before-parse", _check)
    return client


def _check(operation_model: OperationModel, response_dict: dict[str, Any], **_: Any) -> None:
    body, shape = response_dict["body"], operation_model.output_shape
    in_json = "json" in operation_model.service_model.resolved_protocol
    is_fields = shape is not None and "payload" not in shape.serialization
    if not (in_json and is_fields and body and response_dict["status_code"] < 300):
        return
    try:
        json.loads(body)
    except ValueError as fault:
        raise ResponseParserError(f"the reply is not whole: {fault}") from fault
