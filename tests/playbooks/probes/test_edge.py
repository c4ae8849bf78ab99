"""Requests and errors at the front door."""

from __future__ import annotations

import pytest

from bot.domain.errors import ReadFailed
from bot.domain.report import GapReason
from bot.domain.resources import ApiRef, LoadBalancerRef, Resources
from bot.domain.service import Service
from playbooks.probes import edge, front_door
from playbooks.probes.metrics import TimeSeries
from tests.playbooks.aws_stub import Answers
from tests.playbooks.probes.answers import result
from tests.playbooks.samples import ALARM, minute, scope


def test_a_balancers_503_without_a_target_are_requests_too() -> None:
    """RequestCount counts only requests that a target was chosen for."""
    series = dict.fromkeys(edge.traffic_metrics({}), TimeSeries()) | {
        "requests": TimeSeries({minute(0): 100.0}),
        "target 2XX": TimeSeries({minute(0): 100.0}),
        "own errors": TimeSeries({minute(0): 300.0, minute(1): 400.0}),
        "503": TimeSeries({minute(0): 300.0, minute(1): 400.0}),
    }
    assert edge.all_requests(series).points == {minute(0): 400.0, minute(1): 400.0}
    assert edge.server_errors(series).points == {minute(0): 300.0, minute(1): 400.0}


def test_http_apis_publish_by_id() -> None:
    service = Service(
        name="s", resources=Resources(apis=(ApiRef(name="api", kind="http", stage="$default"),))
    )
    aws = Answers(
        get_apis={"Items": [{"ApiId": "h1", "Name": "api"}]},
        get_metric_data={
            "MetricDataResults": [result("m0", 10.0), result("m1", 1.0), result("m2"), result("m3")]
        },
    )
    found = edge.EdgeProbe().read(aws, scope(None, service))
    assert found is not None
    assert found.rate.total() == pytest.approx(0.1)
    metric = aws.sent[-1][1]["MetricDataQueries"][1]["MetricStat"]["Metric"]
    assert metric["MetricName"] == "5xx"
    assert {"Name": "ApiId", "Value": "h1"} in metric["Dimensions"]


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
