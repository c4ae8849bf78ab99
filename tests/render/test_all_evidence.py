"""The modal behind *All evidence*: nothing of a report is lost, and Slack takes it."""

from __future__ import annotations

from bot.domain.report import Report
from bot.render import all_evidence_modal
from sandbox.slack.limits import validate_view
from tests.render.reading import read
from tests.support.samples import FOUND, UNCLEAR


def told(report: Report) -> str:
    view = all_evidence_modal(report, "evidence-1")
    assert validate_view(view) == []
    return read(view["blocks"])


def test_every_clue_change_gap_code_and_cause_is_in_it() -> None:
    for report in (FOUND, UNCLEAR):
        text = told(report)
        for cause in report.causes:
            assert cause.title in text
            assert all(clue.text in text for clue in cause.clues if cause.applies)
        assert all(change.summary in text for change in report.overview.changes)
        assert all(gap.detail in text for gap in report.gaps)
        assert all(link.title in text for link in report.overview.links)


def test_codes_stand_in_columns() -> None:
    assert "504     412       87 %        7.3 %" in told(FOUND).replace("\u00a0", " ")


def test_what_does_not_fit_is_counted() -> None:
    cause = FOUND.causes[0].model_copy(update={"clues": FOUND.causes[0].clues * 60})
    text = told(FOUND.model_copy(update={"causes": (cause,) * 40}))
    assert "do not fit here; `incident triage --json` has all." in text
