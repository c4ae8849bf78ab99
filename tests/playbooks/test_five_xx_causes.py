"""Each cause told from its rivals, both ways round: the same alarm, other evidence."""

from __future__ import annotations

import pytest

from bot.domain.report import CauseStatus, Verdict
from playbooks.probes.backends import Backend
from playbooks.probes.functions import Limits
from playbooks.probes.metrics import Line
from tests.playbooks.evidence import (
    NOTHING_SPECIAL,
    NOW,
    ONSET,
    TARGETS_ONLY,
    access,
    balancer,
    change,
    counts,
    edge,
    exceptions,
    gap,
    health,
    line,
    reports,
    scope,
    verdict,
    weighed,
)

Story = dict[str, object]

SURGE = edge(requests=(900, 3600), errors=(0, 700))

COLD: Story = NOTHING_SPECIAL | {
    "edge": SURGE,
    "access": access("504", 700, response_type="INTEGRATION_TIMEOUT"),
    "counts": counts(invocations=(900, 3600), concurrency=(5, 400)),
    "reports": reports(cold=(2, 760), warm=(898, 2840), missed_cold=680, missed_warm=10),
}
OVERLOAD: Story = NOTHING_SPECIAL | {
    "edge": SURGE,
    "access": access("504", 700, response_type="INTEGRATION_TIMEOUT"),
    "counts": counts(invocations=(900, 3600)),
    "reports": reports(
        cold=(2, 40),
        warm=(898, 3560),
        missed_cold=8,
        missed_warm=690,
        warm_p50=(180, 6_000),
        warm_p99=(900, 40_000),
    ),
}
THROTTLED: Story = NOTHING_SPECIAL | {
    "edge": SURGE,
    "access": access("500", 700, p50=20, integration_status="429"),
    "counts": counts(invocations=(900, 2900), throttles=(0, 700), concurrency=(5, 50)),
    "limits": Limits(reserved=50, account=1000, unreserved=950),
    "reports": reports(cold=(2, 60), warm=(898, 2840)),
}
DEPLOYED: Story = NOTHING_SPECIAL | {
    "access": access("502", 180, p50=35),
    "counts": counts(errors=(0, 180)),
    "exceptions": exceptions("KeyError", 180, version="42"),
    "trail": (change(ONSET - 1),),
}
HANGS: Story = NOTHING_SPECIAL | {
    "access": access("502", 180, p50=10_000),
    "counts": counts(errors=(0, 180)),
    "reports": reports(
        missed_warm=180, timed_warm=180, timeout=10, warm_p50=(180, 190), warm_p99=(900, 10_000)
    ),
}
NOBODY: Story = TARGETS_ONLY | {
    "balancer": balancer(own={"503": 180}, healthy=(4, 0), p50=(80, None), p99=(400, None)),
    "health": health(0),
}
UNREACHABLE: Story = TARGETS_ONLY | {
    "balancer": balancer(own={"504": 180}, connections=(0, 185)),
    "health": health(1, 3),
}
ZONE: Story = TARGETS_ONLY | {
    "balancer": balancer(own={"504": 180}, connections=(0, 170), zones={"a": 2, "b": 178, "c": 0}),
    "health": health(3, 2),
}
TASKS: Story = TARGETS_ONLY | {
    "balancer": balancer(targets=180, p50=(80, 900), p99=(400, 30_000)),
    "tasks": (Backend("ecs", "shop", {"cpu": line(30, 97)}),),
}

STORIES = {
    "cold-start-surge": COLD,
    "backend-overload": OVERLOAD,
    "concurrency-limit": THROTTLED,
    "bad-deployment": DEPLOYED,
    "function-timeout": HANGS,
    "no-healthy-targets": NOBODY,
    "connection-errors": UNREACHABLE,
    "zone-failure": ZONE,
}


@pytest.mark.parametrize("cause", STORIES)
def test_the_cause_is_found_with_high_confidence(cause: str) -> None:
    assert verdict(STORIES[cause]) == (Verdict.HIGH, cause)


@pytest.mark.parametrize("cause", STORIES)
def test_no_other_cause_is_supported(cause: str) -> None:
    supported = {c.id for c in weighed(STORIES[cause]).values() if c.status == "supported"}
    assert supported - {cause} <= ({"connection-errors"} if cause == "zone-failure" else set())


