"""Changes from several sources, and the release before the onset."""

from __future__ import annotations

from playbooks.evidence.changes import merged, suspect
from tests.playbooks.samples import ONSET, change, gap, minute


def test_a_deployments_own_alias_move_is_not_told_twice() -> None:
    deployment = change(-10, kind="deployment", until=-8).model_copy(update={"actor": "user"})
    (told,) = merged((deployment,), None, (), (change(-8.5),))
    assert (told.kind, told.actor) == ("deployment", "mara")


def test_publishing_is_told_only_while_nothing_tells_the_move() -> None:
    published = change(-12, kind="deployment").model_copy(update={"summary": "published"})
    assert merged(None, None, (published,), (change(-8),)) == (change(-8),)
    assert merged(None, None, (published,), ()) == (published,)
    assert merged(None, None, (published,), gap("trail")) == (published,)


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
