"""How complete evidence is."""

from __future__ import annotations

from bot.domain.coverage import Coverage


def test_evidence_that_lacks_nothing_is_complete() -> None:
    assert Coverage.of(None, "") == Coverage(complete=True, missing=())
    lacking = Coverage.of("the zones were not read", None, "the zones were not read")
    assert lacking == Coverage(complete=False, missing=("the zones were not read",))


def test_several_are_complete_when_all_are() -> None:
    assert Coverage.together([Coverage(), Coverage()]).complete
    together = Coverage.together([Coverage(), Coverage.of("a"), Coverage.of("b", "a")])
    assert (together.complete, together.missing) == (False, ("a", "b"))
