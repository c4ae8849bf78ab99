"""What Slack refuses, and that what it takes is taken."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.slack.limits import Surface, text_length, validate_blocks, validate_view

Block = dict[str, Any]


def plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Block:
    return {"type": "mrkdwn", "text": text}


def section(text: str = "x", **own: Any) -> Block:
    return {"type": "section", "text": mrkdwn(text), **own}


def button(action_id: str = "go", **own: Any) -> Block:
    return {"type": "button", "action_id": action_id, "text": plain("Go"), **own}


def actions(*elements: Block) -> Block:
    return {"type": "actions", "elements": list(elements)}


def chart(kind: str = "line", series: int = 1, points: int = 3, **own: Any) -> Block:
    categories = [f"c{number}" for number in range(points)]
    data = [{"label": one, "value": 1.5} for one in categories]
    return {
        "type": "data_visualization",
        "title": "Errors",
        "chart": {
            "type": kind,
            "series": [{"name": f"s{number}", "data": data} for number in range(series)],
            "axis_config": {"categories": categories},
        },
        **own,
    }


def pie(*values: float) -> Block:
    segments = [{"label": f"l{at}", "value": value} for at, value in enumerate(values)]
    return {
        "type": "data_visualization",
        "title": "Share",
        "chart": {"type": "pie", "segments": segments},
    }


def table(rows: int, columns: int) -> Block:
    row = [{"type": "raw_text", "text": "x"}] * columns
    return {"type": "table", "rows": [row] * rows}


def select(options: int, text: str = "x", value: str = "v", kind: str = "static_select") -> Block:
    option = {"text": plain(text), "value": value}
    return {"type": kind, "action_id": "pick", "options": [option] * options}


def rich(*elements: Block) -> Block:
    return {"type": "rich_text", "elements": list(elements)}


def said(text: str) -> Block:
    return {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}


TAKEN: list[Block] = [
    section("x" * 3000),
    {"type": "section", "fields": [mrkdwn("x" * 2000)] * 5},
    section(accessory=button(value="v" * 2000, url="https://e.com/" + "x" * 2900)),
    {"type": "header", "text": plain("x" * 150)},
    {"type": "divider"},
    {"type": "context", "elements": [mrkdwn("x")] * 10},
    actions(*[button(f"a{number}") for number in range(25)]),
    actions(select(100), button()),
    actions(select(5, kind="overflow")),
    chart(series=6, points=20),
    chart("bar"),
    chart("area"),
    pie(*[1.0] * 12),
    table(100, 20),
    {"type": "markdown", "text": "x" * 12_000},
    rich(said("x"), {"type": "rich_text_list", "style": "bullet", "elements": [said("x")]}),
    {"type": "card", "title": mrkdwn("x" * 150), "body": mrkdwn("x" * 200), "actions": [button()]},
    {"type": "image", "image_url": "https://e.com/a.png", "alt_text": "a"},
]

REFUSED: list[tuple[Block, str]] = [
    (section("x" * 3001), "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
    (section(""), "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
    ({"type": "section"}, "must define at least one of: text, fields [json-pointer:/blocks/0]"),
    (
        {"type": "section", "fields": [mrkdwn("x")] * 11},
        "no more than 10 items allowed [json-pointer:/blocks/0/fields]",
    ),
    (
        {"type": "section", "fields": [mrkdwn("x"), mrkdwn("x" * 2001)]},
        "must be less than 2001 characters [json-pointer:/blocks/0/fields/1/text]",
    ),
    (
        {"type": "header", "text": plain("x" * 151)},
        "must be less than 151 characters [json-pointer:/blocks/0/text/text]",
    ),
    (
        {"type": "header", "text": mrkdwn("x")},
        "unsupported type: mrkdwn [json-pointer:/blocks/0/text/type]",
    ),
    (
        {"type": "context", "elements": [mrkdwn("x")] * 11},
        "no more than 10 items allowed [json-pointer:/blocks/0/elements]",
    ),
    (
        actions(*[button(f"a{number}") for number in range(26)]),
        "no more than 25 items allowed [json-pointer:/blocks/0/elements]",
    ),
    (
        actions(button(text=plain("x" * 76))),
        "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]",
    ),
    (
        actions(button(value="x" * 2001)),
        "must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]",
    ),
    (
        actions(button(url="x" * 3001)),
        "must be less than 3001 characters [json-pointer:/blocks/0/elements/0/url]",
    ),
    (
        actions(button("x" * 256)),
        "must be less than 256 characters [json-pointer:/blocks/0/elements/0/action_id]",
    ),
    (
        actions(button(style="green")),
        "must be one of: primary, danger [json-pointer:/blocks/0/elements/0/style]",
    ),
    (
        actions(button("one"), button("one")),
        '`action_id` "one" already exists for another element '
        "[json-pointer:/blocks/0/elements/1/action_id]",
    ),
    (
        actions(select(101)),
        "no more than 100 items allowed [json-pointer:/blocks/0/elements/0/options]",
    ),
    (
        actions(select(6, kind="overflow")),
        "no more than 5 items allowed [json-pointer:/blocks/0/elements/0/options]",
    ),
    (
        actions(select(1, text="x" * 76)),
        "must be less than 76 characters [json-pointer:/blocks/0/elements/0/options/0/text/text]",
    ),
    (
        actions(select(1, value="x" * 151)),
        "must be less than 151 characters [json-pointer:/blocks/0/elements/0/options/0/value]",
    ),
    (
        actions(
            button(
                confirm={
                    "title": plain("x"),
                    "text": mrkdwn("x" * 301),
                    "confirm": plain("y"),
                    "deny": plain("n"),
                }
            )
        ),
        "must be less than 301 characters [json-pointer:/blocks/0/elements/0/confirm/text/text]",
    ),
    (
        actions({"type": "plain_text_input", "action_id": "a"}),
        "unsupported type: plain_text_input [json-pointer:/blocks/0/elements/0/type]",
    ),
    (chart(series=7), "no more than 6 items allowed [json-pointer:/blocks/0/chart/series]"),
    (
        chart(points=21),
        "no more than 20 items allowed [json-pointer:/blocks/0/chart/series/0/data]",
    ),
    (chart(title="x" * 51), "must be less than 51 characters [json-pointer:/blocks/0/title]"),
    (
        pie(1, 0),
        "must be greater than 0 [json-pointer:/blocks/0/chart/segments/1/value]",
    ),
    (
        pie(float("nan")),
        "must be a finite number [json-pointer:/blocks/0/chart/segments/0/value]",
    ),
    (table(101, 1), "no more than 100 items allowed [json-pointer:/blocks/0/rows]"),
    (table(1, 21), "no more than 20 items allowed [json-pointer:/blocks/0/rows/0]"),
    (
        {"type": "markdown", "text": "x" * 12_001},
        "must be less than 12001 characters [json-pointer:/blocks/0/text]",
    ),
    (
        {"type": "card", "body": mrkdwn("x" * 201)},
        "must be less than 201 characters [json-pointer:/blocks/0/body/text]",
    ),
    (
        {"type": "card", "subtitle": mrkdwn("x")},
        "must define at least one of: hero_image, title, actions, body [json-pointer:/blocks/0]",
    ),
    (
        rich({"type": "rich_text_table"}),
        "unsupported type: rich_text_table [json-pointer:/blocks/0/elements/0/type]",
    ),
    ({"type": "banner"}, "unsupported type: banner [json-pointer:/blocks/0/type]"),
    (section(colour="red"), "invalid additional property: colour [json-pointer:/blocks/0]"),
    (
        {"type": "image", "image_url": "https://e.com/a.png"},
        "missing required field: alt_text [json-pointer:/blocks/0]",
    ),
    (
        {"type": "alert", "text": mrkdwn("x")},
        "alert blocks are only supported in: modal [json-pointer:/blocks/0]",
    ),
]


@pytest.mark.parametrize("block", TAKEN, ids=lambda block: str(block["type"]))
def test_what_is_just_within_a_limit_is_taken(block: Block) -> None:
    assert validate_blocks([block]) == []


@pytest.mark.parametrize(("block", "finding"), REFUSED, ids=[text for _, text in REFUSED])
def test_what_is_just_beyond_a_limit_is_named_with_its_path(block: Block, finding: str) -> None:
    assert finding in validate_blocks([block])


@pytest.mark.parametrize(("surface", "most"), [("message", 50), ("modal", 100), ("home", 100)])
def test_how_many_blocks_a_surface_holds(surface: Surface, most: int) -> None:
    assert validate_blocks([{"type": "divider"}] * most, surface) == []
    assert validate_blocks([{"type": "divider"}] * (most + 1), surface) == [
        f"no more than {most} items allowed [json-pointer:/blocks]"
    ]


def test_two_charts_and_one_table_stand_in_a_message() -> None:
    assert validate_blocks([chart(), pie(1), table(1, 1)]) == []
    assert validate_blocks([chart(), pie(1), chart()]) == [
        "no more than 2 data_visualization blocks allowed in a message [json-pointer:/blocks]"
    ]
    assert validate_blocks([table(1, 1), table(1, 1)]) == [
        "no more than 1 table blocks allowed in a message [json-pointer:/blocks]"
    ]


def test_a_series_needs_a_point_for_every_category_and_a_name_of_its_own() -> None:
    uneven = chart(series=2)
    uneven["chart"]["series"][1] = {"name": "s0", "data": [{"label": "c0", "value": 1}]}
    assert validate_blocks([uneven]) == [
        "series names must be unique: s0 [json-pointer:/blocks/0/chart/series]",
        "data must hold one point for each category [json-pointer:/blocks/0/chart/series/1/data]",
    ]


def test_block_ids_are_unique_and_action_ids_only_within_a_block() -> None:
    assert validate_blocks([actions(button("a")), actions(button("a"))]) == []
    twins = [section(block_id="one"), section(block_id="one")]
    assert validate_blocks(twins) == [
        '`block_id` "one" already exists for another block [json-pointer:/blocks/1/block_id]'
    ]


def test_the_text_of_a_message_is_limited_together() -> None:
    five = [section("x" * 2640)] * 5
    assert text_length(five) == 13_200
    assert validate_blocks(five) == []
    assert validate_blocks([*five, section("x")]) == [
        "blocks must be less than 13201 characters together [json-pointer:/blocks]"
    ]
    assert validate_blocks([*five, section("x")], "modal") == []


def modal(**own: Any) -> Block:
    return {"type": "modal", "title": plain("Title"), "blocks": [section()], **own}


def test_a_modal_within_its_limits_is_taken() -> None:
    asks = {
        "type": "input",
        "label": plain("Why?"),
        "element": {"type": "plain_text_input", "action_id": "a", "max_length": 3000},
    }
    alert = {"type": "alert", "level": "error", "text": mrkdwn("Careful")}
    view = modal(
        title=plain("x" * 24),
        submit=plain("x" * 24),
        close=plain("x" * 24),
        private_metadata="x" * 3000,
        blocks=[asks, alert],
    )
    assert validate_view(view) == []


@pytest.mark.parametrize(
    ("view", "finding"),
    [
        (
            modal(title=plain("x" * 25)),
            "must be less than 25 characters [json-pointer:/view/title/text]",
        ),
        (
            modal(private_metadata="x" * 3001),
            "must be less than 3001 characters [json-pointer:/view/private_metadata]",
        ),
        (
            modal(blocks=[{"type": "input", "label": plain("x"), "element": select(1)}]),
            "must define `submit` to use an `input` block in modals [json-pointer:/view]",
        ),
        (
            modal(blocks=[section("x" * 3001)]),
            "must be less than 3001 characters [json-pointer:/view/blocks/0/text/text]",
        ),
        (
            modal(blocks=[table(1, 1)]),
            "table blocks are only supported in: message [json-pointer:/view/blocks/0]",
        ),
        ({"type": "modal", "blocks": []}, "missing required field: title [json-pointer:/view]"),
        (modal(blocks="none"), "must be an array [json-pointer:/view/blocks]"),
    ],
)
def test_a_modal_beyond_a_limit_is_refused(view: Block, finding: str) -> None:
    assert validate_view(view) == [finding]


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["type", "text", "elements", "chart", "series", "data", "rows", "x"])
            | st.text(max_size=4),
            inner | st.sampled_from(["section", "actions", "button", "line", "table", "mrkdwn"]),
            max_size=5,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(JSON, max_size=4))
def test_whatever_is_sent_is_judged_and_never_breaks_the_judge(blocks: list[Any]) -> None:
    findings = validate_blocks(blocks)
    assert all("[json-pointer:/blocks" in finding for finding in findings)
    strangers = [block for block in blocks if not isinstance(block, dict)]
    assert len(findings) >= len(strangers)
