"""Reads a YAML file strictly: a key that stands twice is an error, and so is an absurd size."""

from __future__ import annotations

import gc
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any

import yaml

try:
    from yaml import CSafeLoader as _Loader  # ten times as fast
except ImportError:  # PyYAML without libyaml
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

MOST_BYTES = 4 * 1024 * 1024
MOST_DEPTH = 50  # levels; the file has six


class _StrictLoader(_Loader):
    """YAML takes the last of two equal keys: a policy written twice would lose its first half."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: dict[Hashable, int] = {}
        for key_node, _ in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is None:
                continue
            line = key_node.start_mark.line + 1
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None,
                    None,
                    f"the key “{key}” stands twice, in line {seen[key]} and in line {line}: "
                    "only one of them would count",
                )
            seen[key] = line
        return super().construct_mapping(node, deep=deep)


def load(text: str) -> Any:
    """The value of a YAML text.

    Raises yaml.YAMLError, which names the line, for what is no YAML, for a key that stands twice,
    and for a text that is too large or too deep.
    """
    check_size(len(text))
    _check_depth(text)
    try:
        return yaml.load(text, _StrictLoader)  # noqa: S506 (a subclass of SafeLoader)
    except (ValueError, TypeError) as error:  # such as the date 2026-02-31
        raise yaml.YAMLError(str(error)) from error


def check_size(size: int) -> None:
    """Raises yaml.YAMLError for more than MOST_BYTES bytes."""
    if size > MOST_BYTES:
        raise yaml.YAMLError(f"it has {size:,} bytes; more than {MOST_BYTES:,} are not read")


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Reading a large file makes a million objects; a full collection among them stops all threads
    for a second, the event loop's too. None of them is garbage."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _check_depth(text: str) -> None:
    """libyaml's composer is recursive in C: a text that is too deep would end the process."""
    depth = 0
    for event in yaml.parse(text, _Loader):
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            depth += 1
            if depth > MOST_DEPTH:
                line = event.start_mark.line + 1 if event.start_mark else 0
                raise yaml.YAMLError(f"line {line}: more than {MOST_DEPTH} levels of nesting")
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            depth -= 1
