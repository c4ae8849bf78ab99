"""Each guard refuses what it is there for, and nothing passes the lists that breaks a rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.changes import guards
from bot.changes.guards import Request, first_refusal
from bot.domain.people import Account, Directory, Standing
from bot.domain.plan import Check, Plan, Step
from bot.domain.policy import Policy
from bot.domain.run import Run, RunState
from bot.domain.service import Service

NOW = datetime(2026, 11, 23, 3, 20, tzinfo=UTC)
PEOPLE = {"U0ASKS": ("responder",), "U0APPR": ("commander",), "U0OBS": ("observer",)}
ALLOWED = frozenset({"lambda:PutFunctionConcurrency"})


def reserve(value: int) -> Step:
    params = {"FunctionName": "checkout", "ReservedConcurrentExecutions": value}
    return Step(service="lambda", operation="put_function_concurrency", params=params)


PLAN = Plan(
    action="raise-reserved-concurrency",
    title="Reserved concurrency of checkout from 10 to 20",
    service="checkout",
    target="lambda:checkout/reserved-concurrency",
    before={"reserved": 10},
    after={"reserved": 20},
    steps=(reserve(20),),
    inverse=(reserve(10),),
    checks=(Check(text="there is room", holds=True),),
)
APPROVED = Run(
    id="run-1",
    incident="inc-1",
    action=PLAN.action,
    state=RunState.APPROVED,
    requested_by="U0ASKS",
    approved_by="U0APPR",
    plan=PLAN,
    fingerprint=PLAN.fingerprint,
    expires_at=NOW + timedelta(minutes=5),
)


def directory(**standings: Standing) -> Directory:
    """Everybody of the tests is a member, but for those named."""
    users = (*PEOPLE, "U0GONE", "U0ALONE")
    return Directory(
        accounts={
            user: Account(user, standings.get(user, Standing.MEMBER), "in a test") for user in users
        }
    )


GOOD = Request(
    run=APPROVED,
    plan=PLAN,
    service=Service(name="checkout", tier=1),
    policy=Policy(people=PEOPLE),
    now=NOW,
    directory=directory(),
    permissions=ALLOWED,
)


def with_run(request: Request = GOOD, **changes: object) -> Request:
    return replace(request, run=request.run.model_copy(update=changes))


def with_plan(request: Request = GOOD, **changes: object) -> Request:
    return replace(request, plan=PLAN.model_copy(update=changes))


def test_a_change_in_order_is_applied() -> None:
    assert first_refusal(guards.APPLY, GOOD) is None


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (replace(GOOD, audit_fault="Entry 7 was edited."), "frozen: Entry 7 was edited"),
        (with_run(state=RunState.RUNNING), "running already"),
        (with_run(state=RunState.REJECTED, note="no"), "rejected already: no"),
        (with_run(requested_by="U0OBS"), "<@U0OBS> may not ask for"),
        (with_run(approved_by=None), "Nobody has approved"),
        (with_run(approved_by="U0ASKS"), "A second person"),
        (with_run(requested_by="U0APPR"), "A second person"),
        (with_run(approved_by="U0OBS"), "<@U0OBS> may not approve"),
        (with_run(approved_by="U0GONE"), "<@U0GONE> may not approve this"),
        (replace(GOOD, policy=Policy.unreadable("line 3: no")), "Changes are refused: line 3"),
        (
            replace(GOOD, directory=directory(U0ASKS=Standing.DEACTIVATED)),
            "<@U0ASKS> is deactivated in Slack",
        ),
        (
            replace(GOOD, directory=directory(U0APPR=Standing.GUEST)),
            "<@U0APPR> is a guest in this workspace",
        ),
        (
            replace(GOOD, directory=directory(U0APPR=Standing.FOREIGN)),
            "belongs to another organisation",
        ),
        (replace(GOOD, directory=Directory()), "could not be looked up in Slack"),
        (with_run(expires_at=NOW), "expired at 03:20:00 UTC"),
        (with_run(expires_at=None), "no expiry"),
        (replace(GOOD, plan=None), "nothing to change"),
        (with_plan(before={"reserved": 15}), "reserved: 10 -> 15"),
        (with_plan(steps=(reserve(21),)), "API calls are different"),
        (with_run(fingerprint=None), "No approved plan"),
        (with_plan(checks=(Check(text="there is room", holds=False),)), "there is room"),
        (with_plan(checks=(Check(text="there is room", holds=None),)), "could not be checked"),
        (replace(GOOD, holder="run-0"), "pending (run-0)"),
        (replace(GOOD, permissions=frozenset()), "does not declare lambda:PutFunctionConcurrency"),
    ],
)
def test_anything_out_of_order_is_refused_with_its_reason(request_: Request, reason: str) -> None:
    refusal = first_refusal(guards.APPLY, request_)
    assert refusal is not None
    assert reason in refusal.reason


def test_only_who_made_the_preview_may_ask_for_it() -> None:
    proposed = with_run(state=RunState.PROPOSED, approved_by=None)
    assert first_refusal(guards.REQUEST, replace(proposed, actor="U0ASKS")) is None
    refusal = first_refusal(guards.REQUEST, replace(proposed, actor="U0APPR"))
    assert refusal is not None
    assert "open your own" in refusal.reason


def test_an_undo_needs_a_role_and_an_inverse_and_no_second_person() -> None:
    done = with_run(state=RunState.DONE)
    assert first_refusal(guards.UNDO, replace(done, actor="U0ASKS")) is None
    assert first_refusal(guards.UNDO, replace(done, actor="U0APPR")) is None
    broken = replace(done, actor="U0ASKS", audit_fault="Entry 7 was edited.")
    assert first_refusal(guards.UNDO, broken) is None
    refusal = first_refusal(guards.UNDO, replace(done, actor="U0OBS"))
    assert refusal is not None
    assert refusal.reason == "You are an observer here; <@U0APPR> or <@U0ASKS> may undo this."
    stuck = PLAN.model_copy(update={"inverse": None, "irreversible": "it has a ratchet."})
    refusal = first_refusal(guards.UNDO, replace(done, actor="U0ASKS", plan=stuck))
    assert refusal is not None
    assert "ratchet" in refusal.reason


def test_an_undo_under_an_unreadable_policy_says_how_to_do_it_by_hand() -> None:
    done = with_run(state=RunState.DONE)
    unreadable = replace(done, actor="U0ASKS", policy=Policy.unreadable("line 3: no"))
    refusal = first_refusal(guards.UNDO, unreadable)
    assert refusal is not None
    assert "Changes are refused: line 3" in refusal.reason
    assert "By hand: aws lambda put-function-concurrency" in refusal.reason


def test_an_undo_that_slack_cannot_confirm_says_how_to_do_it_by_hand() -> None:
    done = with_run(state=RunState.DONE)
    refusal = first_refusal(guards.UNDO, replace(done, actor="U0ASKS", directory=Directory()))
    assert refusal is not None
    assert "I could not look you up in Slack" in refusal.reason
    assert "By hand: aws lambda put-function-concurrency" in refusal.reason
    for standing in (Standing.DEACTIVATED, Standing.GUEST, Standing.FOREIGN, Standing.BOT):
        barred = replace(done, actor="U0ASKS", directory=directory(U0ASKS=standing))
        refusal = first_refusal(guards.UNDO, barred)
        assert refusal is not None
        assert refusal.reason.startswith("You may not do this: ")


requests = st.builds(
    Request,
    run=st.builds(
        lambda state, asks, approves, left: APPROVED.model_copy(
            update={
                "state": state,
                "requested_by": asks,
                "approved_by": approves,
                "expires_at": NOW + timedelta(seconds=left),
            }
        ),
        st.sampled_from(RunState),
        st.sampled_from(["U0ASKS", "U0APPR", "U0OBS", "U0GONE"]),
        st.sampled_from(["U0ASKS", "U0APPR", "U0OBS", None]),
        st.integers(-2, 2),
    ),
    plan=st.sampled_from(
        [
            None,
            PLAN,
            PLAN.model_copy(update={"steps": (reserve(99),)}),
            PLAN.model_copy(update={"checks": (Check(text="?", holds=None),)}),
        ]
    ),
    service=st.just(GOOD.service),
    policy=st.sampled_from([Policy(), GOOD.policy]),
    now=st.just(NOW),
    directory=st.builds(
        lambda asks, approves: directory(U0ASKS=asks, U0APPR=approves),
        st.sampled_from(Standing),
        st.sampled_from(Standing),
    ),
    holder=st.sampled_from([None, "run-0"]),
    audit_fault=st.sampled_from([None, "broken."]),
    permissions=st.sampled_from([frozenset[str](), ALLOWED]),
)


@settings(max_examples=300, deadline=None)
@given(requests)
def test_what_passes_breaks_no_rule(request_: Request) -> None:
    refusal = first_refusal(guards.APPLY, request_)
    run = request_.run
    in_order = (
        run.state is RunState.APPROVED
        and run.requested_by in {"U0ASKS", "U0APPR"}
        and run.approved_by == "U0APPR"
        and run.approved_by != run.requested_by
        and run.expires_at is not None
        and run.expires_at > NOW
        and request_.plan == PLAN
        and request_.policy == GOOD.policy
        and request_.directory.account(run.requested_by).standing is Standing.MEMBER
        and request_.directory.account(run.approved_by).standing is Standing.MEMBER
        and request_.holder is None
        and request_.audit_fault is None
        and request_.permissions == ALLOWED
    )
    assert (refusal is None) == in_order
    assert refusal is None or refusal.reason.strip()


# --- never, whoever approved ----------------------------------------------------------------------


def ingress(protocol: str, first: int, last: int, cidr: str) -> Step:
    version = {"Ipv6Ranges": [{"CidrIpv6": cidr}]} if ":" in cidr else None
    ranges = version or {"IpRanges": [{"CidrIp": cidr}]}
    rule = {"IpProtocol": protocol, "FromPort": first, "ToPort": last, **ranges}
    params = {"GroupId": "sg-1", "IpPermissions": [rule]}
    return Step(service="ec2", operation="authorize_security_group_ingress", params=params)


def judged(step: Step) -> str | None:
    refusal = guards.no_forbidden_calls(with_plan(steps=(step,), inverse=()))
    return refusal.reason if refusal else None


@given(
    protocol=st.sampled_from(["tcp", "6", "-1"]),
    first=st.integers(0, 22),
    last=st.integers(22, 65535),
    cidr=st.sampled_from(["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "::/0", "2000::/3", "garbage"]),
)
def test_ssh_is_never_opened_to_the_internet(
    protocol: str, first: int, last: int, cidr: str
) -> None:
    reason = judged(ingress(protocol, first, last, cidr))
    assert reason is not None
    assert "22 (SSH)" in reason
    assert cidr in reason


@pytest.mark.parametrize(
    "step",
    [
        ingress("tcp", 22, 22, "203.0.113.7/32"),
        ingress("tcp", 443, 443, "0.0.0.0/0"),
        ingress("tcp", 23, 3388, "0.0.0.0/0"),
        ingress("tcp", 3389, 3389, "10.0.0.0/8"),
    ],
)
def test_what_does_not_open_an_admin_port_passes(step: Step) -> None:
    assert judged(step) is None


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (ingress("udp", 3389, 3389, "0.0.0.0/0"), "Remote Desktop"),
        (
            Step(
                service="ec2",
                operation="authorize_security_group_ingress",
                params={"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "0.0.0.0/0"},
            ),
            "SSH",
        ),
        (
            Step(
                service="ec2",
                operation="modify_security_group_rules",
                params={
                    "SecurityGroupRules": [
                        {
                            "SecurityGroupRuleId": "sgr-1",
                            "SecurityGroupRule": {
                                "IpProtocol": "tcp",
                                "FromPort": 22,
                                "ToPort": 22,
                                "CidrIpv4": "0.0.0.0/0",
                            },
                        }
                    ]
                },
            ),
            "SSH",
        ),
        (Step(service="iam", operation="attach_role_policy", params={}), "access rights"),
        (Step(service="dynamodb", operation="delete_table", params={}), "destroys"),
        (Step(service="ec2", operation="terminate_instances", params={}), "destroys"),
    ],
)
def test_forbidden_calls_are_refused(step: Step, reason: str) -> None:
    said = judged(step)
    assert said is not None
    assert reason in said


def test_an_inverse_is_looked_at_too() -> None:
    opening = with_plan(inverse=(ingress("tcp", 22, 22, "0.0.0.0/0"),))
    assert guards.no_forbidden_calls(opening) is not None


def test_closing_is_always_allowed() -> None:
    opened = ingress("tcp", 22, 22, "0.0.0.0/0")
    closing = opened.model_copy(update={"operation": "revoke_security_group_ingress"})
    assert judged(closing) is None


def test_a_difference_reads_as_a_sentence_part() -> None:
    before = {"version": "41", "weights": {}}
    now = {"version": "42", "weights": {"43": 0.1}}
    assert guards.difference(before, now) == "version: 41 -> 42, weights: none -> {'43': 0.1}"
