"""views.*: modals and home tabs."""

from __future__ import annotations

import json

from sandbox.slack.api.core import Call, method
from sandbox.slack.limits import VIEW_BYTES, validate_view
from sandbox.slack.modals import View
from sandbox.slack.records import JSON, SlackError


def _body(call: Call, kind: str) -> JSON:
    body = call.data("view")
    if not isinstance(body, dict):
        raise SlackError("invalid_arguments", ["missing required field: view"])
    if len(json.dumps(body)) > VIEW_BYTES:
        raise SlackError("view_too_large")
    if findings := validate_view(body):
        raise SlackError("invalid_arguments", findings)
    if body["type"] != kind:
        raise SlackError("invalid_arguments", [f"must be a {kind} view [json-pointer:/view/type]"])
    return body


def _told(call: Call, view: View) -> JSON:
    return {"view": call.site.modals.as_json(view)}


@method("views.open", tier=4)
def open_view(call: Call) -> JSON:
    """Open a modal for the person behind a trigger."""
    trigger, body = call.need("trigger_id"), _body(call, "modal")
    user = call.site.triggers.exchange(trigger, call.app)
    return _told(call, call.site.modals.open(user, call.app, body))


@method("views.push", tier=4)
def push_view(call: Call) -> JSON:
    """Put a view on top of the one that is open."""
    trigger, body = call.need("trigger_id"), _body(call, "modal")
    user = call.site.triggers.exchange(trigger, call.app)
    return _told(call, call.site.modals.push(user, call.app, body))


@method("views.update", tier=4)
def update_view(call: Call) -> JSON:
    """Change an open view, by `view_id` or `external_id`; `hash` guards against races."""
    view_id, external_id = call.text("view_id") or None, call.text("external_id") or None
    if not (view_id or external_id):
        raise SlackError("invalid_arguments", ["missing required field: view_id"])
    view = call.site.modals.find(call.app, view_id=view_id, external_id=external_id)
    body = _body(call, str(view.body["type"]))
    return _told(call, call.site.modals.update(view, body, call.text("hash") or None))


@method("views.publish", tier=4)
def publish_view(call: Call) -> JSON:
    """Set the home tab one person sees."""
    user = call.workspace.person(call.need("user_id")).id
    body = _body(call, "home")
    view = call.site.modals.publish(user, call.app, body, call.text("hash") or None)
    return _told(call, view)
