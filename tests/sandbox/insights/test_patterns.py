"""Regular expressions of Insights and globs, and what they find."""

from __future__ import annotations

import re

import pytest

from sandbox.insights.patterns import BadPattern, glob, regex


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"b+", "abbc", "bb"),
        (r"(?i)B+", "abbc", "bb"),
        (r"a(?i)B", "ab", "ab"),
        (r"a(?i)B", "Ab", None),
        (r"a(?i)b|c", "C", "C"),  # the flag goes past the bar, the bar stays where it was
        (r"a(?i)b|c", "AB", None),
        (r"(a(?i)b|c)d", "Cd", "Cd"),
        (r"(a(?i)b|c)d", "CD", None),  # and ends with its group
        (r"(?i)a(?s).", "A\n", "A\n"),
        (r"(?:a|b)+", "xaby", "ab"),
        (r"(?<x>a)(?P<y>b)", "ab", "ab"),
        (r"\(\[\|", "([|", "([|"),
        (r"[()|]+", "a(|)b", "(|)"),
        (r"[[a]", "[", "["),
        (r"[\]a[]+", "x]a[y", "]a["),
        (r"[]a]+", "a]", "a]"),
        (r"[^]]", "]x", "x"),
        (r"\d{2}", "a12", "12"),
    ],
)
def test_regex(pattern: str, text: str, found: str | None) -> None:
    match = regex(pattern).search(text)
    assert (match and match[0]) == found


@pytest.mark.parametrize(
    "pattern",
    [
        *("(", ")", "a**", "[a", "(?=a)", "(?!a)", "(?<=a)", "(?<!a)", r"(a)\1", "(?<x>a)(?P=x)"),
        *("(?<x>a)(?<x>b)", "[[:alpha:]]", r"\p{L}", "x{9999999999}", "(?i", "(" * 5000),
    ],
)
def test_what_is_no_pattern(pattern: str) -> None:
    with pytest.raises(BadPattern):
        regex(pattern)


@pytest.mark.parametrize(
    ("pattern", "text", "captured"),
    [
        # The example of CWL_QuerySyntax-Parse.
        ("[*] * The error was: *",
         "25 May 2019 10:24:39,474 [ERROR] {foo=2, bar=data} The error was: DataIntegrityException",
         ("ERROR", "{foo=2, bar=data}", "DataIntegrityException")),
        ("user=*, ", "user=u1, method=m, ", ("u1",)),
        ("*=*", "a=b=c", ("a", "b=c")),
        ("(*)", "f(x).g(y)", ("x",)),
        ("*", "all\nof it", ("all\nof it",)),
        ("a*b", "acd", None),
    ],
)  # fmt: skip
def test_glob(pattern: str, text: str, captured: tuple[str, ...] | None) -> None:
    match = glob(pattern).search(text)
    assert (match and match.groups()) == captured


def test_translated_patterns_are_plain_python() -> None:
    assert isinstance(regex("(?<a>x)"), re.Pattern)
    assert regex("(?<a>x)(?<b>y)").groupindex == {"a": 1, "b": 2}
