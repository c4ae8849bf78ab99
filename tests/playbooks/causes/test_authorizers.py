"""Lambda authorizers that fail, and AWS WAF: requests that no backend was called for."""

from __future__ import annotations

import pytest

from bot.domain.report import CauseStatus, Verdict
from playbooks.probes.authorizers import Authorizer, Authorizers
from tests.playbooks.samples import (
    NOTHING_SPECIAL,
    ONSET,
    access,
    change,
    changes,
    gap,
    series,
    verdict,
    weighed,
)
from tests.playbooks.stories import DEPLOYED, STORIES


def authorizer(errors: float, throttles: float = 0) -> Authorizers:
    return Authorizers(
        "checkout-api",
        (
            Authorizer(
                "checkout-auth",
                series(90, 190),
                series(0, errors),
                series(0, throttles),
                series(40, 60),
            ),
        ),
    )


REFUSED = NOTHING_SPECIAL | {
    "access": access("500", 180, p50=3, response_type="AUTHORIZER_FAILURE")
}


@pytest.mark.parametrize("released", [None, 1, 35])
def test_an_authorizer_that_raises_is_the_cause(released: int | None) -> None:
    before = [] if released is None else [change(ONSET - released)]
    evidence = REFUSED | {"authorizers": authorizer(180), "changes": changes(*before)}
    assert verdict(evidence) == (Verdict.HIGH, "authorizer-failing")


def test_an_authorizer_that_may_not_be_invoked_shows_no_errors() -> None:
    evidence = REFUSED | {
        "access": access("500", 180, p50=3, response_type="AUTHORIZER_CONFIGURATION_ERROR"),
        "authorizers": authorizer(0),
    }
    assert verdict(evidence) == (Verdict.HIGH, "authorizer-failing")


def test_settings_that_could_not_be_read_make_it_less_sure() -> None:
    assert verdict(REFUSED | {"authorizers": gap()}) == (Verdict.MEDIUM, "authorizer-failing")


def test_settings_that_show_no_authorizer_leave_it_open() -> None:
    assert verdict(REFUSED)[0] is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("unread", [None, gap("access")])
def test_without_the_access_log_the_authorizers_own_errors_tell(unread: object) -> None:
    evidence = NOTHING_SPECIAL | {"access": unread}
    # nothing else is known to be open, so that its failures decide
    found = weighed(evidence | {"authorizers": authorizer(175)})["authorizer-failing"]
    assert any(clue.holds for clue in found.clues if clue.kind == "decisive")
    few = weighed(evidence | {"authorizers": authorizer(3)})["authorizer-failing"]
    assert few.status is CauseStatus.REFUTED


def test_throttled_authorizers_fail_as_well() -> None:
    evidence = REFUSED | {"authorizers": authorizer(0, throttles=180)}
    assert verdict(evidence) == (Verdict.HIGH, "authorizer-failing")


@pytest.mark.parametrize("story", STORIES)
def test_an_authorizer_is_innocent_of_every_other_story(story: str) -> None:
    evidence = STORIES[story]
    if evidence["access"] is None:
        return
    found = weighed(evidence | {"authorizers": authorizer(2)})
    assert found["authorizer-failing"].status is CauseStatus.REFUTED
    assert found["waf-block"].status is CauseStatus.REFUTED


def test_a_custom_answer_of_waf_is_the_cause() -> None:
    evidence = NOTHING_SPECIAL | {"access": access("503", 180, p50=2, response_type="WAF_FILTERED")}
    assert verdict(evidence) == (Verdict.HIGH, "waf-block")
    assert weighed(DEPLOYED | {"access": gap("access")})["waf-block"].status is CauseStatus.UNTESTED
