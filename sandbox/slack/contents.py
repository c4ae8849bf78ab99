"""The shape of what blocks hold: text objects, rich text, charts and table cells.

Source: docs.slack.dev, reference/block-kit, read November 2026. Each figure below is a limit of
Slack's; `sandbox.slack.limits` applies them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sandbox.slack.schema import (
    Also,
    Anything,
    Flag,
    Many,
    Number,
    OneOf,
    Rule,
    Shape,
    Str,
    Tagged,
    fault,
)

CHART_SERIES = 6
CHART_SEGMENTS = 12  # of a pie
CHART_POINTS = 20
CHART_LABEL = 20
CHART_TITLE = 50

# --- composition objects -----------------------------------------------------------------
ID = Str(255)
URL = Str(3000)
TYPE = Anything()


def plain(most: int, least: int = 1) -> Rule:
    text: dict[str, Rule] = {"type": TYPE, "text": Str(most, least), "emoji": Flag()}
    return Tagged({"plain_text": Shape(text, required=("text",))})


def text(most: int, least: int = 1) -> Rule:
    common: dict[str, Rule] = {"type": TYPE, "text": Str(most, least)}
    return Tagged(
        {
            "plain_text": Shape({**common, "emoji": Flag()}, required=("text",)),
            "mrkdwn": Shape({**common, "verbatim": Flag()}, required=("text",)),
        }
    )


# --- rich text ---------------------------------------------------------------------------
_STYLE = Anything()
_RICH_PARTS = Tagged(
    {
        "text": Shape({"type": TYPE, "text": Str(13_200), "style": _STYLE}, required=("text",)),
        "link": Shape(
            {
                "type": TYPE,
                "url": URL,
                "text": Str(3000),
                "style": _STYLE,
                "unsafe": Flag(),
            },
            required=("url",),
        ),
        "emoji": Shape(
            {"type": TYPE, "name": Str(100), "unicode": Str(100), "skin_tone": Number()},
            required=("name",),
        ),
        "user": Shape({"type": TYPE, "user_id": ID, "style": _STYLE}, required=("user_id",)),
        "usergroup": Shape(
            {"type": TYPE, "usergroup_id": ID, "style": _STYLE}, required=("usergroup_id",)
        ),
        "channel": Shape(
            {"type": TYPE, "channel_id": ID, "style": _STYLE}, required=("channel_id",)
        ),
        "broadcast": Shape(
            {"type": TYPE, "range": OneOf(("here", "channel", "everyone"))}, required=("range",)
        ),
        "date": Shape(
            {
                "type": TYPE,
                "timestamp": Number(0),
                "format": Str(255),
                "url": URL,
                "fallback": Str(255),
                "style": _STYLE,
            },
            required=("timestamp", "format"),
        ),
        "color": Shape({"type": TYPE, "value": Str(20)}, required=("value",)),
    }
)


def _rich(**own: Rule) -> Rule:
    return Shape(
        {"type": TYPE, "elements": Many(_RICH_PARTS, 1000, 0), **own}, required=("elements",)
    )


_RICH_SECTION = Tagged({"rich_text_section": _rich()})
RICH_TEXT = Shape(
    {
        "type": TYPE,
        "block_id": ID,
        "elements": Many(
            Tagged(
                {
                    "rich_text_section": _rich(),
                    "rich_text_preformatted": _rich(border=Number(0, 1), language=Str(50)),
                    "rich_text_quote": _rich(border=Number(0, 1)),
                    "rich_text_list": Shape(
                        {
                            "type": TYPE,
                            "style": OneOf(("bullet", "ordered")),
                            "elements": Many(_RICH_SECTION, 1000, 0),
                            "indent": Number(0, 8),
                            "offset": Number(0),
                            "border": Number(0, 1),
                        },
                        required=("style", "elements"),
                    ),
                }
            ),
            1000,
            0,
        ),
    },
    required=("elements",),
)

# --- charts and tables -------------------------------------------------------------------
_POINT = Shape({"label": Str(CHART_LABEL), "value": Number()}, required=("label", "value"))
_SLICE = Shape({"label": Str(CHART_LABEL), "value": Number(above=0)}, required=("label", "value"))
_AXES = Shape(
    {
        "categories": Many(Str(CHART_LABEL), CHART_POINTS),
        "x_label": Str(CHART_TITLE),
        "y_label": Str(CHART_TITLE),
    },
    required=("categories",),
)


def _series_fit_axes(chart: dict[str, object], path: str) -> Iterator[str]:
    series = chart["series"]
    axes = chart["axis_config"]
    if not isinstance(series, list) or not isinstance(axes, dict):
        return
    names = Counter(one["name"] for one in series)
    for name in (name for name, times in names.items() if times > 1):
        yield fault(f"series names must be unique: {name}", f"{path}/series")
    for index, one in enumerate(series):
        labels = [point["label"] for point in one["data"]]
        if sorted(labels) != sorted(axes["categories"]):
            yield fault("data must hold one point for each category", f"{path}/series/{index}/data")


_PLOT = Also(
    Shape(
        {
            "type": TYPE,
            "series": Many(
                Shape(
                    {"name": Str(CHART_LABEL), "data": Many(_POINT, CHART_POINTS)},
                    required=("name", "data"),
                ),
                CHART_SERIES,
            ),
            "axis_config": _AXES,
        },
        required=("series", "axis_config"),
    ),
    _series_fit_axes,
)
CHART = Tagged(
    {
        "line": _PLOT,
        "bar": _PLOT,
        "area": _PLOT,
        "pie": Shape(
            {"type": TYPE, "segments": Many(_SLICE, CHART_SEGMENTS)}, required=("segments",)
        ),
    }
)
CELL = Tagged(
    {
        "raw_text": Shape({"type": TYPE, "text": Str(2000)}, required=("text",)),
        "raw_number": Shape(
            {"type": TYPE, "value": Number(), "text": Str(255)}, required=("value",)
        ),
        "rich_text": RICH_TEXT,
    }
)
COLUMN = Shape({"align": OneOf(("left", "center", "right")), "is_wrapped": Flag()})
