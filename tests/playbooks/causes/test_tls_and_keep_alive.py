"""The load balancer's own 502: TLS with the targets, and connections closed as they are used."""

from __future__ import annotations

from bot.domain.report import CauseStatus, Verdict
from playbooks.probes.metrics import TimeSeries
from playbooks.probes.target_tls import TargetTls
from tests.playbooks.causes.test_dependencies import RAISED
from tests.playbooks.samples import (
    ONSET,
    TARGETS_ONLY,
    balancer,
    change,
    changes,
    edge,
    exceptions,
    gap,
    health,
    series,
    verdict,
    weighed,
)
from tests.playbooks.stories import DEPLOYED, TASKS, UNREACHABLE, ZONE

TLS = TARGETS_ONLY | {
    "balancer": balancer(own={"502": 180}),
    "health": health(4),
    "target_tls_errors": TargetTls("shop", series(None, 185)),
}
FEW = TARGETS_ONLY | {
    "edge": edge(kind="alb", name="shop", requests=(900, 900), errors=(0, 12)),
    "balancer": balancer(own={"502": 12}),
    "health": health(4),
}


def test_negotiations_that_fail_as_often_are_the_cause() -> None:
    assert verdict(TLS) == (Verdict.MEDIUM, "target-tls")  # the codes are not known


def test_a_release_before_does_not_hide_it() -> None:
    assert verdict(TLS | {"changes": changes(change(ONSET - 1))})[1] == "target-tls"


def test_502_without_failed_negotiations_are_no_tls() -> None:
    none = TLS | {"target_tls_errors": TargetTls("shop", TimeSeries())}
    assert weighed(none)["target-tls"].status is CauseStatus.REFUTED
    few = TLS | {"target_tls_errors": TargetTls("shop", series(None, 5))}
    assert weighed(few)["target-tls"].status is CauseStatus.REFUTED
    unread = TLS | {"target_tls_errors": gap()}
    assert weighed(unread)["target-tls"].status is CauseStatus.POSSIBLE


def test_a_certificate_that_is_refused_since_one_was_replaced() -> None:
    evidence = RAISED | {
        "exceptions": exceptions("SSLCertVerificationError", 180),
        "changes": changes(change(ONSET - 2, kind="certificate")),
    }
    assert verdict(evidence) == (Verdict.HIGH, "expired-certificate")
    # it may simply have run out
    assert verdict(evidence | {"changes": changes()}) == (Verdict.MEDIUM, "expired-certificate")
    assert weighed(DEPLOYED)["expired-certificate"].status is CauseStatus.REFUTED


def test_few_502_while_all_else_is_well_are_probably_the_keep_alive() -> None:
    assert verdict(FEW) == (Verdict.MEDIUM, "keep-alive-race")


def test_in_a_rollout_they_are_not() -> None:
    rolling = FEW | {"changes": changes(change(ONSET - 2, kind="deployment", until=ONSET + 4))}
    assert verdict(rolling)[0] is Verdict.INCONCLUSIVE


def test_many_502_unhealthy_targets_or_slow_ones_are_no_keep_alive() -> None:
    many = FEW | {"balancer": balancer(own={"502": 180})}
    assert weighed(many)["keep-alive-race"].status is CauseStatus.REFUTED
    sick = FEW | {"health": health(2, 2)}
    assert verdict(sick)[0] is Verdict.INCONCLUSIVE
    slow = FEW | {"balancer": balancer(own={"502": 12}, p99=(400, 9_000))}
    assert weighed(slow)["keep-alive-race"].status is CauseStatus.REFUTED
    refused = FEW | {"balancer": balancer(own={"502": 12}, connections=(0, 12))}
    assert weighed(refused)["keep-alive-race"].status is CauseStatus.REFUTED
    for story in (UNREACHABLE, ZONE, TASKS):
        assert weighed(story)["keep-alive-race"].status is CauseStatus.REFUTED
