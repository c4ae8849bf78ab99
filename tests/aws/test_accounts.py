"""Whose account is read and changed, and what a session for one change may do."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.aws.accounts import AwsAccounts
from bot.aws.client import AwsAccount, Budget
from bot.aws.sessions import Roles
from bot.config.catalogue import Account, Catalogue, load
from bot.config.settings import Settings
from bot.domain.errors import ConfigError, ReadFailed, WriteRefused
from bot.domain.plan import Plan, Step
from bot.domain.report import GapReason
from bot.domain.run import Run, RunState
from bot.domain.service import Service
from playbooks.actions import ACTIONS
from sandbox.aws.server import AwsServer
from sandbox.world.api import Fault
from tests.sandbox.aws.conftest import RESOURCES
from tests.sandbox.aws.plain_world import PlainWorld

OURS, OTHERS = RESOURCES.account, "222222222222"
MOVE = Step(
    service="lambda",
    operation="update_alias",
    params={"FunctionName": "checkout", "Name": "live", "FunctionVersion": "40"},
)
BACK = MOVE.model_copy(update={"params": MOVE.params | {"FunctionVersion": "42"}})
LIVE = f"arn:aws:lambda:us-east-1:{OURS}:function:checkout:live"


def role(account: str, name: str) -> str:
    return f"arn:aws:iam::{account}:role/{name}"


def run(**fields: object) -> Run:
    plan = Plan(
        action="rollback-alias",
        title="back",
        service="checkout",
        target="lambda:checkout:live/version",
        before={"version": "42"},
        after={"version": "40"},
        steps=(MOVE,),
        inverse=(BACK,),
        resources=(LIVE,),
    )
    return Run.model_validate(
        {
            "id": "CHG-1",
            "incident": "INC-1",
            "action": "rollback-alias",
            "state": RunState.APPROVED,
            "requested_by": "U1",
            "approved_by": "U2",
            "plan": plan,
        }
        | fields
    )


def accounts(service: Service, **entries: Account) -> AwsAccounts:
    named = {number.lstrip("_"): entry for number, entry in entries.items()}
    return AwsAccounts(Catalogue(services=(service,), accounts=named), Settings(), ACTIONS)


def test_the_default_roles_are_not_for_a_service_that_names_another_account(
    aws: AwsServer,
) -> None:
    elsewhere = Service(name="checkout", account=OTHERS)
    known = accounts(elsewhere, default=Account(read_role=role(OURS, "r"), write_role="w"))
    with pytest.raises(ReadFailed, match=f'accounts: "{OTHERS}"') as failed:
        known.reader(elsewhere).read("lambda", "get_account_settings")
    assert failed.value.reason is GapReason.NOT_CONFIGURED
    assert OURS in failed.value.detail
    with pytest.raises(WriteRefused, match=f"belongs to account {OURS}"):
        known.writer(elsewhere, run())
    assert aws.ledger.writes(outcome=None) == []
    assert aws.ledger.reads("lambda:GetAccountSettings") == []


def test_a_role_for_reading_only_does_not_make_the_own_credentials_write_elsewhere(
    aws: AwsServer,
) -> None:
    there = AwsAccount(Roles(read=role(OTHERS, "reader")), number=OTHERS)
    with pytest.raises(WriteRefused, match="the bot's own AWS credentials"):
        there.writer("us-east-1", session_name="U1.r", steps=(MOVE,))
    assert aws.ledger.writes(outcome=None) == []


def test_the_own_credentials_are_asked_for_their_account_once(aws: AwsServer) -> None:
    here = Service(name="checkout", account=OURS)
    known = accounts(here)
    for _ in range(3):
        known.reader(here).read("lambda", "get_account_settings")
    known.writer(here, run()).write(MOVE)
    assert len(aws.ledger.reads("sts:GetCallerIdentity")) == 1


def test_who_could_not_be_asked_is_asked_again(aws: AwsServer, world: PlainWorld) -> None:
    here = AwsAccount(Roles(), number=OURS)
    world.active_faults.append(Fault("sts:GetCallerIdentity", "throttle"))
    with pytest.raises(ReadFailed) as failed:
        here.reader("us-east-1", Budget()).read("lambda", "get_account_settings")
    assert failed.value.reason is GapReason.THROTTLED
    world.active_faults.clear()
    assert here.reader("us-east-1", Budget()).read("lambda", "get_account_settings")


def test_a_session_for_a_change_may_send_its_calls_on_its_resource_only(aws: AwsServer) -> None:
    here = Service(name="checkout", account=OURS)
    roles = Account(read_role=role(OURS, "reader"), write_role=role(OURS, "writer"))
    known = accounts(here, **{f"_{OURS}": roles})
    hand = known.writer(here, run())
    assert hand.write(MOVE)["FunctionVersion"] == "40"
    other = MOVE.model_copy(update={"params": MOVE.params | {"FunctionName": "mailer"}})
    with pytest.raises(WriteRefused, match="no session policy allows the lambda:UpdateAlias"):
        hand.write(other)
    declared = Step(  # the action may do it, this change does not
        service="lambda",
        operation="put_provisioned_concurrency_config",
        params={"FunctionName": "checkout", "Qualifier": "live"}
        | {"ProvisionedConcurrentExecutions": 1},
    )
    with pytest.raises(WriteRefused, match="no session policy allows"):
        hand.write(declared)
    undoing = known.writer(here, run(undone_by="U3"))
    assert undoing.write(BACK)["FunctionVersion"] == "42"
    assert [each.caller.rsplit("/", 1)[-1] for each in aws.ledger.writes()] == [
        "U1.U2.CHG-1",
        "U3.CHG-1",
    ]


def test_a_role_of_another_account_under_a_number_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.yaml"
    file.write_text(
        f'services: [{{name: checkout}}]\naccounts: {{"{OURS}": '
        f"{{read_role: {role(OTHERS, 'reader')}}}}}\n"
    )
    with pytest.raises(ConfigError, match=f"not a role of account {OURS}"):
        load(file)


def test_what_the_write_role_may_not_send_is_known_beforehand(
    aws: AwsServer, world: PlainWorld
) -> None:
    here = Service(name="checkout", account=OURS)
    roles = Account(read_role=role(OURS, "reader"), write_role=role(OURS, "writer"))
    known = accounts(here, **{f"_{OURS}": roles})
    plan = run().plan
    assert plan is not None
    assert known.denied(here, plan) == []
    world.active_faults.append(Fault("lambda:UpdateAlias", "deny"))
    assert known.denied(here, plan) == ["lambda:UpdateAlias"]
    with pytest.raises(ReadFailed, match="on some resources"):
        known.denied(here, plan.model_copy(update={"resources": ()}))
    world.active_faults.append(Fault("iam:SimulatePrincipalPolicy", "deny"))
    with pytest.raises(ReadFailed) as failed:
        known.denied(here, plan)
    assert failed.value.reason is GapReason.DENIED


def test_cloudtrail_shows_that_somebody_approved_alone(aws: AwsServer) -> None:
    here = Service(name="checkout", account=OURS)
    known = accounts(here, **{f"_{OURS}": Account(write_role=role(OURS, "writer"))})
    known.writer(here, run(approved_by="U1", break_glass="nobody answers")).write(MOVE)
    [write] = aws.ledger.writes()
    assert "U1" in write.caller
    assert "BREAK-GLASS" in write.caller
    assert write.caller.endswith("CHG-1")
