"""Alarms as people define them: what belongs to a type finds it, and nothing goes to a wrong one.

tests/data/alarms_in_the_wild.jsonl has entries of DescribeAlarms made from alarms of public
repositories (`source`), with other names of services and resources. `label` has the types each
belongs to, the best first: "none" for no type of the plan, "ask" where a person has to choose.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.app.registry import PLAYBOOKS, router
from bot.app.route_command import with_children
from bot.domain.alarm import Alarm
from bot.domain.alarm_description import from_description
from bot.investigation.routing import Route, RouteKind

FILE = Path(__file__).parents[1] / "data/alarms_in_the_wild.jsonl"
ENTRIES: list[dict[str, Any]] = [json.loads(line) for line in FILE.open(encoding="utf-8")]
BUILT = {playbook.id for playbook in PLAYBOOKS}


def alarms(*, neutral: bool) -> list[Alarm]:
    """The file's alarms, with their names or with alarm-0, alarm-1… in their place."""
    read = with_children([from_description(entry, "eu-west-1") for entry in ENTRIES])
    return [_renamed(alarm, f"alarm-{n}") for n, alarm in enumerate(read)] if neutral else read


def _renamed(alarm: Alarm, name: str) -> Alarm:
    """The alarm and its children under names that say nothing."""
    new = {each: f"{name}-{n}" for n, each in enumerate(alarm.children)}
    children = tuple(_renamed(each, new[each.name]) for each in alarm.child_alarms)
    names = tuple(new[each] for each in alarm.children)
    return alarm.model_copy(
        update={"name": name, "children": names, "child_alarms": children, "rule": None}
    )


@pytest.fixture(params=[False, True], ids=["real names", "neutral names"])
def routes(request: pytest.FixtureRequest) -> list[tuple[dict[str, Any], Route]]:
    ours = router()
    return [
        (entry, ours.route(alarm))
        for entry, alarm in zip(ENTRIES, alarms(neutral=request.param), strict=True)
    ]


def test_what_belongs_to_a_built_type_finds_it(
    routes: list[tuple[dict[str, Any], Route]],
) -> None:
    belong = [
        (entry, route)
        for entry, route in routes
        if not {"none", "ask"} & set(entry["label"]) and BUILT & set(entry["label"])
    ]
    missed = [
        (entry["AlarmName"], route.reason)
        for entry, route in belong
        if route.playbook is None or route.playbook.id not in entry["label"]
    ]
    assert len(belong) >= 50
    assert len(missed) <= 0.02 * len(belong), missed


def test_nothing_goes_to_a_wrong_type(routes: list[tuple[dict[str, Any], Route]]) -> None:
    wrong = [
        (entry["AlarmName"], entry["label"], route.reason)
        for entry, route in routes
        if route.playbook is not None and route.playbook.id not in entry["label"]
    ]
    assert wrong == []


def test_where_a_person_has_to_choose_none_opens(
    routes: list[tuple[dict[str, Any], Route]],
) -> None:
    opened = [
        (entry["AlarmName"], route.reason)
        for entry, route in routes
        if "ask" in entry["label"] and route.playbook is not None
    ]
    assert opened == []


def test_the_best_type_is_the_first_built_one_of_the_label(
    routes: list[tuple[dict[str, Any], Route]],
) -> None:
    """A failed connection speaks for 5xx until there is a type for targets."""
    second = [
        (entry["AlarmName"], entry["label"], route.playbook.id)
        for entry, route in routes
        if route.playbook is not None
        and "none" not in entry["label"]
        and route.playbook.id != next(label for label in entry["label"] if label in BUILT)
    ]
    assert second == []


def test_the_rest_gets_the_look_around_which_claims_nothing_itself(
    routes: list[tuple[dict[str, Any], Route]],
) -> None:
    around = router().for_any_alarm
    assert around is not None
    assert not any(claim.playbook.id == around.id for _, route in routes for claim in route.claims)
    assert any(route.kind is RouteKind.UNKNOWN for _, route in routes)
