"""Keep-alive: targets close idle connections just as the load balancer sends a request on them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bot.domain.playbook_contract import (
    Scope,
    advice,
    contradicting,
    decisive,
    hypothesis,
    necessary,
    supporting,
)
from bot.domain.report import Advice, Clue, Gap
from playbooks.evidence import next_steps, rivals, target_steps, thresholds
from playbooks.evidence.nearest import Before, nearest_of, not_all_known
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.sources import BalancerSources, ChangeSources
from playbooks.evidence.targets import answered_itself, unhealthy_now
from playbooks.evidence.wording import asked, count, figures, milliseconds, percent
from playbooks.probes.balancer import Balancer, TargetHealth
from playbooks.probes.changes import Changes
from playbooks.probes.metrics import ratio

FEW_REQUESTS = 0.02  # of all: more than one in fifty does not meet the moment a connection closes
REPLACES = frozenset({"deployment", "alias", "scaling", "targets"})
"""Kinds of change that take targets out of service, which ends connections as well."""
UNREAD = "how long the targets keep idle connections is a setting of theirs that AWS does not show"


class KeepAliveRace(BalancerSources, ChangeSources):
    """The targets keep idle connections for a shorter time than the load balancer."""

    @hypothesis("The targets close idle connections before the load balancer does")
    def keep_alive_race(
        self,
        anomaly: AnomalyWindow,
        balancer: Balancer | Gap,
        health: TargetHealth | Gap | None,
        known_changes: Changes,
    ) -> Iterator[Clue]:
        """A few 502 of the balancer's own, while everything else is well (Application Load Balancer
        user guide, "HTTP 502: Bad gateway")."""
        if isinstance(balancer, Gap):
            yield necessary(None, "whether the load balancer answered 502: no metrics of it")
            return
        unhealthy = unhealthy_now(health)
        before = nearest_of(known_changes, anomaly.onset, REPLACES, thresholds.SOON)
        steady = False if unhealthy else None if before else True
        yield from few_bad_gateways(anomaly, balancer, steady)
        if unhealthy:
            yield contradicting(True, unhealthy)
        yield from outside_rollouts(before, known_changes, anomaly.onset)
        yield from rivals.in_one_zone(anomaly, balancer)

    @advice("keep-alive-race")
    def compare_the_timeouts(self, scope: Scope) -> Iterator[Advice]:
        """The balancer's idle timeout, to be compared with the targets' keep-alive."""
        yield from target_steps.idle_timeout(scope)
        yield target_steps.balancer_log(scope)
        yield next_steps.trail(scope, "who changed the load balancer's settings")


def few_bad_gateways(
    anomaly: AnomalyWindow, balancer: Balancer, steady: bool | None
) -> Iterator[Clue]:
    """Are nearly all errors the balancer's own 502, few among all requests, and targets quick?

    `steady`: whether the targets stay as they are; False: some are sick, None: they were replaced.
    """
    own = answered_itself(balancer, anomaly, "502")
    errors = anomaly.during(balancer.errors).total()
    share = ratio(errors, anomaly.during(balancer.requests).total())
    few = None
    if share is not None and (share <= FEW_REQUESTS or share >= thresholds.PART):
        few = share <= FEW_REQUESTS
    text = f"{percent(share)} of the requests fail, {percent(own)} of them as the balancer's 502"
    nearly_all = None if own is None else own >= thresholds.NEARLY_ALL
    question = "whether a few 502 of the load balancer are all"
    yield necessary(nearly_all, asked(nearly_all, question, text))
    yield necessary(few, asked(few, question, text), **figures(share=share))
    refused = anomaly.during(balancer.connection_errors).total()
    answered = anomaly.during(balancer.targets).total()
    connected = refused + answered < thresholds.PART * errors
    longer = anomaly.times_usual(balancer.p99)
    as_usual = None if longer is None else longer <= thresholds.ABOUT_SAME
    alone = connected and not balancer.lambdas
    known = nearly_all is not None and few is not None and as_usual is not None
    holds = bool(nearly_all and few and alone and as_usual) if known else None
    told = (
        f"{text}; {count(refused)} failed connections, {count(answered)} errors of targets, "
        f"target response p99 {milliseconds(anomaly.during(balancer.p99).typical())}"
    )
    if holds and not steady:
        holds = steady
    clue = decisive(holds, asked(holds, question, told))
    yield clue.model_copy(update={"missing": (UNREAD,)}) if clue.holds else clue


def outside_rollouts(
    before: Before | None, changes: Changes, onset: datetime | None
) -> Iterator[Clue]:
    """Against it: targets were replaced, which ends connections anyway."""
    if before is not None:
        yield contradicting(True, f"{before.told()}: targets that stop end connections as well")
    elif not not_all_known(changes, onset):
        yield supporting(True, "no target was replaced in the 15 min before")
