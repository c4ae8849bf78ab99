"""What Slack's error codes mean for a message: whether it is tried again, changed, moved or held.

Source: the errors documented for chat.postMessage, chat.update, chat.postEphemeral, views.open,
views.update, conversations.history and conversations.replies (docs.slack.dev/reference/methods,
read in August 2026). Codes that only other uses of a method return (files, drafts, broadcasts) are
not listed. An unknown code is `UNKNOWN`: Slack adds codes without notice.
"""

from __future__ import annotations

from enum import StrEnum


class Refusal(StrEnum):
    """What is to be done about a refusal."""

    BUSY = "busy"  # the rate limit: wait as long as Slack says
    UNCLEAR = "unclear"  # Slack may have taken it all the same
    PASSING = "passing"  # tried again, for hours
    UNKNOWN = "unknown"  # tried again, for some minutes
    ACCESS = "access"  # nothing can be sent until somebody mends the installation
    CHANNEL = "channel"  # nothing can be sent to this channel until somebody changes it
    THREAD = "thread"  # not as a reply; it goes to the channel instead
    GONE = "gone"  # the message cannot be edited: a new one is posted
    BLOCKS = "blocks"  # Slack does not take these blocks: simpler ones are sent
    FINAL = "final"  # the same call will never be taken


REVOKED = frozenset(
    {"account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked"}
)
"""The codes for a token that is not valid, whatever it is used for."""

_CODES: dict[Refusal, str] = {
    Refusal.BUSY: "ratelimited rate_limited",
    Refusal.UNCLEAR: "fatal_error internal_error request_timeout service_unavailable",
    Refusal.PASSING: (
        "update_failed message_limit_exceeded external_channel_migrating streaming_state_conflict "
        "team_added_to_org org_login_required unknown_method"
    ),
    Refusal.ACCESS: (
        f"{' '.join(sorted(REVOKED))} missing_scope "
        "not_allowed_token_type two_factor_setup_required accesslimited enterprise_is_restricted "
        "app_access_restricted team_access_not_granted is_bot"
    ),
    Refusal.CHANNEL: (
        "channel_not_found not_in_channel is_archived is_inactive no_permission access_denied "
        "ekm_access_denied restricted_action restricted_action_read_only_channel "
        "restricted_action_thread_only_channel messages_tab_disabled team_not_found "
        "channel_is_limited_access method_not_supported_for_channel_type"
    ),
    Refusal.THREAD: (
        "cannot_reply_to_message restricted_action_non_threadable_channel "
        "restricted_action_thread_locked thread_not_found"
    ),
    Refusal.GONE: "message_not_found cant_update_message edit_window_closed block_mismatch",
    Refusal.BLOCKS: (
        "invalid_blocks invalid_blocks_format msg_blocks_too_long invalid_attachments "
        "invalid_arguments msg_too_long"
    ),
    Refusal.FINAL: (
        "no_text as_user_not_supported deprecated_endpoint method_deprecated invalid_arg_name "
        "invalid_array_arg invalid_charset invalid_form_data invalid_post_type missing_post_type "
        "invalid_metadata_format invalid_metadata_schema metadata_too_large "
        "metadata_must_be_sent_from_app markdown_text_conflict too_many_attachments "
        "user_not_in_channel not_found view_too_large hash_conflict duplicate_external_id "
        "expired_trigger_id exchanged_trigger_id invalid_trigger_id"
    ),
}
REFUSALS: dict[str, Refusal] = {
    code: refusal for refusal, codes in _CODES.items() for code in codes.split()
}
"""Slack's error code → what it means."""

_WORDS = {
    "not_in_channel": "I am not a member of that channel",
    "channel_not_found": "I am not a member of that channel, or it does not exist",
    "no_permission": "I am not a member of that channel",
    "is_archived": "the channel is archived",
    "is_inactive": "the channel is archived",
    "restricted_action": "a workspace setting forbids me to post there",
    "restricted_action_read_only_channel": "the channel is read-only",
    "restricted_action_thread_only_channel": "only replies are allowed in that channel",
    "ekm_access_denied": "an administrator has disabled messages in that channel",
    "message_limit_exceeded": "the workspace has reached its message limit",
}


def refusal_of(code: str) -> Refusal:
    """What Slack's error code means."""
    return REFUSALS.get(code, Refusal.UNKNOWN)


def said(code: str) -> str:
    """An error code for people: the reason in words where there are any, and the code."""
    words = _WORDS.get(code)
    return f"{words} ({code})" if words else f"Slack answered {code}"
