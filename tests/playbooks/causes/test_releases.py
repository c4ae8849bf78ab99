"""Releases that raise or answer errors, and those that only came before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.report import CauseStatus, GapReason, Verdict
from playbooks.probes.changes import Unread
from tests.playbooks.samples import (
    NOTHING_SPECIAL,
    NOW,
    ONSET,
    TARGETS_ONLY,
    access,
    balancer,
    change,
    changes,
    counts,
    edge,
    exceptions,
    gap,
    scope,
    verdict,
    weighed,
)
from tests.playbooks.stories import COLD, DEPLOYED, THROTTLED


def test_a_deployment_after_the_onset_is_no_cause() -> None:
    evidence = DEPLOYED | {"changes": changes(change(ONSET + 5))}
    assert weighed(evidence, scope(now=NOW))["bad-deployment"].status is CauseStatus.REFUTED


def test_a_release_that_served_well_for_half_an_hour_weighs_less() -> None:
    at_once = weighed(DEPLOYED)["bad-deployment"].score
    later = weighed(DEPLOYED | {"changes": changes(change(ONSET - 30))})["bad-deployment"].score
    assert later <= at_once - 2


def test_usual_exceptions_do_not_accuse_a_deployment() -> None:
    evidence = COLD | {
        "changes": changes(change(ONSET - 1)),
        "exceptions": exceptions("UpstreamError", 2, usual=2),
    }
    assert weighed(evidence)["bad-deployment"].status is CauseStatus.REFUTED


def test_code_that_catches_and_answers_500_is_a_bad_deployment_too() -> None:
    evidence = DEPLOYED | {
        "counts": counts(),  # no function errors: the handler caught them
        "access": access("500", 180, p50=35, integration_status="500"),
    }
    assert verdict(evidence) == (Verdict.HIGH, "bad-deployment")


def test_a_rollout_whose_targets_answer_5xx_at_once_needs_logs() -> None:
    """A partner's errors minutes after a rollout look the same."""
    evidence = TARGETS_ONLY | {
        "balancer": balancer(targets=180),
        "changes": changes(change(ONSET - 2, kind="deployment", until=ONSET + 1)),
    }
    assert verdict(evidence) == (Verdict.INCONCLUSIVE, "bad-deployment")
    quick = {"exceptions": exceptions("KeyError", 180)}
    assert verdict(evidence | quick) == (Verdict.HIGH, "bad-deployment")


@pytest.mark.parametrize(
    "name",
    ["OperationalError", "ConnectionResetError", "ThrottlingException", "AccessDeniedException"],
)
@pytest.mark.parametrize("before", [1, 8, 38])
def test_an_exception_of_something_that_is_called_accuses_no_release(
    name: str, before: int
) -> None:
    evidence = DEPLOYED | {
        "changes": changes(change(ONSET - before)),
        "exceptions": exceptions(name, 180, version="42"),
    }
    found, cause = verdict(evidence)
    assert found is not Verdict.HIGH
    assert weighed(evidence)["bad-deployment"].status is not CauseStatus.SUPPORTED
    assert found is Verdict.INCONCLUSIVE or cause != "bad-deployment"


def test_an_exception_that_names_neither_accuses_a_release_only_at_once() -> None:
    own = {"exceptions": exceptions("BasketRejected", 180, version="42")}
    at_once = DEPLOYED | own | {"changes": changes(change(ONSET - 1))}
    assert verdict(at_once)[1] == "bad-deployment"
    assert verdict(at_once)[0] is not Verdict.INCONCLUSIVE
    later = DEPLOYED | own | {"changes": changes(change(ONSET - 20))}
    assert verdict(later)[0] is Verdict.INCONCLUSIVE


def test_a_database_change_after_the_release_is_nearer() -> None:
    reboot = change(ONSET - 2, kind="database")
    own = {"exceptions": exceptions("BasketRejected", 180, version="42")}
    both = DEPLOYED | own | {"changes": changes(change(ONSET - 10), reboot)}
    assert verdict(both)[0] is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("refused", "raised", "cause"),
    [(900, 400, "concurrency-limit"), (400, 900, "bad-deployment")],
)
def test_a_release_that_raises_among_throttled_calls_is_not_the_whole_story(
    refused: int, raised: int, cause: str
) -> None:
    both = THROTTLED | {
        "counts": counts(
            invocations=(900, 3600 - refused),
            throttles=(0, refused),
            errors=(0, raised),
            concurrency=(5, 50),
        ),
        "edge": edge(requests=(900, 3600), errors=(0, refused + raised)),
        "access": gap("access"),
        "exceptions": exceptions("KeyError", raised, version="42"),
        "changes": changes(change(ONSET - 1)),
    }
    assert verdict(both) == (Verdict.MEDIUM, cause)
    standing = {c.id for c in weighed(both).values() if c.status is not CauseStatus.REFUTED}
    assert {"concurrency-limit", "bad-deployment"} <= standing


def test_without_the_functions_errors_few_answers_passed_on_refute_no_release() -> None:
    """API Gateway answers for a function that raises: the backend's own status says nothing."""
    blind = DEPLOYED | {"edge": gap("edge"), "counts": gap("counts")}
    assert weighed(blind)["bad-deployment"].status is CauseStatus.POSSIBLE


def test_an_exception_seen_before_is_not_called_new() -> None:
    evidence = DEPLOYED | {"exceptions": exceptions("KeyError", 180, usual=1)}
    (clue,) = [c for c in weighed(evidence)["bad-deployment"].clues if "KeyError" in c.text]
    assert clue.holds
    assert "180.0x the usual" in clue.text
    assert "new" not in clue.text


def test_logs_without_exceptions_do_not_refute_that_the_backend_answered() -> None:
    evidence = DEPLOYED | {"exceptions": NOTHING_SPECIAL["exceptions"]}
    assert weighed(evidence)["bad-deployment"].status is CauseStatus.POSSIBLE


def test_what_is_left_of_the_trail_may_hold_the_release() -> None:
    late = scope(now=30)
    assert weighed(NOTHING_SPECIAL, late)["bad-deployment"].status is CauseStatus.REFUTED
    left = changes(unread=(Unread("all of CloudTrail's events", GapReason.BUDGET, "it has more"),))
    evidence = NOTHING_SPECIAL | {"changes": left, "counts": gap()}
    released = weighed(evidence, late)["bad-deployment"].clues[0]
    assert released.holds is None
    assert "all of CloudTrail's events could not be read" in released.text


def test_without_the_tags_there_may_be_more_that_was_released() -> None:
    looked = replace(scope(now=30), complete=False)
    released = weighed(NOTHING_SPECIAL, looked)["bad-deployment"].clues[0]
    assert released.holds is None


def test_an_alias_that_nothing_calls_is_no_cause() -> None:
    moved = change(ONSET - 1).model_copy(update={"touches": ("checkout:STAGING",)})
    found = weighed(DEPLOYED | {"changes": changes(moved)}, scope(now=30))
    assert found["bad-deployment"].status is CauseStatus.REFUTED
    used = moved.model_copy(update={"touches": ("checkout:PROD",)})
    assert verdict(DEPLOYED | {"changes": changes(used)}) == (Verdict.HIGH, "bad-deployment")


def test_no_release_is_said_only_once_cloudtrail_had_its_time() -> None:
    early = weighed(NOTHING_SPECIAL, scope(now=10))["bad-deployment"].clues[0]
    assert (early.holds, "none found yet" in early.text) == (None, True)
    late = weighed(NOTHING_SPECIAL, scope(now=13))["bad-deployment"].clues[0]
    assert late.holds is False
