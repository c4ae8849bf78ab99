"""Modals that ask: why a change is rejected, and what to investigate at a message."""

from __future__ import annotations

from collections.abc import Sequence

from bot.render.blocks import line, menu_field, plain, rich
from bot.render.clicks import SERVICE, TRIAGE_FORM, TURN_DOWN, TYPE
from bot.render.messages import Entry
from bot.render.modal import View, modal_view, reason_field


def reject_modal(external_id: str, run_id: str) -> View:
    """Asks why a change is rejected; submitting it rejects the change."""
    text = "The change is not made, and whoever asked for it is told in the thread."
    return modal_view(
        "Reject this change?",
        [rich(line(plain(text))), reason_field("Why?")],
        external_id,
        submit="Reject",
        callback=TURN_DOWN,
        metadata=run_id,
    )


def triage_form(
    external_id: str, metadata: str, playbooks: Sequence[Entry], services: Sequence[str]
) -> View:
    """Asks for incident type and service, for a message that has no alarm in it.

    Args:
        external_id: of the modal.
        metadata: where the answer belongs.
        playbooks: the incident types.
        services: names of the services in the catalogue.
    """
    types = [(each.title, each.id) for each in playbooks]
    default = next((each.id for each in playbooks if each.for_any_alarm), None)
    only = services[0] if len(services) == 1 else None
    said = "This message has no CloudWatch alarm that I can read. What shall I investigate?"
    fields = [
        menu_field("Incident type", TYPE, types, chosen=default),
        menu_field("Service", SERVICE, [(each, each) for each in services], chosen=only),
    ]
    return modal_view(
        "Triage",
        [rich(line(plain(said))), *fields],
        external_id,
        submit="Investigate",
        callback=TRIAGE_FORM,
        metadata=metadata,
    )
