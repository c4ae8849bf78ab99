"""The shape of every Block Kit block and interactive element, as a table.

Source: docs.slack.dev, reference/block-kit, read November 2026. Each figure below is a limit of
Slack's; `sandbox.slack.limits` applies them.
"""

from __future__ import annotations

from sandbox.slack.contents import (
    CELL,
    CHART,
    CHART_TITLE,
    COLUMN,
    ID,
    RICH_TEXT,
    TYPE,
    URL,
    plain,
    text,
)
from sandbox.slack.schema import (
    Anything,
    Flag,
    Later,
    Many,
    Number,
    OneOf,
    Rule,
    Shape,
    Str,
    Tagged,
)

MARKDOWN_PER_MESSAGE = 12_000

_CONFIRM = Shape(
    {
        "title": plain(100),
        "text": text(300),
        "confirm": plain(30),
        "deny": plain(30),
        "style": OneOf(("primary", "danger")),
    },
    required=("title", "text", "confirm", "deny"),
)
_OPTION = Shape(
    {"text": text(75), "value": Str(150), "description": text(75), "url": URL},
    required=("text", "value"),
)
_OPTION_GROUP = Shape(
    {"label": plain(75), "options": Many(_OPTION, 100)}, required=("label", "options")
)
_IMAGE: dict[str, Rule] = {
    "type": TYPE,
    "image_url": URL,
    "slack_file": Anything(),
    "alt_text": Str(2000),
}

# --- interactive elements ----------------------------------------------------------------
_ELEMENT: dict[str, Rule] = {"type": TYPE, "action_id": ID, "focus_on_load": Flag()}
_ASKING: dict[str, Rule] = {**_ELEMENT, "confirm": _CONFIRM, "placeholder": plain(150)}


def _menu(**own: Rule) -> Rule:
    return Shape({**_ASKING, **own})


def _choices(most: int, *, several: bool) -> Rule:
    initial = {"initial_options": Many(_OPTION, most)} if several else {"initial_option": _OPTION}
    return Shape(
        {**_ELEMENT, "confirm": _CONFIRM, "options": Many(_OPTION, most), **initial},
        required=("options",),
    )


def _select(*, several: bool) -> Rule:
    own: dict[str, Rule] = {
        "options": Many(_OPTION, 100),
        "option_groups": Many(_OPTION_GROUP, 100),
    }
    if several:
        own |= {"initial_options": Many(_OPTION, 100), "max_selected_items": Number(1, 100)}
    else:
        own |= {"initial_option": _OPTION}
    return Shape({**_ASKING, **own}, any_of=("options", "option_groups"))


def _typed(**own: Rule) -> Rule:
    common: dict[str, Rule] = {
        **_ELEMENT,
        "initial_value": Str(3000, 0),
        "placeholder": plain(150),
        "dispatch_action_config": Anything(),
    }
    return Shape({**common, **own})


_BUTTON = Shape(
    {
        **_ELEMENT,
        "text": plain(75),
        "url": URL,
        "value": Str(2000, 0),
        "style": OneOf(("primary", "danger")),
        "confirm": _CONFIRM,
        "accessibility_label": Str(75),
    },
    required=("text",),
)
_FEEDBACK = Shape(
    {"text": plain(75), "value": Str(2000), "accessibility_label": Str(75)}, required=("text",)
)

ELEMENTS = Tagged(
    {
        "button": _BUTTON,
        "workflow_button": _BUTTON,
        "overflow": _choices(5, several=False),
        "static_select": _select(several=False),
        "multi_static_select": _select(several=True),
        "users_select": _menu(initial_user=Str(255)),
        "multi_users_select": _menu(initial_users=Anything(), max_selected_items=Number(1)),
        "channels_select": _menu(initial_channel=Str(255), response_url_enabled=Flag()),
        "multi_channels_select": _menu(initial_channels=Anything(), max_selected_items=Number(1)),
        "conversations_select": _menu(
            initial_conversation=Str(255),
            default_to_current_conversation=Flag(),
            response_url_enabled=Flag(),
            filter=Anything(),
        ),
        "multi_conversations_select": _menu(
            initial_conversations=Anything(),
            default_to_current_conversation=Flag(),
            max_selected_items=Number(1),
            filter=Anything(),
        ),
        "external_select": _menu(initial_option=_OPTION, min_query_length=Number(0)),
        "multi_external_select": _menu(
            initial_options=Many(_OPTION, 100),
            min_query_length=Number(0),
            max_selected_items=Number(1),
        ),
        "checkboxes": _choices(10, several=True),
        "radio_buttons": _choices(10, several=False),
        "datepicker": _menu(initial_date=Str(10, 10)),
        "timepicker": _menu(initial_time=Str(5, 5), timezone=Str(100)),
        "datetimepicker": _menu(initial_date_time=Number(0)),
        "plain_text_input": _typed(
            multiline=Flag(), min_length=Number(0, 3000), max_length=Number(1, 3000)
        ),
        "number_input": _typed(
            is_decimal_allowed=Flag(), min_value=Anything(), max_value=Anything()
        ),
        "rich_text_input": Shape(
            {
                **_ELEMENT,
                "initial_value": RICH_TEXT,
                "placeholder": plain(150),
                "dispatch_action_config": Anything(),
            }
        ),
        "email_text_input": _typed(),
        "url_text_input": _typed(),
        "image": Shape(_IMAGE, required=("alt_text",), any_of=("image_url", "slack_file")),
        "plain_text": plain(2000),
        "mrkdwn": text(2000),
        "feedback_buttons": Shape(
            {**_ELEMENT, "positive_button": _FEEDBACK, "negative_button": _FEEDBACK},
            required=("positive_button", "negative_button"),
        ),
        "icon_button": Shape(
            {
                **_ELEMENT,
                "icon": Str(75),
                "text": plain(75),
                "value": Str(2000, 0),
                "confirm": _CONFIRM,
                "accessibility_label": Str(75),
                "visible_to_user_ids": Anything(),
            },
            required=("icon", "text"),
        ),
    }
)
_CLICKED = (
    "button",
    "workflow_button",
    "overflow",
    "static_select",
    "multi_static_select",
    "users_select",
    "multi_users_select",
    "channels_select",
    "multi_channels_select",
    "conversations_select",
    "multi_conversations_select",
    "external_select",
    "multi_external_select",
    "checkboxes",
    "radio_buttons",
    "datepicker",
    "timepicker",
)
_IN_ACTIONS = ELEMENTS.only(*_CLICKED, "datetimepicker")
_IN_SECTION = ELEMENTS.only(*_CLICKED, "image")
_IN_INPUT = ELEMENTS.only(
    *[kind for kind in _CLICKED if kind not in ("button", "workflow_button", "overflow")],
    "datetimepicker",
    "plain_text_input",
    "number_input",
    "rich_text_input",
    "email_text_input",
    "url_text_input",
)

