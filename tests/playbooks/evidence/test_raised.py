"""What exceptions say of a cause, and what they do not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.report import ClueKind
from playbooks.evidence.errors import CodeErrors
from playbooks.evidence.exception_kinds import Kind
from playbooks.evidence.raised import Raised, Shown, decided, hardly_own, names_it, of_one_version
from playbooks.evidence.served_versions import Sides
from playbooks.probes.exceptions import Exceptions
from tests.playbooks.samples import anomaly_window, edge, exceptions, gap, scope

LOOKED = anomaly_window(edge(), scope())
ALL = CodeErrors(1.0, "errors of the function")
ALONE = Sides("42", lines=300, failed=90, other_lines=600, other_failed=0)
ALIKE = Sides("42", lines=300, failed=90, other_lines=600, other_failed=180)
FEW = Sides("42", lines=300, failed=90, other_lines=9, other_failed=0)

UNKNOWN, CALM, ILL = Shown(None, "not read"), Shown(False, "calm"), Shown(True, "ill")


def raised(
    name: str = "OperationalError",
    says: str = "",
    own: CodeErrors | None = ALL,
    beside: Sides | None = None,
) -> Raised:
    lines = exceptions(name, 180)
    told = tuple(replace(each, says=says) for each in lines.raised)
    return Raised(LOOKED, replace(lines, raised=told), own, 1.0, beside)


@pytest.mark.parametrize(
    ("says", "shown", "alone", "holds"),
    [
        # measured
        ("", ILL, False, True),
        ("", CALM, False, None),
        ("", CALM, True, None),
        # by the class only where nothing is measured, and nothing else was changed
        ("", UNKNOWN, True, True),
        ("", UNKNOWN, False, None),
        # by the words of the message, whatever was changed or measured
        ("too many clients", UNKNOWN, False, True),
        ("too many clients", CALM, False, True),
        ("too many clients", ILL, False, True),
    ],
)
def test_what_decides(says: str, shown: Shown, alone: bool, holds: bool | None) -> None:
    clue = decided(raised(says=says), Kind.DATABASE, shown=shown, class_alone=alone)
    assert (clue.kind, clue.holds) == (ClueKind.DECISIVE, holds)
    if holds and not shown.holds:
        assert clue.missing == ("only the exceptions name a database",)
    if holds is None:
        assert clue.text.startswith("whether a database is what fails the requests: ")


def test_what_is_measured_rests_on_what_was_read_of_it() -> None:
    part = replace(ILL, missing=("CloudTrail has more",))
    clue = decided(raised(), Kind.DATABASE, shown=part, class_alone=False)
    assert clue.missing == ("CloudTrail has more",)
    clue = decided(raised(), Kind.DATABASE, shown=ILL, class_alone=False)
    assert clue.missing == ()


@pytest.mark.parametrize(
    ("beside", "one"), [(ALONE, True), (ALIKE, False), (FEW, False), (None, False)]
)
def test_what_only_one_version_raises_is_its_code(beside: Sides | None, one: bool) -> None:
    seen = raised(says="too many clients", beside=beside)
    assert of_one_version(seen) is one
    clue = decided(seen, Kind.DATABASE, shown=ILL, class_alone=True)
    assert clue.holds is not one
    against = hardly_own(seen)
    assert against.kind is ClueKind.CONTRADICTING
    assert against.holds is one
    assert ("versions beside it" in against.text) is one


@pytest.mark.parametrize(("share", "few"), [(0.0, True), (0.1, True), (0.2, False), (1.0, False)])
def test_errors_that_the_code_did_not_answer_speak_against_it(share: float, few: bool) -> None:
    assert hardly_own(raised(own=CodeErrors(share, "errors of targets"))).holds is few


def test_who_answered_the_errors_may_not_be_known() -> None:
    seen = raised(own=None)
    assert hardly_own(seen).holds is None
    assert decided(seen, Kind.DATABASE, shown=ILL, class_alone=True).holds is None


def test_exceptions_of_one_kind_or_of_another() -> None:
    (needed, _) = names_it(raised("Error: ECONNREFUSED"), Kind.DATABASE)
    assert needed.holds is False
    (needed, _) = names_it(raised("Error: ECONNREFUSED"), Kind.DATABASE, Kind.REFUSED)
    assert needed.holds is True
    (needed, _) = names_it(raised("KeyError"), Kind.DATABASE)
    assert (needed.kind, needed.holds) == (ClueKind.NECESSARY, False)


@pytest.mark.parametrize(
    ("logs", "why"), [(gap("exceptions"), "were not read"), (None, "no log is known")]
)
def test_without_logs_nothing_is_decided(logs: Exceptions | None, why: str) -> None:
    blind = Raised(LOOKED, logs, ALL, 1.0)
    (needed, _) = names_it(blind, Kind.DATABASE)
    assert needed.holds is None
    assert why in needed.text
    assert decided(blind, Kind.DATABASE, shown=ILL, class_alone=True).holds is None
