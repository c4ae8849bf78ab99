"""What an exception's class names, and what it does not."""

from __future__ import annotations

import pytest

from playbooks.evidence.exception_kinds import Kind, kind_of


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Runtime.OutOfMemory", Kind.MEMORY),
        ("java.lang.OutOfMemoryError", Kind.MEMORY),
        ("MemoryError", Kind.MEMORY),
        ("signal: killed", Kind.MEMORY),
        ("Runtime.ExitError: signal: killed", Kind.MEMORY),
        ("Runtime.ExitError: exit status 1", None),
        ("Runtime.ExitError", None),
        ("exit status 1", None),
        ("SSLCertVerificationError", Kind.CERTIFICATE),
        ("CERT_HAS_EXPIRED", Kind.CERTIFICATE),
        ("javax.net.ssl.SSLHandshakeException", Kind.CERTIFICATE),
        ("ThrottlingException", Kind.THROTTLING),
        ("ProvisionedThroughputExceededException", Kind.THROTTLING),
        ("TooManyRequestsException", Kind.THROTTLING),
        ("AccessDeniedException", Kind.PERMISSION),
        ("KMSDisabledException", Kind.PERMISSION),
        ("InvalidPasswordException", Kind.SETTING),
        ("ParameterNotFound", Kind.SETTING),
        ("ER_ACCESS_DENIED_ERROR", Kind.SETTING),
        ("gaierror", Kind.NAME),
        ("Error: ENOTFOUND", Kind.NAME),
        ("java.net.UnknownHostException", Kind.NAME),
        ("OperationalError", Kind.DATABASE),
        ("PSQLException", Kind.DATABASE),
        ("SQLTransientConnectionException", Kind.DATABASE),
        ("ER_LOCK_DEADLOCK", Kind.DATABASE),
        ("PoolTimeout", Kind.DATABASE),
        ("ConnectTimeoutError", Kind.NETWORK),
        ("Error: ECONNREFUSED", Kind.NETWORK),
        ("KeyError", None),
        ("NullPointerException", None),
        ("TypeError", None),
        ("BasketRejected", None),
        ("SQLSyntaxErrorException", None),
    ],
)
def test_what_a_class_names(name: str, kind: Kind | None) -> None:
    assert kind_of(name) is kind