@pytest.mark.parametrize(
    ("story", "rival"),
    [
        ("cold-start-surge", "backend-overload"),
        ("cold-start-surge", "bad-deployment"),
        ("cold-start-surge", "concurrency-limit"),
        ("cold-start-surge", "function-timeout"),
        ("backend-overload", "cold-start-surge"),
        ("backend-overload", "concurrency-limit"),
        ("backend-overload", "function-timeout"),
        ("concurrency-limit", "cold-start-surge"),
        ("concurrency-limit", "backend-overload"),
        ("concurrency-limit", "bad-deployment"),
        ("bad-deployment", "cold-start-surge"),
        ("bad-deployment", "backend-overload"),
        ("bad-deployment", "concurrency-limit"),
        ("function-timeout", "cold-start-surge"),
        ("function-timeout", "bad-deployment"),
        ("no-healthy-targets", "connection-errors"),
        ("no-healthy-targets", "zone-failure"),
        ("connection-errors", "no-healthy-targets"),
        ("connection-errors", "zone-failure"),
        ("zone-failure", "no-healthy-targets"),
    ],
)
def test_the_rival_is_refuted(story: str, rival: str) -> None:
    assert weighed(STORIES[story])[rival].status is CauseStatus.REFUTED


@pytest.mark.parametrize("minutes_before", [1, 5, 10, 30])
@pytest.mark.parametrize("story", ["cold-start-surge", "backend-overload", "concurrency-limit"])
def test_an_innocent_deployment_changes_nothing(story: str, minutes_before: int) -> None:
    evidence = STORIES[story] | {"trail": (change(ONSET - minutes_before),)}
    assert verdict(evidence) == (Verdict.HIGH, story)
    assert weighed(evidence)["bad-deployment"].status is CauseStatus.REFUTED


def test_a_deployment_after_the_onset_is_no_cause() -> None:
    evidence = DEPLOYED | {"trail": (change(ONSET + 5),)}
    assert weighed(evidence, scope(now=NOW))["bad-deployment"].status is CauseStatus.REFUTED


def test_a_release_that_served_well_for_half_an_hour_weighs_less() -> None:
    at_once = weighed(DEPLOYED)["bad-deployment"].score
    later = weighed(DEPLOYED | {"trail": (change(ONSET - 30),)})["bad-deployment"].score
    assert later <= at_once - 2


def test_usual_exceptions_do_not_accuse_a_deployment() -> None:
    evidence = COLD | {
        "trail": (change(ONSET - 1),),
        "exceptions": exceptions("UpstreamError", 2, quiet=2),
    }
    assert weighed(evidence)["bad-deployment"].status is CauseStatus.REFUTED


def test_code_that_catches_and_answers_500_is_a_bad_deployment_too() -> None:
    evidence = DEPLOYED | {
        "counts": counts(),  # no function errors: the handler caught them
        "access": access("500", 180, p50=35, integration_status="500"),
    }
    assert verdict(evidence) == (Verdict.HIGH, "bad-deployment")


def test_a_rollout_whose_targets_answer_5xx_at_once_needs_no_logs() -> None:
    evidence = TARGETS_ONLY | {
        "balancer": balancer(targets=180),
        "rollouts": (change(ONSET - 2, kind="deployment", until=ONSET + 1),),
    }
    assert verdict(evidence) == (Verdict.HIGH, "bad-deployment")


def test_tasks_at_their_limit_are_overload() -> None:
    assert verdict(TASKS) == (Verdict.HIGH, "backend-overload")


def test_a_slow_database_is_told_from_a_hanging_dependency() -> None:
    slow = Backend("rds", "orders", {"read latency": line(4, 90), "cpu": line(30, 95)})
    found = weighed(OVERLOAD | {"dependencies": (slow,)})
    assert found["backend-overload"].score > weighed(OVERLOAD)["backend-overload"].score
    assert found["function-timeout"].status is CauseStatus.REFUTED


def test_throttles_that_slowness_brought_are_overload() -> None:
    """Calls that take 30 times as long hold 30 times as many executions."""
    evidence = OVERLOAD | {
        "edge": edge(requests=(900, 3600), errors=(0, 1400)),
        "counts": counts(
            invocations=(900, 2900), throttles=(0, 800), concurrency=(5, 1000), mean=(240, 7_200)
        ),
    }
    assert verdict(evidence) == (Verdict.HIGH, "backend-overload")
    assert weighed(evidence)["concurrency-limit"].status is CauseStatus.REFUTED


