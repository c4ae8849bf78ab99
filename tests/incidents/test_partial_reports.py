"""While an incident is investigated again, the complete findings stay, and their actions."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.report import Cause, CauseStatus, Offer, Overview, Report, Verdict, Window
from bot.incidents.partial_reports import to_show

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
REFUTED, SUPPORTED, POSSIBLE = CauseStatus.REFUTED, CauseStatus.SUPPORTED, CauseStatus.POSSIBLE


def cause(name: str, status: CauseStatus, *actions: str) -> Cause:
    return Cause(id=name, title=name, status=status, score=0, actions=actions)


def report(*causes: Cause, offers: tuple[str, ...] = (), complete: bool = False) -> Report:
    likely = bool(offers)
    return Report(
        playbook="5xx",
        service="checkout",
        alarm=None,
        window=Window.around(NOW, NOW),
        overview=Overview(headline=""),
        verdict=Verdict.HIGH if likely else Verdict.INCONCLUSIVE,
        causes=causes,
        chain=(causes[0].id,) if likely else (),
        gaps=(),
        actions=tuple(Offer(action=each, title=each) for each in offers),
        complete=complete,
        made_at=NOW,
    )


COLD, OVER = "cold-starts", "overload"
WHOLE = report(
    cause(COLD, SUPPORTED, "warm", "slow"),
    cause(OVER, POSSIBLE, "scale"),
    offers=("warm", "scale"),
    complete=True,
)


def offered(shown: Report | None) -> list[str]:
    return [offer.action for offer in (shown or WHOLE).actions]


def test_the_first_findings_are_shown_as_they_come() -> None:
    found = report(cause(COLD, POSSIBLE, "warm"))
    assert to_show(None, found) is found


def test_a_half_made_report_replaces_no_whole_one() -> None:
    assert to_show(WHOLE, report()) is None
    assert to_show(WHOLE, report(cause(COLD, POSSIBLE, "warm", "slow"))) is None
    assert to_show(WHOLE, report(cause(COLD, CauseStatus.UNTESTED, "warm"))) is None


def test_a_whole_report_replaces_a_whole_one() -> None:
    found = report(cause(OVER, SUPPORTED, "scale"), offers=("scale",), complete=True)
    assert to_show(WHOLE, found) is found


def test_what_is_refuted_is_not_offered_any_more() -> None:
    found = report(cause(OVER, REFUTED, "scale"))
    shown = to_show(WHOLE, found)
    assert shown is not None
    assert offered(shown) == ["warm"]
    assert shown.cause == WHOLE.cause


def test_when_the_likely_cause_is_refuted_the_new_findings_are_shown() -> None:
    found = report(cause(COLD, REFUTED, "warm", "slow"), cause(OVER, POSSIBLE, "scale"))
    shown = to_show(WHOLE, found)
    assert shown is not None
    assert (shown.causes, shown.complete) == (found.causes, False)
    assert offered(shown) == ["scale"]


STATUSES = st.sampled_from(list(CauseStatus))


@given(STATUSES, STATUSES)
def test_only_what_is_refuted_is_withdrawn(cold: CauseStatus, over: CauseStatus) -> None:
    shown = to_show(WHOLE, report(cause(COLD, cold, "warm"), cause(OVER, over, "scale")))
    kept = {"warm": cold, "scale": over}
    assert offered(shown) == [name for name, status in kept.items() if status is not REFUTED]
