"""What failed, by the class of an exception: a database, a permission, a name, memory and so on.

Finer than `exception_classes`, which only tells the service's own code from what it calls. A class
is a hint: `OperationalError` says that a database did not do what it was asked, not why.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from playbooks.evidence import thresholds
from playbooks.evidence.exception_classes import Origin, origin_of
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.wording import count, percent, times
from playbooks.probes.exceptions import Exceptions
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
    (
        Kind.NETWORK,
        r"timed? ?out|timeout|connect|\bECONN|EHOSTUNREACH|ENETUNREACH|socket|unreachable|"
        r"broken ?pipe|EPIPE",
    ),
)
_PATTERNS = tuple((kind, re.compile(pattern, re.I)) for kind, pattern in _KINDS)


def kind_of(name: str) -> Kind | None:
    """What an exception's class names; None for the service's own code and for names that tell
    nothing.

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
    baseline was read.
    """

    names: tuple[str, ...]  # the most frequent first
    count: int
    share: float
    rose: bool | None
    usual: float | None

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
        lines = f"{count(self.count)} log lines, {percent(self.share)} of all exceptions"
        return f"{named}: {lines}, {compared}"


def of_kinds(
    exceptions: Exceptions,
    anomaly: AnomalyWindow,
    traffic: float | None,
    kinds: frozenset[Kind | None],
) -> KindOfExceptions | None:
    """The exceptions of these kinds together; None when none is logged in the anomaly.

    `traffic`: requests as a multiple of the usual; as many times more exceptions are nothing new.
    """
    now = exceptions.classes(anomaly.start, anomaly.end)
    names = Counter({name: lines for name, lines in now.items() if kind_of(name) in kinds})
    if not names.total():
        return None
    baseline_start = max(anomaly.baseline_start, exceptions.since)
    minutes_read = (anomaly.baseline_end - baseline_start) / MINUTE
    usual = rose = None
    if minutes_read >= thresholds.ENOUGH_BASELINE:
        before = exceptions.classes(baseline_start, anomaly.baseline_end)
        lines = sum(number for name, number in before.items() if kind_of(name) in kinds)
        usual = lines / minutes_read * ((anomaly.end - anomaly.start) / MINUTE)
        rose = names.total() >= thresholds.EXCEPTION_ROSE * max(1.0, traffic or 1.0) * usual
    return KindOfExceptions(
        names=tuple(name for name, _ in names.most_common()),
        count=names.total(),
        share=names.total() / now.total(),
        rose=rose,
        usual=usual,
    )
