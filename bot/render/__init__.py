"""Turns incidents, reports and changes into Slack messages and modals (Block Kit). Pure.

No client and no decision belongs here. Text from outside is cleaned or escaped in one place,
`bot.render.text`.
"""

from bot.render.alarm_question import alarm_answer, alarm_question
from bot.render.alone import alone_loading_modal, alone_modal, alone_post
from bot.render.blocks import Message
from bot.render.card import card, status
from bot.render.change_message import run_message
from bot.render.clicks import (
    ACTION,
    ALONE,
    INSIST,
    LEAST_REASON,
    MOST_REASON,
    NUMBER,
    PROPOSE,
    REACH,
    REASON,
    Click,
    Offer,
)
from bot.render.comparison import before_and_after
from bot.render.findings import without_cause
from bot.render.messages import (
    Entry,
    already_open,
    help_message,
    no_incident,
    notice,
    playbooks_message,
    timeline,
    unknown_message,
)
from bot.render.modal import error_modal, loading_modal, nothing_modal, preview_modal
from bot.render.objections import evidence_modal, guard_modal, others_modal
from bot.render.plans import number_bounds

__all__ = [
    "ACTION",
    "ALONE",
    "INSIST",
    "LEAST_REASON",
    "MOST_REASON",
    "NUMBER",
    "PROPOSE",
    "REACH",
    "REASON",
    "Click",
    "Entry",
    "Message",
    "Offer",
    "alarm_answer",
    "alarm_question",
    "alone_loading_modal",
    "alone_modal",
    "alone_post",
    "already_open",
    "before_and_after",
    "card",
    "error_modal",
    "evidence_modal",
    "guard_modal",
    "help_message",
    "loading_modal",
    "no_incident",
    "nothing_modal",
    "notice",
    "number_bounds",
    "others_modal",
    "playbooks_message",
    "preview_modal",
    "run_message",
    "status",
    "timeline",
    "unknown_message",
    "without_cause",
]
