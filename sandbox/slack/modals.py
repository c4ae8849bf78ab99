"""Views: the stack of modals each person has open, and the home tab of each app."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sandbox.slack.blocks import interactive_elements, with_ids
from sandbox.slack.limits import VIEW_STACK
from sandbox.slack.people import App
from sandbox.slack.records import JSON, Change, SlackError
from sandbox.slack.rich_text import rich_text
from sandbox.slack.workspace import Workspace


@dataclass(slots=True)
class View:
    """A modal or home view as one person has it open.

    ``values`` is what is filled in, in Slack's `state.values` shape; ``errors`` are by block id.
    """

    id: str
    app: App
    user: str
    body: JSON
    hash: str
    root_id: str
    previous_id: str | None = None
    values: JSON = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def blocks(self) -> list[JSON]:
        return list(self.body["blocks"])


class Modals:
    """Opens, pushes, updates and closes views. Every change is told for the page to follow."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._stacks: dict[str, list[View]] = {}
        self._homes: dict[tuple[str, str], View] = {}

    def top(self, user: str) -> View | None:
        """The view a person sees, if a modal is open."""
        stack = self._stacks.get(user)
        return stack[-1] if stack else None

    def home(self, app: App, user: str) -> View | None:
        return self._homes.get((app.id, user))

    def open(self, user: str, app: App, body: JSON) -> View:
        """Open a modal; whatever the person had open is gone."""
        self._refuse_taken_external_id(app, body)
        view = self._new(user, app, body)
        self._stacks[user] = [view]
        self._tell(user)
        return view

    def push(self, user: str, app: App, body: JSON) -> View:
        """Put a view on top of the open ones.

        Raises:
            SlackError: ``push_limit_reached`` for a fourth, ``not_found`` when none is open.
        """
        stack = self._stacks.get(user)
        if not stack:
            raise SlackError("not_found")
        if len(stack) >= VIEW_STACK:
            raise SlackError("push_limit_reached")
        self._refuse_taken_external_id(app, body)
        view = self._new(user, app, body, below=stack[-1])
        stack.append(view)
        self._tell(user)
        return view

    def update(self, view: View, body: JSON, expected_hash: str | None = None) -> View:
        """Change an open view in place. What was filled in stays where the ids are the same.

        Raises:
            SlackError: ``hash_conflict`` when the view has changed since ``expected_hash``.
        """
        if expected_hash and expected_hash != view.hash:
            raise SlackError("hash_conflict")
        view.body = {**body, "blocks": with_ids(body["blocks"], self._workspace.ids)}
        view.hash = self._new_hash()
        view.errors = {}
        view.values = {**state_values(view.blocks, {}), **self._kept(view)}
        self._tell(view.user)
        return view

    def publish(self, user: str, app: App, body: JSON, expected_hash: str | None = None) -> View:
        """Set an app's home tab for one person."""
        if old := self._homes.get((app.id, user)):
            return self.update(old, body, expected_hash)
        view = self._new(user, app, body)
        self._homes[app.id, user] = view
        self._tell(user)
        return view

    def find(self, app: App, *, view_id: str | None = None, external_id: str | None = None) -> View:
        """An open view of an app.

        Raises:
            SlackError: ``not_found`` when it is closed or was never open.
        """
        for view in self._all():
            wanted = view.id == view_id if view_id else view.body.get("external_id") == external_id
            if wanted and view.app.id == app.id:
                return view
        raise SlackError("not_found")

    def close(self, user: str, *, everything: bool = False) -> list[View]:
        """Close the top view, or the whole stack. Returns what was closed, top first."""
        stack = self._stacks.get(user, [])
        closed = list(reversed(stack)) if everything else stack[-1:]
        del stack[len(stack) - len(closed) :]
        self._tell(user)
        return closed

    def fill(self, view: View, raw: JSON) -> None:
        """Keep what a person has filled in; ``raw`` is ``{block_id: {action_id: value}}``."""
        view.values = state_values(view.blocks, raw)

    def complain(self, view: View, errors: dict[str, str]) -> None:
        """Show an app's errors beside the inputs of a view."""
        view.errors = dict(errors)
        self._tell(view.user)

    def as_json(self, view: View) -> JSON:
        """A view as Slack sends it in payloads and replies."""
        body = view.body
        return {
            "id": view.id,
            "team_id": self._workspace.team_id,
            "type": body["type"],
            "blocks": body["blocks"],
            "private_metadata": body.get("private_metadata", ""),
            "callback_id": body.get("callback_id", ""),
            "state": {"values": view.values},
            "hash": view.hash,
            "title": body.get("title"),
            "clear_on_close": body.get("clear_on_close", False),
            "notify_on_close": body.get("notify_on_close", False),
            "close": body.get("close"),
            "submit": body.get("submit"),
            "previous_view_id": view.previous_id,
            "root_view_id": view.root_id,
            "app_id": view.app.id,
            "external_id": body.get("external_id", ""),
            "app_installed_team_id": self._workspace.team_id,
            "bot_id": view.app.bot,
        }

    def _new(self, user: str, app: App, body: JSON, below: View | None = None) -> View:
        view_id = self._workspace.ids.new("V")
        blocks = with_ids(body["blocks"], self._workspace.ids)
        return View(
            id=view_id,
            app=app,
            user=user,
            body={**body, "blocks": blocks},
            hash=self._new_hash(),
            root_id=below.root_id if below else view_id,
            previous_id=below.id if below else None,
            values=state_values(blocks, {}),
        )

    def _kept(self, view: View) -> JSON:
        here = {(block["block_id"], one["action_id"]) for block, one in _inputs(view.blocks)}
        return {
            block_id: actions
            for block_id, actions in view.values.items()
            if all((block_id, action_id) in here for action_id in actions)
        }

    def _all(self) -> list[View]:
        return [view for stack in self._stacks.values() for view in stack] + [*self._homes.values()]

    def _refuse_taken_external_id(self, app: App, body: JSON) -> None:
        external_id = body.get("external_id")
        if external_id and any(
            view.app.id == app.id and view.body.get("external_id") == external_id
            for view in self._all()
        ):
            raise SlackError("duplicate_external_id")

    def _new_hash(self) -> str:
        return f"{int(self._workspace.now())}.{self._workspace.ids.secret()[:8]}"

    def _tell(self, user: str) -> None:
        with self._workspace.lock:
            self._workspace.tell(Change("modal", user=user))


