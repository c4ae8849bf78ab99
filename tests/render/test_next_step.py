"""What an inconclusive card says to find out next, and the button that makes the read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.domain.report import Advice, GapReason, NextTest
from bot.render import card
from tests.render.reading import buttons, read
from tests.support.samples import INCIDENT, NOW, UNCLEAR


@pytest.mark.parametrize(
    ("test", "label", "action_id", "said"),
    [
        (
            {"reason": GapReason.DENIED, "permission": "logs:StartQuery"},
            "Look again once logs:StartQuery is granted",
            "rerun.1",
            "No access: REPORT lines. Grant logs:StartQuery to the read role.",
        ),
        (
            {"reason": GapReason.DENIED, "permission": "logs:StartQuery", "denied_by": "an SCP"},
            "Look again once the policy allows it",
            "rerun.1",
            "logs:StartQuery is denied by an SCP: granting it to the role does not help.",
        ),
        ({"reason": GapReason.TIMEOUT}, "Read it now", "rerun.1", "AWS did not answer in time"),
        ({"reason": GapReason.BUDGET}, "Read it now", "rerun.1", "Read budget used up"),
        (
            {"reason": GapReason.NOT_CONFIGURED},
            "Look again once it is set up",
            "rerun.1",
            "Not set up",
        ),
        (
            {"again_at": NOW + timedelta(minutes=6)},
            "Look again at 02:56 UTC",
            "later",
            "It should be there at 2026-11-23 02:56 UTC",
        ),
    ],
)
def test_inconclusive_offers_the_one_read_that_would_decide(
    test: dict[str, Any], label: str, action_id: str, said: str
) -> None:
    asked = NextTest(question="whether they were cold", read="REPORT lines", **test)
    report = UNCLEAR.model_copy(update={"next_test": asked})
    blocks = card(INCIDENT, report, (), ()).blocks
    assert said in read(blocks)
    first = buttons(blocks)[0]
    assert (first["text"]["text"], first["action_id"]) == (label, action_id)
    assert first["value"] == INCIDENT.id


def test_without_a_read_that_would_decide_there_is_only_the_question() -> None:
    report = UNCLEAR.model_copy(update={"next_test": NextTest(question="who restarted it")})
    blocks = card(INCIDENT, report, (), ()).blocks
    assert "Next: find out who restarted it" in read(blocks)
    assert [each["text"]["text"] for each in buttons(blocks)] == [
        "Other actions…",
        "All evidence",
        "Look again",
        "Timeline",
    ]


def test_what_a_denied_read_needs_is_named_and_the_query_is_there_to_be_run() -> None:
    asked = NextTest(
        question="whether they were cold",
        read="REPORT lines",
        reason=GapReason.DENIED,
        permission="logs:StartQuery",
        on="log-group:/aws/lambda/checkout:*",
        by_hand=Advice(
            text="Run the query over /aws/lambda/checkout", command="filter x | limit 5"
        ),
    )
    report = UNCLEAR.model_copy(update={"next_test": asked})
    lines = read(card(INCIDENT, report, (), ()).blocks).splitlines()
    grant = "Grant logs:StartQuery on log-group:/aws/lambda/checkout:* to the read role."
    assert any(line.endswith(grant) for line in lines)
    press = next(at for at, line in enumerate(lines) if line.startswith("[Look again once"))
    assert lines[press + 1].startswith("Or run the query over /aws/lambda/checkout.")
    assert lines[press + 2] == "filter x | limit 5"
