"""How complete evidence is."""

from __future__ import annotations

from bot.domain.coverage import Coverage


def test_evidence_that_lacks_nothing_is_complete() -> None:
    assert Coverage.of(None, "").complete
    lacking = Coverage.of("the zones were not read", None, "the zones were not read")
    assert (lacking.complete, lacking.missing) == (False, ("the zones were not read",))
