"""Which state an alarm's post tells, in the wordings of many senders. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from bot.domain.alarm import AlarmState

# Titles of fields, the surest first; what is not among them ("Old State") tells nothing.
_FIELDS = (
    "new state",
    "new state value",
    "newstatevalue",
    "new status",
    "current state",
    "current status",
    "alarm state",
    "alarm status",
    "state change",
    "state transition",
    "transition",
    "state value",
    "state",
    "status",
)

_ARROW = re.compile(r"\s*(?:[→➜➔➝➞➡⇒⟶⟹▶►»]\ufe0f?|[-=]{1,3}>)\s*")
_DECORATION = re.compile(
    r":[a-z0-9_+-]*[a-z][a-z0-9_+-]*:|[*`~\"'“”]|[^\x00-\u024f]", re.IGNORECASE
)

_STATE = r"(?P<state>OK|(?:IN )?ALARM(?:ING|ED)?|INSUFFICIENT[ _]DATA)\b"
_PATTERNS = (
    # "ALARM -> OK", "from ALARM to OK"; of a chain the last
    rf"\b(?:OK|ALARM|INSUFFICIENT[ _]DATA) ?(?:->|to\b) ?{_STATE}(?! ?->)",
    # "changed state to OK", "went into ALARM", "back to OK"
    r"\b(?:chang\w+|transition\w*|mov\w+|switch\w+|set|return\w*|went|gone|go(?:es|ing)|back)"
    rf"(?: (?:its )?state)? (?:in)?to(?: the)? {_STATE}(?! to\b)",
    # "is now OK", "has entered the ALARM state", "is in ALARM"
    r"\b(?:is|are|has been|enter(?:ed|s|ing))(?: back| now| currently)*(?: in| to)?(?: the)? "
    rf"{_STATE}",
    # "State: OK", "Status = OK", "NewStateValue: OK"; not "Old state: ALARM"
    r"(?P<before>\b(?:old|previous|prior|former|last) ?(?:alarm ?)?)?(?:\bstate|\bstatus|State)"
    rf"(?: ?value)?(?: ?(?:is\b:?|:|=)\s?|\n){_STATE}",
)
_TEXTS = tuple(re.compile(pattern, re.IGNORECASE) for pattern in _PATTERNS)
# "[OK] name", "OK: name", "OK | name" at the beginning of a line; and the title line of Lambdas
# that imitate AWS Chatbot. In capitals only: "CloudWatch Alarm | name" and "Alarm: name" tell
# nothing.
_TITLE = re.compile(
    r"(?:^[\s|>]*\[? ?|CloudWatch )(?P<state>OK|ALARM|INSUFFICIENT[ _]DATA)(?: ?[\]:|]|(?= \|))",
    re.MULTILINE,
)
_VALUE = re.compile(_STATE, re.IGNORECASE)
_RECOVERED = re.compile(
    r"^[\s|>]*\[? ?(?:resolved|recovered|cleared)\b|\b(?:has|have|is|was|alarm)(?: been| now)? "
    r"(?:resolved|recovered|cleared)\b|\b(?:back|returned) to normal\b|"
    r"\bno longer in (?:the )?alarm\b",
    re.IGNORECASE | re.MULTILINE,
)

# Words of posts about a time that is over, or about what may happen: a weekly report, a runbook.
_NOT_NOW = re.compile(
    r"\b(?:daily|weekly|monthly|nightly|quarterly|yesterday|noisiest|most frequent|top \d+)\b|"
    r"\b(?:digest|summary|reports?|retrospective|retro|post-?mortem|recap|hand-?over|changelog)\b|"
    r"\b(?:last|past|previous|this) (?:\d+ )?(?:night|weeks?|weekend|months?|quarter|year|sprint|"
    r"days|hours|24 ?h)\b|\b(?:\d+ ?(?:times|x)|twice)\b|"
    r"\b(?:if|when|whenever|until|unless|in case)\b(?=[^.!?\n]{0,80}\bALARM)",
    re.IGNORECASE,
)


def told_now(texts: Iterable[str], fields: Mapping[str, str]) -> bool:
    """Whether a post that has a state tells it as the present one.

    It does with a field or a title line that says so; a sentence about it may be part of a report
    ("went into ALARM 14 times last week") or of advice ("when it goes into ALARM, …").
    """
    if any(_state_of_field(fields, name) for name in _FIELDS):
        return True
    plain = [_undecorated(text) for text in texts]
    return any(map(_TITLE.search, plain)) or not any(map(_NOT_NOW.search, plain))


def state_in(texts: Iterable[str], fields: Mapping[str, str]) -> AlarmState | None:
    """The state in a post; None where it has none, or says two things.

    Args:
        texts: its texts, links replaced by their labels.
        fields: values by title, in lower case.
    """
    for name in _FIELDS:
        if match := _state_of_field(fields, name):
            return _named(match["state"])
    plain = [_undecorated(text) for text in texts]
    found = {
        _named(match["state"])
        for text in plain
        for pattern in (*_TEXTS, _TITLE)
        for match in pattern.finditer(text)
        if not match.groupdict().get("before")
    }
    if not found and any(_RECOVERED.search(text) for text in plain):
        return AlarmState.OK
    return found.pop() if len(found) == 1 else None


def _state_of_field(fields: Mapping[str, str], name: str) -> re.Match[str] | None:
    value = _undecorated(fields.get(name, ""))
    return _TEXTS[0].search(value) or _VALUE.match(value)


def _undecorated(text: str) -> str:
    """Text without markup, quotes and emoji, with one kind of arrow and single spaces."""
    text = _DECORATION.sub("", _ARROW.sub(" -> ", text))
    return re.sub(r"\s*\n\s*", "\n", re.sub(r"[^\S\n]+", " ", text)).strip()


def _named(text: str) -> AlarmState:
    text = text.upper()
    if text == "OK":
        return AlarmState.OK
    return AlarmState.ALARM if "ALARM" in text else AlarmState.INSUFFICIENT_DATA
