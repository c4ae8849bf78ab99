"""What the name of an exception says about where it comes from."""

from __future__ import annotations

import pytest

from playbooks.evidence.exception_classes import Origin, origin_of


@pytest.mark.parametrize(
    ("name", "origin"),
    [
        ("KeyError", Origin.CODE),
        ("TypeError", Origin.CODE),
        ("java.lang.NullPointerException", Origin.CODE),
        ("Runtime.ImportModuleError", Origin.CODE),
        ("System.NullReferenceException", Origin.CODE),
        ("psycopg.OperationalError", Origin.DEPENDENCY),
        ("EAI_AGAIN", Origin.DEPENDENCY),
        ("ECONNREFUSED", Origin.DEPENDENCY),
        ("ER_LOCK_DEADLOCK", Origin.DEPENDENCY),
        ("org.postgresql.util.PSQLException", Origin.DEPENDENCY),
        ("ProvisionedThroughputExceededException", Origin.DEPENDENCY),
        ("ThrottlingException", Origin.DEPENDENCY),
        ("ReadTimeoutError", Origin.DEPENDENCY),
        ("java.net.UnknownHostException", Origin.DEPENDENCY),
        ("SSLCertVerificationError", Origin.DEPENDENCY),
        ("QueuePoolLimitError", Origin.DEPENDENCY),
        ("AccessDeniedException", Origin.PERMISSION),
        ("KMSAccessDeniedException", Origin.PERMISSION),
        ("MemoryError", Origin.MEMORY),
        ("java.lang.OutOfMemoryError", Origin.MEMORY),
        ("BasketRejected", Origin.UNKNOWN),
        ("OrderError", Origin.UNKNOWN),
        ("Error", Origin.UNKNOWN),
    ],
)
def test_where_an_exception_comes_from(name: str, origin: Origin) -> None:
    assert origin_of(name) is origin
