"""How the card says what became of it since a change, and how it was over before."""

from __future__ import annotations

from datetime import timedelta

from bot.domain.report import Earlier, Report, SignalState, SinceChange
from bot.render import card
from bot.render.changed import how_much_is_left
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

    assert first(shown) == "checkout · 5XX 25 % of requests, was 53 %"
    without = "checkout · 5XX 25 % of requests now, 53 % since it began"
    assert first(shown.model_copy(update={"after": None})) == without
    usual = "checkout · 5XX on 8.4 % of requests, mostly 504"
    unknown = signal.model_copy(update={"now": None})
    assert first(shown.model_copy(update={"signal": unknown})) == usual
    level = signal.model_copy(
        update={"label": "unhealthy targets", "was": "4", "now": "2", "of": ""}
    )
    assert first(shown.model_copy(update={"signal": level})).endswith("unhealthy targets 2, was 4")


def test_what_a_change_mended_in_part_is_said_and_what_the_rest_looks_like() -> None:
    signal = SignalState(
        abnormal=True, text="5XX", label="5XX", was="53 %", now="25 %", of="of requests"
    )
    after = SinceChange(at=FOUND.made_at - timedelta(minutes=9), what="maya moved PROD to 41")
    shown = FOUND.model_copy(update={"signal": signal, "after": after})
    lines = read(card(INCIDENT, shown, (), ()).blocks).splitlines()
    assert f"Halved since maya moved PROD to 41 at {after.at:%Y-%m-%d %H:%M} UTC." in lines
    assert f"What is left looks like: {FOUND.causes[0].title}." in lines


def test_how_much_is_left_in_a_word() -> None:
    told = [how_much_is_left(f"{now} %", "50 %") for now in (0, 2, 18, 25, 40, 50, 80)]
    assert told == [
        *("gone", "nearly gone", "down to a third", "halved", "a little less", "no better"),
        "worse",
    ]
    assert how_much_is_left("1,200", "2,400") == "halved"
    assert how_much_is_left("unknown", "50 %") == "changed"


def test_what_is_not_settled_is_said() -> None:
    fresh = SinceChange(at=FOUND.made_at - timedelta(minutes=1), what="maya moved PROD to 41")
    text = read(card(INCIDENT, FOUND.model_copy(update={"unsettled": fresh}), (), ()).blocks)
    assert "Too early to say how it is since maya moved PROD to 41" in text
    assert "I am waiting for its first full minutes, then I look again." in text


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
