"""Names of what people can click: the contract between what is rendered and what is handled."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Click(StrEnum):
    """Action ids of buttons. The value is an opaque id: of an offer, a run or an incident."""

    PREPARE = "prepare"  # value: offer; opens the preview. Numbered, "prepare.0"
    APPROVE = "approve"  # value: run
    REJECT = "reject"  # value: run
    UNDO = "undo"  # value: run
    RERUN = "rerun"  # value: incident; investigate once more
    TIMELINE = "timeline"  # value: incident

    @classmethod
    def of(cls, action_id: str) -> Click | None:
        """The click an action id stands for; None for one that isn't ours."""
        name = action_id.partition(".")[0]
        return next((click for click in cls if click == name), None)


PROPOSE = "propose"
"""callback_id of the preview; its submission asks for approval. private_metadata: the run."""


@dataclass(frozen=True, slots=True)
class Offer:
    """An action that fits the incident, under an opaque id the bot resolves when it is clicked."""

    id: str
    title: str
