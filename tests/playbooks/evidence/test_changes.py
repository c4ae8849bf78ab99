"""Changes from several sources, and the release before the onset."""

from __future__ import annotations

from playbooks.evidence.changes import all_changes, suspect
from tests.playbooks.samples import ONSET, change, gap, minute


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
