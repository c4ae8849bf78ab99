"""Ids of people and usergroups in Slack, and how they are mentioned.

Source: docs.slack.dev, "Formatting message text", advanced formatting.
"""

from __future__ import annotations

import re

USER = r"[UW][A-Z0-9]{2,20}"
GROUP = r"S[A-Z0-9]{2,20}"
_USER, _GROUP = re.compile(USER), re.compile(GROUP)


def is_user(slack_id: str) -> bool:
    """Whether it has the form of a person's id: U024BE7LH."""
    return _USER.fullmatch(slack_id) is not None


def is_group(slack_id: str) -> bool:
    """Whether it has the form of a usergroup's id: S0614TZR7."""
    return _GROUP.fullmatch(slack_id) is not None


def mention(slack_id: str) -> str:
    """Slack's markup that mentions a person or a usergroup."""
    return f"<!subteam^{slack_id}>" if is_group(slack_id) else f"<@{slack_id}>"
