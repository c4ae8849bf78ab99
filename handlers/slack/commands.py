"""Parses what people type into a command; if that fails, says what would be understood. Pure.

    triage [5xx] [service] [--service S] [--alarm NAME-OR-LINK]
           [--since 20m|02:41|2026-11-23T02:41Z]
    health [service]
    timeline | status | playbooks | help

The grammar is the same after `/incident` and after a mention, where Slack adds its own markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches

from bot.render import Entry
from handlers.envelopes import (
    Ago,
    Clock,
    Command,
    Help,
    Instant,
    Misunderstood,
    Playbooks,
    Since,
    Status,
    Timeline,
    Triage,
)
from handlers.json_access import text_in
from handlers.slack.alarm_messages import console_alarm, unescape

SLASH = "/incident"
WORDS = ("triage", "health", "timeline", "status", "playbooks", "help")
OLDEST = timedelta(days=14)  # CloudWatch keeps one-minute metrics for 15 days
MOST_LISTED = 12  # names in a sentence
_OPTIONS = ("service", "alarm", "since")
_AGO = re.compile(r"(\d{1,5})\s*(s|m|min|h|d)")
_UNIT = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?:Z|UTC)?", re.I)
_SERVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}")
_LINK = re.compile(r"<(https?://[^|>\s]+)(?:\|[^>]*)?>")
_MENTION = re.compile(r"\s*<@[UW][A-Z0-9]+(?:\|[^>]*)?>[\s,:]*")
_STATUS_CODES = re.compile(r"[1-5](?:xx|\d\d)s?", re.IGNORECASE)
_DIGITS = re.compile(r"\D")
_QUOTES = str.maketrans("“”„‘’", '"""\'\'')
_WORD = re.compile(r"""(?:[^\s"']|"[^"]*"|'[^']*'|["'])+""")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names of playbooks and services. Without services, any name counts as one."""

    playbooks: tuple[Entry, ...]
    services: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(entry.id for entry in self.playbooks)


class _NotUnderstood(Exception):
    """Raised inside the parser only; `command_in` returns a `Misunderstood` for it."""

    def __init__(self, what: str, suggestion: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.suggestion = suggestion


def command_in(text: object, vocabulary: Vocabulary) -> Command:
    """The command in the text after `/incident`, or after the mention."""
    words = list(_words(text_in(text)[:2000]))
    if not words:
        return Help()
    first, rest = words[0].lower(), words[1:]
    try:
        match first:
            case "help" | "?" | "-h" | "--help":
                return Help()
            case "triage":
                return _triage(rest, vocabulary)
            case "health":
                return _look_around(rest, vocabulary)
            case "timeline":
                return Timeline()
            case "status":
                return Status()
            case "playbooks":
                return Playbooks()
            case _:
                raise _unknown(first, rest, vocabulary)
    except _NotUnderstood as error:
        return Misunderstood(what=error.what, suggestion=error.suggestion)


def without_mention(text: object) -> str:
    """The text of a mention without the mention itself."""
    return _MENTION.sub("", text_in(text), count=1)


def _triage(words: list[str], vocabulary: Vocabulary) -> Triage:
    named, options = _split_options(words)
    services = {each.lower() for each in vocabulary.services}
    if not named or (named[0].lower() in services and named[0].lower() not in vocabulary.ids):
        return _look_around(words, vocabulary)
    playbook = named[0].lower()
    if playbook not in vocabulary.ids:
        raise _no_such_type(named[0], named[1:], vocabulary)
    return _triage_of(playbook, f"triage {playbook}", named[1:], options, vocabulary)


def _look_around(words: list[str], vocabulary: Vocabulary) -> Triage:
    """Triage of no type."""
    named, options = _split_options(words)
    return _triage_of(None, "health", named, options, vocabulary)


def _triage_of(
    playbook: str | None,
    command: str,
    services: list[str],
    options: dict[str, str],
    vocabulary: Vocabulary,
) -> Triage:
    typed = services + ([options["service"]] if "service" in options else [])
    if len(typed) > 1:
        raise _NotUnderstood(
            f"Only one service can be investigated at a time; you named {len(typed)}.",
            _command(command.split()[0], [*command.split()[1:], *typed], vocabulary),
        )
    alarm, region = _alarm(options.get("alarm"))
    return Triage(
        playbook=playbook,
        service=_service(typed[0], command, vocabulary) if typed else None,
        alarm=alarm,
        region=region,
        since=_since(options["since"]) if "since" in options else None,
    )


def _split_options(words: list[str]) -> tuple[list[str], dict[str, str]]:
    """Split words into plain ones and options, given as `--name value` or `--name=value`."""
    named: list[str] = []
    options: dict[str, str] = {}
    left = iter(words)
    for word in left:
        dashed = word.replace("—", "--").replace("–", "--")  # typed on a phone
        if not dashed.startswith("--"):
            named.append(word)
            continue
        name, equals, value = dashed[2:].partition("=")
        name = name.lower()
        if name not in _OPTIONS:
            nearest = _nearest(name, _OPTIONS)
            raise _NotUnderstood(
                f"I know no option --{name}.",
                f"{SLASH} triage 5xx --{nearest} …" if nearest else f"{SLASH} help",
            )
        if name in options:
            raise _NotUnderstood(f"--{name} was given twice.", f"{SLASH} help")
        value = value if equals else next(left, "")
        if not value or value.startswith("--"):
            raise _NotUnderstood(f"--{name} needs a value.", f"{SLASH} help")
        options[name] = value
    return named, options


def _service(name: str, command: str, vocabulary: Vocabulary) -> str:
    known = {each.lower(): each for each in vocabulary.services}
    if name.lower() in known:
        return known[name.lower()]
    if not vocabulary.services and _SERVICE.fullmatch(name):
        return name
    close = _nearest(name.lower(), known)
    raise _NotUnderstood(
        f"I know no service “{name}”. I know {_listed(vocabulary.services)}.",
        f"{SLASH} {command} {known[close]}" if close else None,
    )


def _alarm(given: str | None) -> tuple[str | None, str | None]:
    """Name and region of an alarm; the region only when it is given as a console link."""
    if given is None or "://" not in given:
        if given is not None and (len(given) > 255 or not given.isprintable()):
            raise _NotUnderstood("That is not a valid alarm name.", f"{SLASH} help")
        return given, None
    found = console_alarm(given)
    if found is None:
        raise _NotUnderstood(
            "That link does not lead to an alarm in the CloudWatch console.", f"{SLASH} help"
        )
    return found[:2]


def _since(text: str) -> Since:
    if match := _AGO.fullmatch(text.lower().removesuffix("ago").strip()):
        ago = Ago(seconds=int(match[1]) * _UNIT[match[2]])
        if ago.seconds > OLDEST.total_seconds():
            raise _NotUnderstood(
                "CloudWatch keeps one-minute metrics for two weeks; choose a later time.",
                f"{SLASH} help",
            )
        return ago
    if match := _CLOCK.fullmatch(text):
        return Clock(hour=int(match[1]), minute=int(match[2]))
    try:
        at = datetime.fromisoformat(text)
        return Instant(at=(at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC))
    except (ValueError, OverflowError):
        what = f"“{text}” is not a time. Examples: 20m, 02:41 (UTC), 2026-11-23T02:41Z."
        raise _NotUnderstood(what, f"{SLASH} triage 5xx --since 20m") from None


def _unknown(first: str, rest: list[str], vocabulary: Vocabulary) -> _NotUnderstood:
    """The nearest command. Of what else was typed it repeats only names it knows: a suggestion can
    be sent as it is."""
    what = f"I don't know “{first}”."
    if first in vocabulary.ids:
        return _NotUnderstood(what, _command("triage", [first, *rest], vocabulary))
    nearest = _nearest(first, WORDS)
    if nearest:
        return _NotUnderstood(what, _command(nearest, rest, vocabulary))
    if _looks_like_type(first):
        return _no_such_type(first, rest, vocabulary)
    playbook = _nearest(first, vocabulary.ids)
    return _NotUnderstood(
        what, _command("triage", [playbook, *rest], vocabulary) if playbook else None
    )


def _no_such_type(name: str, rest: list[str], vocabulary: Vocabulary) -> _NotUnderstood:
    """Another incident type is suggested for a slip of the finger, and for a code of its class:
    "504" is a "5xx", "4xx" is not."""
    code_class = f"{name[0]}xx" if _looks_like_type(name) else ""
    nearest = code_class if code_class in vocabulary.ids else _nearest(name.lower(), vocabulary.ids)
    types = [each.id for each in vocabulary.playbooks if not each.for_any_alarm]
    verb = "is" if len(types) == 1 else "are"
    what = f"There is no incident type “{name}” yet; there {verb} {_listed(types)}."
    if nearest:
        return _NotUnderstood(what, _command("triage", [nearest, *rest], vocabulary))
    return _NotUnderstood(what, _command("health", rest, vocabulary))


def _command(word: str, rest: Iterable[str], vocabulary: Vocabulary) -> str:
    """A valid command of this word, with the type and the service among the rest that exist."""
    if word not in ("triage", "health"):
        return f"{SLASH} {word}"
    services = {each.lower(): each for each in vocabulary.services}
    typed = [each.lower() for each in rest]
    playbook = next((each for each in typed if each in vocabulary.ids), None)
    service = next((services[each] for each in typed if each in services), None)
    kept = [SLASH, word, playbook if word == "triage" else None, service]
    return " ".join(each for each in kept if each)


def _looks_like_type(word: str) -> bool:
    """Whether a word is meant as a class of status codes: "4xx", "504"."""
    return _STATUS_CODES.fullmatch(word) is not None


def _listed(names: Iterable[str]) -> str:
    """ "checkout, search and 12 more"."""
    known = list(names)
    shown = ", ".join(known[:MOST_LISTED])
    left = len(known) - MOST_LISTED
    return f"{shown} and {left} more" if left > 0 else shown


def _nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name that a slip of the finger makes this word: its digits are the same."""
    digits = _DIGITS.sub("", word)
    alike = [each for each in known if _DIGITS.sub("", each.lower()) == digits]
    return next(iter(get_close_matches(word, alike, n=1, cutoff=0.6)), None)


def _words(text: str) -> Iterator[str]:
    """The words, quoted ones kept together, without Slack's curly quotes and link markup."""
    plain = unescape(_LINK.sub(r"\1", text.translate(_QUOTES)))
    for match in _WORD.finditer(plain):
        word = match[0]
        for quote in "\"'":
            if word.count(quote) == 2:
                word = word.replace(quote, "")
        if word:
            yield word
