"""What Slack accepts: every limit of Block Kit and of messages, as one table.

Sources: docs.slack.dev, reference/block-kit (blocks, block-elements, composition-objects) and
the methods chat.postMessage, chat.update, views.open; read November 2026. Where the pages are
silent the tighter of the known figures stands, so that what passes here passes there.

`validate_blocks` and `validate_view` are pure: JSON in, Slack's complaints out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from sandbox.slack.contents import plain
from sandbox.slack.schema import Anything, Flag, Many, OneOf, Rule, Shape, Str, fault
from sandbox.slack.shapes import BLOCKS, MARKDOWN_PER_MESSAGE

Surface = Literal["message", "modal", "home"]

# --- messages and views ------------------------------------------------------------------
BLOCKS_PER_MESSAGE = 50
BLOCKS_PER_VIEW = 100
MESSAGE_BLOCKS_TEXT = 13_200  # characters of all blocks of a message together
MESSAGE_TEXT = 40_000
UPDATED_TEXT = 4_000
ATTACHMENTS_PER_MESSAGE = 100
METADATA_BYTES = 16_000
VIEW_BYTES = 250_000
VIEW_STACK = 3
PRIVATE_METADATA = 3_000
TOPIC = 250
CHANNEL_NAME = 80

# How many blocks of a kind one message may hold.
PER_MESSAGE: Mapping[str, int] = {"table": 1, "data_table": 1, "data_visualization": 2}

# Kinds that don't stand on every surface.
ONLY_ON: Mapping[str, tuple[Surface, ...]] = {
    "alert": ("modal",),
    "card": ("message",),
    "carousel": ("message",),
    "container": ("message",),
    "context_actions": ("message",),
    "data_table": ("message",),
    "data_visualization": ("message",),
    "markdown": ("message",),
    "plan": ("message",),
    "table": ("message",),
    "task_card": ("message",),
}

_VIEW: dict[str, Rule] = {
    "type": OneOf(("modal", "home")),
    "blocks": Anything(),
    "title": plain(24),
    "submit": plain(24),
    "close": plain(24),
    "private_metadata": Str(PRIVATE_METADATA, 0),
    "callback_id": Str(255, 0),
    "external_id": Str(255, 0),
    "clear_on_close": Flag(),
    "notify_on_close": Flag(),
    "submit_disabled": Flag(),
}


def validate_blocks(
    blocks: Sequence[object], surface: Surface = "message", path: str = "/blocks"
) -> list[str]:
    """Everything Slack would refuse about a list of blocks on a surface; empty means accepted.

    Args:
        blocks: Block Kit blocks, as they'd be sent.
        surface: where they are to stand.
        path: JSON pointer of the list, used in the findings.
    """
    most = BLOCKS_PER_MESSAGE if surface == "message" else BLOCKS_PER_VIEW
    findings = list(Many(BLOCKS, most, 0).check(list(blocks), path))
    known = [(index, block) for index, block in enumerate(blocks) if isinstance(block, dict)]
    findings += _misplaced(known, surface, path)
    findings += _not_unique(known, path)
    if surface == "message":
        findings += _too_much(known, path)
    return findings


def validate_view(view: Mapping[str, object]) -> list[str]:
    """Everything Slack would refuse about a modal or home view; empty means accepted."""
    kind = view.get("type")
    required = ("type", "title", "blocks") if kind == "modal" else ("type", "blocks")
    findings = list(Shape(_VIEW, required=required).check(dict(view), "/view"))
    blocks = view.get("blocks")
    if not isinstance(blocks, list):
        return [*findings, fault("must be an array", "/view/blocks")]
    asks = any(isinstance(block, dict) and block.get("type") == "input" for block in blocks)
    if kind == "modal" and asks and view.get("submit") is None:
        findings.append(fault("must define `submit` to use an `input` block in modals", "/view"))
    surface: Surface = "home" if kind == "home" else "modal"
    return findings + validate_blocks(blocks, surface, "/view/blocks")


def text_length(value: object) -> int:
    """Characters a person would read in blocks: the sum over every `text` in them."""
    if isinstance(value, list):
        return sum(text_length(entry) for entry in value)
    if isinstance(value, dict):
        return sum(
            len(content) if key == "text" and isinstance(content, str) else text_length(content)
            for key, content in value.items()
        )
    return 0


def elements_of(block: Mapping[str, object]) -> Iterator[tuple[str, dict[str, object]]]:
    """The elements of a block that can carry an `action_id`, with their path inside it."""
    for key in ("accessory", "element"):
        if isinstance(single := block.get(key), dict):
            yield f"/{key}", single
    for key in ("elements", "actions", "child_blocks"):
        several = block.get(key)
        for index, entry in enumerate(several if isinstance(several, list) else []):
            if isinstance(entry, dict):
                yield f"/{key}/{index}", entry
                for inner, element in elements_of(entry):
                    yield f"/{key}/{index}{inner}", element


def _misplaced(
    blocks: list[tuple[int, dict[str, object]]], surface: Surface, path: str
) -> Iterator[str]:
    for index, block in blocks:
        kind = str(block.get("type"))
        if surface not in ONLY_ON.get(kind, (surface,)):
            where = " and ".join(ONLY_ON[kind])
            yield fault(f"{kind} blocks are only supported in: {where}", f"{path}/{index}")


def _not_unique(blocks: list[tuple[int, dict[str, object]]], path: str) -> Iterator[str]:
    seen: set[str] = set()
    for index, block in blocks:
        block_id = block.get("block_id")
        if isinstance(block_id, str):
            if block_id in seen:
                where = f"{path}/{index}/block_id"
                yield fault(f'`block_id` "{block_id}" already exists for another block', where)
            seen.add(block_id)
        actions: set[str] = set()
        for inner, element in elements_of(block):
            action_id = element.get("action_id")
            if isinstance(action_id, str):
                if action_id in actions:
                    where = f"{path}/{index}{inner}/action_id"
                    yield fault(
                        f'`action_id` "{action_id}" already exists for another element', where
                    )
                actions.add(action_id)


def _too_much(blocks: list[tuple[int, dict[str, object]]], path: str) -> Iterator[str]:
    kinds = Counter(str(block.get("type")) for _, block in blocks)
    for kind, most in PER_MESSAGE.items():
        if kinds[kind] > most:
            yield fault(f"no more than {most} {kind} blocks allowed in a message", path)
    markdown = [block for _, block in blocks if block.get("type") == "markdown"]
    if text_length(markdown) > MARKDOWN_PER_MESSAGE:
        yield fault(
            f"markdown blocks must be less than {MARKDOWN_PER_MESSAGE + 1} characters", path
        )
    bounded = [block for _, block in blocks if block.get("type") != "data_table"]
    if text_length(bounded) > MESSAGE_BLOCKS_TEXT:
        yield fault(f"blocks must be less than {MESSAGE_BLOCKS_TEXT + 1} characters together", path)
