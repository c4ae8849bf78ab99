"""What log lines say: names, codes, words and messages of exceptions."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbooks.probes.exception_patterns import (
    FIELDS,
    LONGEST_MESSAGE,
    PATTERNS,
    SAYS,
    VERSION,
    message,
    unnamed,
    words,
)


def fields(line: str, *patterns: str) -> dict[str, str]:
    """What `parse` makes of a line."""
    found: dict[str, str] = {}
    for pattern in patterns:
        if match := re.search(pattern.replace("?<", "?P<"), line):
            found |= match.groupdict()
    return found


def named(line: str) -> str | None:
    return words(fields(line, *PATTERNS))


REFUSED = "An error occurred (AccessDeniedException) when calling the GetParameter operation: no"


@pytest.mark.parametrize(
    ("line", "name"),
    [
        # of botocore's own class, the code in brackets says more
        (f"[ERROR] ClientError: {REFUSED}", "AccessDeniedException"),
        (f"botocore.exceptions.ClientError: {REFUSED}", "AccessDeniedException"),
        (f"Error: {REFUSED}", "AccessDeniedException"),
        (REFUSED, "AccessDeniedException"),
        (
            "[ERROR] ClientError: An error occurred (Throttling) when calling the Scan operation",
            "Throttling",
        ),
        ("[ERROR] ClientError: it is not known", "ClientError"),
        ("ConnectTimeoutError: ETIMEDOUT", "ConnectTimeoutError"),
        ("Error: connect ECONNREFUSED 10.0.4.7:5432", "Error: ECONNREFUSED"),
    ],
)
def test_what_aws_answered_is_finer_than_the_class_that_carries_it(line: str, name: str) -> None:
    assert named(line) == name


@pytest.mark.parametrize(
    ("line", "name", "said"),
    [
        ("[ERROR] KeyError: 'sku'\nTraceback", "KeyError", "sku"),
        (
            "psycopg2.OperationalError: FATAL:  sorry,   too many clients already",
            "psycopg2.OperationalError",
            "FATAL: sorry, too many clients already",
        ),
        ('{"errorType":"TypeError","errorMessage":"x is null"}', "TypeError", "x is null"),
        (r'{"message":"{\"errorType\":\"Gone\",\"errorMessage\":\"no\"}"}', "Gone", "{"),
        ("connect ETIMEDOUT 10.0.0.1:443", "ETIMEDOUT", "10.0.0.1:443"),
        (
            "Error: connect ETIMEDOUT 10.0.0.1:443",
            "Error: ETIMEDOUT",
            "connect ETIMEDOUT 10.0.0.1:443",
        ),
        ("[ERROR] KeyError", "KeyError", ""),
        ("", "KeyError", ""),
        ("something else", "KeyError", ""),
    ],
)
def test_what_a_line_says_behind_the_name(line: str, name: str, said: str) -> None:
    assert message(line, name).startswith(said) if said else message(line, name) == ""


def test_a_long_message_is_shortened() -> None:
    said = message(f"KeyError: {'x' * 500}", "KeyError")
    assert (len(said), said[-1]) == (LONGEST_MESSAGE, "…")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("FATAL: sorry, too many clients already", "too many clients"),
        ("FATAL: remaining connection slots are reserved", "remaining connection slots"),
        ("FATAL: the database system is starting up", "database system is starting up"),
        ("QueuePool limit of size 5 overflow 10 reached", "QueuePool limit"),
        ("HikariPool-1 - Connection is not available", "Connection is not available"),
        (
            "Timed out fetching a new connection from the connection pool",
            "connection from the connection pool",
        ),
        ("timeout exceeded when trying to connect", "timeout exceeded when trying to connect"),
        ("FATAL: password authentication failed", "password authentication failed"),
        ("cannot execute UPDATE in a read-only transaction", "read-only transaction"),
        ("User: x is not authorized to perform: s3:GetObject", "not authorized to perform"),
        ("getaddrinfo ENOTFOUND db.internal", "getaddrinfo"),
        ("x509: certificate has expired or is not yet valid", "certificate has expired"),
        ("remote error: tls: handshake failure", None),
        ("Rate exceeded", "Rate exceeded"),
        ("JavaScript heap out of memory", "heap out of memory"),
        ("the basket has too many items", None),
        ("no route to host", None),
        ("KeyError: 'sku'", None),
    ],
)
def test_words_that_say_what_failed(line: str, said: str | None) -> None:
    found = fields(line, SAYS).get("message_says")
    assert (said is None and found is None) or (found or "").startswith(said or "-")


@pytest.mark.parametrize(
    ("stream", "function", "version"),
    [
        ("2026/11/23/[42]0123456789abcdef", "", "42"),
        ("2026/11/23/[$LATEST]0123456789abcdef", "", "$LATEST"),
        ("2026/11/23/checkout[42]0123456789abcdef", "checkout", "42"),
    ],
)
def test_the_version_is_in_the_name_of_the_log_stream(
    stream: str, function: str, version: str
) -> None:
    found = fields(stream, VERSION)
    assert (found["stream_function"], found["stream_version"]) == (function, version)


def test_the_log_stream_of_a_container_names_no_version() -> None:
    assert fields("shop/web/0123456789abcdef", VERSION) == {}


@pytest.mark.parametrize("pattern", [*PATTERNS, SAYS])
def test_without_its_name_a_pattern_finds_the_same(pattern: str) -> None:
    bare = unnamed(pattern)
    assert "?<" not in bare.replace("(?<!", "").replace("(?<=", "")
    line = f"[ERROR] java.lang.KeyError: {REFUSED}; Error: ECONNRESET; too many connections"
    whole, plain = re.search(pattern.replace("?<", "?P<"), line), re.search(bare, line)
    assert (whole and whole[0]) == (plain and plain[0])


def test_every_field_of_the_patterns_is_known_and_named_once() -> None:
    assert len(set(FIELDS)) == len(FIELDS) == len(PATTERNS) + 1


LINES = st.text(max_size=300) | st.from_regex(r"[A-Z][a-zA-Z]*Error: .{0,200}")


@given(LINES)
def test_no_line_is_too_strange(line: str) -> None:
    name = named(line)
    said = message(line, name or "Error")
    assert len(said) <= LONGEST_MESSAGE
    assert "\n" not in said
    assert said == said.strip(" ")


@given(st.dictionaries(st.sampled_from(FIELDS), st.text(min_size=1, max_size=20)))
def test_a_name_is_made_of_what_was_found(found: dict[str, str]) -> None:
    name = words(found)
    if name is not None:
        assert any(value in name for value in found.values())
    elif found:
        assert set(found) == {"message_says"}
