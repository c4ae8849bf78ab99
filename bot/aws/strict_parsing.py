"""Makes botocore raise for a JSON reply that it cannot parse.

botocore (1.43) takes such a reply (cut short, or a proxy's page) for one without any field: no
alias, no task, no alarm. It is no answer at all, so the read must fail.
"""

from __future__ import annotations

import json
from typing import Any

from botocore.model import OperationModel
from botocore.parsers import ResponseParserError


def parse_strictly(client: Any) -> Any:
    """The client, changed to raise ResponseParserError for a reply that is not valid JSON.

    botocore itself does so for replies in XML and CBOR.
    """
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
        raise ResponseParserError(f"the reply is not valid JSON: {fault}") from fault
