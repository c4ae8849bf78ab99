"""Who made a change: a person, a role, or AWS."""

from __future__ import annotations

import pytest

from playbooks.probes.changes.actors import actor_of

ROLE = "arn:aws:sts::111122223333:assumed-role/"


@pytest.mark.parametrize(
    ("arn", "actor"),
    [
        (ROLE + "deploy-prod/mara", "mara (role deploy-prod)"),
        (ROLE + "deploy-prod/deploy-prod", "deploy-prod"),
        (
            ROLE + "AWSReservedSSO_AdministratorAccess_0123456789abcdef/maya@example.com",
            "maya@example.com (role AdministratorAccess)",
        ),
        (
            ROLE + "deploy-prod/botocore-session-1700000000",
            "role deploy-prod (botocore-session-1700000000)",
        ),
        (ROLE + "deploy/GitHubActions", "role deploy (GitHubActions)"),
        (ROLE + "web/i-0abcd1231234ef56", "role web (i-0abcd1231234ef56)"),
        (ROLE + "ci/1700000000123", "role ci (1700000000123)"),
        (ROLE + "ci/aws-sdk-js-1700000000", "role ci (aws-sdk-js-1700000000)"),
        (ROLE + "rota/rotate-checkout-secret", "rotate-checkout-secret (role rota)"),
    ],
)
def test_a_session_is_told_with_its_role(arn: str, actor: str) -> None:
    assert actor_of({"userIdentity": {"type": "AssumedRole", "arn": arn}}, "x") == actor


def test_aws_itself_is_named() -> None:
    service = {"type": "AWSService", "invokedBy": "autoscaling.amazonaws.com"}
    assert actor_of({"userIdentity": service}, None) == "AWS (autoscaling)"
    own = {"eventType": "AwsServiceEvent", "eventSource": "secretsmanager.amazonaws.com"}
    assert actor_of(own, None) == "AWS (secretsmanager)"
    linked = {
        "type": "AssumedRole",
        "arn": ROLE + "AWSServiceRoleForECS/ecs-service-scheduler",
        "invokedBy": "ecs.amazonaws.com",
    }
    assert actor_of({"userIdentity": linked}, "ecs-service-scheduler") == "AWS (ecs)"


def test_a_person_through_a_service_stays_the_person() -> None:
    through = {
        "type": "IAMUser",
        "userName": "mara",
        "invokedBy": "cloudformation.amazonaws.com",
    }
    assert actor_of({"userIdentity": through}, "mara") == "mara via cloudformation"


@pytest.mark.parametrize("identity", [{}, None, "odd", {"arn": 5}, {"type": "Unknown"}])
def test_without_an_identity_the_user_name_stands(identity: object) -> None:
    assert actor_of({"userIdentity": identity}, "maya@example.com") == "maya@example.com"
    assert actor_of({"userIdentity": identity}, None) == "unknown"
