"""The top-level text of every message carries the message: screen readers and notifications have
nothing else (docs.slack.dev, chat.postMessage, "text" beside blocks)."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.run import RunState
from bot.render.change_message import STATE
from tests.render.golden.messages import everything
from tests.support.samples import INCIDENT

POSTED: dict[str, dict[str, Any]] = {
    name: made for name, made in everything().items() if "text" in made and "hostile" not in name
}
CAUSE = "Lambda cold starts in a surge of traffic"
CHANGE = "Enable provisioned concurrency 24 on checkout-handler:live"

CARRIES: dict[str, tuple[str, ...]] = {
    # state or figure, cause, what is to be found out
    "card_opened": ("investigating",),
    "card_looking": ("% of requests",),
    "card_found": ("% of requests", CAUSE, "high confidence"),
    "card_blocked": ("% of requests", CAUSE),
    "card_unclear": ("% of requests", "No single cause found"),
    "card_later": ("% of requests", "No single cause found"),
    "card_recovered": ("Recovered", CAUSE),
    "status": ("% of requests", CAUSE),
    # what became of a change, and why
    "run_requested": (STATE[RunState.REQUESTED], CHANGE),
    "run_against_the_evidence": (STATE[RunState.REQUESTED], CHANGE),
    "run_settling": (STATE[RunState.SETTLING], CHANGE),
    "run_done": ("verified", CHANGE, "0.2"),
    "run_not_mended": ("has not recovered", CHANGE, "7.9"),
    "run_never_in_force": ("did not come into force", CHANGE, "FAILED"),
    "run_refused": ("Refused", CHANGE, "moved from version 41 to 42"),
    "run_drifted": ("check by hand", CHANGE, "Provisioned concurrency is 10"),
    # answers
    "timeline": ("Timeline of checkout", "the alarm is OK"),
    "playbooks": ("5xx", "HTTP 5XX errors"),
    "help": ("/incident", "triage"),
    "unknown": ("do not know", "/incident triage 5xx"),
}


@pytest.mark.parametrize("name", POSTED)
def test_the_text_says_more_than_a_title(name: str) -> None:
    text = POSTED[name]["text"]
    assert 20 <= len(text) <= 3_000
    assert len(text.split()) >= 4


@pytest.mark.parametrize("name", CARRIES)
def test_the_text_carries_state_cause_and_reason(name: str) -> None:
    text = POSTED[name]["text"].replace("\N{NO-BREAK SPACE}", " ")
    for words in CARRIES[name]:
        assert words in text


@pytest.mark.parametrize("name", [name for name in CARRIES if name.startswith(("card", "run"))])
def test_the_text_names_the_service(name: str) -> None:
    assert INCIDENT.service in POSTED[name]["text"]
