"""Which versions served when, by log streams, and one version beside another."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbooks.evidence.served_versions import (
    Minutes,
    Sides,
    raised_by_version,
    served,
    sides,
    switches,
    timed_out_by_version,
)
from playbooks.probes.exceptions import Exceptions, Raised
from playbooks.probes.lambda_reports import Reported, Reports
from tests.playbooks.samples import (
    ABNORMAL,
    NOW,
    ONSET,
    anomaly_window,
    edge,
    exceptions,
    gap,
    minute,
    reports,
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


def told(minutes: Minutes) -> list[tuple[str, str, bool]]:
    return [(each.before, each.after, each.both) for each in switches("checkout", minutes)]


# --- switches -------------------------------------------------------------------------------------


def test_a_version_that_takes_the_place_of_another() -> None:
    (switch,) = switches("checkout", lines(v41=(-60, -3, 900), v42=(-3, 12, 900)))
    assert (switch.function, switch.before, switch.after) == ("checkout", "41", "42")
    assert (switch.at, switch.both) == (minute(-3), False)


@pytest.mark.parametrize(("until", "both"), [(-2, False), (0, False), (1, True), (12, True)])
def test_requests_that_began_before_the_switch_report_after_it(until: int, both: bool) -> None:
    assert told(lines(v41=(-60, until, 900), v42=(-3, 12, 900))) == [("41", "42", both)]


@pytest.mark.parametrize(("count", "seen"), [(100, True), (53, True), (45, False), (1, False)])
def test_a_version_that_somebody_tried_got_no_traffic(count: int, seen: bool) -> None:
    found = told(lines(v41=(-60, 12, 1000), v42=(-3, 12, count)))
    assert found == ([("41", "42", True)] if seen else [])


def test_what_served_when_the_log_was_first_read_did_not_begin_then() -> None:
    assert told(lines(v41=(-60, 12, 900))) == []
    assert told(lines(v41=(-60, 12, 900), v42=(-60, 12, 100))) == []
    assert told({}) == []


def test_of_several_that_served_the_latest_is_the_one_before() -> None:
    found = told(lines(v41=(-60, -30, 900), v42=(-30, -3, 900), v43=(-3, 12, 900)))
    assert found == [("41", "42", False), ("42", "43", False)]


VERSIONS = st.dictionaries(
    st.integers(-120, NOW),
    st.dictionaries(st.sampled_from(["40", "41", "42", "$LATEST"]), st.integers(1, 900)),
    max_size=40,
)


@given(VERSIONS)
def test_a_switch_names_versions_that_appeared_in_the_order_of_time(
    seen: dict[int, dict[str, int]],
) -> None:
    minutes = {minute(at): Counter(versions) for at, versions in sorted(seen.items())}
    found = switches("checkout", minutes)
    assert [each.at for each in found] == sorted(each.at for each in found)
    for switch in found:
        assert switch.before != switch.after
        assert switch.after in minutes[switch.at]
        assert min(at for at, each in minutes.items() if switch.before in each) < switch.at


def test_a_version_that_comes_back_is_a_switch_of_its_own() -> None:
    first = lines(v41=(-60, -3, 900), v42=(-3, 5, 900))
    back = lines(v41=(5, 60, 900))
    assert told({**first, **back}) == [("41", "42", False), ("42", "41", False)]


# --- lines by version -----------------------------------------------------------------------------


def of_versions(*rows: tuple[int, str | None, float, float]) -> Reports:
    """REPORT lines: minute, version, lines, and how many ended at the function's timeout."""
    return replace(
        reports(),
        rows=tuple(
            Reported(
                at=minute(at),
                cold=False,
                count=count,
                slow=0,
                timed=timed,
                missed=timed,
                p50=180,
                p99=900,
                init_p50=None,
                version=version,
            )
            for at, version, count, timed in rows
        ),
    )


def raised(at: int, version: str | None, count: float, owner: str | None = "checkout") -> Raised:
    return Raised(minute(at), "KeyError", version, count, owner=owner)


def read(*rows: Raised) -> Exceptions:
    return Exceptions(("/aws/lambda/checkout",), "", minute(-120), rows)


def test_report_lines_and_exceptions_show_what_served() -> None:
    found = served(
        of_versions((-3, "42", 10, 0), (-4, "41", 20, 0), (-3, None, 5, 0)),
        read(raised(-3, "42", 2), raised(-2, "7", 1, "mailer"), raised(-2, None, 9)),
    )
    assert found == {
        "checkout": {minute(-4): {"41": 20}, minute(-3): {"42": 12}},
        "mailer": {minute(-2): {"7": 1}},
    }
    assert list(found["checkout"]) == [minute(-4), minute(-3)]


def test_without_logs_and_without_owners_nothing_is_known_to_have_served() -> None:
    assert served(gap("reports"), gap("exceptions")) == {}
    assert served(None, None) == {}
    assert served(reports(), exceptions("KeyError", 9, version="42")) == {}


