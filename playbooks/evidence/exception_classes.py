"""What an exception's class tells: a mistake in the service's own code, or something it calls.

A class name is evidence, no proof. Names of the languages' own programming errors say that code is
wrong; names of connections, databases, throttling and permissions say that something the code
calls failed, whoever released what. Everything else, such as a class of the service's own, says
neither.
"""

from __future__ import annotations

import re
from enum import StrEnum


class Origin(StrEnum):
    """Where an exception of a class comes from."""

    CODE = "code"
    DEPENDENCY = "dependency"
    PERMISSION = "permission"
    MEMORY = "memory"
    UNKNOWN = "unknown"


# Programming errors: Python, JavaScript, Java and .NET, Ruby, Go; Lambda's own about the package
# (Lambda developer guide, "Troubleshoot invocation issues").
_CODE = re.compile(
    r"(?:\b|\.|_)(?:"
    r"(?:Key|Name|Type|Attribute|Index|Syntax|Indentation|UnboundLocal|ZeroDivision|Assertion|"
    r"Import|ModuleNotFound|NotImplemented|Recursion|Reference|Range|Eval|URI|NoMethod|Argument|"
    r"Lookup|Programming|SQLSyntax|UnicodeDecode|UnicodeEncode|JSONDecode|Validation|NoSuchMethod|NoSuchField|"
    r"NoClassDefFound|ExceptionInInitializer|StackOverflow|Template|Load|FrozenError)Error"
    r"|(?:NullPointer|NullReference|ClassCast|ClassNotFound|IllegalArgument|IllegalState|"
    r"IndexOutOfBounds|ArrayIndexOutOfBounds|NumberFormat|Arithmetic|UnsupportedOperation|"
    r"NoSuchElement|InvalidCast|KeyNotFound|JsonParse|JsonMapping|JsonProcessing|Format|"
    r"BeanCreation|NoSuchBeanDefinition|SQLSyntaxError|BadSqlGrammar)Exception"
    r"|Undefined(?:Column|Table|Function)|ER_BAD_FIELD_ERROR|ER_NO_SUCH_TABLE|ER_PARSE_ERROR"
    r"|Runtime\.(?:ImportModuleError|HandlerNotFound|UserCodeSyntaxError|MalformedHandlerName|"
    r"InvalidEntrypoint|NodeJsExit|UnhandledPromiseRejection)"
    r"|undefined method|nil pointer dereference|panic|index out of range"
    r")\b"
)

# Refused by IAM or KMS: something that was allowed before is not any more.
_PERMISSION = re.compile(
    r"AccessDenied|AccessDeniedException|UnauthorizedOperation|NotAuthorized|Forbidden|"
    r"KMSAccessDenied|DisabledException|KMSDisabled|KMSInvalidState|InvalidSignature|"
    r"UnrecognizedClient|InvalidClientTokenId|ExpiredToken|PermissionError|PermissionDenied",
    re.I,
)

_MEMORY = re.compile(
    r"OutOfMemory|MemoryError|Runtime\.ExitError|heap out of memory|OOMKilled|signal: killed|"
    r"exit (?:status|code) 137",
    re.I,
)

# Connections, names, certificates, databases, caches, queues, throttling, other services.
_DEPENDENCY = re.compile(
    r"timeout|timed[ _-]?out|connect|socket|network|unreachable|refused|reset|broken ?pipe|"
    r"\bE(?:CONN\w+|AI_AGAIN|NOTFOUND|TIMEDOUT|PIPE|HOSTUNREACH)\b|dns|resolv|unknownhost|gaierror|"
    r"ssl|tls|certificate|x509|"
    r"operational|database|sql|psql|jdbc|hikari|\bER_|deadlock|lockwait|transient|"
    r"pool|redis|memcache|mongo|kafka|elastic|opensearch|"
    r"throttl|toomanyrequests|rateexceeded|ratelimit|slowdown|provisionedthroughput|limitexceeded|"
    r"unavailable|badgateway|gateway|upstream|remote|http|status|serviceexception|clienterror|"
    r"botocore|awserror|sdkclient|parameternotfound|resourcenotfound|secret|partner|"
    r"circuit|retry|backpressure|quota",
    re.I,
)


# An answer of a service that was called: "[503 Service Unavailable] during [POST] to [https://…".
_ANSWERED = re.compile(
    r"\b(?:429|50[0234])\b.*https?://|https?://.*\b(?:429|50[0234])\b"
    r"|\b50[234] (?:bad gateway|service unavailable|gateway time-?out)",
    re.I,
)


def answered_by_another(message: str) -> bool:
    """Whether a message tells of an error that another service answered."""
    return bool(_ANSWERED.search(message))


def origin_of(name: str, message: str = "") -> Origin:
    """Where exceptions of this class come from, by the name; where that tells nothing, by the
    message."""
    by_name = _by_name(name)
    if by_name is Origin.UNKNOWN and answered_by_another(message):
        return Origin.DEPENDENCY
    return by_name


def _by_name(name: str) -> Origin:
    if _PERMISSION.search(name):
        return Origin.PERMISSION
    if _MEMORY.search(name):
        return Origin.MEMORY
    if _CODE.search(name):
        return Origin.CODE
    if _DEPENDENCY.search(name):
        return Origin.DEPENDENCY
    return Origin.UNKNOWN
