"""What each person's Home tab shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.changes.home_tab import HomeTab
from bot.config.catalogue import Catalogue
from bot.domain.incident import IncidentState
from bot.domain.people import Standing
from bot.domain.policy import Policy
from bot.domain.run import Run, RunState
from bot.domain.service import Service
from sandbox.slack.limits import validate_view
from tests.render.reading import transcript
from tests.support.change_samples import PLAN
from tests.support.members import Members
from tests.support.memory_store import MemoryStore
from tests.support.recorder import Recorder
from tests.support.samples import FOUND, INCIDENT

MAYA, JONAS, PRIYA = "U0MAYA", "U0JONAS", "U0PRIYA"
ROLES = {MAYA: ("responder",), JONAS: ("commander",), PRIYA: ("observer",)}


@dataclass
class Tabs(Recorder):
    views: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def link(self, channel: str, key: str) -> str | None:
        return f"https://slack.example/{channel}/{key}"

    async def home(self, user: str, view: dict[str, Any]) -> None:
        assert validate_view(view) == []
        self.views[user] = view


@dataclass
class Channels:
    """`private` channels have these members; all others are public."""

    private: dict[str, set[str]] = field(default_factory=dict)

    async def sees(self, user: str, channel: str) -> bool:
        return channel not in self.private or user in self.private[channel]


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    store.incidents[INCIDENT.id] = INCIDENT
    store.reports[INCIDENT.id] = FOUND
    return store


def requested(number: int = 1, state: RunState = RunState.REQUESTED, **fields: Any) -> Run:
    values = {"requested_by": MAYA, "plan": PLAN, "incident": INCIDENT.id, **fields}
    return Run(id=f"CHG-{number}", action=PLAN.action, state=state, **values)


async def shown(
    store: MemoryStore,
    user: str,
    channels: Channels | None = None,
    people: Members | None = None,
    policy: Policy | None = None,
) -> str:
    tabs = Tabs()
    catalogue = Catalogue(services=(Service(name=INCIDENT.service, tier=1),))
    read = policy or Policy(people=ROLES)
    home = HomeTab(
        store, tabs, channels or Channels(), catalogue, lambda: read, people or Members()
    )
    await home.publish(user)
    return transcript(tabs.views[user])


async def test_open_incidents_with_figure_and_card(store: MemoryStore) -> None:
    ended = INCIDENT.model_copy(update={"id": "INC-OLD", "state": IncidentState.RECOVERED})
    store.incidents["INC-OLD"] = ended
    text = await shown(store, PRIYA)
    assert "Open incidents (1)" in text
    assert FOUND.overview.headline in text
    assert f"https://slack.example/{INCIDENT.channel}/card:{INCIDENT.id}" in text
    assert "/incident triage 5xx" in text
    assert "frozen" not in text


async def test_a_request_waits_for_those_who_may_approve_it(store: MemoryStore) -> None:
    store.kept["CHG-1"] = requested()
    approver, asker, observer = [await shown(store, user) for user in (JONAS, MAYA, PRIYA)]
    assert "Waiting for your approval (1)" in approver
    assert f"https://slack.example/{INCIDENT.channel}/run:CHG-1" in approver
    assert "You asked for, waiting for somebody else (1)" in asker
    assert "Waiting for your approval" not in asker
    assert PLAN.title not in observer


async def test_nobody_approves_their_own_request_on_the_tab_either(store: MemoryStore) -> None:
    store.kept["CHG-1"] = requested(requested_by=JONAS)
    assert "Waiting for your approval" not in await shown(store, JONAS)


async def test_the_latest_preview_of_an_action_is_shown_to_who_asked_for_it(
    store: MemoryStore,
) -> None:
    for number in (1, 2):
        store.kept[f"CHG-{number}"] = requested(number, RunState.PROPOSED)
    assert "Your previews, approval not asked for (1)" in await shown(store, MAYA)
    assert "Your previews" not in await shown(store, JONAS)


async def test_a_private_channel_is_counted_and_not_told(store: MemoryStore) -> None:
    store.kept["CHG-1"] = requested()
    channels = Channels({INCIDENT.channel: {MAYA}})
    text = await shown(store, JONAS, channels)
    assert "1 open incident in private channels that you are no member of" in text
    assert FOUND.overview.headline not in text
    assert INCIDENT.channel not in text
    assert PLAN.title not in text
    assert "Open incidents (1)" in await shown(store, MAYA, channels)


async def test_frozen_and_why(store: MemoryStore) -> None:
    store.audit_fault = "audit entry 12 was edited"
    text = await shown(store, MAYA)
    assert "Changes are frozen" in text
    assert "Audit entry 12 was edited." in text


async def test_a_hundred_of_each_fit_into_a_view(store: MemoryStore) -> None:
    for number in range(100):
        store.incidents[f"INC-{number}"] = INCIDENT.model_copy(update={"id": f"INC-{number}"})
        store.kept[f"CHG-{number}"] = requested(number)
    text = await shown(store, JONAS)
    assert "Open incidents (101)" in text
    assert "… and 81 more" in text
    assert "Waiting for your approval (100)" in text


async def test_an_undo_waits_for_somebody_else_than_who_asked_for_it(store: MemoryStore) -> None:
    store.kept["CHG-1"] = requested(state=RunState.UNDO_REQUESTED, undone_by=JONAS)
    assert "You asked for, waiting for somebody else (1)" in await shown(store, JONAS)
    lead = Policy(people={**ROLES, "U0LEAD": ("commander",)})
    text = await shown(store, "U0LEAD", policy=lead)
    assert "Waiting for your approval (1)" in text
    assert "undo asked by" in text


async def test_a_member_of_a_group_finds_what_waits_for_the_group(store: MemoryStore) -> None:
    store.kept["CHG-1"] = requested()
    policy = Policy(groups={"S0LEADS": ("commander",)})
    members = Members(groups={"S0LEADS": frozenset({"U0LEAD"})})
    text = await shown(store, "U0LEAD", people=members, policy=policy)
    assert "Waiting for your approval (1)" in text


@pytest.mark.parametrize(
    ("people", "said"),
    [
        (Members({JONAS: Standing.GUEST}), "you are a guest in this workspace"),
        (Members(failing="ratelimited"), "I could not look you up in Slack: ratelimited"),
    ],
)
async def test_a_guest_or_a_stranger_is_told_why_nothing_is_shown(
    store: MemoryStore, people: Members, said: str
) -> None:
    store.kept["CHG-1"] = requested()
    text = await shown(store, JONAS, people=people)
    assert said in text
    assert FOUND.overview.headline not in text
    assert PLAN.title not in text
    assert "No open incident" not in text
