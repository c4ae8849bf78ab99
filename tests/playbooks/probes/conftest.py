"""Answers from a list are there at once: nobody waits for them."""

from __future__ import annotations

import pytest

from playbooks.probes import logs_insights


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs_insights, "FIRST_PAUSE", 0.0)
