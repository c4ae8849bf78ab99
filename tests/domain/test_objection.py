"""What speaks against an action: by the stored report alone, the deciding figure first."""

from __future__ import annotations

import pytest

from bot.domain.objection import objection, other_actions
from bot.domain.report import Cause, CauseStatus, ClueKind, Offer, Report, Verdict
from tests.support.change_samples import TITLES
from tests.support.samples import ABSENT, BAD_DEPLOY, COLD_STARTS, DENIED, FOUND, UNCLEAR, clue

ROLLBACK = "rollback-alias"
FITS = Offer(action="enable-provisioned-concurrency", title="Enable provisioned concurrency")


def report(*causes: Cause, verdict: Verdict = Verdict.INCONCLUSIVE, **changes: object) -> Report:
    return FOUND.model_copy(update={"causes": causes, "verdict": verdict, **changes})


def test_a_refuted_remedy_is_answered_with_the_figure_and_the_action_that_mends() -> None:
    found = objection(FOUND.model_copy(update={"actions": (FITS,)}), ROLLBACK, TITLES)
    assert found is not None
    assert found.refuted
    assert found.text == (
        "The evidence refutes it: function errors are 0.2 % of invocations; version 41 serves "
        "since 3 days (Defect in a deployment: refuted). Instead: “Lambda cold starts in a surge "
        "of traffic” is supported; “Enable provisioned concurrency” mends it."
    )


def test_what_a_likely_cause_calls_for_has_nothing_against_it() -> None:
    assert objection(FOUND, "enable-provisioned-concurrency", TITLES) is None
    blocked = Offer(action=ROLLBACK, title="Roll back", fits=False, why="it serves 23")
    assert objection(FOUND.model_copy(update={"actions": (blocked,)}), ROLLBACK, TITLES) is None


@pytest.mark.parametrize(
    ("update", "text"),
    [
        (
            {"status": CauseStatus.UNTESTED, "clues": (), "missing": (DENIED.probe,)},
            "not read: wafv2:GetWebACLForResource denied",
        ),
        (
            {"status": CauseStatus.POSSIBLE, "clues": (clue(ClueKind.NECESSARY, "if", None),)},
            "not known: if",
        ),
        (
            {
                "status": CauseStatus.POSSIBLE,
                "clues": (
                    clue(ClueKind.SUPPORTING, "5 min before"),
                    clue(ClueKind.CONTRADICTING, "92 % are timeouts"),
                ),
            },
            "against it: 92 % are timeouts",
        ),
        (
            {"status": CauseStatus.SUPPORTED, "clues": (clue(ClueKind.DECISIVE, "all of 42"),)},
            "all of 42",
        ),
    ],
)
def test_what_is_not_refuted_is_not_called_refuted(update: dict[str, object], text: str) -> None:
    found = objection(report(BAD_DEPLOY.model_copy(update=update)), ROLLBACK, TITLES)
    assert found is not None
    assert not found.refuted
    assert found.lead == "The evidence does not call for it"
    assert [each.text for each in found.standings] == [text]


def test_an_action_is_refuted_only_when_all_it_can_mend_is() -> None:
    possible = BAD_DEPLOY.model_copy(update={"status": CauseStatus.POSSIBLE, "title": "Other"})
    found = objection(report(possible, BAD_DEPLOY), ROLLBACK, TITLES)
    assert found is not None
    assert not found.refuted
    assert [each.title for each in found.standings] == ["Defect in a deployment", "Other"]


def test_a_supported_cause_is_named_without_a_verdict_too() -> None:
    found = objection(report(COLD_STARTS, BAD_DEPLOY), ROLLBACK, TITLES)
    assert found is not None
    assert (found.likely, found.instead) == (
        "Lambda cold starts in a surge of traffic",
        "Enable provisioned concurrency",
    )
    assert "is made for it; whether it fits now is not known" in found.text
    unmendable = COLD_STARTS.model_copy(update={"actions": ()})
    found = objection(report(unmendable, BAD_DEPLOY), ROLLBACK, TITLES)
    assert found is not None
    assert "no action of mine fits" in found.text
    found = objection(UNCLEAR, ROLLBACK, TITLES)
    assert found is not None
    assert found.likely is None


@pytest.mark.parametrize(
    ("offers", "said"),
    [
        ((FITS,), "“Enable provisioned concurrency” mends it"),
        ((FITS.model_copy(update={"fits": False, "why": "SnapStart is on"}),), "a check blocks it"),
        ((FITS.model_copy(update={"fits": None, "why": "throttled"}),), "is not known"),
        ((), "no action of mine fits"),
    ],
)
def test_only_an_action_whose_plan_fits_is_said_to_mend(
    offers: tuple[Offer, ...], said: str
) -> None:
    found = objection(FOUND.model_copy(update={"actions": offers}), ROLLBACK, TITLES)
    assert found is not None
    assert said in found.remedy


def test_the_other_actions_are_those_of_causes_the_service_can_have() -> None:
    absent = ABSENT[0].model_copy(update={"actions": ("rollback-ecs",)})
    found = FOUND.model_copy(update={"causes": (*FOUND.causes, absent)})
    assert other_actions(found) == (
        "raise-reserved-concurrency",
        "rollback-alias",
        "rollback-codedeploy",
    )
