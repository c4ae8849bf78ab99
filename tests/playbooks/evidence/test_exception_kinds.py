"""What an exception's class and message name, and what they do not."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbooks.evidence.exception_kinds import Kind, KindOfExceptions, kinds_of, of_kinds
from playbooks.probes.exception_patterns import SAYS
from playbooks.probes.exceptions import Exceptions, Raised
from tests.playbooks.samples import (
    ABNORMAL,
    anomaly_window,
    edge,
    exceptions,
    minute,
    scope,
)

LOOKED = anomaly_window(edge(), scope())


def says(message: str) -> str:
    """The words of a message that tell what failed, as the query finds them."""
    found = re.search(SAYS.replace("?<", "?P<"), message)
    return found["message_says"].lower() if found else ""


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
        ("Error: ECONNREFUSED", Kind.REFUSED),
        ("ConnectionRefusedError", Kind.REFUSED),
        ("KeyError", None),
        ("NullPointerException", None),
        ("TypeError", None),
        ("BasketRejected", None),
        ("SQLSyntaxErrorException", None),
    ],
)
def test_what_a_class_names(name: str, kind: Kind | None) -> None:
    assert kinds_of(name) == ({kind} if kind else frozenset())


@pytest.mark.parametrize(
    ("name", "message", "kind"),
    [
        # a class of a database, and a message that says it is something else
        ("OperationalError", 'FATAL: password authentication failed for user "app"', Kind.SETTING),
        ("OperationalError", "(1045) Access denied for user 'app'@'10.0.0.9'", Kind.SETTING),
        ("PSQLException", "could not translate host name: Name or service not known", Kind.NAME),
        ("OperationalError", "SSL handshake with db failed", Kind.CERTIFICATE),
        # a class that says nothing, or only that AWS was called
        ("ClientError", "User is not authorized to perform: s3:GetObject", Kind.PERMISSION),
        ("ClientError", "Rate exceeded", Kind.THROTTLING),
        ("BasketRejected", "Too many connections", Kind.DATABASE),
        ("BasketRejected", "sorry, too many clients already", Kind.DATABASE),
        ("Error", "getaddrinfo ENOTFOUND db.internal", Kind.NAME),
        ("Error", "x509: certificate signed by unknown authority", Kind.CERTIFICATE),
        ("Error", "fork: Cannot allocate memory", Kind.MEMORY),
        ("TimeoutError", "QueuePool limit of size 5 overflow 10 reached", Kind.DATABASE),
        ("RequestError", "429: too many requests", Kind.THROTTLING),
    ],
)
def test_the_words_of_a_message_are_finer_than_the_class(
    name: str, message: str, kind: Kind
) -> None:
    assert kinds_of(name, says(message), message) == {kind}


@pytest.mark.parametrize("name", ["KeyError", "NullPointerException", "TypeError"])
def test_a_mistake_in_the_code_is_one_whatever_its_message_says(name: str) -> None:
    assert kinds_of(name, "too many connections", "too many connections") == frozenset()


@pytest.mark.parametrize(
    ("name", "kind"), [("MemoryError", Kind.MEMORY), ("SSLCertVerificationError", Kind.CERTIFICATE)]
)
def test_memory_and_certificates_are_known_by_their_class(name: str, kind: Kind) -> None:
    assert kinds_of(name, "access denied", "access denied") == {kind}


@pytest.mark.parametrize(
    ("name", "message", "kinds"),
    [
        # nothing listens, or somebody does not let it through
        ("OperationalError", "connection to db failed: Connection refused", "database refused"),
        ("OperationalError", "connection to db failed: Connection timed out", "database network"),
        ("OperationalError", "no such column", "database"),
        ("ConnectionError", "Connection refused", "refused"),
        ("ConnectTimeoutError", "connect ETIMEDOUT", "network"),
        # the port says that it is a database
        ("Error: ETIMEDOUT", "connect ETIMEDOUT 10.0.4.7:5432", "database network"),
        ("Error: ECONNREFUSED", "connect ECONNREFUSED 10.0.4.7:3306", "database refused"),
        ("Error: ETIMEDOUT", "connect ETIMEDOUT 10.0.4.7:443", "network"),
        ("Error: ETIMEDOUT", "connect ETIMEDOUT 10.0.4.7:54321", "network"),
        ("Error", "listens on :5432", ""),
    ],
)
def test_one_that_cannot_connect_is_about_the_way_too(name: str, message: str, kinds: str) -> None:
    words = {"database": Kind.DATABASE, "refused": Kind.REFUSED, "network": Kind.NETWORK}
    assert kinds_of(name, says(message), message) == {words[each] for each in kinds.split()}


@given(st.text(max_size=80), st.text(max_size=200))
def test_no_text_of_an_exception_is_too_strange(name: str, message: str) -> None:
    found = kinds_of(name, says(message), message)
    assert found <= set(Kind)
    assert found == kinds_of(name, says(message), message)
    if len(found) > 1:
        assert found <= {Kind.DATABASE, Kind.NETWORK, Kind.REFUSED}


def of(*raised: Raised, kinds: frozenset[Kind] | None) -> KindOfExceptions | None:
    read = Exceptions(("/aws/lambda/checkout",), "", minute(-120), raised)
    return of_kinds(read, LOOKED, None, kinds)


def lines(name: str, count: float, words: str = "", message: str = "") -> list[Raised]:
    return [Raised(minute(m), name, None, count, words, message) for m in ABNORMAL]


@pytest.mark.parametrize(
    ("raised", "kind", "explicit"),
    [
        (lines("OperationalError", 9, "too many clients"), Kind.DATABASE, True),
        (lines("OperationalError", 9), Kind.DATABASE, False),
        (lines("ThrottlingException", 9), Kind.THROTTLING, True),
        (lines("AccessDeniedException", 9), Kind.PERMISSION, True),
        (lines("gaierror", 9), Kind.NAME, True),
        (lines("ConnectTimeoutError", 9), Kind.NETWORK, False),
        # a fifth without such words may be chance, half may not
        (
            lines("OperationalError", 9, "too many clients") + lines("OperationalError", 1),
            Kind.DATABASE,
            True,
        ),
        (
            lines("OperationalError", 5, "too many clients") + lines("OperationalError", 5),
            Kind.DATABASE,
            False,
        ),
    ],
)
def test_whether_they_say_themselves_what_failed(
    raised: list[Raised], kind: Kind, explicit: bool
) -> None:
    found = of(*raised, kinds=frozenset({kind}))
    assert found is not None
    assert found.explicit is explicit


def test_the_latest_message_of_the_most_frequent_class_stands_beside_it() -> None:
    raised = [
        *lines("OperationalError", 9, message="no more connections")[:-1],
        Raised(minute(ABNORMAL[-1]), "OperationalError", None, 9, message="the last word"),
        *lines("PSQLException", 1, message="something else"),
    ]
    found = of(*raised, kinds=frozenset({Kind.DATABASE}))
    assert found is not None
    assert found.names == ("OperationalError", "PSQLException")
    told = 'OperationalError, PSQLException ("the last word"): 150 log lines, 100 % of all'
    assert found.told().startswith(told)


def test_a_process_that_ended_is_about_memory_only_when_it_was_killed() -> None:
    """Lambda writes the class alone, and another line with how the process ended."""
    memory = frozenset({Kind.MEMORY})
    killed = [*lines("Runtime.ExitError", 5), *lines("Error: signal: killed", 5)]
    found = of(*killed, kinds=memory)
    assert found is not None
    assert (found.count, found.share) == (150, 1.0)
    assert of(*lines("Runtime.ExitError", 5), kinds=memory) is None
    few = [*lines("Runtime.ExitError", 9), *lines("Error: signal: killed", 1)]
    found = of(*few, kinds=memory)
    assert found is not None
    assert found.count == 15


def test_exceptions_of_all_kinds_and_of_none() -> None:
    raised = exceptions("BasketRejected", 9, also=1)
    whole = of_kinds(raised, LOOKED, None, None)
    assert whole is not None
    assert (whole.count, whole.explicit) == (150, False)
    assert of_kinds(raised, LOOKED, None, frozenset({Kind.DATABASE})) is None
