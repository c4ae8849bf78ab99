"""One zone that fails, told from one target that does."""

from __future__ import annotations

import pytest

from bot.domain.report import CauseStatus, Verdict
from playbooks.probes.balancer import Target, TargetHealth
from tests.playbooks.samples import TARGETS_ONLY, balancer, edge, gap, verdict, weighed
from tests.playbooks.stories import ZONE


def targets(unhealthy: int, in_each_zone: int = 3) -> TargetHealth:
    """Targets in three zones, of which some in zone b are unhealthy."""
    return TargetHealth(
        ("shop",),
        tuple(
            Target(
                "shop",
                f"{zone}{i}",
                f"us-east-1{zone}",
                "unhealthy" if zone == "b" and i < unhealthy else "healthy",
                None,
                None,
            )
            for zone in "abc"
            for i in range(in_each_zone)
        ),
    )


def in_zone_b(errors: float) -> dict[str, object]:
    """Errors in zone b only, of 300 requests a minute there."""
    return TARGETS_ONLY | {
        "edge": edge(errors=(0, errors)),
        "balancer": balancer(own={"504": errors}, zones={"a": 0, "b": errors, "c": 0}),
    }


def test_a_zone_with_its_targets_unhealthy_fails() -> None:
    assert verdict(ZONE) == (Verdict.HIGH, "zone-failure")


@pytest.mark.parametrize(
    ("errors", "health", "sure"),
    [
        (200, targets(0), True),  # 67 % of the zone's requests: two of its three targets at least
        (90, targets(0), False),  # 30 %: one bad target of three does as much
        (90, targets(1), False),  # and that one is known
        (90, targets(2), True),
        (200, targets(0, in_each_zone=1), False),  # the zone's one target, or the zone
        (200, gap("health"), False),
    ],
)
def test_one_bad_target_is_no_zone(errors: float, health: object, sure: bool) -> None:
    found, cause = verdict(in_zone_b(errors) | {"health": health})
    assert cause == "zone-failure"
    assert found is (Verdict.HIGH if sure else Verdict.MEDIUM)


def test_what_the_zone_of_a_metric_is_stays_open() -> None:
    found = weighed(in_zone_b(90) | {"health": targets(0)})["zone-failure"]
    assert any("could do as much" in text for clue in found.clues for text in clue.missing or ())


def test_few_failures_in_one_zone_are_no_zone_that_fails() -> None:
    evidence = in_zone_b(2) | {"health": targets(0)}
    assert weighed(evidence)["zone-failure"].status is CauseStatus.REFUTED
