"""Clues about load balancers: zones, connections, healthy targets."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.contract import contradicting, decisive, necessary, supporting
from bot.domain.report import Clue, Gap
from playbooks.evidence import balancing, facts
from playbooks.evidence import thresholds as at
from playbooks.evidence.onset import Burn
from playbooks.evidence.wording import asked, count, figures, lag, percent, times
from playbooks.probes.balancer import Balancer, TargetHealth
from playbooks.probes.changes import Changes


def one_zone(burn: Burn, balancer: Balancer | Gap | None) -> Iterator[Clue]:
    """Against every cause that knows no zones: nearly all 5XX come from one."""
    worst = balancing.worst_zone(balancer, burn)
    if worst is not None:
        yield contradicting(
            worst.alone,
            f"{percent(worst.of_errors)} of the 5XX come from {worst.name} "
            f"({percent(worst.rate)} of its requests fail, {percent(worst.others)} elsewhere)",
            **figures(of_errors=worst.of_errors, rate=worst.rate, others=worst.others),
        )


def zone(burn: Burn, balancer: Balancer | Gap, health: TargetHealth | Gap | None) -> Iterator[Clue]:
    """Does one zone fail while the others are well?"""
    if isinstance(balancer, Gap):
        yield necessary(None, "whether one zone fails more than the others: no metrics by zone")
        yield decisive(None, "whether nearly all 5XX come from one zone")
        return
    worst = balancing.worst_zone(balancer, burn)
    if worst is None:
        one = len(balancer.zones) < 2
        text = (
            "the load balancer is in one zone only"
            if one
            else "whether one zone fails more than the others: too few 5XX to compare"
        )
        yield necessary(False if one else None, text)
        return
    text = (
        f"{worst.name}: {percent(worst.rate)} of its requests fail, {percent(worst.others)} in "
        f"the other zones"
    )
    yield necessary(
        worst.lifted(at.ZONE_LIFT_NEEDED), text, **figures(rate=worst.rate, others=worst.others)
    )
    yield decisive(
        worst.alone,
        f"{percent(worst.of_errors)} of the 5XX come from {worst.name}",
        **figures(of_errors=worst.of_errors),
    )
    if isinstance(health, TargetHealth):
        ill = [t for t in health.targets if t.state not in ("healthy", "unused") and t.zone]
        inside = [t for t in ill if t.zone == worst.name]
        if ill:
            yield supporting(
                len(inside) >= at.NEARLY_ALL * len(ill),
                f"{len(inside)} of {len(ill)} targets that are not healthy now are in {worst.name}",
            )


def nobody(
    burn: Burn, balancer: Balancer | Gap, health: TargetHealth | Gap | None
) -> Iterator[Clue]:
    """Had a target group no healthy target, and did the balancer answer for it?"""
    if isinstance(balancer, Gap):
        yield necessary(None, "whether a target group had no healthy targets: no metrics of them")
        yield decisive(None, "whether the load balancer answered 503 for want of targets")
        return
    if not balancer.healthy:
        functions = ", ".join(balancer.lambdas)
        yield necessary(
            False if functions else None,
            f"the target groups have no health of their own: {functions} (Lambda)"
            if functions
            else f"whether a target was healthy: {balancer.name} has no target groups in its rules",
        )
        return
    none, text = balancing.without_targets(balancer, health, burn)
    yield necessary(none, text)
    errors = burn.during(balancer.errors).total()
    refused = _code(burn, balancer, "503")
    share = facts.rate(refused, errors)
    wanting = None if none is None or share is None else none and share >= at.EXPLAINS
    yield decisive(
        wanting,
        f"whether the load balancer answered 503 for want of targets: {percent(share)} are its own"
        if wanting is None
        else f"{percent(share)} of the 5XX are the load balancer's own 503; {text}",
        **figures(refused=share),
    )
    if reasons := balancing.reasons(health):
        yield supporting(True, reasons)
    lost = burn.during(balancer.connection_errors).total()
    failed = facts.rate(lost, errors)
    yield contradicting(
        None if failed is None else failed >= at.EXPLAINS,
        "whether targets are there but not to be reached: no 5XX counted to compare with"
        if failed is None
        else f"connections to targets failed {count(lost)} times, "
        f"for {percent(failed)} of the 5XX: they are there, but not to be reached",
        **figures(connections=failed),
    )


def nobody_asked(burn: Burn, balancer: Balancer | Gap | None) -> Iterator[Clue]:
    """Against slow targets: the balancer answers 503 itself only when it has none to ask
    (Elastic Load Balancing, "HTTP 503: Service unavailable")."""
    if not isinstance(balancer, Balancer):
        return
    share = facts.rate(_code(burn, balancer, "503"), burn.during(balancer.errors).total())
    if share:
        yield contradicting(
            share >= at.EXPLAINS,
            f"{percent(share)} of the 5XX are the load balancer's own 503: no target was asked",
            refused=round(share, 4),
        )


def unreachable(
    burn: Burn,
    balancer: Balancer | Gap,
    health: TargetHealth | Gap | None,
    trail: Changes | Gap | None,
) -> Iterator[Clue]:
    """Do connections to the targets fail, as many as there are 5XX?"""
    if isinstance(balancer, Gap):
        yield necessary(None, "whether connections to the targets failed: no metrics of them")
        yield decisive(None, "whether failed connections account for the 5XX")
        return
    failed = burn.during(balancer.connection_errors)
    if not failed:
        yield necessary(None, "whether connections to the targets failed: no requests counted")
        yield decisive(None, "whether failed connections account for the 5XX")
        return
    yield necessary(failed.total() > 0, f"{count(failed.total())} connections to targets failed")
    errors = burn.during(balancer.errors).total()
    share = facts.rate(failed.total(), errors)
    rose = burn.times(balancer.connection_errors)
    grew = rose is None or rose >= at.CONNECTIONS_ROSE  # none before: it rose
    worst = balancing.worst_zone(balancer, burn)
    everywhere = (
        worst is None or not worst.alone
    )  # in one zone alone they are what its failure does
    yield decisive(
        None if share is None else share >= at.EXPLAINS and grew and everywhere,
        asked(
            share,
            "whether failed connections account for the 5XX",
            f"{count(failed.total())} connections failed beside {count(errors)} 5XX"
            + (f", {times(rose)} the usual" if rose is not None else ", usually none"),
        ),
        **figures(connections=share),
    )
    own = facts.rate(_code(burn, balancer, "502") + _code(burn, balancer, "504"), errors)
    yield supporting(
        None if own is None else own >= at.TIMEOUTS,
        "whether the load balancer answered 502 and 504 itself: no 5XX counted"
        if own is None
        else f"{percent(own)} of the 5XX are the load balancer's own 502 and 504",
        **figures(own=own),
    )
    if reasons := balancing.reasons(health):
        yield supporting(True, reasons)
    if isinstance(trail, tuple) and burn.onset is not None:
        since = burn.onset
        rules = [
            change
            for change in trail
            if change.kind == "security-group" and -at.AFTERWARDS <= since - change.at <= at.SOON
        ]
        if rules:
            last = rules[-1]
            yield supporting(
                True,
                f"{last.actor} changed a security group {lag(since - last.at)} before it began: "
                f"{last.summary}",
            )


def _code(burn: Burn, balancer: Balancer, code: str) -> float:
    line = balancer.codes.get(code)
    return burn.during(line).total() if line else 0.0
