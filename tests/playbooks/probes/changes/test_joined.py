"""What several sources tell of one change."""

from __future__ import annotations

from playbooks.probes.changes.joined import joined
from tests.playbooks.samples import change


def test_a_deployments_own_alias_move_is_not_told_twice() -> None:
    deployment = change(-10, kind="deployment", until=-8).model_copy(update={"actor": "user"})
    (told,) = joined((deployment,), (), (change(-8.5),))
    assert (told.kind, told.actor) == ("deployment", "mara")


def test_publishing_is_told_only_while_nothing_tells_the_move() -> None:
    published = change(-12, kind="deployment").model_copy(update={"summary": "published"})
    assert joined((), (published,), (change(-8),)) == (change(-8),)
    assert joined((), (published,), ()) == (published,)
