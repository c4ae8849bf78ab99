"""Blocks as they are kept: with the ids Slack gives to blocks and elements that came without."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sandbox.slack.clock import Identifiers

_INTERACTIVE = frozenset(
    {
        "button",
        "workflow_button",
        "overflow",
        "checkboxes",
        "radio_buttons",
        "datepicker",
        "timepicker",
        "datetimepicker",
        "plain_text_input",
        "number_input",
        "rich_text_input",
        "email_text_input",
        "url_text_input",
        "feedback_buttons",
        "icon_button",
    }
)


def is_interactive(element: dict[str, Any]) -> bool:
    """Whether a person can do something with an element."""
    kind = str(element.get("type"))
    return kind in _INTERACTIVE or kind.endswith("_select")


def with_ids(blocks: Sequence[dict[str, Any]], ids: Identifiers) -> list[dict[str, Any]]:
    """The blocks, each with a `block_id`, each interactive element with an `action_id`."""
    return [_block_with_ids(block, ids) for block in blocks]


def _block_with_ids(block: dict[str, Any], ids: Identifiers) -> dict[str, Any]:
    named = {**block, "block_id": block.get("block_id") or ids.secret()[:5]}
    for key in ("accessory", "element"):
        if isinstance(single := block.get(key), dict):
            named[key] = _element_with_id(single, ids)
    if "child_blocks" in block:
        named["child_blocks"] = with_ids(block["child_blocks"], ids)
    if block.get("type") == "carousel":
        named["elements"] = with_ids(block["elements"], ids)
    elif block.get("type") != "rich_text":
        for key in ("elements", "actions"):
            if isinstance(several := block.get(key), list):
                named[key] = [_element_with_id(one, ids) for one in several]
    return named


def _element_with_id(element: dict[str, Any], ids: Identifiers) -> dict[str, Any]:
    if is_interactive(element) and not element.get("action_id"):
        return {**element, "action_id": ids.secret()[:5]}
    return element


def interactive_elements(
    blocks: Sequence[dict[str, Any]],
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Every interactive element with the block it stands in, from the top down."""
    for block in blocks:
        singles = [block[key] for key in ("accessory", "element") if key in block]
        several = [one for key in ("elements", "actions") for one in block.get(key) or ()]
        for element in singles + several:
            if is_interactive(element):
                yield block, element
        inner = block.get("child_blocks") or [one for one in several if one.get("type") == "card"]
        yield from interactive_elements(inner)
