"""Between an API and the load balancer behind it: how many requests do not arrive."""

from __future__ import annotations

from bot.domain.report import Gap
from playbooks.evidence import thresholds
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.raised import Shown
from playbooks.evidence.wording import percent
from playbooks.probes.access_log import AccessLog
from playbooks.probes.balancer import Balancer
from playbooks.probes.edge import Edge
from playbooks.probes.metrics import ratio

HARDLY_ANY = 0.1  # of the API's requests: below it, the load balancer is not behind most routes
AS_MANY = 1.2  # times the API's requests: above it, others call the load balancer as well
CALLED = "INTEGRATION_FAILURE"  # API Gateway developer guide, "Gateway response types"


def lost_on_the_way(
    anomaly: AnomalyWindow,
    edge: Edge | Gap | None,
    access: AccessLog | Gap | None,
    balancer: Balancer | Gap | None,
) -> Shown | None:
    """Whether requests that the API should pass on do not arrive at the load balancer behind it,
    as many as there are errors; None where there is no such pair, or it is not measured.

    API Gateway counts every request; a load balancer those for which it chose a target, and answers
    the others itself. It may also answer before it calls anything: then the access log says so.
    """
    if not isinstance(edge, Edge) or edge.kind == "alb" or not isinstance(balancer, Balancer):
        return None
    usual = ratio(
        anomaly.baseline(balancer.requests).total(), anomaly.baseline(edge.requests).total()
    )
    now = ratio(anomaly.during(balancer.requests).total(), anomaly.during(edge.requests).total())
    if usual is None or not HARDLY_ANY <= usual <= AS_MANY or not anomaly.errors:
        return None
    now = now or 0.0
    requests = anomaly.during(edge.requests).total()
    # more requests to other routes lower the share as well: as many must be missing there
    minutes = len(anomaly.during(edge.requests).points)
    before = (anomaly.baseline(balancer.requests).typical() or 0.0) * minutes
    fall = max(0.0, before - anomaly.during(balancer.requests).total())
    lost = min(max(0.0, usual - now) * requests, fall)
    own = anomaly.during(balancer.errors).total()
    there = percent(ratio(own, anomaly.errors))
    text = (
        f"{percent(now)} of the API's requests arrive at {balancer.name}, usually "
        f"{percent(usual)}; {there} of the {anomaly.label} are answered there"
    )
    holds = lost >= thresholds.EXPLAINS * anomaly.errors and own < thresholds.PART * anomaly.errors
    return Shown(holds, text, _not_told(anomaly, access))


def _not_told(anomaly: AnomalyWindow, access: AccessLog | Gap | None) -> tuple[str, ...]:
    """What is not known of the answers that API Gateway gave itself."""
    if not isinstance(access, AccessLog) or "response_type" not in access.fields:
        return ("why API Gateway answered itself is not in its access log",)
    answers = access.between(anomaly.start, anomaly.end)
    called = sum(each.count for each in answers if each.response_type == CALLED)
    if called < thresholds.EXPLAINS * sum(each.count for each in answers):
        return ("API Gateway does not say of most of them that its call failed",)
    return ()
