"""The alarms a composite alarm's rule waits for.

Source: CloudWatch API reference, PutCompositeAlarm, AlarmRule: ALARM, OK and INSUFFICIENT_DATA of
an alarm's name or ARN, AND, OR, NOT, brackets, and AT_LEAST(M, ALARM, (one, two, …)).
"""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""(?P<state>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?P<name>"[^"]*"|'[^']*'|[^()"']+?)\s*\)
    |AT_LEAST\s*\([^,()]*,\s*(?P<inner_not>NOT\s+)?(?P<state_of_all>\w+)\s*,
        \s*\((?P<names>(?:"[^"]*"|'[^']*'|[^()"'])*)\)\s*\)
    |(?P<not>\bNOT\b)|(?P<open>\()|(?P<close>\))""",
    re.VERBOSE,
)
_LISTED = re.compile(r"""\s*("[^"]*"|'[^']*'|[^"',]+)\s*(?:,|$)""")


def children(rule: str) -> tuple[str, ...]:
    """Names or ARNs of the alarms that bring the composite alarm into ALARM when they are in ALARM.

    Those it only waits to be quiet, as in NOT ALARM("maintenance"), are left out; NOT OK(x) waits
    for x as ALARM(x) does.
    """
    found: list[str] = []
    negated, brackets = False, [False]  # whether an odd number of NOTs stands before this place
    for token in _TOKEN.finditer(rule):
        here = brackets[-1] != negated
        if token["not"]:
            negated = not negated
            continue
        negated = False
        if token["open"]:
            brackets.append(here)
        elif token["close"]:
            if len(brackets) > 1:
                brackets.pop()
        elif token["state"] and _waits(token["state"], here):
            found.append(token["name"])
        elif token["state_of_all"] and _waits(
            token["state_of_all"], here != bool(token["inner_not"])
        ):
            found += _LISTED.findall(token["names"])
    names = (name.strip().strip("\"'") for name in found)
    return tuple(dict.fromkeys(name for name in names if name))


def _waits(state: str, negated: bool) -> bool:
    """Whether a child in ALARM makes this part of the rule true."""
    return state == ("OK" if negated else "ALARM")
