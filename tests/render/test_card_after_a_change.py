"""How the card says what became of it since a change, and how it was over before."""

from __future__ import annotations

from datetime import timedelta

from bot.domain.report import Earlier, Report, SignalState, SinceChange
from bot.render import card
from sandbox.slack.limits import validate_blocks
from tests.render.reading import read
from tests.support.samples import FOUND, INCIDENT


def test_after_a_change_the_first_line_says_how_it_is_beside_how_it_was() -> None:
    signal = SignalState(
        abnormal=True, text="5XX", label="5XX", was="53 %", now="25 %", of="of requests"
    )
    after = SinceChange(at=FOUND.made_at - timedelta(minutes=9), what="maya moved PROD to 41")
    shown = FOUND.model_copy(update={"signal": signal, "after": after})

    def first(report: Report) -> str:
        return read(card(INCIDENT, report, (), ()).blocks).splitlines()[0]

    at = f"{after.at:%H:%M} UTC"
    compared = "checkout · 5XX: 53 → 25 % of requests since maya moved PROD to 41 at"
    assert first(shown) == f"{compared} {at}"
    usual = "checkout · 5XX on 8.4 % of requests, mostly 504"
    assert first(shown.model_copy(update={"after": None})) == usual
    unknown = signal.model_copy(update={"now": None})
    assert first(shown.model_copy(update={"signal": unknown})) == usual
    level = signal.model_copy(
        update={"label": "unhealthy targets", "was": "4", "now": "2", "of": ""}
    )
    assert "unhealthy targets: 4 → 2 since maya" in first(
        shown.model_copy(update={"signal": level})
    )
    long = after.model_copy(update={"what": "x" * 300})
    assert first(shown.model_copy(update={"after": long})).endswith(at)


def test_what_is_not_settled_is_said() -> None:
    fresh = SinceChange(at=FOUND.made_at - timedelta(minutes=1), what="maya moved PROD to 41")
    text = read(card(INCIDENT, FOUND.model_copy(update={"unsettled": fresh}), (), ()).blocks)
    assert "Too early to say how it is since maya moved PROD to 41" in text
    assert "I look again when they are" in text


def test_how_it_was_over_before_is_said_as_far_as_it_is_known() -> None:
    over = FOUND.window.began - timedelta(minutes=40)

    def told(**known: object) -> str:
        found = Earlier.model_validate({"over_since": over, **known})
        made = card(INCIDENT, FOUND.model_copy(update={"earlier": found}), (), ())
        assert validate_blocks(made.blocks) == []
        return read(made.blocks)

    undone = {"undone_at": over + timedelta(minutes=20), "undone_by": "U0MAYA"}
    mended = told(mended_by="Roll PROD back to 22", figure="5XX 0.1% of 900 requests", **undone)
    assert "by “Roll PROD back to 22”: 5XX 0.1% of 900 requests. The change was undone at" in mended
    assert "what mended it is not known" in told()
    after = SinceChange(at=over - timedelta(minutes=5), what="maya moved PROD to 41")
    assert "that this mended it is not verified" in told(came_after=after)
