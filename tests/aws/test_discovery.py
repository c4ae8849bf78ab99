"""What tags, aliases and API Gateway add to a service, and what is said when they can't be read."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from bot.aws.discovery import complete, resources_from_arns
from bot.domain.errors import ReadFailed
from bot.domain.report import GapReason
from bot.domain.resources import ApiRef, FunctionRef, LoadBalancerRef, Resources
from bot.domain.service import Service
from tests.playbooks.aws_stub import Answers

API = "arn:aws:apigateway:us-east-1::"
ALB = "arn:aws:elasticloadbalancing:us-east-1:123456789012:"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:checkout"
CHECKOUT = Service(name="checkout")


def denied(action: str) -> ReadFailed:
    return ReadFailed(GapReason.DENIED, f"{action}: not authorized", action)


def tagged(*arns: str) -> dict[str, object]:
    return {"ResourceTagMappingList": [{"ResourceARN": arn} for arn in arns]}


# --- what ARNs are --------------------------------------------------------------------------------


def test_only_apis_are_apis() -> None:
    others = ("/domainnames/shop.example.com", "/vpclinks/v1", "/usageplans/u1", "/apikeys/k1")
    assert resources_from_arns(f"{API}{path}" for path in others) == Resources()


def test_an_http_api_serves_at_its_default_stage() -> None:
    found = resources_from_arns([f"{API}/apis/h1", f"{API}/restapis/r1"])
    assert [(api.id, api.kind, api.stage) for api in found.apis] == [
        ("h1", "http", "$default"),
        ("r1", "rest", "prod"),
    ]


def test_an_api_and_its_stage_are_one() -> None:
    tagged_twice = [f"{API}/restapis/r1/stages/live", f"{API}/restapis/r1"]
    (found,) = resources_from_arns(tagged_twice).apis
    assert found.stage == "live"
    assert resources_from_arns(reversed(tagged_twice)).apis == (found,)
    routes = [f"{API}/apis/h1", f"{API}/apis/h1/routes/x"]
    assert [api.stage for api in resources_from_arns(routes).apis] == ["$default"]


def test_two_stages_of_an_api_are_two() -> None:
    found = resources_from_arns(
        [f"{API}/restapis/r1/stages/live", f"{API}/restapis/r1/stages/test"]
    )
    assert [api.stage for api in found.apis] == ["live", "test"]


def test_a_balancer_is_looked_at_with_all_its_target_groups() -> None:
    found = resources_from_arns(
        [f"{ALB}loadbalancer/app/shop/50dc", f"{ALB}targetgroup/shop-blue/6d0e"]
    )
    assert found.load_balancers == (LoadBalancerRef(name="shop"),)


# --- what cannot be read --------------------------------------------------------------------------


def test_a_service_is_completed() -> None:
    aws = Answers(
        get_resources=tagged(FUNCTION, f"{API}/restapis/r1"),
        list_aliases=[{"Aliases": []}, {"Aliases": [{"Name": "PROD"}]}],
        get_rest_api={"name": "checkout-api"},
    )
    found = complete(aws, CHECKOUT)
    assert found.service.resources.functions == (FunctionRef(name="checkout", alias="PROD"),)
    assert found.service.resources.apis == (ApiRef(name="checkout-api", id="r1"),)
    assert (found.gaps, found.complete) == ((), True)


def test_aliases_that_cannot_be_listed_discard_nothing() -> None:
    aws = Answers(
        get_resources=tagged(FUNCTION, f"{API}/restapis/r1"),
        list_aliases=denied("lambda:ListAliases"),
        get_rest_api={"name": "checkout-api"},
    )
    found = complete(aws, CHECKOUT)
    assert found.service.resources.functions == (FunctionRef(name="checkout"),)
    assert found.service.resources.apis[0].name == "checkout-api"
    (gap,) = found.gaps
    assert (gap.probe, gap.permission, found.complete) == ("aliases", "lambda:ListAliases", True)


def test_an_api_without_its_name_is_a_gap_of_its_own() -> None:
    aws = Answers(
        get_resources=tagged(FUNCTION, f"{API}/restapis/r1"),
        list_aliases={"Aliases": [{"Name": "PROD"}]},
        get_rest_api=denied("apigateway:GET"),
    )
    found = complete(aws, CHECKOUT)
    assert found.service.resources.functions[0].alias == "PROD"
    assert found.service.resources.apis[0].id == "r1"
    assert [gap.probe for gap in found.gaps] == ["api names"]


def test_without_its_tags_a_service_is_not_whole_and_still_completed() -> None:
    listed = Service(
        name="checkout", resources=Resources(functions=(FunctionRef(name="checkout"),))
    )
    aws = Answers(
        get_resources=denied("tag:GetResources"), list_aliases={"Aliases": [{"Name": "PROD"}]}
    )
    found = complete(aws, listed)
    assert found.service.resources.functions[0].alias == "PROD"
    assert [gap.permission for gap in found.gaps] == ["tag:GetResources"]
    assert not found.complete


class Meeting(Answers):
    """An AWS that answers only when so many reads are under way at once."""

    def __init__(self, together: int, **replies: object) -> None:
        super().__init__(**replies)
        self._barrier = threading.Barrier(together)

    def pages(self, service: str, operation: str, /, **params: object) -> Iterator[dict[str, Any]]:
        self._barrier.wait(5)
        yield from super().pages(service, operation, **params)


def test_what_the_catalogue_lists_does_not_wait_for_the_tags() -> None:
    listed = Resources(
        functions=(FunctionRef(name="checkout"), FunctionRef(name="mailer")),
        apis=(ApiRef(name="shop"), ApiRef(name="shop", stage="test")),
    )
    aws = Meeting(
        together=4,  # tags, an alias of each function, the list of APIs
        get_resources=tagged(),
        list_aliases={"Aliases": [{"Name": "live"}]},
        get_rest_apis={"items": [{"id": "r1", "name": "shop"}]},
    )
    found = complete(aws, Service(name="checkout", resources=listed)).service.resources
    assert [each.alias for each in found.functions] == ["live", "live"]
    assert [each.id for each in found.apis] == ["r1", "r1"]
    assert len(aws.sent) == 4, "the APIs are listed once"


def test_what_the_tags_name_is_completed_at_once() -> None:
    class AfterTags(Meeting):
        def pages(
            self, service: str, operation: str, /, **params: object
        ) -> Iterator[dict[str, Any]]:
            if operation == "get_resources":
                return Answers.pages(self, service, operation, **params)
            return super().pages(service, operation, **params)

    aws = AfterTags(
        together=2,
        get_resources=tagged(FUNCTION, FUNCTION.replace("checkout", "mailer")),
        list_aliases={"Aliases": [{"Name": "live"}]},
    )
    found = complete(aws, CHECKOUT).service.resources
    assert [(each.name, each.alias) for each in found.functions] == [
        ("checkout", "live"),
        ("mailer", "live"),
    ]