# --- blocks ------------------------------------------------------------------------------


def _block(required: tuple[str, ...] = (), any_of: tuple[str, ...] = (), **own: Rule) -> Rule:
    return Shape({"type": TYPE, "block_id": ID, **own}, required=required, any_of=any_of)


_CARD = _block(
    any_of=("hero_image", "title", "actions", "body"),
    hero_image=ELEMENTS.only("image"),
    icon=ELEMENTS.only("image"),
    slack_icon=Anything(),
    title=text(150),
    subtitle=text(150),
    body=text(200),
    subtext=text(200),
    actions=Many(ELEMENTS.only("button"), 3),
)
_TASK: dict[str, Rule] = {
    "task_id": Str(255),
    "title": Str(255),
    "status": OneOf(("pending", "in_progress", "complete", "error")),
    "details": RICH_TEXT,
    "output": RICH_TEXT,
    "sources": Anything(),
}

BLOCKS: Tagged = Tagged(
    {
        "section": _block(
            any_of=("text", "fields"),
            text=text(3000),
            fields=Many(text(2000), 10),
            accessory=_IN_SECTION,
            expand=Flag(),
        ),
        "header": _block(("text",), text=plain(150), level=Number(1, 4)),
        "divider": _block(),
        "context": _block(
            ("elements",), elements=Many(ELEMENTS.only("image", "plain_text", "mrkdwn"), 10)
        ),
        "actions": _block(("elements",), elements=Many(_IN_ACTIONS, 25)),
        "input": _block(
            ("label", "element"),
            label=plain(2000),
            element=_IN_INPUT,
            hint=plain(2000),
            optional=Flag(),
            dispatch_action=Flag(),
        ),
        "image": _block(
            ("alt_text",),
            any_of=("image_url", "slack_file"),
            image_url=URL,
            slack_file=Anything(),
            alt_text=Str(2000),
            title=plain(2000),
        ),
        "video": _block(
            ("alt_text", "title", "thumbnail_url", "video_url"),
            alt_text=Str(2000),
            title=plain(200),
            title_url=URL,
            thumbnail_url=URL,
            video_url=URL,
            author_name=Str(50),
            description=plain(200),
            provider_icon_url=URL,
            provider_name=Str(200),
        ),
        "markdown": _block(("text",), text=Str(MARKDOWN_PER_MESSAGE)),
        "rich_text": RICH_TEXT,
        "table": _block(
            ("rows",),
            rows=Many(Many(CELL, 20), 100),
            column_settings=Many(COLUMN, 20, 0),
        ),
        "data_table": _block(
            ("rows", "caption"),
            rows=Many(Many(CELL, 20), 201, 2),
            caption=Str(255),
            page_size=Number(1, 100, whole=True),
            row_header_column_index=Number(0, 19, whole=True),
        ),
        "data_visualization": _block(("title", "chart"), title=Str(CHART_TITLE), chart=CHART),
        "alert": _block(
            ("text",),
            text=text(200),
            level=OneOf(("default", "info", "warning", "error", "success")),
        ),
        "card": _CARD,
        "carousel": _block(("elements",), elements=Many(Tagged({"card": _CARD}), 10)),
        "container": _block(
            ("child_blocks",),
            title=plain(150),
            subtitle=text(150),
            icon=ELEMENTS.only("image"),
            child_blocks=Many(Later(lambda: BLOCKS), 10),
            width=OneOf(("narrow", "standard", "wide", "full")),
            is_collapsible=Flag(),
            default_collapsed=Flag(),
            has_header_divider=Flag(),
        ),
        "context_actions": _block(
            ("elements",), elements=Many(ELEMENTS.only("feedback_buttons", "icon_button"), 5)
        ),
        "task_card": _block(("task_id", "title"), (), **_TASK),
        "plan": _block(("title",), title=Str(255), tasks=Many(Shape({"type": TYPE, **_TASK}), 50)),
    }
)
