"""Listeners for modals that were submitted. Each saves an envelope and answers in the modal."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from slack_bolt.async_app import AsyncAck

from bot.domain.base import Frozen
from bot.render import (
    ACTION,
    INSIST,
    NUMBER,
    REASON,
    SERVICE,
    TYPE,
    error_modal,
    evidence_modal,
    loading_modal,
)
from handlers.envelopes import (
    ActionReached,
    AloneSubmitted,
    ChangeRejected,
    Triage,
    TriageAsked,
    ViewSubmitted,
)
from handlers.json_access import Ignored, dict_in, list_in, text_in
from handlers.slack.admission import reason_typed
from handlers.slack.saving import TRY_AGAIN, Saving, team_of, user_of

MOST_OF_REASON = 300  # characters


class FormPlace(Frozen):
    """Where the answer to the triage form belongs: a modal has no channel of its own, so it is in
    its private_metadata."""

    channel: str
    thread_ts: str  # of the message the form was opened at, or of the thread it is in


@dataclass(frozen=True, slots=True)
class ViewListeners(Saving):
    """Bolt passes arguments by name, and None for an unknown name: use only its names."""

    async def submission(self, ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        """The preview was submitted: request approval, or compute the plan for another number."""
        typed = _number_typed(view)
        if isinstance(typed, Ignored):
            await ack(response_action="errors", errors={NUMBER: typed.reason})
            return
        external = _external(view)
        submitted = ViewSubmitted(
            team=team_of(body),
            user=user_of(body),
            callback=text_in(view.get("callback_id")),
            run=text_in(view.get("private_metadata")),
            view_id=text_in(view.get("id")),
            external=external,
            amount=typed,
            reason=_reason(view),
        )
        if await self.save(submitted):
            if typed is None:
                await ack()
            else:
                await ack(response_action="update", view=loading_modal(external))
            return
        failed = error_modal(external, "Approval was not requested.", TRY_AGAIN)
        await ack(response_action="update", view=failed)

    async def reached(self, ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        """An action that the findings do not call for was chosen, or insisted on."""
        insisted = text_in(view.get("callback_id")) == INSIST
        external = _external(view)
        metadata = text_in(view.get("private_metadata"))
        reached = ActionReached(
            team=team_of(body),
            user=user_of(body),
            offer=metadata if insisted else _chosen(view, ACTION),
            view_id=text_in(view.get("id")),
            external=external,
            insisted=insisted,
        )
        if await self.save(reached):
            loading = loading_modal if insisted else evidence_modal
            await ack(response_action="update", view=loading(external))
            return
        failed = error_modal(external, "Nothing was computed.", TRY_AGAIN)
        await ack(response_action="update", view=failed)

    async def rejected(self, ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        """A change was rejected, with or without a reason."""
        rejected = ChangeRejected(
            team=team_of(body),
            user=user_of(body),
            run=text_in(view.get("private_metadata")),
            view_id=text_in(view.get("id")),
            reason=_reason(view),
        )
        if await self.save(rejected):
            await ack()
            return
        failed = error_modal(_external(view), "The change was not rejected.", TRY_AGAIN)
        await ack(response_action="update", view=failed)

    async def alone(self, ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        """Somebody approves their own request, with a reason."""
        reason = reason_typed(view)
        if isinstance(reason, Ignored):
            await ack(response_action="errors", errors={REASON: reason.reason})
            return
        given = AloneSubmitted(
            team=team_of(body),
            user=user_of(body),
            run=text_in(view.get("private_metadata")),
            reason=reason,
            view_id=text_in(view.get("id")),
        )
        if await self.save(given):
            await ack()
            return
        failed = error_modal(_external(view), "The change was not approved.", TRY_AGAIN)
        await ack(response_action="update", view=failed)

    async def triage(self, ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        """Type and service were chosen for a message without an alarm."""
        try:
            place = FormPlace.model_validate_json(text_in(view.get("private_metadata")))
        except ValidationError:  # no form of this version
            await ack()
            return
        asked = TriageAsked(
            team=team_of(body),
            channel=place.channel,
            user=user_of(body),
            thread_ts=place.thread_ts,
            view_id=text_in(view.get("id")),
            command=Triage(
                playbook=_chosen(view, TYPE) or None, service=_chosen(view, SERVICE) or None
            ),
        )
        if await self.save(asked):
            await ack()
            return
        failed = error_modal(_external(view), "Nothing is investigated.", TRY_AGAIN)
        await ack(response_action="update", view=failed)


def _external(view: dict[str, Any]) -> str:
    return text_in(view.get("external_id")) or text_in(view.get("id"))


def _value(view: dict[str, Any], name: str) -> dict[str, Any]:
    """The state of a field whose block and action id are both `name`."""
    values = dict_in(dict_in(view.get("state")).get("values"))
    return dict_in(dict_in(values.get(name)).get(name))


def _chosen(view: dict[str, Any], name: str) -> str:
    """The value of the option chosen in a field; empty when none is."""
    return text_in(dict_in(_value(view, name).get("selected_option")).get("value"))


def _reason(view: dict[str, Any]) -> str:
    return " ".join(text_in(_value(view, REASON).get("value")).split())[:MOST_OF_REASON]


def _number_typed(view: dict[str, Any]) -> int | Ignored | None:
    """The number in the preview's field if it is not the one shown; None when there is no field, or
    it is unchanged. Ignored, with a sentence for the person, when it is out of its bounds.

    The bounds are those of the field that Slack sends back; `bot.changes` has the plan's own.
    """
    blocks = (dict_in(each) for each in list_in(view.get("blocks")))
    block = next((each for each in blocks if each.get("block_id") == NUMBER), None)
    if block is None:
        return None
    field = dict_in(block.get("element"))
    typed = text_in(_value(view, NUMBER).get("value")).strip()
    shown, least, most = (
        text_in(field.get(name)) for name in ("initial_value", "min_value", "max_value")
    )
    if not re.fullmatch(r"[0-9]{1,9}", typed):
        return Ignored(f"A whole number from {least} to {most}.")
    amount = int(typed)
    if typed == shown or str(amount) == shown:
        return None
    if least.isdecimal() and amount < int(least):
        return Ignored(f"At least {least}, by the preconditions shown above.")
    if most.isdecimal() and amount > int(most):
        return Ignored(f"At most {most}: more is not within the limits shown above.")
    return amount
