"""A change of this program that CloudTrail shows is told with its people, not as a session name."""

from __future__ import annotations

from bot.render import card
from tests.support.samples import FOUND, INCIDENT


def test_its_people_are_mentioned_and_the_change_is_named() -> None:
    first = FOUND.overview.changes[0]
    ours = first.model_copy(update={"actor": "U0MAYA.U0JONAS.CHG-61D0C7D0 (role changes)"})
    overview = FOUND.overview.model_copy(update={"changes": (ours,)})
    said = str(card(INCIDENT, FOUND.model_copy(update={"overview": overview}), (), ()).blocks)
    assert "Incident Helper for " in said
    assert "{'type': 'user', 'user_id': 'U0MAYA'}" in said
    assert "{'type': 'user', 'user_id': 'U0JONAS'}" in said
    assert "(CHG-61D0C7D0)" in said
    assert "U0MAYA.U0JONAS" not in said
