"""Turns incidents, reports and changes into Slack messages and modals (Block Kit). Pure.

No client and no decision belongs here. Text from outside is cleaned or escaped in one place,
`bot.render.text`.
"""

from bot.render.alarm_question import alarm_answer, alarm_question
from bot.render.alone import alone_loading_modal, alone_modal, alone_post
from bot.render.blocks import Message
from bot.render.card import card, status
from bot.render.change_message import run_message
from bot.render.change_reply import change_reply, step_failed
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
    REFRESH,
    SERVICE,
    TRIAGE_FORM,
    TRIAGE_SHORTCUT,
    TURN_DOWN,
    TYPE,
    Click,
    Offer,
)
from bot.render.evidence import all_evidence_loading, all_evidence_modal
from bot.render.forms import reject_modal, triage_form
from bot.render.greeting import greeting
from bot.render.home import Home, HomeChange, HomeIncident, home_view
from bot.render.messages import (
    Entry,
    already_open,
    help_message,
    looks_again,
    no_incident,
    not_a_member,
    not_posted,
    notice,
    playbooks_message,
    statuses,
    timeline,
    unknown_message,
)
from bot.render.modal import error_modal, loading_modal, nothing_modal, preview_modal
from bot.render.objections import evidence_modal, guard_modal, others_modal
from bot.render.plans import number_bounds
from bot.render.state import since_change
from bot.render.verdict import without_cause

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
    "REFRESH",
    "SERVICE",
    "TRIAGE_FORM",
    "TRIAGE_SHORTCUT",
    "TURN_DOWN",
    "TYPE",
    "Click",
    "Entry",
    "Home",
    "HomeChange",
    "HomeIncident",
    "Message",
    "Offer",
    "alarm_answer",
    "alarm_question",
    "all_evidence_loading",
    "all_evidence_modal",
    "alone_loading_modal",
    "alone_modal",
    "alone_post",
    "already_open",
    "card",
    "change_reply",
    "error_modal",
    "evidence_modal",
    "greeting",
    "guard_modal",
    "help_message",
    "home_view",
    "loading_modal",
    "looks_again",
    "no_incident",
    "not_a_member",
    "not_posted",
    "nothing_modal",
    "notice",
    "number_bounds",
    "others_modal",
    "playbooks_message",
    "preview_modal",
    "reject_modal",
    "run_message",
    "since_change",
    "status",
    "statuses",
    "step_failed",
    "timeline",
    "triage_form",
    "unknown_message",
    "without_cause",
]
