"""Requests and errors at the front door."""

from __future__ import annotations

import pytest

from bot.domain.errors import ReadFailed
from bot.domain.report import GapReason
from bot.domain.resources import ApiRef, LoadBalancerRef, Resources
from bot.domain.service import Service
from playbooks.probes import balancer_traffic, edge, front_door
from playbooks.probes.metrics import TimeSeries
from tests.playbooks.aws_stub import Answers
from tests.playbooks.probes.answers import Published
from tests.playbooks.samples import ALARM, minute, scope


def balancer_series(**given: TimeSeries) -> dict[str, TimeSeries]:
    labels = balancer_traffic.traffic_metrics({"LoadBalancer": "app/shop/1"})
    return dict.fromkeys(labels, TimeSeries()) | {
        label.replace("_", " "): values for label, values in given.items()
    }


def test_a_balancers_503_without_a_target_are_requests_too() -> None:
    """RequestCount counts only requests that a target was chosen for."""
    refused = TimeSeries({minute(0): 300.0, minute(1): 400.0})
    answered = TimeSeries({minute(0): 100.0})
    series = balancer_series(requests=answered, target_2XX=answered, own_errors=refused)
    assert balancer_traffic.all_requests(series).points == {minute(0): 400.0, minute(1): 400.0}
    assert balancer_traffic.server_errors(series).points == refused.points


def test_a_balancers_own_4xx_are_requests_too() -> None:
    """460, 463, 464 and what a WAF blocks: no target was chosen for them."""
    answered = TimeSeries({minute(0): 100.0})
    series = balancer_series(
        requests=answered, target_2XX=answered, own_4XX=TimeSeries({minute(0): 300.0})
    )
    assert balancer_traffic.all_requests(series).points == {minute(0): 400.0}
    assert balancer_traffic.server_errors(series).points == {minute(0): 0.0}


def test_an_unpublished_minute_is_no_minute_without_errors() -> None:
    series = balancer_series(requests=TimeSeries({minute(0): 100.0}))
    assert balancer_traffic.server_errors(series).points == {minute(0): 0.0}


def test_http_apis_publish_by_id() -> None:
    service = Service(
        name="s", resources=Resources(apis=(ApiRef(name="api", kind="http", stage="$default"),))
    )
    aws = Published(
        {"Count": {0: 10.0, 1: 10.0}, "5xx": {0: 1.0}},
        get_apis={"Items": [{"ApiId": "h1", "Name": "api"}]},
    )
    found = edge.EdgeProbe().read(aws, scope(None, service))
    assert found is not None
    assert found.rate.points == {minute(0): pytest.approx(0.1), minute(1): 0.0}
    assert found.coverage.complete
    (asked,) = (each for each in aws.metrics_asked if each["name"] == "5xx")
    assert asked["dimensions"] == {"ApiId": "h1", "Stage": "$default"}


def test_without_requests_nothing_is_known() -> None:
    found = edge.EdgeProbe().read(Published({}), scope())
    assert found is not None
    assert not found.errors
    assert found.coverage.missing == ("CloudWatch has no requests of checkout-api",)


def test_the_alarm_knows_the_balancers_name_in_metrics() -> None:
    """So its requests are counted where nothing of Elastic Load Balancing may be read."""
    denied = ReadFailed(GapReason.DENIED, "no", permission="elasticloadbalancing:Describe…")
    aws = Answers(describe_load_balancers=denied)
    named = LoadBalancerRef(name="shop")
    full = "app/shop/50dc6c495c0c9188"
    alarm = ALARM.model_copy(update={"dimensions": {"LoadBalancer": full}})
    assert front_door.balancer_dimension(aws, scope(alarm), named) == full
    assert front_door.balancer_dimension(aws, scope(), LoadBalancerRef(name=full)) == full
    with pytest.raises(ReadFailed):
        front_door.balancer_dimension(aws, scope(), named)
