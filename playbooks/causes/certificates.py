"""TLS between the load balancer and its targets, or between the code and what it calls, fails."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.playbook_contract import (
    Scope,
    advice,
    decisive,
    hypothesis,
    necessary,
    supporting,
)
from bot.domain.report import Advice, Clue, Gap
from playbooks.evidence import dependency_steps, next_steps, rivals, target_steps, thresholds
from playbooks.evidence.exception_kinds import Kind
from playbooks.evidence.failure_sources import FailureSources
from playbooks.evidence.nearest import (
    Before,
    nearest_elsewhere,
    nearest_of,
    no_other_change,
    unread_changes,
)
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.raised import Raised, Shown, decided, names_it
from playbooks.evidence.sources import BalancerSources, ChangeSources
from playbooks.evidence.targets import answered_itself
from playbooks.evidence.wording import asked, count, figures, percent
from playbooks.probes.balancer import Balancer
from playbooks.probes.changes import Changes
from playbooks.probes.metrics import ratio
from playbooks.probes.target_tls import TargetTls, TargetTlsProbe

CERTIFICATES = frozenset({"certificate", "secret"})


class TargetTlsFailing(BalancerSources, ChangeSources):
    """The targets speak no TLS, or other versions and ciphers than the load balancer."""

    target_tls_errors = TargetTlsProbe()

    @hypothesis(
        "TLS between the load balancer and its targets fails",
        explains=("no-healthy-targets",),
    )
    def target_tls(
        self,
        anomaly: AnomalyWindow,
        balancer: Balancer | Gap,
        target_tls_errors: TargetTls | Gap,
        known_changes: Changes,
    ) -> Iterator[Clue]:
        """As many TLS negotiations with targets fail as there are errors, answered 502.

        A load balancer does not check the targets' certificates: an expired one fails nothing
        (Application Load Balancer user guide, "Target groups", "Routing configuration").
        """
        yield from negotiations(anomaly, balancer, target_tls_errors)
        before = certificate_before(anomaly, known_changes)
        if before is not None:
            yield supporting(before.nearest, before.told()).resting_on(known_changes)
        yield from rivals.in_one_zone(anomaly, balancer)

    @advice("target-tls")
    def look_at_tls(self, scope: Scope) -> Iterator[Advice]:
        """The protocol of the target groups, and what changed."""
        yield from target_steps.target_groups(scope)
        yield next_steps.trail(scope, "who changed listeners, target groups or targets")


class CertificateRefused(FailureSources):
    """The code refuses the certificate of something it calls, or is refused for its own."""

    @hypothesis("A certificate is refused between the code and what it calls")
    def expired_certificate(
        self, anomaly: AnomalyWindow, raised: Raised, known_changes: Changes
    ) -> Iterator[Clue]:
        """Exceptions name a certificate, and one was replaced shortly before."""
        yield from names_it(raised, Kind.CERTIFICATE)
        before = certificate_before(anomaly, known_changes)
        if before is not None and before.nearest:
            shown = Shown(True, before.told(), (*unread_changes(known_changes), *before.missing))
        else:
            shown = Shown(None, "when it runs out is not read")
        alone = no_other_change(known_changes, anomaly.onset, CERTIFICATES)
        yield decided(raised, Kind.CERTIFICATE, shown=shown, class_alone=alone)
        if before is not None:
            yield supporting(True, before.told())

    @advice("expired-certificate")
    def look_at_the_certificate(self, scope: Scope) -> Iterator[Advice]:
        """What the exceptions say, and when the account's certificates run out."""
        yield from next_steps.exception_messages(scope)
        yield dependency_steps.certificates(scope)
        yield next_steps.trail(scope, "who replaced a certificate")


def certificate_before(anomaly: AnomalyWindow, changes: Changes) -> Before | None:
    """The change of a certificate or secret before the onset, else the one of a certificate in the
    account."""
    onset, span = anomaly.onset, thresholds.SOON
    own = nearest_of(changes, onset, CERTIFICATES, span)
    return own or nearest_elsewhere(changes, onset, frozenset({"certificate"}), span)


def negotiations(
    anomaly: AnomalyWindow, balancer: Balancer | Gap, tls: TargetTls | Gap
) -> Iterator[Clue]:
    """Do as many negotiations fail as there are errors?"""
    if isinstance(tls, Gap) or isinstance(balancer, Gap):
        yield necessary(None, "whether TLS with the targets failed: no metrics of it")
        yield decisive(None, f"whether failed TLS accounts for the {anomaly.label}")
        return
    failed = anomaly.during(tls.failed).total()
    counted = bool(anomaly.during(balancer.requests))
    some = failed > 0 if counted else None
    text = f"{count(failed)} TLS negotiations with targets failed"
    yield necessary(some, asked(some, "whether TLS with the targets failed", text))
    errors = anomaly.during(balancer.errors).total()
    share, own = ratio(failed, errors), answered_itself(balancer, anomaly, "502")
    holds = (
        None
        if share is None or own is None
        else (share >= thresholds.EXPLAINS and own >= thresholds.EXPLAINS)
    )
    yield decisive(
        holds,
        asked(
            holds,
            f"whether failed TLS accounts for the {anomaly.label}",
            f"{count(failed)} negotiations failed beside {count(errors)} {anomaly.label}, of which "
            f"{percent(own)} are the load balancer's own 502",
        ),
        **figures(tls=share),
    )
