"""Releases told by log streams: versions beside each other, parts that fail, tasks that stop."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.plan import Choice
from bot.domain.playbook_contract import Scope
from bot.domain.report import Cause, CauseStatus, Change, ClueKind, Verdict
from bot.domain.resources import ApiRef, EcsRef, FunctionRef, Resources
from bot.domain.service import Service
from playbooks.causes.releases import releases_of
from playbooks.probes.exceptions import Exceptions, Raised
from playbooks.probes.lambda_reports import Reported, Reports
from playbooks.probes.stopped_tasks import StoppedTask, StoppedTasks
from tests.playbooks.samples import (
    ABNORMAL,
    BASELINE,
    NOTHING_SPECIAL,
    ONSET,
    TARGETS_ONLY,
    access,
    balancer,
    change,
    changes,
    counts,
    minute,
    reports,
    scope,
    verdict,
    weighed,
)
from tests.playbooks.stories import DEPLOYED

Version = tuple[str, float, float]
"""A version, its invocations a minute in the anomaly, and how many of them end at the timeout."""


def lines(*versions: Version, timeout: float = 60) -> Reports:
    """Version 41 in the baseline, these since."""
    rows = [(at, "41", 900.0, 0.0) for at in BASELINE]
    rows += [(at, version, n, timed) for at in ABNORMAL for version, n, timed in versions]
    told = tuple(
        Reported(
            at=minute(at),
            cold=False,
            count=n,
            slow=0,
            timed=timed,
            missed=timed,
            p50=180,
            p99=900,
            init_p50=None,
            version=version,
        )
        for at, version, n, timed in rows
    )
    return replace(reports(timeout=timeout), rows=told)


def raised(name: str, *versions: tuple[str, float], owner: str = "checkout") -> Exceptions:
    """Lines a minute by version in the anomaly."""
    found = [Raised(minute(at), name, v, n, owner=owner) for at in ABNORMAL for v, n in versions]
    return Exceptions(("/aws/lambda/checkout",), "", minute(-120), tuple(found))


def known(cause: Cause) -> str:
    return " | ".join(clue.text for clue in cause.clues)


# --- version against version ----------------------------------------------------------------------

CANARY = DEPLOYED | {
    "reports": lines(("41", 700, 0), ("42", 200, 0)),
    "exceptions": raised("BasketRejected", ("42", 180)),
}


@pytest.mark.parametrize("name", ["BasketRejected", "OperationalError", "AccessDeniedException"])
def test_a_new_version_that_fails_beside_an_old_one_is_the_release(name: str) -> None:
    """What both call is the same: so it is the code, whatever the exception is called."""
    evidence = CANARY | {"exceptions": raised(name, ("42", 180))}
    found, cause = verdict(evidence)
    assert cause == "bad-deployment"
    assert found in (Verdict.HIGH, Verdict.MEDIUM)
    text = known(weighed(evidence)["bad-deployment"])
    assert f"version 42: 2,520 {name} in 2,800 invocations; versions beside it: 0 in 9,800" in text


def test_what_both_versions_raise_alike_speaks_against_the_release() -> None:
    both = {"reports": lines(("41", 100, 0), ("42", 800, 0))}
    alike = both | {"exceptions": raised("BasketRejected", ("42", 160), ("41", 20))}
    alone = both | {"exceptions": raised("BasketRejected", ("42", 160))}
    against = weighed(CANARY | alike)["bad-deployment"]
    clue = next(each for each in against.clues if "versions beside it: 280 in 1,400" in each.text)
    assert (clue.kind, clue.holds) == (ClueKind.CONTRADICTING, True)
    assert against.score < weighed(CANARY | alone)["bad-deployment"].score


@pytest.mark.parametrize("name", ["OperationalError", "AccessDeniedException", "gaierror"])
def test_what_a_version_alone_raises_is_nothing_that_all_call(name: str) -> None:
    found = weighed(CANARY | {"exceptions": raised(name, ("42", 180))})
    for called in ("database-behind", "permission-removed", "name-resolution"):
        assert found[called].status is not CauseStatus.SUPPORTED


def test_a_secret_that_was_changed_since_is_no_rival_of_a_version_that_fails_alone() -> None:
    secret = changes(change(ONSET - 8), change(ONSET - 1, kind="secret"))
    evidence = CANARY | {"changes": secret}
    assert weighed(evidence)["configuration-change"].status is not CauseStatus.SUPPORTED
    assert verdict(evidence)[1] == "bad-deployment"


def hanging(*versions: Version) -> dict[str, object]:
    moved = change(ONSET - 1).model_copy(
        update={"choice": Choice(target="lambda:checkout:PROD/version", suspect="42")}
    )
    return NOTHING_SPECIAL | {
        "access": access("502", 180, p50=10_000),
        "counts": counts(errors=(0, 180)),
        "reports": lines(*versions, timeout=10),
        "changes": changes(moved),
    }


def test_a_new_version_hangs_and_the_one_beside_it_does_not() -> None:
    found = weighed(hanging(("41", 700, 0), ("42", 200, 180)))["bad-deployment"]
    assert found.status is CauseStatus.SUPPORTED
    assert "version 42: 2,520 timeouts in 2,800 invocations" in known(found)
    both = weighed(hanging(("41", 700, 140), ("42", 200, 40)))["bad-deployment"]
    assert "versions beside it: 1,960 in 9,800" in known(both)
    assert both.score < found.score


# --- moves that CloudTrail does not show ----------------------------------------------------------

SWITCHED = DEPLOYED | {
    "reports": lines(("42", 900, 0)),
    "exceptions": raised("KeyError", ("42", 180)),
    "changes": replace(changes(), read_at=minute(4)),
}


def test_a_move_that_only_the_log_streams_show_is_a_release() -> None:
    assert verdict(SWITCHED) == (Verdict.HIGH, "bad-deployment")
    choice = weighed(SWITCHED)["bad-deployment"].choice
    assert choice is not None
    assert choice == Choice(
        target="lambda:checkout:PROD/version", suspect="42", since=minute(ONSET), previous="41"
    )


def test_one_version_all_the_time_is_no_release() -> None:
    same = SWITCHED | {
        "reports": lines(("41", 900, 0)),
        "exceptions": raised("KeyError", ("41", 180)),
    }
    assert weighed(same)["bad-deployment"].status is not CauseStatus.SUPPORTED
    assert weighed(same, scope(now=30))["bad-deployment"].status is CauseStatus.REFUTED


def test_a_rollback_goes_back_from_the_version_that_fails() -> None:
    """CloudTrail shows the move before, to another version."""
    earlier = change(ONSET - 2).model_copy(
        update={
            "touches": ("checkout:PROD",),
            "choice": Choice(
                target="lambda:checkout:PROD/version", suspect="40", since=minute(-5), previous="39"
            ),
        }
    )
    evidence = DEPLOYED | {
        "reports": reports(),
        "exceptions": raised("KeyError", ("42", 180), owner=""),
        "changes": changes(earlier),
    }
    choice = weighed(evidence)["bad-deployment"].choice
    assert choice is not None
    assert (choice.suspect, choice.since, choice.previous) == ("42", None, None)


# --- the part that fails --------------------------------------------------------------------------

SHOP = Service(
    name="shop",
    resources=Resources(
        apis=(ApiRef(name="checkout-api", id="a1b2c3"),),
        functions=(FunctionRef(name="checkout", alias="PROD"), FunctionRef(name="mailer")),
        ecs=(EcsRef(cluster="main", service="web"),),
    ),
)


def of(*touched: str, kind: str = "alias") -> Change:
    return change(ONSET - 1, kind=kind).model_copy(update={"touches": touched})


@pytest.mark.parametrize(
    ("made", "part", "kept"),
    [
        (of("mailer:PROD"), "checkout", False),
        (of("web", kind="deployment"), "checkout", False),
        (of("checkout:PROD"), "checkout", True),
        (of("checkout:PROD", "mailer:PROD"), "checkout", True),
        (of(), "checkout", True),  # whose release it is, is not known
        (of("orders-table"), "checkout", True),
        (of("mailer", kind="permission"), "checkout", True),  # no release
        (of("mailer:PROD"), None, True),  # who fails is not known
        (of("mailer:PROD"), "somebody-else", True),
        (of("checkout:PROD"), "web", False),
    ],
)
def test_releases_of_other_parts_than_the_one_that_fails(
    made: Change, part: str | None, kept: bool
) -> None:
    looked: Scope = scope(service=SHOP)
    assert (made in releases_of(changes(made), part, looked).known) is kept


def test_the_release_of_another_function_is_innocent() -> None:
    evidence = DEPLOYED | {
        "exceptions": raised("KeyError", ("42", 180)),
        "changes": changes(of("mailer:PROD")),
    }
    looked = scope(service=SHOP, now=30)
    assert weighed(evidence, looked)["bad-deployment"].status is CauseStatus.REFUTED
    own = evidence | {"changes": changes(of("checkout:PROD"))}
    assert weighed(own, looked)["bad-deployment"].status is CauseStatus.SUPPORTED


# --- tasks that end by themselves -----------------------------------------------------------------


def rolled_out(*revisions: int, code: int = 1) -> dict[str, object]:
    """shop:42 was rolled out; tasks of these revisions stopped since."""
    rollout = change(ONSET - 2, kind="deployment", until=ONSET + 1).model_copy(
        update={"choice": Choice(target="ecs:main/shop", suspect="shop:42")}
    )
    stopped = [
        StoppedTask("shop", minute(at), "Essential container exited", (code,), f"shop:{revision}")
        for at, revision in enumerate(revisions)
    ]
    return TARGETS_ONLY | {
        "balancer": balancer(own={"502": 180}, connections=(0, 30)),
        "changes": changes(rollout),
        "stopped_tasks": StoppedTasks(tuple(stopped)),
    }


def test_tasks_of_the_release_that_end_by_themselves_accuse_it() -> None:
    assert weighed(rolled_out(42, 42, 42))["bad-deployment"].status is CauseStatus.SUPPORTED


@pytest.mark.parametrize("revisions", [(), (42,), (41, 41), (42, 41, 41), (42, 42, 41)])
def test_tasks_of_all_revisions_or_next_to_none_do_not(revisions: tuple[int, ...]) -> None:
    assert weighed(rolled_out(*revisions))["bad-deployment"].status is not CauseStatus.SUPPORTED


def test_tasks_that_the_rollout_stopped_do_not() -> None:
    stopped = rolled_out(41, 41, 41, 42, 42, code=143)
    assert weighed(stopped)["bad-deployment"].status is not CauseStatus.SUPPORTED
