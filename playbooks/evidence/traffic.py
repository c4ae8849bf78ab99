"""How many requests and calls there are, and how many calls Lambda throttled."""

from __future__ import annotations

from datetime import timedelta

from bot.domain.playbook_contract import supporting
from bot.domain.report import Clue, Gap
from playbooks.evidence import thresholds
from playbooks.evidence.durations import explained
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.wording import figures, times
from playbooks.probes.edge import Edge
from playbooks.probes.functions import FunctionCounts
from playbooks.probes.metrics import TimeSeries, ratio

LEAD_IN = timedelta(minutes=5)  # traffic rises before the errors do
RISE = timedelta(minutes=15)  # a rise that is a trigger has come by then


def growth(edge: Edge | Gap | None, anomaly: AnomalyWindow) -> float | None:
    """Requests around the onset (their upper quartile) as a multiple of the usual."""
    if edge is None or isinstance(edge, Gap):
        return None
    around = edge.requests.between(anomaly.start - LEAD_IN, min(anomaly.end, anomaly.start + RISE))
    return ratio(around.quantile(0.75), anomaly.baseline(edge.requests).typical())


def more_traffic(anomaly: AnomalyWindow, edge: Edge | Gap | None, factor: float) -> Clue:
    """Supporting: traffic rose to `factor` times the usual or more."""
    grown = growth(edge, anomaly)
    if grown is None or not isinstance(edge, Edge):
        return supporting(None, "whether traffic rose: too few minutes to compare")
    more = (grown - 1.0) * (anomaly.baseline(edge.requests).typical() or 0.0)
    rose = grown >= factor and more >= thresholds.FEW
    text = f"traffic {'rose to' if rose else 'is'} {times(grown)} its usual"
    return supporting(rose, text, **figures(traffic=grown)).resting_on(edge).came_first()


def calls(counts: FunctionCounts, anomaly: AnomalyWindow) -> TimeSeries:
    """Calls of the function in the anomaly, throttled ones too: when all are throttled, Lambda
    publishes no Invocations."""
    return anomaly.during(counts.calls)


def throttled_share(counts: FunctionCounts, anomaly: AnomalyWindow) -> float | None:
    """Share of the errors that are calls Lambda throttled; None when it is not known."""
    throttled = anomaly.during(counts.throttles).total()
    return explained(anomaly, throttled, calls(counts, anomaly).total())
