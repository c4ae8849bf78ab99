"""From what a person types to the mrkdwn that Slack stores."""

from __future__ import annotations

import re

from sandbox.slack.workspace import Workspace

_URL = re.compile(r"https?://[^\s<>]+[^\s<>.,;:!?)\]'\"]")
_MENTION = re.compile(r"<@([A-Z0-9]+)>")


def escape(text: str) -> str:
    """Neutralise Slack's three control characters."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def as_mrkdwn(workspace: Workspace, typed: str) -> str:
    """What is stored when a person types: escaped, with mentions, channels and links marked.

    ``@Name``, ``@handle`` and the literal ``<@U…>`` mention a member; ``#channel`` a channel.
    """
    parts: list[str] = []
    rest = typed.strip()
    names = {
        f"@{name}": f"<@{person.id}>"
        for person in workspace.people.values()
        for name in (person.name, person.username)
    }
    names |= {
        f"#{one.name}": f"<#{one.id}|{one.name}>"
        for one in workspace.channels.values()
        if one.kind != "im"
    }
    for group in workspace.user_groups:
        names[f"@{group.handle}"] = f"<!subteam^{group.id}>"
    for word in ("here", "channel", "everyone"):
        names[f"@{word}"] = f"<!{word}>"
    known = sorted(names, key=len, reverse=True)
    pattern = re.compile(
        "|".join(
            [rf"(?<!\w)(?:{'|'.join(map(re.escape, known))})(?!\w)", _URL.pattern, _MENTION.pattern]
        ),
        re.IGNORECASE,
    )
    lower = {name.lower(): mark for name, mark in names.items()}
    end = 0
    for match in pattern.finditer(rest):
        parts.append(escape(rest[end : match.start()]))
        found = match.group()
        parts.append(_marked(workspace, found, lower))
        end = match.end()
    parts.append(escape(rest[end:]))
    return "".join(parts)


def _marked(workspace: Workspace, found: str, names: dict[str, str]) -> str:
    if mark := names.get(found.lower()):
        return mark
    if (mention := _MENTION.fullmatch(found)) and mention.group(1) in workspace.people:
        return found
    return f"<{escape(found)}>" if found.startswith("http") else escape(found)
