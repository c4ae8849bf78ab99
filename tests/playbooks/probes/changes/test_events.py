"""CloudTrail's events as changes: which are, which are the service's, and what they are called."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.report import Change
from playbooks.probes.changes.events import UnreadableRecord, changed
from playbooks.probes.changes.names import Names, texts_in
from tests.playbooks.probes.answers import AT
from tests.playbooks.probes.changes.records import NAMES, event


def told(*args: object, **more: object) -> Change:
    found = changed(event(*args, **more), NAMES)  # type: ignore[arg-type]
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "source", "request_parameters", "kind", "summary"),
    [
        (
            "UpdateAlias20150331",
            "lambda",
            {"name": "PROD", "functionVersion": "42"},
            "alias",
            "UpdateAlias alias PROD to version 42",
        ),
        ("UpdateFunctionCode20150331v2", "lambda", {}, "deployment", "UpdateFunctionCode"),
        (
            "UpdateFunctionConfiguration20150331v2",
            "lambda",
            {"timeout": 10},
            "configuration",
            "UpdateFunctionConfiguration timeout 10 s",
        ),
        (
            "PutFunctionConcurrency20171031",
            "lambda",
            {"reservedConcurrentExecutions": 5},
            "scaling",
            "PutFunctionConcurrency reserved 5",
        ),
        (
            "PutFunctionConcurrency20171031",
            "lambda",
            {"reservedConcurrentExecutions": 0},
            "scaling",
            "PutFunctionConcurrency reserved 0",
        ),
        ("UpdateService", "ecs", {"desiredCount": 4}, "scaling", "UpdateService to 4 tasks"),
        ("UpdateService", "ecs", {"desiredCount": 0}, "scaling", "UpdateService to 0 tasks"),
        (
            "UpdateService",
            "ecs",
            {"taskDefinition": "shop:42", "desiredCount": 0},
            "deployment",
            "UpdateService to shop:42 to 0 tasks",
        ),
        (
            "UpdateService",
            "ecs",
            {"forceNewDeployment": True},
            "deployment",
            "UpdateService anew (forced)",
        ),
        (
            "UpdateService",
            "ecs",
            {"forceNewDeployment": False, "desiredCount": 2},
            "scaling",
            "UpdateService to 2 tasks",
        ),
        (
            "UpdateService",
            "ecs",
            {"healthCheckGracePeriodSeconds": 5},
            "configuration",
            "UpdateService",
        ),
        (
            "RevokeSecurityGroupIngress",
            "ec2",
            {"groupId": "sg-1"},
            "security-group",
            "RevokeSecurityGroupIngress sg-1",
        ),
        (
            "RebootDBInstance",
            "rds",
            {"dBInstanceIdentifier": "orders-db"},
            "database",
            "RebootDBInstance orders-db",
        ),
        (
            "PutSecretValue",
            "secretsmanager",
            {"secretId": "arn:aws:secretsmanager:eu-west-1:1:secret:prod/db-AbCdEf"},
            "secret",
            "PutSecretValue db-AbCdEf",
        ),
        ("PutParameter", "ssm", {"name": "/checkout/t"}, "parameter", "PutParameter /checkout/t"),
        ("StartDeployment", "appconfig", {}, "flag", "StartDeployment"),
        ("DeleteRolePolicy", "iam", {"roleName": "r"}, "permission", "DeleteRolePolicy r"),
        ("DisableKey", "kms", {"keyId": "k"}, "permission", "DisableKey k"),
        ("ReplaceNetworkAclEntry", "ec2", {}, "network", "ReplaceNetworkAclEntry"),
        ("DeleteRoute", "ec2", {}, "network", "DeleteRoute"),
        ("ChangeResourceRecordSets", "route53", {}, "dns", "ChangeResourceRecordSets"),
        ("UpdateWebACL", "wafv2", {"name": "edge"}, "waf", "UpdateWebACL edge"),
        ("DeregisterTargets", "elasticloadbalancing", {}, "targets", "DeregisterTargets"),
        ("ModifyTargetGroup", "elasticloadbalancing", {}, "configuration", "ModifyTargetGroup"),
        ("CreateDeployment", "apigateway", {"restApiId": "a"}, "deployment", "CreateDeployment"),
        ("PutIntegration", "apigateway", {"restApiId": "a"}, "other", "PutIntegration"),
        ("UpdateIntegration", "apigateway", {"apiId": "a"}, "configuration", "UpdateIntegration"),
        ("ExecuteChangeSet", "cloudformation", {"stackName": "s"}, "deployment", None),
    ],
)
def test_what_an_event_is_called(
    name: str, source: str, request_parameters: dict[str, object], kind: str, summary: str | None
) -> None:
    found = told(name, request_parameters, source=source)
    assert (found.kind, found.actor, found.at) == (kind, "mara", AT)
    assert summary is None or found.summary == summary


def test_what_only_read_or_was_a_trial_is_no_change() -> None:
    read = event("GetAlias20150331") | {"ReadOnly": "true"}
    assert changed(read, NAMES) is None
    assert changed(event("UpdateFunctionCode20150331v2", {"dryRun": True}), NAMES) is None
    refused = event("RevokeSecurityGroupIngress", errorCode="Client.DryRunOperation")
    assert changed(refused, NAMES) is None
    assert changed(event("UpdateInstanceInformation", source="ssm"), NAMES) is None


def test_what_aws_refused_is_kept_and_says_so() -> None:
    found = told("UpdateAlias20150331", {"name": "PROD"}, errorCode="AccessDenied")
    assert found.error == "AccessDenied"
    assert found.summary == "UpdateAlias alias PROD, refused (AccessDenied)"
    assert told("UpdateAlias20150331", {"name": "PROD"}).error is None


@pytest.mark.parametrize(
    ("resources", "request_parameters", "touches"),
    [
        (("arn:aws:lambda:eu-west-1:1:function:checkout",), {}, ("checkout",)),
        (("role/x", "checkout"), {}, ("checkout",)),
        (("prod", "shop"), {}, ("shop",)),
        (("arn:aws:ecs:eu-west-1:1:service/prod/shop",), {}, ("shop",)),
        (
            ("arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/shop-tg/73e2d6bc24d8a067",),
            {},
            ("shop-tg",),
        ),
        ((), {"targetGroupArn": "arn:aws:elasticloadbalancing:e:1:targetgroup/shop-tg/7"}, None),
        ((), {"roleName": "checkout-role"}, ("checkout-role",)),
        ((), {"ipPermissions": {"items": [{"groups": [{"groupId": "sg-1"}]}]}}, ("sg-1",)),
        (("other",), {"cluster": "shop"}, ()),
        ((), {"resourceId": "service/prod/shop"}, ("shop",)),
        (("arn:aws:ecs:eu-west-1:1:service/shop/other",), {}, ()),
        (
            ("arn:aws:elasticloadbalancing:e:1:listener/app/shop-alb/50dc6c495c0c9188/f2f7",),
            {},
            ("shop-alb",),
        ),
        (("arn:aws:apigateway:eu-west-1::/restapis/a1b2c3/stages/prod",), {}, ("checkout-api",)),
        (("other",), {"description": "checkout"}, ()),
        (("checkout-2", "arn:aws:lambda:eu-west-1:1:function:my-checkout"), {}, ()),
    ],
)
def test_a_resource_is_known_by_arn_name_or_parameter(
    resources: tuple[str, ...],
    request_parameters: dict[str, object],
    touches: tuple[str, ...] | None,
) -> None:
    found = told("Modify", request_parameters, source="x", resources=resources)
    expected = ("shop-tg",) if touches is None else touches
    assert found.touches == expected
    if expected:
        assert found.resource == expected[0]  # the one of the service, whichever stands first


@pytest.mark.parametrize(
    ("name", "request_parameters", "touches"),
    [
        (
            "UpdateAlias20150331",
            {"functionName": "checkout", "name": "STAGING"},
            "checkout:STAGING",
        ),
        ("UpdateFunctionCode20150331v2", {"functionName": "checkout"}, "checkout:$LATEST"),
        ("PutProvisionedConcurrencyConfig", {"qualifier": "PROD"}, "checkout:PROD"),
        ("PutFunctionConcurrency20171031", {"functionName": "checkout"}, "checkout"),
    ],
)
def test_it_says_which_version_of_a_function_it_acts_on(
    name: str, request_parameters: dict[str, object], touches: str
) -> None:
    assert told(name, request_parameters).touches == (touches,)


@pytest.mark.parametrize(
    ("request_parameters", "suspect"),
    [
        ({"functionVersion": "42"}, "42"),
        ({"functionVersion": "42", "routingConfig": {}}, "42"),
        ({"functionVersion": "42", "routingConfig": {"additionalVersionWeights": {}}}, "42"),
        # a canary: the version that is new got a part of the traffic
        (
            {"functionVersion": "42", "routingConfig": {"additionalVersionWeights": {"43": 0.1}}},
            "43",
        ),
        ({"routingConfig": {"additionalVersionWeights": {"43": 0.1}}}, "43"),
        (
            {
                "functionVersion": "42",
                "routingConfig": {"additionalVersionWeights": {"43": 0.1, "44": 0.1}},
            },
            None,
        ),
        ({"description": "x"}, None),
    ],
)
def test_what_a_rollback_of_an_alias_takes_back(
    request_parameters: dict[str, object], suspect: str | None
) -> None:
    alias = {"functionName": "checkout", "name": "PROD"}
    found = told("UpdateAlias20150331", alias | request_parameters)
    assert (found.choice.suspect if found.choice else None) == suspect


TARGETS = "arn:aws:elasticloadbalancing:e:1:targetgroup/shop-tg/73e2d6bc24d8a067"
FORWARD = {"type": "forward", "targetGroupArn": TARGETS}
WEIGHTED = {
    "type": "forward",
    "forwardConfig": {"targetGroups": [{"targetGroupArn": TARGETS, "weight": 10}]},
}


@pytest.mark.parametrize(
    ("name", "request_parameters", "kind", "summary"),
    [
        ("ModifyListener", {"defaultActions": [FORWARD]}, "deployment", "shop-tg"),
        ("ModifyListener", {"defaultActions": [WEIGHTED]}, "deployment", "shop-tg weight 10"),
        ("ModifyRule", {"actions": [WEIGHTED]}, "deployment", "shop-tg weight 10"),
        ("ModifyListener", {"defaultActions": [{"type": "fixed-response"}]}, "targets", ""),
        ("ModifyListener", {"port": 443}, "targets", ""),
        (
            "ModifyListener",
            {"defaultActions": [FORWARD], "certificates": [{"certificateArn": "c"}]},
            "targets",
            "shop-tg",
        ),
        (
            "ModifyListener",
            {"defaultActions": [FORWARD], "sslPolicy": "ELBSecurityPolicy-2016-08"},
            "targets",
            "shop-tg",
        ),
    ],
)
def test_traffic_that_is_moved_to_other_targets_is_a_release(
    name: str, request_parameters: dict[str, object], kind: str, summary: str
) -> None:
    found = told(name, request_parameters, source="elasticloadbalancing", resources=("shop-alb",))
    assert (found.kind, found.until) == (kind, AT)
    assert found.summary == f"{name} {summary}".strip()


CALLS = Names(NAMES.own, NAMES.used, "checkout", frozenset({"mail-sender", "price-list"}))


@pytest.mark.parametrize(
    ("name", "request_parameters", "touches"),
    [
        ("UpdateTable", {"tableName": "price-list"}, ("price-list",)),
        ("PutFunctionConcurrency20171031", {"functionName": "mail-sender"}, ("mail-sender",)),
        ("UpdateFunctionCode20150331v2", {"functionName": "mail-sender"}, ()),
        ("UpdateAlias20150331", {"functionName": "mail-sender", "functionVersion": "7"}, ()),
    ],
)
def test_what_is_called_is_met_by_its_changes_but_not_by_its_releases(
    name: str, request_parameters: dict[str, object], touches: tuple[str, ...]
) -> None:
    source = "dynamodb" if "Table" in name else "lambda"
    found = changed(event(name, request_parameters, source=source, resources=()), CALLS)
    assert found is not None
    assert found.touches == touches


def test_the_services_own_stands_before_what_it_calls() -> None:
    texts = ("price-list", "checkout-role", "checkout")
    assert CALLS.met_in(texts) == ("checkout", "checkout-role", "price-list")
    assert CALLS.met_in(texts, called=False) == ("checkout", "checkout-role")


def test_aws_rotates_a_secret_by_itself() -> None:
    arn = "arn:aws:secretsmanager:eu-west-1:1:secret:prod/checkout/db-AbCdEf"
    found = told(
        "RotationSucceeded",
        None,
        source="secretsmanager",
        resources=(),
        username=None,
        eventType="AwsServiceEvent",
        eventSource="secretsmanager.amazonaws.com",
        additionalEventData={"SecretId": arn},
    )
    assert (found.kind, found.actor) == ("secret", "AWS (secretsmanager)")
    assert found.touches


def test_a_setting_named_by_its_service_is_the_services() -> None:
    found = told(
        "PutSecretValue", {"secretId": "prod/checkout/db"}, source="secretsmanager", resources=()
    )
    assert found.touches == ("prod/checkout/db",)
    other = told(
        "PutSecretValue", {"secretId": "prod/basket/db"}, source="secretsmanager", resources=()
    )
    assert other.touches == ()
    role = told("PutRolePolicy", {"roleName": "x/checkout/y"}, source="iam", resources=())
    assert role.touches == ()


@pytest.mark.parametrize("record", ['{"requestParameters": {"na', "[1]", "null", "17"])
def test_a_record_that_is_not_whole_is_unreadable(record: str) -> None:
    with pytest.raises(UnreadableRecord):
        changed(event("UpdateAlias20150331", record=record), NAMES)


@pytest.mark.parametrize("request_parameters", ["HIDDEN_DUE_TO_SECURITY_REASONS", [1], 5, None])
def test_odd_parameters_leave_the_event_as_it_is(request_parameters: object) -> None:
    found = told("UpdateFunctionCode20150331v2", request_parameters)
    assert (found.kind, found.touches) == ("deployment", ("checkout:$LATEST",))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON, JSON, JSON)
def test_any_json_is_a_change_or_unreadable(
    request: object, identity: object, more: object
) -> None:
    record = {"requestParameters": request, "userIdentity": identity, "errorCode": more}
    made = event("UpdateAlias20150331", record=json.dumps(record))
    found = changed(made, NAMES)
    assert found is None or found.at == AT


@given(JSON)
def test_the_texts_of_parameters_are_texts(value: object) -> None:
    assert all(isinstance(text, str) for text in texts_in(value))
    assert Names({}, {}).met_in(texts_in(value)) == ()
