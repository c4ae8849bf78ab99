"""Moves of an alias that the log streams show, beside what other sources tell."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.plan import Choice
from bot.domain.report import Change, Gap
from playbooks.evidence.served_versions import (
    Minutes,
    switches,
    with_switches,
)
from playbooks.probes.aliases import Aliases
from tests.playbooks.samples import (
    NOW,
    anomaly_window,
    change,
    changes,
    edge,
    gap,
    minute,
    scope,
)

LOOKED = anomaly_window(edge(), scope())


def lines(**spans: tuple[int, int, int]) -> Minutes:
    """Log lines by version: from minute, until minute, lines a minute. "v42" is version 42."""
    found: Minutes = {}
    for version, (start, end, count) in spans.items():
        for at in range(start, end):
            found.setdefault(minute(at), Counter())[version.removeprefix("v")] += count
    return dict(sorted(found.items()))


VERSIONS = st.dictionaries(
    st.integers(-120, NOW),
    st.dictionaries(st.sampled_from(["40", "41", "42", "$LATEST"]), st.integers(1, 900)),
    max_size=40,
)


# --- moves that no other source tells -------------------------------------------------------------

MOVED = {"checkout": lines(v41=(-60, -3, 900), v42=(-3, 12, 900))}
CALLED = {"checkout": frozenset({"PROD"})}
SERVES = Aliases({"checkout": {"PROD": frozenset({"42"})}})


def by(at: float, **more: object) -> Change:
    """A move of checkout:PROD to version 42 that CloudTrail tells."""
    choice = Choice(target="lambda:checkout:PROD/version", suspect="42")
    told_so: dict[str, object] = {"touches": ("checkout:PROD",), "source": "CloudTrail"}
    return change(at).model_copy(update=told_so | {"choice": choice} | more)


def test_a_move_that_cloudtrail_does_not_show_yet() -> None:
    (moved,) = with_switches(changes(), MOVED, CALLED, SERVES).known
    assert (moved.at, moved.actor, moved.kind) == (minute(-3), "unknown", "alias")
    assert moved.summary == "checkout:PROD serves version 42 instead of 41"
    assert (moved.source, moved.touches) == ("log streams", ("checkout:PROD",))
    assert moved.reverts is False
    assert moved.choice == Choice(
        target="lambda:checkout:PROD/version", suspect="42", since=minute(-3), previous="41"
    )


def test_a_move_to_an_older_version_goes_back() -> None:
    back = {"checkout": lines(v42=(-60, -3, 900), v41=(-3, 12, 900))}
    (moved,) = with_switches(changes(), back, CALLED, SERVES).known
    assert moved.reverts is True
    named = {"checkout": lines(v42=(-60, -3, 900), blue=(-3, 12, 900))}
    (moved,) = with_switches(changes(), named, CALLED, SERVES).known
    assert moved.reverts is False


def test_what_serves_a_part_is_beside_and_proves_nothing_served_before() -> None:
    weighted = {"checkout": lines(v41=(-60, 12, 900), v42=(-3, 12, 100))}
    (moved,) = with_switches(changes(), weighted, CALLED, SERVES).known
    assert moved.summary == "checkout:PROD serves version 42 beside 41"
    assert moved.choice is not None
    assert (moved.choice.suspect, moved.choice.previous) == ("42", None)


@pytest.mark.parametrize(
    "called",
    [
        {},
        {"checkout": frozenset({"$LATEST"})},
        {"checkout": frozenset({"42"})},
        {"checkout": frozenset({"PROD", "BETA"})},
        {"mailer": frozenset({"PROD"})},
    ],
)
def test_without_one_alias_that_is_called_no_move_is_named(
    called: dict[str, frozenset[str]],
) -> None:
    assert with_switches(changes(), MOVED, called, SERVES).known == ()


@pytest.mark.parametrize(
    "aliases",
    [
        None,
        gap("aliases"),
        Aliases({}),
        Aliases({"mailer": {"PROD": frozenset({"42"})}}),  # it was not asked for checkout's
        Aliases({"checkout": {"BETA": frozenset({"42"})}}),  # the one that is called is gone
    ],
)
def test_where_it_is_not_known_what_the_alias_serves_no_move_is_named(
    aliases: Aliases | Gap | None,
) -> None:
    known = changes(by(-3))
    assert with_switches(known, MOVED, CALLED, aliases) == known
    assert with_switches(changes(), MOVED, CALLED, aliases).known == ()


BESIDE: dict[str, tuple[Minutes, Aliases]] = {
    "a schedule of 5 minutes on $LATEST": (
        {minute(at): Counter({"$LATEST": 30}) for at in range(-58, 12, 5)},
        SERVES,
    ),
    "BETA on 43": (
        lines(v43=(-6, 12, 100)),
        Aliases({"checkout": {"PROD": frozenset({"42"}), "BETA": frozenset({"43"})}}),
    ),
    "a canary of BETA": (
        lines(v43=(-6, 12, 100), v44=(-5, 12, 100)),
        Aliases({"checkout": {"PROD": frozenset({"42"}), "BETA": frozenset({"43", "44"})}}),
    ),
    "a batch alias on 30": (
        lines(v30=(-20, -10, 900)),
        Aliases({"checkout": {"PROD": frozenset({"42"}), "BATCH": frozenset({"30"})}}),
    ),
}


def together(*several: Minutes) -> Minutes:
    found: Minutes = {}
    for each in several:
        for at, versions in each.items():
            found.setdefault(at, Counter()).update(versions)
    return dict(sorted(found.items()))


@pytest.mark.parametrize("beside_it", BESIDE)
def test_what_others_invoke_is_no_move_of_the_alias_that_is_called(beside_it: str) -> None:
    others, aliases = BESIDE[beside_it]
    quiet = together(lines(v42=(-60, 12, 90)), others)
    assert switches("checkout", quiet) != ()  # the group has lines of both
    assert with_switches(changes(), {"checkout": quiet}, CALLED, aliases).known == ()


@pytest.mark.parametrize("beside_it", BESIDE)
def test_a_move_is_told_among_lines_of_what_others_invoke(beside_it: str) -> None:
    others, aliases = BESIDE[beside_it]
    seen = together(MOVED["checkout"], others)
    (moved,) = with_switches(changes(), {"checkout": seen}, CALLED, aliases).known
    assert moved.summary == "checkout:PROD serves version 42 instead of 41"
    assert moved.at == minute(-3)


def test_what_both_aliases_serve_is_the_aliases_own() -> None:
    same = Aliases({"checkout": {"PROD": frozenset({"42"}), "BETA": frozenset({"42"})}})
    (moved,) = with_switches(changes(), MOVED, CALLED, same).known
    assert moved.summary == "checkout:PROD serves version 42 instead of 41"


def test_a_version_that_is_called_by_its_number_beside_an_alias_hides_no_move() -> None:
    both = {"checkout": frozenset({"PROD", "41"})}
    assert len(with_switches(changes(), MOVED, both, SERVES).known) == 1


@pytest.mark.parametrize("at", [-4, -3, -2, -6])
def test_a_move_that_cloudtrail_shows_is_told_once_and_learns_what_was_before(at: int) -> None:
    (known,) = with_switches(changes(by(at)), MOVED, CALLED, SERVES).known
    assert (known.actor, known.source) == ("mara", "CloudTrail")
    assert known.choice is not None
    assert known.choice.previous == "41"


@pytest.mark.parametrize(
    "other",
    [
        by(-20),
        by(4),
        by(-3, touches=("mailer:PROD",)),
        by(-3, error="AccessDenied"),
        by(-3, kind="secret"),
    ],
)
def test_another_change_does_not_tell_of_the_move(other: Change) -> None:
    known = with_switches(changes(other), MOVED, CALLED, SERVES).known
    assert [each.source for each in known].count("log streams") == 1
    assert other in known
    assert list(known) == sorted(known, key=lambda each: each.at)


def test_a_rollout_tells_of_the_move_until_it_ends() -> None:
    rollout = by(-15, kind="deployment", until=minute(-4), source="CodeDeploy", touches=())
    (known,) = with_switches(changes(rollout), MOVED, CALLED, SERVES).known
    assert known.source == "CodeDeploy"


def test_a_change_that_names_another_version_learns_nothing() -> None:
    other = by(-3, choice=Choice(target="lambda:checkout:PROD/version", suspect="43"))
    assert with_switches(changes(other), MOVED, CALLED, SERVES).known == (other,)
    plain = by(-3, choice=None)
    assert with_switches(changes(plain), MOVED, CALLED, SERVES).known == (plain,)


def test_when_a_version_began_to_serve_is_more_than_when_it_was_published() -> None:
    published = by(
        -40,
        kind="deployment",
        source="Lambda",
        summary="version 42, which PROD serves, was published",
    )
    (moved,) = with_switches(changes(published), MOVED, CALLED, SERVES).known
    assert (moved.source, moved.at) == ("log streams", minute(-3))
    older = published.model_copy(update={"summary": "version 4, which PROD serves, was published"})
    assert with_switches(changes(older), MOVED, CALLED, SERVES).known[0] == older


@given(VERSIONS, st.sampled_from([CALLED, {}, {"checkout": frozenset({"PROD", "B"})}]))
def test_no_change_that_others_tell_is_lost(
    seen: dict[int, dict[str, int]], called: dict[str, frozenset[str]]
) -> None:
    minutes = {minute(at): Counter(versions) for at, versions in sorted(seen.items())}
    before = (by(-9), by(-3), change(-5, kind="secret"))
    after = with_switches(changes(*before), {"checkout": minutes}, called, SERVES)
    kept = [each for each in after.known if each.source != "log streams"]
    assert sorted(each.at for each in kept) == sorted(each.at for each in before)
    versions = {version for each in minutes.values() for version in each}
    for each in after.known:
        if each.source == "log streams":
            assert each.choice is not None
            assert each.choice.suspect in versions
            assert each.choice.previous in {None, *versions}


def test_a_move_from_a_version_that_another_alias_serves_proves_nothing_served_before() -> None:
    both = Aliases({"checkout": {"PROD": frozenset({"42"}), "BETA": frozenset({"41"})}})
    moved = {"checkout": lines(v41=(-60, 12, 900), v42=(-3, 12, 900))}
    found = with_switches(changes(), moved, {"checkout": frozenset({"PROD"})}, both)
    (move,) = found.known
    assert move.summary == "checkout:PROD serves version 42"
    assert move.choice is not None
    assert (move.choice.suspect, move.choice.previous) == ("42", None)
