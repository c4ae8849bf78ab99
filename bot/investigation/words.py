"""The words in a name of an alarm, a metric or a service: only whole words count."""

from __future__ import annotations

import re
from functools import lru_cache

# "5XXError" is 5xx and error, "HTTPCode_ELB_502_Count" has 502, "port5020" and "502ms" have no 502.
_WORD = re.compile(
    r"""(?P<status_class>[1-5](?:xx|XX)(?![a-z]|XX)|[1-5]xx(?=[ers]))   # 5xx; 5xxerror, 5xxrate
    |(?<![A-Za-z0-9])\d+(?![A-Za-z0-9])                                 # a number by itself
    |(?<=http|HTTP|Http|rror)\d{3}(?!\d)                                # http502, Error503
    |(?<![A-Za-z0-9])\d{3}(?=[A-Z][a-z])                                # 502ErrorRate
    |[A-Za-z]?\d[a-z0-9]*                                               # 502ms, v2
    |[A-Z]+(?![a-z])|[A-Z]?[a-z]+""",
    re.VERBOSE,
)
_STATUS = re.compile(r"[1-5]xx|[45]\d\d")


@lru_cache(4096)
def words_in(name: str) -> tuple[str, ...]:
    """The words of a name, in lower case: split at marks, and where a capital begins one."""
    return tuple(match[0].lower() for match in _WORD.finditer(name))


def statuses_in(words: tuple[str, ...]) -> set[str]:
    """The words that are HTTP statuses or classes of them: "404", "5xx"."""
    return {word for word in words if _STATUS.fullmatch(word)}


def contains(words: tuple[str, ...], part: tuple[str, ...]) -> bool:
    """Whether `part` stands in `words`, in its order and without gaps."""
    size = len(part)
    return any(words[at : at + size] == part for at in range(len(words) - size + 1) if size)
