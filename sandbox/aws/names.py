"""Names AWS would have made up, made up the same way every time.

An id such as the hash in `app/web/50dc6c495c0c9188` appears both in an ARN the endpoint answers
with and in a metric dimension the simulation publishes under: both take it from here. Every
function is pure; the same name always gives the same id.
"""

from __future__ import annotations

import hashlib
import uuid

_ALPHANUMERIC = "abcdefghijklmnopqrstuvwxyz0123456789"


def digest(*parts: str, length: int = 16) -> str:
    """`length` hex digits that depend on the parts alone."""
    return hashlib.sha256("/".join(parts).encode()).hexdigest()[:length]


def unique(*parts: str) -> str:
    """A UUID that depends on the parts alone."""
    return str(uuid.UUID(digest(*parts, length=32)))


def code(*parts: str, length: int = 10) -> str:
    """`length` lower-case letters and digits, as in API Gateway ids."""
    raw = hashlib.sha256("/".join(parts).encode()).digest()
    return "".join(_ALPHANUMERIC[byte % len(_ALPHANUMERIC)] for byte in raw[:length])


def api_id(name: str) -> str:
    """The id of an API: the dimension `ApiId` of an HTTP API's metrics."""
    return code("api", name)


def load_balancer(name: str) -> str:
    """The dimension `LoadBalancer`, and the tail of the ARN: app/<name>/<hash>."""
    return f"app/{name}/{digest('loadbalancer', name)}"


def target_group(name: str) -> str:
    """The dimension `TargetGroup`, and the tail of the ARN: targetgroup/<name>/<hash>."""
    return f"targetgroup/{name}/{digest('targetgroup', name)}"


def function_log_group(name: str) -> str:
    """Where a Lambda function logs."""
    return f"/aws/lambda/{name}"


def access_log_group(api: str, stage: str) -> str:
    """Where a stage's access log goes (its name is the user's choice; this is ours)."""
    return f"/aws/apigateway/{api}/{stage}"


def execution_log_group(api: str, stage: str) -> str:
    """Where a REST API's stage writes its execution log."""
    return f"API-Gateway-Execution-Logs_{api_id(api)}/{stage}"
