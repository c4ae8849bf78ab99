"""What can be typed, what is meant by it, and what is suggested instead."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from bot.render import Entry
from handlers.envelopes import (
    Ago,
    Clock,
    Command,
    Help,
    Instant,
    Misunderstood,
    Playbooks,
    Status,
    Timeline,
    Triage,
)
from handlers.slack.commands import Vocabulary, command_in, without_mention

WORDS = Vocabulary(
    playbooks=(
        Entry("5xx", "HTTP 5XX errors"),
        Entry("targets", "Unhealthy targets"),
        Entry("look-around", "Look around", for_any_alarm=True),
    ),
    services=("checkout", "Search", "payments"),
)
NOW = datetime(2026, 11, 23, 2, 44, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("", Help()),
        ("  HELP ", Help()),
        ("timeline", Timeline()),
        ("status", Status()),
        ("playbooks", Playbooks()),
        ("triage 5xx", Triage(playbook="5xx")),
        ("triage", Triage()),
        ("triage search --since 20m", Triage(service="Search", since=Ago(seconds=1200))),
        ("health", Triage()),
        ("health checkout", Triage(service="checkout")),
        ("triage --alarm “RDS Prod - CPU”", Triage(alarm="RDS Prod - CPU")),
        ("Triage 5XX search", Triage(playbook="5xx", service="Search")),
        ("triage 5xx --service checkout", Triage(playbook="5xx", service="checkout")),
        ("triage 5xx —service=checkout", Triage(playbook="5xx", service="checkout")),
        ("triage 5xx --alarm “RDS Prod - CPU”", Triage(playbook="5xx", alarm="RDS Prod - CPU")),
        ("triage 5xx --alarm a&lt;b", Triage(playbook="5xx", alarm="a<b")),
        (
            "triage 5xx --alarm <https://eu-west-1.console.aws.amazon.com/cloudwatch/home?"
            "region=eu-west-1#alarmsV2:alarm/checkout-5xx>",
            Triage(playbook="5xx", alarm="checkout-5xx", region="eu-west-1"),
        ),
        ("triage 5xx --since 20m", Triage(playbook="5xx", since=Ago(seconds=1200))),
        (
            "triage 5xx checkout --since 2h",
            Triage(playbook="5xx", service="checkout", since=Ago(seconds=7200)),
        ),
        ("triage 5xx --since 02:41", Triage(playbook="5xx", since=Clock(hour=2, minute=41))),
        (
            "triage 5xx --since 2026-11-23T03:41+01:00",
            Triage(playbook="5xx", since=Instant(at=datetime(2026, 11, 23, 2, 41, tzinfo=UTC))),
        ),
    ],
)
def test_understood(typed: str, meant: Command) -> None:
    assert command_in(typed, WORDS) == meant


@pytest.mark.parametrize(
    ("typed", "suggested"),
    [
        ("triage 5x", "/incident triage 5xx"),
        ("triage database", "/incident health"),
        ("triage 4xx checkout", "/incident health checkout"),
        ("4xx", "/incident health"),
        ("triage 504", "/incident triage 5xx"),
        ("504s now", "/incident triage 5xx"),
        ("triage target search", "/incident triage targets Search"),
        ("5xx checkout", "/incident triage 5xx checkout"),
        ("5xx is bad on checkout please", "/incident triage 5xx checkout"),
        ("traige 5xx", "/incident triage 5xx"),
        ("traige the checkout", "/incident triage checkout"),
        ("timelin", "/incident timeline"),
        ("hlep can you help??", "/incident help"),
        ("statsu --since 5m; rm -rf", "/incident status"),
        ("triage 5xx chekout", "/incident triage 5xx checkout"),
        ("triage 5xx checkout search", "/incident triage 5xx checkout"),
        ("triage 5xx --sinc 5m", "/incident triage 5xx --since …"),
        ("triage 5xx --since yesterday", "/incident triage 5xx --since 20m"),
        ("triage 5xx --since 40d", "/incident help"),
        ("triage 5xx --since", "/incident help"),
        ("triage 5xx --alarm https://evil.example/#alarm:name=x", "/incident help"),
        ("abracadabra", None),
    ],
)
def test_misunderstood(typed: str, suggested: str | None) -> None:
    command = command_in(typed, WORDS)
    assert isinstance(command, Misunderstood), command
    assert command.suggestion == suggested
    assert command.what


def test_another_type_is_named_and_not_suggested() -> None:
    command = command_in("triage 4xx", WORDS)
    assert isinstance(command, Misunderstood)
    assert command.what == "There is no incident type “4xx” yet; there are 5xx, targets."


def test_an_unknown_service_lists_those_there_are() -> None:
    many = Vocabulary(WORDS.playbooks, tuple(f"service-{number}" for number in range(14)))
    command = command_in("triage 5xx billing", many)
    assert isinstance(command, Misunderstood)
    assert "service-0, service-1, " in command.what
    assert command.what.endswith("and 2 more.")
    assert len(command.what) < 300


def test_without_a_list_of_services_any_name_is_one() -> None:
    anything = Vocabulary(playbooks=WORDS.playbooks)
    assert command_in("triage 5xx web-2", anything) == Triage(playbook="5xx", service="web-2")
    assert isinstance(command_in("triage 5xx $(reboot)", anything), Misunderstood)


def test_a_mention_is_taken_off() -> None:
    assert without_mention("<@U0BOT> triage 5xx") == "triage 5xx"
    assert without_mention("  <@U0BOT|incident>: triage 5xx <@U1>") == "triage 5xx <@U1>"


def test_since_is_resolved_against_a_given_now() -> None:
    assert Ago(seconds=60).resolve(NOW) == datetime(2026, 11, 23, 2, 43, tzinfo=UTC)
    assert Clock(hour=2, minute=41).resolve(NOW) == datetime(2026, 11, 23, 2, 41, tzinfo=UTC)
    assert Clock(hour=23, minute=5).resolve(NOW) == datetime(2026, 11, 22, 23, 5, tzinfo=UTC)
    assert Instant(at=datetime(2027, 1, 1, tzinfo=UTC)).resolve(NOW) == NOW


TYPED = st.text(max_size=80) | st.lists(
    st.sampled_from(
        ["triage", "5xx", "checkout", "--since", "--alarm=", "--", "20m", '"', "“", "<https://x|y>"]
    )
    | st.text(max_size=12),
    max_size=8,
).map(" ".join)


@given(TYPED)
def test_what_is_suggested_is_understood(typed: str) -> None:
    command = command_in(typed, WORDS)
    if isinstance(command, Misunderstood) and command.suggestion and "…" not in command.suggestion:
        again = command_in(command.suggestion.removeprefix("/incident"), WORDS)
        assert not isinstance(again, Misunderstood)


@given(TYPED)
def test_whatever_is_typed_is_a_command_that_survives_json(typed: str) -> None:
    command = command_in(typed, WORDS)
    adapter: TypeAdapter[Command] = TypeAdapter(Command)
    assert adapter.validate_json(adapter.dump_json(command)) == command
    if isinstance(command, Triage):
        assert command.playbook in {*WORDS.ids, None}
        assert command.service in {*WORDS.services, None}
