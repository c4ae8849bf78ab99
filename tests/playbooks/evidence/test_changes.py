"""Changes from several sources, and the release before the onset."""

from __future__ import annotations

import pytest

from bot.domain.report import Change, GapReason
from bot.domain.service import Service
from playbooks.evidence.changes import (
    acting,
    acts_on,
    all_changes,
    called_versions,
    suspect,
    unread_around,
)
from playbooks.probes.changes import Unread
from playbooks.probes.front_door import Call
from tests.playbooks.samples import ONSET, change, changes, gap, minute, scope


def test_a_failed_read_is_not_the_absence_of_changes() -> None:
    found = all_changes(gap("changes"))
    assert found.known == ()
    assert [each.permission for each in found.unread] == ["x:Y"]
    assert all_changes(None).asked == ()


def test_the_release_nearest_before_the_onset_is_the_suspect() -> None:
    found = suspect((change(-30), change(ONSET - 2), change(ONSET + 9)), minute(ONSET))
    assert found is not None
    assert (found.change, found.in_force.total_seconds()) == (change(ONSET - 2), 120)


def test_a_rollout_acts_until_its_end() -> None:
    rollout = change(-20, kind="deployment", until=ONSET + 1)
    found = suspect((rollout,), minute(ONSET))
    assert found is not None
    assert found.in_force.total_seconds() == 0


def test_a_security_group_is_no_release() -> None:
    assert suspect((change(ONSET - 1, kind="security-group"),), minute(ONSET)) is None


def test_what_aws_refused_is_no_suspect_and_going_back_only_the_last() -> None:
    refused = change(ONSET - 1).model_copy(update={"error": "AccessDenied"})
    assert suspect((refused,), minute(ONSET)) is None
    back = change(ONSET - 1).model_copy(update={"reverts": True})
    found = suspect((change(ONSET - 9), back), minute(ONSET))
    assert found is not None
    assert not found.change.reverts
    alone = suspect((back,), minute(ONSET))
    assert alone is not None
    assert alone.change.reverts


@pytest.mark.parametrize(("before", "matters"), [(None, 1), (-30, 1), (-90, 0)])
def test_what_was_not_read_matters_only_before_the_onset(
    before: float | None, matters: int
) -> None:
    missing = None if before is None else minute(ONSET + before)
    unread = Unread("CloudTrail", GapReason.BUDGET, "more", before=missing)
    assert len(unread_around(changes(unread=(unread,)), minute(ONSET))) == matters


def touching(*names: str) -> Change:
    return change(ONSET - 1).model_copy(update={"touches": names})


CALLS = (
    Call("checkout", "PROD", 29, "arn"),
    Call("basket", None, 29, "arn"),
)


@pytest.mark.parametrize(
    ("names", "acts"),
    [
        (("checkout:PROD",), True),
        (("checkout:STAGING",), False),
        (("checkout:$LATEST",), False),
        (("basket:$LATEST",), True),
        (("basket:PROD",), False),
        (("checkout:STAGING", "basket:$LATEST"), True),
        (("checkout",), None),
        (("other:PROD",), None),
        (("lunch/prod", "checkout:PROD"), True),
        (("lunch/prod",), None),
        ((), None),
    ],
)
def test_a_change_acts_only_on_what_is_called(names: tuple[str, ...], acts: bool | None) -> None:
    assert acts_on(touching(*names), called_versions(scope(), CALLS)) is acts


def test_an_unused_alias_is_no_release_of_the_service() -> None:
    unused, used = touching("checkout:STAGING"), touching("checkout:PROD")
    found = acting(changes(unused, used), called_versions(scope(), None))
    assert (found.known, found.elsewhere) == ((used,), (unused,))


def test_without_integrations_and_alias_nothing_is_called_unused() -> None:
    assert called_versions(scope(service=Service(name="s")), gap()) == {}
