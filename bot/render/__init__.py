"""Model → Block Kit. Pure: knows no client, and every text from outside goes through one door."""

from bot.render.blocks import Message
from bot.render.card import card, status
from bot.render.clicks import PROPOSE, Click, Offer
from bot.render.modal import error_modal, loading_modal, nothing_modal, preview_modal
from bot.render.run import run_message
from bot.render.talk import (
    Entry,
    elsewhere,
    help_message,
    no_incident,
    notice,
    playbooks_message,
    timeline,
    unknown_alarm,
    unknown_message,
)

__all__ = [
    "PROPOSE",
    "Click",
    "Entry",
    "Message",
    "Offer",
    "card",
    "elsewhere",
    "error_modal",
    "help_message",
    "loading_modal",
    "no_incident",
    "nothing_modal",
    "notice",
    "playbooks_message",
    "preview_modal",
    "run_message",
    "status",
    "timeline",
    "unknown_alarm",
    "unknown_message",
]