def _inputs(blocks: list[JSON]) -> list[tuple[JSON, JSON]]:
    silent = ("button", "workflow_button", "overflow", "feedback_buttons", "icon_button")
    return [
        (block, element)
        for block, element in interactive_elements(blocks)
        if element["type"] not in silent
    ]


def state_values(blocks: list[JSON], raw: JSON) -> JSON:
    """What is filled in, in the shape of Slack's `state.values`.

    ``raw`` is ``{block_id: {action_id: text | value | [values]}}``; an element that isn't in it
    has its initial value.
    """
    values: JSON = {}
    for block, element in _inputs(blocks):
        given = raw.get(block["block_id"], {})
        if element["action_id"] in given:
            state = chosen(element, given[element["action_id"]])
        else:
            state = _initial(element)
        values.setdefault(block["block_id"], {})[element["action_id"]] = state
    return values


_SINGLE = {
    "users_select": "selected_user",
    "channels_select": "selected_channel",
    "conversations_select": "selected_conversation",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
}
_INITIAL = {name: name.replace("selected_", "initial_") for name in _SINGLE.values()}


def chosen(element: JSON, raw: Any) -> JSON:
    """One element's state after a person typed or chose ``raw``."""
    kind = str(element["type"])
    if kind == "external_select":  # its options are the app's: the one chosen comes as a whole
        return {"type": kind, "selected_option": raw or None}
    if kind == "multi_external_select":
        return {"type": kind, "selected_options": list(raw or ())}
    if kind in ("static_select", "radio_buttons", "overflow"):
        return {"type": kind, "selected_option": _option(element, raw)}
    if kind in ("multi_static_select", "checkboxes"):
        picked = [_option(element, value) for value in raw or ()]
        return {"type": kind, "selected_options": [one for one in picked if one]}
    if kind.startswith("multi_"):
        name = kind.removeprefix("multi_").removesuffix("_select")
        return {"type": kind, f"selected_{name}": list(raw or ())}
    if kind == "rich_text_input":
        return {"type": kind, "rich_text_value": next(iter(rich_text(raw or "")), None)}
    if single := _SINGLE.get(kind):
        value = int(raw) if raw and kind == "datetimepicker" else raw or None
        return {"type": kind, single: value}
    return {"type": kind, "value": raw or None}


def _initial(element: JSON) -> JSON:
    kind = str(element["type"])
    if kind in ("static_select", "external_select", "radio_buttons"):
        return {"type": kind, "selected_option": element.get("initial_option")}
    if kind in ("multi_static_select", "multi_external_select", "checkboxes"):
        return {"type": kind, "selected_options": element.get("initial_options") or []}
    if kind == "rich_text_input":
        return {"type": kind, "rich_text_value": element.get("initial_value")}
    if single := _SINGLE.get(kind):
        return {"type": kind, single: element.get(_INITIAL[single])}
    if kind.startswith("multi_"):
        return chosen(element, element.get(f"initial_{kind.split('_')[1]}"))
    return {"type": kind, "value": element.get("initial_value")}


def options_of(element: JSON) -> list[JSON]:
    """Every option of a menu, those in groups included."""
    grouped = [one for group in element.get("option_groups") or () for one in group["options"]]
    return [*(element.get("options") or ()), *grouped]


def _option(element: JSON, value: Any) -> JSON | None:
    return next((one for one in options_of(element) if one["value"] == value), None)
