"""Simpler blocks: what is left of a message without the blocks that Slack refuses."""

from __future__ import annotations

from typing import Any

import pytest

from bot.slack.fallback import BARE, CHART, SIMPLE, TABLE, next_kind, plain_view, without
from bot.slack.message import Message
from sandbox.slack.limits import validate_blocks, validate_view
from tests.render.golden import messages

RENDERED = {
    name: Message(text=made["text"], blocks=made["blocks"])
    for name, made in messages.everything().items()
    if "text" in made
}


def types(blocks: list[dict[str, Any]]) -> list[str]:
    return [block["type"] for block in blocks]


def words(blocks: list[dict[str, Any]]) -> str:
    return "\n".join(b["text"]["text"] for b in blocks if b["type"] == "section")


@pytest.mark.parametrize("name", RENDERED)
@pytest.mark.parametrize("kinds", [{CHART}, {TABLE}, {CHART, TABLE}, {SIMPLE}, {BARE}])
def test_every_message_stays_within_slacks_limits(name: str, kinds: set[str]) -> None:
    text, blocks = without(RENDERED[name].text, RENDERED[name].blocks, kinds)
    assert validate_blocks(blocks) == []
    assert 0 < len(text) <= 3_900
    assert not kinds & set(types(blocks))


@pytest.mark.parametrize("name", RENDERED)
def test_the_bare_text_has_the_words_of_the_blocks(name: str) -> None:
    message = RENDERED[name]
    text, blocks = without(message.text, message.blocks, {BARE})
    assert blocks == []
    assert text.startswith(message.text)
    assert len(text) > len(message.text)


def test_buttons_are_left_when_all_else_is_text() -> None:
    actions = {
        "type": "actions",
        "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Approve"}}],
    }
    header = {"type": "header", "text": {"type": "plain_text", "text": "Approve?"}}
    assert types(without("x", [header, actions], {SIMPLE})[1]) == ["section", "actions"]
    text, _ = without("x", [header, actions], {BARE})
    assert "Slack did not take the buttons: Approve." in text


def test_a_chart_becomes_bars_with_figures() -> None:
    points = [{"label": str(n), "value": value} for n, value in enumerate((0, 2, 4, 8))]
    chart = {
        "type": CHART,
        "title": "5XX",
        "chart": {
            "type": "line",
            "series": [{"name": "5XX", "data": points}],
            "axis_config": {"categories": ["-1", "0", "1", "2"], "x_label": "min from onset"},
        },
    }
    said = words(without("x", [chart], {CHART})[1])
    assert said.splitlines() == [
        "5XX (this workspace does not show Slack's charts)",
        "▁▂▄█  5XX: 0 to 8",
        "-1 to 2 min from onset",
    ]


def test_markup_from_outside_stays_text() -> None:
    row = [{"type": "raw_text", "text": "<!channel>"}, {"type": "raw_text", "text": "a & b"}]
    text, _ = without("card", [{"type": TABLE, "rows": [row]}], {BARE})
    assert text == "card\n&lt;!channel&gt;  ·  a &amp; b"


def test_a_long_table_stays_within_the_limits() -> None:
    rows = [[{"type": "raw_text", "text": "x" * 60}] * 10 for _ in range(90)]
    _, blocks = without("x", [{"type": TABLE, "rows": rows}], {TABLE})
    assert validate_blocks(blocks) == []


@pytest.mark.parametrize(
    ("said", "kinds", "expected"),
    [
        ("[ERROR] unsupported type [json-pointer:/blocks/1/type]", (), (TABLE, True)),
        ("unsupported type: data_visualization [json-pointer:/blocks/0]", (), (CHART, True)),
        ("too long [json-pointer:/blocks/1/rows/0/0]", (), (TABLE, False)),
        ("wrong [json-pointer:/blocks/2/text]", (), ("header", False)),
        ("wrong [json-pointer:/blocks/1/rows]", (CHART,), (TABLE, False)),
        ("no pointer", (), (CHART, True)),
        ("no pointer", (CHART,), (TABLE, True)),
        ("no pointer", (CHART, TABLE), (SIMPLE, False)),
        ("no pointer", (SIMPLE,), (BARE, False)),
        ("no pointer", (BARE,), None),
        ("[json-pointer:/blocks/99/type]", (), (CHART, True)),
    ],
)
def test_what_is_left_out_next(
    said: str, kinds: tuple[str, ...], expected: tuple[str, bool] | None
) -> None:
    head = {"type": "header", "text": {"type": "plain_text", "text": "5XX"}}
    blocks = [{"type": CHART, "title": "x"}, {"type": TABLE, "rows": []}, head]
    # without the chart its words are a section, so that the table is still the second block
    assert next_kind(blocks, kinds, [said]) == expected


def test_a_modal_keeps_its_fields() -> None:
    view = {
        "type": "modal",
        "title": {"type": "plain_text", "text": "Plan"},
        "submit": {"type": "plain_text", "text": "Ask"},
        "blocks": [
            {
                "type": "rich_text",
                "elements": [
                    {
                        "type": "rich_text_section",
                        "elements": [{"type": "text", "text": "Move PROD to 41"}],
                    }
                ],
            },
            {
                "type": "input",
                "block_id": "n",
                "label": {"type": "plain_text", "text": "Number"},
                "element": {"type": "plain_text_input", "action_id": "n"},
            },
        ],
    }
    plain = plain_view(view)
    assert types(plain["blocks"]) == ["section", "input"]
    assert plain["blocks"][0]["text"]["text"] == "Move PROD to 41"
    assert validate_view(plain) == []
