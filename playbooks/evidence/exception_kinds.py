"""What failed, by an exception's class and message: a database, a permission, memory and so on.

Finer than `exception_classes`, which only tells the service's own code from what it calls. A class
is a hint: `OperationalError` says that a database did not do what it was asked, not why. A message
such as "too many connections", or the code with which AWS refuses a call, says what failed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from playbooks.evidence import thresholds
from playbooks.evidence.exception_classes import Origin, origin_of
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.wording import count, percent, times
from playbooks.probes.exceptions import Exceptions, Raised
from playbooks.probes.metrics import MINUTE


class Kind(StrEnum):
    """What an exception's class names; the value stands in sentences."""

    MEMORY = "memory"
    CERTIFICATE = "a certificate"
    THROTTLING = "throttling"
    SETTING = "a secret or setting"
    PERMISSION = "a permission"
    NAME = "a name that is not resolved"
    DATABASE = "a database"
    REFUSED = "a refused connection"
    NETWORK = "a connection"


# The first that fits counts: "SQLTransientConnectionException" is about a database, not only about
# a connection. Names are those of botocore, the AWS SDKs for Java and JavaScript, JDBC and its
# pools, psycopg, MySQL's and Node's error codes, Go's and Java's network errors.
_KINDS = (
    (
        Kind.MEMORY,
        r"out ?of ?memory|MemoryError|OOMKilled|signal: killed|exit (?:status|code) 137",
    ),
    (Kind.CERTIFICATE, r"certif|CERT_|x509|ssl|TLSError|handshake|PKIX|EPROTO"),
    (
        Kind.THROTTLING,
        r"throttl|toomanyrequests|rate ?exceeded|rate ?limit|slowdown|provisionedthroughput|"
        r"requestlimitexceeded",
    ),
    (
        Kind.SETTING,
        r"password|authentication|credential|ER_ACCESS_DENIED|authorizationspecification|"
        r"parameternotfound|secret|configur|config(?:error|exception)|environment|feature ?flag",
    ),
    (Kind.NAME, r"\bEAI_|ENOTFOUND|gaierror|unknown ?host|nosuchhost|nameresol|nxdomain|dns"),
    (
        Kind.DATABASE,
        r"operational|database|(?<!my)sql(?!syntax)|mysql|jdbc|hikari|\bER_|deadlock|lock ?wait|"
        r"lock ?timeout|pool|too ?many ?connections|cannotacquirelock|serializationfailure|"
        r"mongo|redis|memcache",
    ),
    (Kind.REFUSED, r"refused"),
    (
        Kind.NETWORK,
        r"timed? ?out|timeout|connect|\bECONN|EHOSTUNREACH|ENETUNREACH|socket|unreachable|"
        r"broken ?pipe|EPIPE",
    ),
)
_PATTERNS = tuple((kind, re.compile(pattern, re.I)) for kind, pattern in _KINDS)

# The same for the words of a message (`exception_patterns.PHRASES`); the first that fits counts.
_SAID = (
    (Kind.MEMORY, r"allocate memory|out of memory"),
    (Kind.CERTIFICATE, r"certificate|handshake"),
    (Kind.THROTTLING, r"too many requests|rate exceeded|throttl|quota exceeded"),
    (Kind.SETTING, r"password|denied for user|invalid "),
    (Kind.PERMISSION, r"authorized|denied|is disabled"),
    (Kind.NAME, r"name or service|name resolution|no such host|nodename|getaddrinfo"),
    (Kind.DATABASE, r""),
)
_PHRASES = tuple((kind, re.compile(pattern)) for kind, pattern in _SAID)

ENDED = ("Runtime.ExitError", "ExitError")  # the process ended, for memory or another reason

SELF_EVIDENT = frozenset({Kind.MEMORY, Kind.THROTTLING, Kind.PERMISSION, Kind.NAME})
"""Kinds of which the class says what was refused, and by what."""


# What a message says of a connection, where it says nothing finer. Nothing listens where one is
# refused; a security group drops what it does not allow, so that the caller waits (Amazon VPC user
# guide, "Security groups").
_REFUSED = re.compile(r"connection refused|ECONNREFUSED|actively refused", re.I)
_NO_ANSWER = re.compile(
    r"timed? ?out|no route to host|unreachable|ETIMEDOUT|unable to connect|could not connect", re.I
)
_HTTP_POOL = re.compile(r"sdk|http|client|request|urllib|aws", re.I)  # have pools of their own
_DATABASE_PORT = re.compile(r":(?:5432|3306|1433|1521|6379|27017|11211)\b")


def kinds_of(name: str, says: str = "", message: str = "") -> frozenset[Kind]:
    """What an exception's class and message name; nothing for the service's own code and for names
    that tell nothing. `says`: the words of the message that tell what failed, if it has such.

    One that cannot connect to a database is about the database and about the way to it.
    """
    named = _kind_of(name)
    if named in (Kind.MEMORY, Kind.CERTIFICATE) or origin_of(name) is Origin.CODE:
        return frozenset({named} if named else ())
    if says and not (_HTTP_POOL.search(name) and "pool" in says):
        return frozenset({next(kind for kind, pattern in _PHRASES if pattern.search(says))})
    found = {named} - {None}
    if found <= {Kind.DATABASE, Kind.NETWORK, Kind.REFUSED}:
        if _REFUSED.search(message):
            found = found - {Kind.NETWORK} | {Kind.REFUSED}
        elif _NO_ANSWER.search(message):
            found |= {Kind.NETWORK}
        if found and _DATABASE_PORT.search(message):
            found |= {Kind.DATABASE}
    return frozenset(kind for kind in found if kind)


