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


def state_in(texts: Iterable[str], fields: Mapping[str, str]) -> AlarmState | None:
    """The state in a post; None where it has none, or says two things.

    Args:
        texts: its texts, links replaced by their labels.
        fields: values by title, in lower case.
    """
    for name in _FIELDS:
        value = _undecorated(fields.get(name, ""))
        if match := _TEXTS[0].search(value) or _VALUE.match(value):
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


def _undecorated(text: str) -> str:
    """Text without markup, quotes and emoji, with one kind of arrow and single spaces."""
    text = _DECORATION.sub("", _ARROW.sub(" -> ", text))
    return re.sub(r"\s*\n\s*", "\n", re.sub(r"[^\S\n]+", " ", text)).strip()


def _named(text: str) -> AlarmState:
    text = text.upper()
    if text == "OK":
        return AlarmState.OK
    return AlarmState.ALARM if "ALARM" in text else AlarmState.INSUFFICIENT_DATA
