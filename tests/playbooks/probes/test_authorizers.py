"""Lambda authorizers: asked for only where methods use one."""

from __future__ import annotations

from bot.domain.resources import ApiRef, Resources
from bot.domain.service import Service
from playbooks.probes.authorizers import Authorizers, AuthorizersProbe
from tests.playbooks.aws_stub import Answers
from tests.playbooks.probes.answers import ARN, Published
from tests.playbooks.samples import TimeSeries, minute, scope

URI = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{ARN}auth/invocations"


def resources(kind: str) -> dict[str, object]:
    return {"items": [{"resourceMethods": {"GET": {"authorizationType": kind}}}]}


def test_a_method_with_a_lambda_authorizer() -> None:
    aws = Published(
        {"Invocations Sum auth": {-30: 90, 0: 190}, "Errors Sum auth": {0: 40}},
        get_resources=resources("CUSTOM"),
        get_authorizers={
            "items": [
                {"type": "REQUEST", "authorizerUri": URI},
                {"type": "COGNITO_USER_POOLS", "providerARNs": ["arn:aws:cognito-idp:x"]},
            ]
        },
    )
    found = AuthorizersProbe().read(aws, scope())
    assert isinstance(found, Authorizers)
    (auth,) = found.functions
    assert (found.names, auth.function) == ("auth", "auth")
    assert auth.errors.points[minute(0)] == 40
    assert auth.throttles.points == {minute(-30): 0.0, minute(0): 0.0}  # the calls are published
    assert auth.p99 == TimeSeries()


def test_methods_without_one_cost_no_further_call() -> None:
    aws = Answers(get_resources=resources("AWS_IAM"))
    assert AuthorizersProbe().read(aws, scope()) == Authorizers("checkout-api")
    assert [name for name, _ in aws.sent] == ["apigateway.get_resources"]


def test_an_http_api() -> None:
    api = ApiRef(name="orders", id="h1", kind="http", stage="$default")
    service = Service(name="orders", resources=Resources(apis=(api,)))
    jwt = {"AuthorizerType": "JWT", "Name": "users"}
    aws = Answers(get_authorizers={"Items": [jwt]})
    assert AuthorizersProbe().read(aws, scope(None, service)) == Authorizers("orders")
    lambda_ = {"AuthorizerType": "REQUEST", "AuthorizerUri": URI}
    aws = Published({}, get_authorizers={"Items": [jwt, lambda_]})
    found = AuthorizersProbe().read(aws, scope(None, service))
    assert found is not None
    assert found.names == "auth"