def test_throttles_that_stuck_calls_brought_are_the_hanging_dependency() -> None:
    """A third of the calls hangs: the median is as ever, the executions are held all the same."""
    both = HANGS | {
        "edge": edge(errors=(0, 500)),
        "access": gap("access"),
        "counts": counts(
            invocations=(900, 560),
            throttles=(0, 340),
            errors=(0, 170),
            concurrency=(5, 50),
            mean=(240, 3_200),
        ),
        "limits": THROTTLED["limits"],
        "reports": reports(
            warm=(898, 558),
            missed_warm=170,
            timed_warm=170,
            timeout=10,
            warm_p50=(180, 190),
            warm_p99=(900, 10_000),
        ),
    }
    assert verdict(both) == (Verdict.HIGH, "function-timeout")
    assert weighed(both)["concurrency-limit"].status is CauseStatus.REFUTED


def test_throttles_are_enough_without_the_functions_log() -> None:
    """What never ran did not start cold, nor hang."""
    assert verdict(THROTTLED | {"reports": gap("reports")}) == (Verdict.HIGH, "concurrency-limit")


def test_cold_starts_that_slowness_brought_are_overload() -> None:
    """Slow calls hold their environments, so more have to start; cold and warm fail alike."""
    evidence = OVERLOAD | {
        "reports": reports(
            cold=(2, 1900),
            warm=(898, 1700),
            missed_cold=400,
            missed_warm=300,
            warm_p50=(180, 6_000),
            warm_p99=(900, 40_000),
        )
    }
    assert verdict(evidence) == (Verdict.HIGH, "backend-overload")
    assert weighed(evidence)["cold-start-surge"].status is CauseStatus.REFUTED


def test_inits_stopped_at_ten_seconds_count_as_cold() -> None:
    """Their REPORT lines have no init duration; only INIT_REPORT tells."""
    evidence = COLD | {
        "reports": reports(
            cold=(2, 20),
            warm=(898, 3580),
            missed_cold=0,
            missed_warm=690,
            hidden_cold=690,
            warm_p99=(900, 31_000),
        )
    }
    found = weighed(evidence)
    assert found["cold-start-surge"].status is CauseStatus.SUPPORTED
    assert found["backend-overload"].status is CauseStatus.REFUTED


def test_an_init_that_became_slower_speaks_against_a_surge() -> None:
    evidence = COLD | {
        "reports": reports(
            cold=(10, 760), warm=(890, 2840), missed_cold=680, missed_warm=10, init=(900, 9_000)
        )
    }
    assert weighed(evidence)["cold-start-surge"].score < weighed(COLD)["cold-start-surge"].score


def test_alb_with_a_function_behind_it() -> None:
    """The load balancer answers 502 when a function ends at its own timeout."""
    evidence = HANGS | {"access": None, "edge": edge(kind="alb", codes={"502": line(0, 180)})}
    assert verdict(evidence) == (Verdict.HIGH, "function-timeout")


# --- what is not known stays unknown --------------------------------------------------------------


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("probe", sorted(NOTHING_SPECIAL))
def test_a_gap_never_names_another_cause(story: str, probe: str) -> None:
    evidence = STORIES[story]
    if evidence[probe] is None:
        return
    found, cause = verdict(evidence | {probe: gap(probe)})
    assert cause == story or found is not Verdict.HIGH


@pytest.mark.parametrize("story", STORIES)
def test_nothing_read_nothing_claimed(story: str) -> None:
    evidence = {name: None if v is None else gap(name) for name, v in STORIES[story].items()}
    found, _ = verdict(evidence)
    assert found is Verdict.INCONCLUSIVE
    for cause in weighed(evidence).values():
        known = [clue for clue in cause.clues if clue.holds is not None]
        assert cause.status in (CauseStatus.UNTESTED, CauseStatus.REFUTED)
        if cause.status is CauseStatus.UNTESTED:
            assert known == []


