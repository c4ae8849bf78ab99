"""What an action does to the world: the right one ends the story, the wrong one changes nothing."""

from __future__ import annotations

import pytest

from tests.sandbox.world.playing import Play, failing, read, recent, share, statuses, warm_p99

pytestmark = pytest.mark.slow


def test_enough_provisioned_concurrency_ends_cold_starts() -> None:
    play = Play("5xx-cold-starts-in-a-surge")
    assert failing(recent(play.simulation)) > 0.05
    play.act("lambda/checkout/provisioned/PROD", 120)
    play.wait(4)
    requests = recent(play.simulation)
    assert failing(requests) < 0.005
    assert share(requests, lambda r: bool(r.call and r.call.provisioned)) > 0.95
    prefix = "ProvisionedConcurrency"
    place = {"FunctionName": "checkout", "Resource": "checkout:PROD"}
    served = read(play.simulation, "AWS/Lambda", f"{prefix}Invocations", "Sum", **place)
    assert served is not None
    assert served > 5000


def test_too_little_of_it_spills_over_and_helps_in_part() -> None:
    play = Play("5xx-cold-starts-in-a-surge")
    before = failing(recent(play.simulation))
    play.act("lambda/checkout/provisioned/PROD", 12)
    play.wait(4)
    after = failing(recent(play.simulation))
    assert 0.02 < after < before
    place = {"FunctionName": "checkout", "Resource": "checkout:PROD"}
    name = "ProvisionedConcurrencySpilloverInvocations"
    spilled = read(play.simulation, "AWS/Lambda", name, "Sum", **place)
    assert spilled is not None
    assert spilled > 1000


def test_on_an_alias_nobody_calls_it_is_paid_for_and_unused() -> None:
    play = Play("5xx-bad-alias-move")
    play.act("lambda/payments/provisioned/BETA", 50)
    play.wait(3)
    place = {"FunctionName": "payments", "Resource": "payments:BETA"}
    name = "ProvisionedConcurrencyInvocations"
    assert read(play.simulation, "AWS/Lambda", name, "Sum", minutes=2, **place) == 0.0
    assert failing(recent(play.simulation)) > 0.3


def test_provisioned_concurrency_pushes_an_overloaded_backend_harder() -> None:
    play, untouched = Play("5xx-backend-overloaded"), Play("5xx-backend-overloaded")
    play.act("lambda/orders/provisioned/PROD", 400)
    for one in (play, untouched):
        one.wait(4)
    worse, same = recent(play.simulation), recent(untouched.simulation)
    assert warm_p99(worse) > 1.1 * warm_p99(same)
    assert failing(worse) > failing(same) > 0.03


@pytest.mark.parametrize(
    ("name", "lever", "value"),
    [
        ("5xx-bad-alias-move", "lambda/payments/alias/PROD", "31"),
        ("5xx-bad-deployment", "lambda/search/alias/live", "88"),
        ("5xx-bad-ecs-deployment", "ecs/main/cart/task_definition", "cart:41"),
        ("5xx-reserved-concurrency", "lambda/tickets/reserved", 400),
        ("5xx-one-bad-zone", "shift/streams-alb", "us-east-1b"),
        ("5xx-one-bad-zone", "shift/streams-alb", "use1-az2"),
    ],
)
def test_the_right_action_ends_it(name: str, lever: str, value: str | int) -> None:
    play = Play(name)
    assert failing(recent(play.simulation)) > 0.1
    play.act(lever, value)
    play.wait(2.5)
    assert failing(recent(play.simulation, minutes=1)) < 0.01


@pytest.mark.parametrize(
    ("name", "lever", "value"),
    [
        ("5xx-cold-starts-in-a-surge", "lambda/checkout/reserved", 900),
        ("5xx-innocent-deployment-in-a-surge", "lambda/basket-mail/alias/PROD", "11"),
        ("5xx-dependency-hangs", "lambda/shipping/provisioned/PROD", 300),
        ("5xx-one-bad-zone", "shift/streams-alb", "us-east-1a"),
        ("5xx-overloaded-tasks", "ecs/main/feed/task_definition", "feed:7"),
    ],
)
def test_a_wrong_action_changes_nothing(name: str, lever: str, value: str | int) -> None:
    play, untouched = Play(name), Play(name)
    play.act(lever, value)
    for one in (play, untouched):
        one.wait(3)
    acted, same = failing(recent(play.simulation)), failing(recent(untouched.simulation))
    assert same > 0.02
    assert acted > 0.8 * same


def test_a_lever_shows_from_its_time_on_and_not_before() -> None:
    play = Play("5xx-bad-alias-move")
    before = recent(play.simulation)
    pulled = play.simulation.now()
    play.act("lambda/payments/alias/PROD", "31")
    play.wait(1)
    assert recent(play.simulation, ago=1) == before
    assert play.simulation.lever("lambda/payments/alias/PROD") == "31"
    assert play.simulation.lever("lambda/payments/alias/PROD", pulled.replace(year=2025)) == "31"
    versions = {r.call.version for r in before if r.call and r.time > -60}
    assert versions == {"32"}


def test_a_weighted_alias_splits_the_harm() -> None:
    play = Play("5xx-bad-alias-move")
    play.act("lambda/payments/alias/PROD", "31")
    play.act("lambda/payments/weights/PROD", "32:0.5")
    play.wait(3)
    requests = recent(play.simulation)
    assert 0.15 < failing(requests) < 0.33
    assert {r.call.version for r in requests if r.call} == {"31", "32"}


def test_the_alarm_recovers_when_the_cause_is_gone() -> None:
    play = Play("5xx-bad-alias-move")
    play.act("lambda/payments/alias/PROD", "31")
    play.wait(5)
    posts = play.simulation.transitions()
    assert [post.state for post in posts] == ["ALARM", "OK"]
    assert posts[1].previous == "ALARM"
    assert "was not greater than or equal to the threshold (40.0)" in posts[1].reason
    assert "for ALARM -> OK transition" in posts[1].reason
    assert statuses(recent(play.simulation))[500] < 10