def test_failures_are_counted_by_version_from_the_second_minute_on() -> None:
    """The first minute of the anomaly is of the version before, too."""
    seen = of_versions(
        (ONSET, "41", 9, 9), (-2, "42", 100, 30), (-1, "42", 100, 20), (0, "41", 9, 0)
    )
    assert timed_out_by_version(seen, LOOKED) == {"42": 50, "41": 0}
    lines_of = read(raised(ONSET, "41", 9), raised(-2, "42", 5), raised(0, "42", 6))
    assert raised_by_version(lines_of, LOOKED, "KeyError", "checkout") == {"42": 11}
    assert raised_by_version(lines_of, LOOKED, "TypeError", "checkout") == {}
    assert raised_by_version(lines_of, LOOKED, "KeyError", "mailer") == {}
    assert raised_by_version(gap("exceptions"), LOOKED, "KeyError", "checkout") == {}


# --- version against version ----------------------------------------------------------------------


def beside(new: float, old: float, version: str = "42") -> Reports:
    """Lines a minute of version 42 and of 41 in the anomaly."""
    rows = [(at, each, n, 0.0) for at in ABNORMAL for each, n in (("42", new), ("41", old)) if n]
    return of_versions(*rows)


BOTH = frozenset({"41", "42"})  # what the alias serves


def test_one_version_beside_another_in_the_same_minutes() -> None:
    found = sides(beside(20, 80), LOOKED, "42", {"42": 70.0, "41": 3.0}, BOTH)
    assert found == Sides("42", lines=280, failed=70, other_lines=1120, other_failed=3)
    assert found.told("KeyError") == (
        "version 42: 70 KeyError in 280 invocations; versions beside it: 3 in 1,120"
    )


@pytest.mark.parametrize("among", [frozenset({"42"}), frozenset({"42", "43"}), frozenset[str]()])
def test_what_another_alias_serves_is_not_beside_it(among: frozenset[str]) -> None:
    """41 is of another alias, which may have other traffic."""
    found = sides(beside(20, 80), LOOKED, "42", {"42": 70.0, "41": 3.0}, among)
    assert found == Sides("42", lines=280, failed=70, other_lines=0, other_failed=0)
    assert found.only_this is None


def test_of_three_versions_only_those_of_the_alias_are_compared() -> None:
    rows = [(at, each, 100, 0.0) for at in ABNORMAL for each in ("41", "42", "30")]
    failed = {"42": 700.0, "41": 2.0, "30": 900.0}
    found = sides(of_versions(*rows), LOOKED, "42", failed, BOTH)
    assert found == Sides("42", lines=1400, failed=700, other_lines=1400, other_failed=2)
    assert found.only_this is True


def test_minutes_in_which_it_did_not_serve_compare_nothing() -> None:
    """41 failed before 42 came, and was gone a minute later."""
    seen = of_versions((-2, "41", 900, 0), (-1, "41", 50, 0), (-1, "42", 50, 0), (0, "42", 90, 0))
    found = sides(seen, LOOKED, "42", {"42": 90.0}, BOTH)
    assert found == Sides("42", lines=140, failed=90, other_lines=50, other_failed=0)
    assert found.only_this is None


def test_without_lines_of_it_there_are_no_sides() -> None:
    assert sides(beside(0, 80), LOOKED, "42", {}, BOTH) is None
    assert sides(gap("reports"), LOOKED, "42", {}, BOTH) is None
    assert sides(None, LOOKED, "42", {}, BOTH) is None
    assert sides(reports(), LOOKED, "42", {}, BOTH) is None  # whose lines name no version


@pytest.mark.parametrize(
    ("lines_of", "failed", "others", "others_failed", "only"),
    [
        (300, 90, 600, 0, True),
        (300, 90, 600, 12, True),  # 30 % and 2 %
        (300, 90, 600, 60, False),  # 30 % and 10 %
        (300, 30, 600, 60, False),  # both alike
        (300, 0, 600, 60, False),  # the others fail
        (300, 90, 99, 0, None),  # too few beside it
        (0, 0, 600, 0, None),
        (20, 18, 100, 0, True),
        (300, 4, 600, 4, None),  # too few failures of either to tell
        (300, 4, 600, 0, None),
        (300, 9, 600, 4, None),  # hardly more often, and few beside it
        (300, 4, 600, 5, False),  # those beside it fail as well
    ],
)
def test_a_version_fails_alone_when_those_beside_it_do_not(
    lines_of: float, failed: float, others: float, others_failed: float, only: bool | None
) -> None:
    assert Sides("42", lines_of, failed, others, others_failed).only_this is only


COUNT = st.integers(0, 5000)


@given(COUNT, COUNT, COUNT, COUNT)
def test_two_versions_never_both_fail_alone(a: int, failed: int, b: int, others: int) -> None:
    one = Sides("42", a, min(a, failed), b, min(b, others))
    other = Sides("41", b, min(b, others), a, min(a, failed))
    assert not (one.only_this and other.only_this)


@given(COUNT, COUNT, COUNT, COUNT, st.integers(1, 5000))
def test_more_failures_of_the_others_never_make_it_alone(
    a: int, failed: int, b: int, others: int, more: int
) -> None:
    one = Sides("42", a, min(a, failed), b, min(b, others))
    worse = replace(one, other_failed=min(b, others + more))
    assert one.only_this or not worse.only_this