@pytest.mark.parametrize(
    ("story", "probe"),
    [
        ("cold-start-surge", "reports"),
        ("concurrency-limit", "counts"),
        ("function-timeout", "reports"),
        ("bad-deployment", "exceptions"),
        ("no-healthy-targets", "balancer"),
        ("connection-errors", "balancer"),
        ("zone-failure", "balancer"),
    ],
)
def test_without_the_decisive_evidence_nothing_becomes_high(story: str, probe: str) -> None:
    found, _ = verdict(STORIES[story] | {probe: gap(probe)})
    assert found is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("story", ["cold-start-surge", "backend-overload", "concurrency-limit"])
def test_no_access_log_is_not_needed(story: str) -> None:
    assert verdict(STORIES[story] | {"access": gap("access")}) == (Verdict.HIGH, story)


def test_5xx_that_nothing_explains_stay_inconclusive() -> None:
    found, _ = verdict(NOTHING_SPECIAL)
    assert found is Verdict.INCONCLUSIVE


def test_two_late_requests_say_nothing() -> None:
    evidence = COLD | {
        "edge": edge(requests=(4, 4), errors=(0, 0.2)),
        "reports": reports(cold=(0, 0.2), warm=(4, 3.8), missed_cold=0.2),
    }
    decisive = [c for c in weighed(evidence)["cold-start-surge"].clues if c.kind == "decisive"]
    assert [clue.holds for clue in decisive] == [None]


def test_low_traffic_is_enough_when_it_is_clear() -> None:
    evidence = COLD | {
        "edge": edge(requests=(6, 12), errors=(0, 3)),
        "access": gap("access"),
        "counts": counts(invocations=(6, 12)),
        "reports": reports(cold=(0, 3), warm=(6, 9), missed_cold=3),
    }
    looked = scope(alarm=None)
    assert verdict(evidence, looked) == (Verdict.HIGH, "cold-start-surge")


def test_two_faults_at_once_are_not_called_one() -> None:
    both = COLD | {
        "counts": counts(invocations=(900, 2900), throttles=(0, 700), concurrency=(5, 50)),
        "limits": Limits(reserved=50, account=1000, unreserved=950),
        "edge": edge(requests=(900, 3600), errors=(0, 1400)),
    }
    supported = {c.id for c in weighed(both).values() if c.status == "supported"}
    assert {"cold-start-surge", "concurrency-limit"} <= supported
    assert verdict(both)[0] is not Verdict.HIGH


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
        "trail": (change(ONSET - 1),),
    }
    assert verdict(both) == (Verdict.MEDIUM, cause)
    standing = {c.id for c in weighed(both).values() if c.status is not CauseStatus.REFUTED}
    assert {"concurrency-limit", "bad-deployment"} <= standing


def test_without_the_functions_errors_few_answers_passed_on_acquit_no_release() -> None:
    """API Gateway answers for a function that raises: the backend's own status says nothing."""
    blind = DEPLOYED | {"edge": gap("edge"), "counts": gap("counts")}
    assert weighed(blind)["bad-deployment"].status is CauseStatus.POSSIBLE


def test_an_exception_seen_before_is_not_called_new() -> None:
    evidence = DEPLOYED | {"exceptions": exceptions("KeyError", 180, quiet=1)}
    (clue,) = [c for c in weighed(evidence)["bad-deployment"].clues if "KeyError" in c.text]
    assert clue.holds
    assert "180.0x the usual" in clue.text
    assert "new" not in clue.text


def test_every_sentence_has_a_figure_or_says_what_is_not_known() -> None:
    for story in STORIES.values():
        for cause in weighed(story).values():
            for clue in cause.clues:
                assert (
                    clue.holds is None
                    or any(c.isdigit() for c in clue.text)
                    or (
                        clue.text.startswith(
                            ("checkout has none", "no ", "the load balancer", "the tar")
                        )
                    )
                ), clue.text
                assert clue.holds is not None or "unknown of" not in clue.text, clue.text


def test_logs_without_exceptions_are_no_acquittal_of_an_answering_backend() -> None:
    evidence = DEPLOYED | {"exceptions": NOTHING_SPECIAL["exceptions"]}
    assert weighed(evidence)["bad-deployment"].status is CauseStatus.POSSIBLE


def test_missing_metrics_are_not_zero_throttles() -> None:
    silent = counts()
    empty = type(silent)(
        name="checkout",
        alias=None,
        **{name: Line() for name in silent.__slots__ if name not in ("name", "alias")},
    )
    clues = weighed(NOTHING_SPECIAL | {"counts": empty})["concurrency-limit"].clues
    assert [clue.holds for clue in clues] == [None, None]
