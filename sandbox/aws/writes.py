"""Which operations and IAM actions change something. Told by the name, as nearly always in AWS."""

from __future__ import annotations

# What begins the names of operations that change nothing.
_READS = (
    "Get",
    "List",
    "Describe",
    "Lookup",
    "BatchGet",
    "Filter",
    "Search",
    "Simulate",
    "Query",
    "Scan",
    "Select",
    "Head",
    "Test",
    "Check",
    "Estimate",
    "Validate",
    "Preview",
)
_READ_OPERATIONS = {
    ("logs", "StartQuery"),
    ("logs", "StopQuery"),
    ("logs", "StartLiveTail"),
    ("sts", "AssumeRole"),
    ("sts", "DecodeAuthorizationMessage"),
}
_WRITE_METHODS = {"POST", "PUT", "PATCH", "DELETE"}


def changes_something(service: str, operation: str) -> bool:
    """Whether an operation of a service (both SDK names) writes."""
    return not operation.startswith(_READS) and (service, operation) not in _READ_OPERATIONS


def is_write(action: str) -> bool:
    """Whether an IAM action such as "lambda:UpdateAlias" writes; apigateway's are HTTP methods."""
    service, _, name = action.partition(":")
    if name.isupper():
        return name in _WRITE_METHODS
    return changes_something(service, name)
