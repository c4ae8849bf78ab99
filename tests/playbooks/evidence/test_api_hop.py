"""Requests that are lost between an API and the load balancer behind it."""

from __future__ import annotations

import pytest

from playbooks.evidence.api_hop import lost_on_the_way
from tests.playbooks.samples import access, anomaly_window, balancer, edge, gap, scope

FAILING = edge(errors=(0, 450))
LOOKED = anomaly_window(FAILING, scope())


def test_as_many_requests_are_missing_as_fail() -> None:
    found = lost_on_the_way(LOOKED, FAILING, None, balancer(requests=(900, 450)))
    assert found is not None
    assert found.holds is True
    assert "50 % of the API's requests arrive at shop, usually 100 %" in found.text
    assert found.missing  # no access log says why


@pytest.mark.parametrize(
    "behind",
    [
        balancer(requests=(900, 900)),  # all arrive
        balancer(requests=(900, 850)),  # far fewer are missing than fail
        balancer(requests=(900, 450), own={"503": 450}),  # it answers them itself
    ],
)
def test_requests_that_arrive_or_are_answered_there_are_not_lost(behind: object) -> None:
    found = lost_on_the_way(LOOKED, FAILING, None, behind)  # type: ignore[arg-type]
    assert found is not None
    assert found.holds is False


def test_more_requests_to_other_routes_are_not_lost() -> None:
    """Half of the API's requests arrive instead of all, and as many as ever."""
    grown = edge(requests=(900, 1800), errors=(0, 450))
    looked = anomaly_window(grown, scope())
    for arrived, lost in ((900, False), (800, False), (450, True)):
        found = lost_on_the_way(looked, grown, None, balancer(requests=(900, arrived)))
        assert found is not None
        assert found.holds is lost


def test_where_others_call_it_as_well_or_hardly_any_nothing_is_told() -> None:
    for requests in ((2000, 1500), (45, 20), (0, 0)):
        assert lost_on_the_way(LOOKED, FAILING, None, balancer(requests=requests)) is None
    at_the_front = edge(errors=(0, 450), kind="alb")
    assert lost_on_the_way(LOOKED, at_the_front, None, balancer(requests=(900, 450))) is None
    assert lost_on_the_way(LOOKED, gap(), None, balancer()) is None
    assert lost_on_the_way(LOOKED, FAILING, None, gap()) is None


def test_what_api_gateway_says_of_its_answers() -> None:
    behind = balancer(requests=(900, 450))
    failed = access("503", 450, response_type="INTEGRATION_FAILURE")
    uncalled = access("500", 450, response_type="AUTHORIZER_CONFIGURATION_ERROR")
    told = lost_on_the_way(LOOKED, FAILING, failed, behind)
    other = lost_on_the_way(LOOKED, FAILING, uncalled, behind)
    assert told is not None
    assert other is not None
    assert told.missing == ()
    unsaid = lost_on_the_way(LOOKED, FAILING, access("503", 450, response_type=None), behind)
    assert unsaid is not None
    assert unsaid.missing == other.missing  # what it does not say is not taken for a call
    assert other.missing == ("API Gateway does not say of most of them that its call failed",)
