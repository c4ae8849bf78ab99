"""Scopes and events: manifests, docs/slack.md and the sandbox's app have those of one list."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.render import TRIAGE_SHORTCUT
from bot.slack.needs import EVENTS, SCOPES
from handlers.slack.commands import SLASH
from sandbox import people_and_channels

ROOT = Path(__file__).parents[2]
SOCKET, HTTP = "slack-manifest.yaml", "slack-manifest-http.yaml"
URL = re.compile(r"https://[a-z.]+/slack/events")


def manifest(name: str) -> dict[str, Any]:
    found = yaml.safe_load((ROOT / "deploy" / name).read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("name", [SOCKET, HTTP])
def test_a_manifest_asks_for_what_is_needed(name: str) -> None:
    made = manifest(name)
    assert made["oauth_config"]["scopes"]["bot"] == sorted(SCOPES)
    assert made["settings"]["event_subscriptions"]["bot_events"] == sorted(EVENTS)
    features = made["features"]
    assert features["app_home"]["home_tab_enabled"] is True
    [shortcut] = features["shortcuts"]
    assert (shortcut["type"], shortcut["callback_id"]) == ("message", TRIAGE_SHORTCUT)
    assert [each["command"] for each in features["slash_commands"]] == [SLASH]


@pytest.mark.parametrize("name", [SOCKET, HTTP])
def test_a_manifest_is_within_slacks_limits(name: str) -> None:
    """Source: docs.slack.dev, reference/app-manifest."""
    made = manifest(name)
    assert set(made) == {"display_information", "features", "oauth_config", "settings"}
    assert len(made["display_information"]["name"]) <= 35
    assert len(made["display_information"]["description"]) <= 140
    assert re.fullmatch(r"#[0-9a-f]{6}", made["display_information"]["background_color"])
    assert len(made["features"]["bot_user"]["display_name"]) <= 80
    for shortcut in made["features"]["shortcuts"]:
        assert len(shortcut["name"]) <= 24
        assert len(shortcut["description"]) <= 150
        assert len(shortcut["callback_id"]) <= 255
    for command in made["features"]["slash_commands"]:
        assert re.fullmatch(r"/[a-z_-]{1,31}", command["command"])
        assert len(command["description"]) <= 2000
        assert len(command["usage_hint"]) <= 1000


def test_http_differs_by_its_request_urls_alone() -> None:
    socket, http = manifest(SOCKET), manifest(HTTP)
    assert socket["settings"]["socket_mode_enabled"] is True
    assert http["settings"].pop("socket_mode_enabled") is False
    socket["settings"].pop("socket_mode_enabled")
    urls = [
        http["features"]["slash_commands"][0].pop("url"),
        http["settings"]["event_subscriptions"].pop("request_url"),
        http["settings"]["interactivity"].pop("request_url"),
    ]
    assert all(URL.fullmatch(url) for url in urls)
    assert http == socket


def test_the_docs_say_what_each_is_for() -> None:
    text = (ROOT / "docs" / "slack.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([a-z_.:]+)` \| (.+) \|$", text, re.MULTILINE))
    assert rows == {**SCOPES, **EVENTS}


def test_the_sandboxs_app_has_these_scopes_and_events_and_no_more() -> None:
    assert set(people_and_channels.SCOPES.split(",")) == set(SCOPES)
    assert {event.partition(".")[0] for event in EVENTS} == people_and_channels.EVENTS
