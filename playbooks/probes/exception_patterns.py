"""How log lines name exceptions: patterns for Logs Insights, and what a line's exception is called.

Each pattern is a regular expression with one named group, which becomes a field of the query.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

# What runtimes name: `words` puts it together. The fields have names that no JSON log has.
# "panic: runtime error" of Go, "Error: " of Node, "Exception in thread".
PLAIN = r"\b(?<plain_error>Error|Exception|panic): "
# "KeyError", "java.lang.NullPointerException", "PSQLException".
CLASS = (
    r"\b(?<error_class>(?:Runtime\.)?[A-Z][A-Za-z0-9]*(?:Error|Exception)"
    r"|[a-z][\w.]*\.[A-Z]\w*Exception)\b"
)
# "ERROR /cart UndefinedColumn: …", and the last line of a Python traceback on its own:
# "psycopg2.errors.UndefinedColumn: …".
LEVEL = (
    r"\b(?:ERROR|FATAL|CRITICAL|SEVERE)\b[^\n]*?[\s.\]]"
    r"(?<level_error>[A-Z][a-z0-9]+[A-Z][A-Za-z0-9]*): "
)
TRACEBACK = r"^(?<trace_error>(?:[a-z_]\w*\.)+[A-Z]\w+): "
# Lambda's own: {"errorType":"Error",…}, as JSON or as text in JSON; "Runtime.ExitError".
TYPE = r'\\?"errorType\\?": ?\\?"(?<error_type>[A-Za-z_$][\w.$:]*)'
# errno of Node and libuv, codes of MySQL's client, exits of processes.
CODE = (
    r"\b(?<error_code>EAI_AGAIN|EAI_NODATA|EAI_NONAME|ECONNREFUSED|ECONNRESET|ECONNABORTED|ETIMEDOUT"
    r"|ESOCKETTIMEDOUT|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|EADDRINUSE|EPIPE|EPROTO"
    r"|EMFILE|ENOSPC|ENOMEM|ER_[A-Z][A-Z_]+|CERT_HAS_EXPIRED|exit status [1-9]\d*"
    r"|exit code [1-9]\d*|signal: [a-z]+)\b"
)
# botocore: "An error occurred (ThrottlingException) when calling the GetParameter operation".
AWS_CODE = r"\((?<aws_code>[A-Z]\w+)\) when calling the \w+ operation"
# Classes that say nothing without the code: a process ends for many reasons.
SAY_LITTLE = ("Error", "Exception", "panic", "Runtime.ExitError", "ExitError")
PATTERNS = (PLAIN, CLASS, LEVEL, TRACEBACK, TYPE, CODE, AWS_CODE)

# Words of a message that say what failed, whatever the class is called. Those of PostgreSQL, MySQL,
# SQLAlchemy, HikariCP, node-postgres, Sequelize, Prisma, OpenSSL, Go, glibc, IAM and Lambda.
PHRASES = (
    r"too many (?:clients|connections|requests)|remaining connection slots|max_connections"
    r"|queuepool limit|connection is not available|timeout exceeded when trying to connect"
    r"|\bconnections?\b[^\n]{0,40}\bpool\b|\bpool\b[^\n]{0,40}\b(?:exhausted|timeout|timed out)"
    r"|database system is (?:starting up|shutting down|in recovery mode)|read-only transaction"
    r"|--read-only option|terminating connection due to|server closed the connection"
    r"|deadlock (?:detected|found)|lock wait timeout|could not connect to server"
    r"|password authentication failed|access denied for user|invalid (?:api key|credentials)"
    r"|not authorized to perform|access ?denied|permission denied|key/\S+ is disabled"
    r"|certificate (?:has expired|verify failed|is not yet valid|signed by unknown)"
    r"|(?:tls|ssl)\w* handshake|name or service not known|name resolution|no such host"
    r"|nodename nor servname|getaddrinfo|rate exceeded|throttl\w+|quota exceeded"
    r"|cannot allocate memory|out of memory|heap out of memory"
)
SAYS = rf"(?i)(?<message_says>{PHRASES})"

FIELDS = tuple(re.findall(r"\(\?<(\w+)>", "".join((*PATTERNS, SAYS))))
# Lambda's log streams are called 2026/11/23/[42]0123456789abcdef, in a log group that several
# functions share 2026/11/23/checkout[42]0123…: the version is in brackets.
VERSION = r"(?<stream_function>[\w-]*)\[(?<stream_version>[^\]]+)\]"

LONGEST_MESSAGE = 120  # characters of a message that are shown


def unnamed(pattern: str) -> str:
    """The pattern with its named group as a plain one: `like` takes no names."""
    before, _, rest = pattern.partition("(?<")
    return f"{before}(?:{rest.partition('>')[2]}"


def words(found: Mapping[str, str]) -> str | None:
    """What an exception is called: its class, and for a plain Error the code it carries:
    "KeyError", "Error: ECONNREFUSED", "ER_LOCK_DEADLOCK". Of botocore's ClientError, AWS's code."""
    order = ("error_type", "error_class", "trace_error", "level_error", "plain_error")
    named = next((found[field] for field in order if field in found), None)
    vague = named is None or named in SAY_LITTLE or named.endswith("ClientError")
    if vague and "aws_code" in found:
        return found["aws_code"]
    code = found.get("error_code")
    if code is None:
        return named
    return f"{named}: {code}" if named in SAY_LITTLE else named or code


def message(line: str, name: str) -> str:
    """What the line says behind the exception's name, shortened; empty where it says nothing."""
    short = name.partition(": ")[0].rsplit(".", 1)[-1]
    quoted = re.search(r'\\?"(?:errorMessage|message|msg)\\?": ?\\?"((?:[^"\\]|\\.)*)', line)
    said = quoted[1] if quoted else line.partition(short)[2].partition("\n")[0]
    said = " ".join(said.strip(" \t:-\"'|").split())
    return said if len(said) <= LONGEST_MESSAGE else f"{said[: LONGEST_MESSAGE - 1].rstrip()}…"
