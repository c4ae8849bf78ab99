"""Ids of buttons and modals, shared by `bot.render` and the listeners in `handlers`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Click(StrEnum):
    """Action ids of buttons. The value is an id, of an offer, a run or an incident."""

    PREPARE = "prepare"  # value: offer; opens the preview. The id is numbered: "prepare.0"
    APPROVE = "approve"  # value: run
    REJECT = "reject"  # value: run
    UNDO = "undo"  # value: run
    APPROVE_UNDO = "approve-undo"  # value: run
    KEEP = "keep"  # value: run; reject its undo
    RERUN = "rerun"  # value: incident; investigate again
    TIMELINE = "timeline"  # value: incident
    EVIDENCE = "evidence"  # value: incident; opens everything that was found
    OTHERS = "others"  # value: incident; opens the choice of actions that nothing calls for
    LATER = "later"  # value: incident; investigate again when AWS has published what is missing
    ALONE = "alone"  # value: run; opens the modal for approving one's own request
    CHOOSE = "choose"  # value: bot.incidents.alarm_choice.AlarmChoice; numbered

    @classmethod
    def of(cls, action_id: str) -> Click | None:
        """The click for an action id; None for an unknown id."""
        name = action_id.partition(".")[0]
        return next((click for click in cls if click == name), None)


PROPOSE = "propose"
"""callback_id of the preview. Submitting it requests approval; private_metadata is the run id."""


REACH = "reach"
"""callback_id of the choice among the other actions; private_metadata is the incident's id."""

INSIST = "insist"
"""callback_id of what the evidence says against an action. Submitting it computes the plan all the
same; private_metadata is the offer."""

ALONE = "approve-alone"
"""callback_id of the reason for approving one's own request; private_metadata is the run id."""

REASON = "reason"
"""block_id and action_id of that reason."""

LEAST_REASON, MOST_REASON = 20, 500  # characters of it

ACTION = "action"
"""block_id and action_id of the choice among the other actions."""

TURN_DOWN = "turn-down"
"""callback_id of the modal that asks why a change is rejected; private_metadata is the run id."""

REASON = "reason"
"""block_id and action_id of the field for a reason: in the preview, and where one rejects."""

TRIAGE_SHORTCUT = "triage_alarm"
"""callback_id of the message shortcut, as deploy/slack-manifest.yaml declares it."""

TRIAGE_FORM = "triage-form"
"""callback_id of the form for a message without an alarm; private_metadata says where it is."""

TYPE = "type"
SERVICE = "service"
"""block_id and action_id of that form's fields."""

REFRESH = "home-refresh"
"""action_id of the Home tab's button."""

NUMBER = "number"
"""block_id and action_id of the preview's field for the number that a person may change."""


@dataclass(frozen=True, slots=True)
class Offer:
    """An action offered on the card: `id` is the value of its button, opaque to Slack."""

    id: str
    title: str
