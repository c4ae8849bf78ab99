"""Whether a payload has the shape that Bolt relies on before any listener runs.

Bolt reads fields of a payload without asking whether they are there, and answers 500 where they
are not (slack_bolt, `request/payload_utils.py`, `listener_matcher/builtins.py`). Slack never leaves
them out; whoever else can sign a body may.
"""

from __future__ import annotations

MOST_DEPTH = 60  # of nested JSON; Slack's payloads stay under 20
_OBJECTS = frozenset(
    {"event", "view", "message", "previous_message", "item", "container"}
    | {"assistant_thread", "function_data"}
)
_LISTS = frozenset({"authorizations", "actions", "response_urls"})
_NULLABLE = _OBJECTS - {"event", "view"} | {"authorizations", "actions"}
_OBJECTS_OR_IDS = frozenset({"team", "enterprise", "user", "channel"})
_TEXTS = frozenset(
    {"type", "subtype", "command", "challenge", "response_url", "thread_ts"}
    | {"action_id", "block_id", "callback_id", "api_app_id", "bot_id"}
    | {"team_id", "enterprise_id", "user_id", "channel_id", "user_team", "source_team"}
)

_NEEDED: dict[str, tuple[str, ...]] = {
    "event_callback": ("event.type",),
    "block_actions": ("actions.action_id",),
    "interactive_message": ("callback_id", "actions.name"),
    "block_suggestion": ("action_id",),
    "dialog_submission": ("callback_id",),
    "dialog_cancellation": ("callback_id",),
    "dialog_suggestion": ("callback_id",),
    "shortcut": ("callback_id",),
    "message_action": ("callback_id",),
    "view_submission": ("view.type", "view.callback_id"),
    "view_closed": ("view.type", "view.callback_id"),
}
"""By type, the texts that have to be there: of each member where the path leads into a list."""


def is_payload(payload: object) -> bool:
    """Whether Bolt can find the listener for it without failing.

    Args:
        payload: the JSON of a request, or the fields of its form.
    """
    if not isinstance(payload, dict) or not payload:
        return False
    if not payload.get("actions", True):  # Bolt takes the first
        return False
    urls = payload.get("response_urls")
    if isinstance(urls, list) and len(urls) > 1:  # Bolt's log line about them fails
        return False
    needed = _NEEDED.get(str(payload.get("type")), ())
    return (
        _fits(payload)
        and all(_has(payload, path) for path in needed)
        and depth(payload) <= MOST_DEPTH
    )


def is_command(payload: dict[str, object]) -> bool:
    """Whether Bolt takes it for a slash command, and for nothing else."""
    return "command" in payload and "type" not in payload


def _has(node: object, path: str) -> bool:
    """Whether a text stands at the path, in each member of a list on the way."""
    if isinstance(node, list):
        return bool(node) and all(_has(each, path) for each in node)
    name, _, rest = path.partition(".")
    found = node.get(name) if isinstance(node, dict) else None
    return _has(found, rest) if rest else isinstance(found, str)


def _fits(node: object) -> bool:
    """Whether the fields that Bolt reads have the types it expects."""
    if not isinstance(node, dict):
        return False
    for name, value in node.items():
        if name in _OBJECTS:
            fits = _fits(value)
        elif name in _LISTS:
            fits = isinstance(value, list) and all(_fits(each) for each in value)
        elif name in _OBJECTS_OR_IDS:
            fits = value is None or isinstance(value, str) or _fits(value)
        elif name in _TEXTS:
            fits = value is None or isinstance(value, str)
        else:
            continue
        if not fits and not (value is None and name in _NULLABLE):
            return False
    return True


def depth(value: object) -> int:
    """The depth of nested objects and lists, counted without recursion, to `MOST_DEPTH` + 1."""
    deep, level = 0, [value]
    while level and deep <= MOST_DEPTH:
        inner: list[object] = []
        for each in level:
            if isinstance(each, dict):
                inner += each.values()
            elif isinstance(each, list):
                inner += each
        level = [each for each in inner if isinstance(each, dict | list)]
        deep += 1
    return deep