def _kind_of(name: str) -> Kind | None:
    """What a class names.

    "Runtime.ExitError" tells nothing by itself: Lambda reports every ended process so, and only
    "signal: killed" is the one that had no memory left (Lambda developer guide, "Troubleshoot
    invocation issues").
    """
    if origin_of(name) is Origin.PERMISSION:
        return Kind.PERMISSION
    found = next((kind for kind, pattern in _PATTERNS if pattern.search(name)), None)
    certain = found in (Kind.MEMORY, Kind.CERTIFICATE)
    return found if certain or origin_of(name) is not Origin.CODE else None


@dataclass(frozen=True, slots=True)
class KindOfExceptions:
    """All exceptions of one kind in the anomaly.

    `count`: their log lines; `share`: of all exceptions; `rose`: whether they are logged far more
    than usual, None like `usual` (lines in as many minutes of the baseline) when too little of the
    baseline was read. `explicit`: nearly all say themselves what failed, by their message or
    because only one thing raises such a class. `example`: the latest message.
    """

    names: tuple[str, ...]  # the most frequent first
    count: int
    share: float
    rose: bool | None
    usual: float | None
    explicit: bool = False
    example: str = ""

    @property
    def stand_out(self) -> bool | None:
        """Whether most exceptions are of this kind, and far more than usual."""
        main = self.count >= thresholds.FEW and self.share >= thresholds.MOSTLY
        return self.rose if main else False

    def told(self) -> str:
        """ "OperationalError: 540 log lines, 92 % of all exceptions, new since it began"."""
        if self.rose is None:
            compared = "how many are usual was not read"
        elif not self.rose:
            compared = "as usual"
        elif self.usual:
            compared = f"{times(self.count / self.usual)} the usual"
        else:
            compared = "new since it began"
        named = ", ".join(self.names[:2])
        if self.example and not any(self.example in name for name in self.names):
            named = f'{named} ("{self.example}")'
        lines = f"{count(self.count)} log lines, {percent(self.share)} of all exceptions"
        return f"{named}: {lines}, {compared}"


def of_kinds(
    exceptions: Exceptions,
    anomaly: AnomalyWindow,
    traffic: float | None,
    kinds: frozenset[Kind] | None,
) -> KindOfExceptions | None:
    """The exceptions of these kinds together, of all kinds and of none when it is None; None when
    none is logged in the anomaly.

    `traffic`: requests as a multiple of the usual; as many times more exceptions are nothing new.
    """
    now = exceptions.between(anomaly.start, anomaly.end)
    ended = _ended_for_memory(now)
    found = [each for each in now if _is_one(each, kinds, ended)]
    lines = _lines(found)
    if not lines:
        return None
    baseline_start = max(anomaly.baseline_start, exceptions.since)
    minutes_read = (anomaly.baseline_end - baseline_start) / MINUTE
    usual = rose = None
    if minutes_read >= thresholds.ENOUGH_BASELINE:
        before = exceptions.between(baseline_start, anomaly.baseline_end)
        as_many = _lines(each for each in before if _is_one(each, kinds, ended))
        usual = as_many / minutes_read * ((anomaly.end - anomaly.start) / MINUTE)
        rose = lines >= thresholds.EXCEPTION_ROSE * max(1.0, traffic or 1.0) * usual
    names = Counter[str]()
    for each in found:
        names[each.name] += int(each.count)
    ordered = tuple(name for name, _ in names.most_common())
    return KindOfExceptions(
        names=ordered,
        count=int(lines),
        share=lines / _lines(now),
        rose=rose,
        usual=usual,
        explicit=_lines(filter(_explicit, found)) >= thresholds.NEARLY_ALL * lines,
        example=exceptions.example(anomaly.start, anomaly.end, ordered[:1]),
    )


def _lines(raised: Iterable[Raised]) -> float:
    return sum(each.count for each in raised)


def _is_one(raised: Raised, kinds: frozenset[Kind] | None, ended: bool) -> bool:
    if kinds is None:
        return True
    if ended and raised.name in ENDED and Kind.MEMORY in kinds:
        return True
    return bool(kinds & kinds_of(raised.name, raised.says, raised.message))


def _explicit(raised: Raised) -> bool:
    """Whether it says itself what failed."""
    found = kinds_of(raised.name, raised.says, raised.message)
    return bool(found) and (bool(raised.says) or found <= SELF_EVIDENT)


def _ended_for_memory(now: Sequence[Raised]) -> bool:
    """Whether the processes that ended were killed for want of memory. Lambda writes two lines for
    one: with how ("signal: killed"), and with the class Runtime.ExitError alone."""
    killed = _lines(each for each in now if Kind.MEMORY in kinds_of(each.name, each.says))
    ended = _lines(each for each in now if each.name in ENDED)
    return bool(ended) and killed >= thresholds.NEARLY_ALL * ended
