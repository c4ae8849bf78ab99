"""A new kind of resource is one class and one field: an SQS queue that only this file knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Literal

import pytest
import yaml
from pydantic import Field, ValidationError, create_model

from sandbox.aws.moto_account import MotoAccount
from sandbox.world import FrozenClock, Scenario, Simulation
from sandbox.world.api import LeverValue
from sandbox.world.changes import BaseChange, EventFacts
from sandbox.world.effects import BaseEffect, Load
from sandbox.world.inventory import Inventory
from sandbox.world.kinds import Resource, Resources, Seed, catalogue, change_model, effect_model
from sandbox.world.metrics import Dimensions, Published, dimensions, plain
from sandbox.world.minute import MinuteRecords
from sandbox.world.parts import Loc, Problem, known
from sandbox.world.references import reference_problems
from tests.sandbox.world.playing import read, recent, warm_p99


def known_queue(inventory: Inventory, loc: Loc, name: str) -> Iterator[Problem]:
    queues = [queue.name for queue in inventory.every(Queue)]
    yield from known(loc, "queue", name, queues, "resources.queues")


class ConsumerStopped(BaseEffect):
    """Nobody takes messages from a queue; sending to it becomes slow."""

    kind: Literal["consumer_stopped"]
    queue: str

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        yield from known_queue(inventory, (*loc, "queue"), self.queue)

    def duration_factor(self, held: float, load: Load) -> float:
        return 1.0 + 2.0 * held


class RetentionChange(BaseChange):
    """sqs:SetQueueAttributes."""

    kind: Literal["queue_retention"]
    queue: str
    retention: int

    def levers(self, inventory: Inventory) -> Mapping[str, tuple[float, LeverValue]]:
        return {f"sqs/{self.queue}/retention": (0.0, self.retention)}

    def event(self, inventory: Inventory) -> EventFacts:
        touched = (("AWS::SQS::Queue", self.queue),)
        request = {"attributes": {"MessageRetentionPeriod": self.retention}}
        return EventFacts("sqs.amazonaws.com", "SetQueueAttributes", touched, request)


class Queue(Resource):
    """An SQS queue."""

    effects = (ConsumerStopped,)
    changes = (RetentionChange,)

    name: str
    retention: int = Field(default=345600, ge=60)
    consumed: bool = True

    def levers(self) -> Mapping[str, LeverValue]:
        return {
            f"sqs/{self.name}/retention": self.retention,
            f"sqs/{self.name}/consumed": self.consumed,
        }

    def metrics(self, minute: MinuteRecords) -> Iterator[Published]:
        waiting = [
            502.0 if any(self.stopped_by(effect) for effect, _ in gauge.active) else 2.0
            for gauge in minute.gauges
        ]
        name = "ApproximateNumberOfMessagesVisible"
        yield Published("AWS/SQS", name, [dimensions(QueueName=self.name)], plain(waiting, "Count"))

    def stopped_by(self, effect: BaseEffect) -> bool:
        return isinstance(effect, ConsumerStopped) and effect.queue == self.name

    def alarm_dimensions(self, namespace: str) -> Dimensions | None:
        return dimensions(QueueName=self.name) if namespace == "AWS/SQS" else None

    def catalogue(self) -> Iterable[tuple[str, object]]:
        return [("queues", self.name)]

    def seeds(self) -> Iterable[Seed]:
        return [Seed("sqs", "CreateQueue", {"QueueName": self.name})]


class WithQueues(Resources):
    """The account, with one line more."""

    queues: tuple[Queue, ...] = ()


FIELDS: dict[str, Any] = {
    "resources": (WithQueues, ...),
    "effects": (tuple[effect_model(WithQueues), ...], ()),  # type: ignore[misc]
    "changes": (tuple[change_model(WithQueues), ...], ()),  # type: ignore[misc]
}
StoryWithQueues = create_model("StoryWithQueues", __base__=Scenario, **FIELDS)

STORY = """
title: Orders pile up
story: {looked_like: Slow orders., was: The consumer was switched off.}
service: {name: orders}
resources:
  api: {name: orders-api, function: orders, qualifier: PROD}
  functions: [{name: orders, aliases: {PROD: 1}}]
  queues: [{name: orders-queue}]
traffic: {rpm: 600}
effects:
  - kind: consumer_stopped
    from: -2m
    queue: orders-queue
    while: [{lever: sqs/orders-queue/consumed, equals: true}]
changes:
  - {kind: queue_retention, at: -3m, by: alice, queue: orders-queue, retention: 60}
alarms:
  - name: orders-queue-depth
    metric: {namespace: AWS/SQS, name: ApproximateNumberOfMessagesVisible}
    statistic: Maximum
    threshold: 100
    evaluation_periods: 2
    starts: true
expect: {playbook: 5xx, verdict: inconclusive}
"""


def story(text: str = STORY) -> Scenario:
    data: dict[str, Any] = yaml.safe_load(text)
    return StoryWithQueues.model_validate(data)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def world(clock: FrozenClock) -> Simulation:
    return Simulation(story(), 0, clock)


def waiting(world: Simulation, ago: float = 0.0) -> float | None:
    name = "ApproximateNumberOfMessagesVisible"
    place = {"QueueName": "orders-queue"}
    return read(world, "AWS/SQS", name, "Maximum", minutes=2, ago=ago, **place)


def test_its_metric_is_published_and_its_alarm_goes(world: Simulation) -> None:
    (post,) = world.transitions()
    assert (post.state, post.metric.dimensions) == ("ALARM", (("QueueName", "orders-queue"),))
    assert waiting(world) == 502.0
    assert waiting(world, ago=30) == 2.0


def test_its_effect_reaches_the_requests(world: Simulation) -> None:
    assert warm_p99(recent(world)) > 2 * warm_p99(recent(world, minutes=30, ago=30))


def test_its_lever_ends_the_effect(world: Simulation, clock: FrozenClock) -> None:
    world.pull("sqs/orders-queue/consumed", False)
    clock.advance(240)
    assert waiting(world) == 2.0
    assert [post.state for post in world.transitions()] == ["ALARM", "OK"]


def test_its_change_is_in_the_trail_and_pulls_its_lever(world: Simulation) -> None:
    (event,) = world.trail()
    assert (event.name, event.resources) == (
        "SetQueueAttributes",
        (("AWS::SQS::Queue", "orders-queue"),),
    )
    assert world.lever("sqs/orders-queue/retention", event.time - timedelta(seconds=1)) == 345600
    assert world.lever("sqs/orders-queue/retention") == 60


def test_it_is_in_the_catalogue() -> None:
    assert catalogue(story().resources)["queues"] == ["orders-queue"]


def test_it_stands_in_the_account() -> None:
    account = MotoAccount(story().resources)
    found = account.call("sqs", "ListQueues", {})
    account.close()
    assert [url.rpartition("/")[2] for url in found["QueueUrls"]] == ["orders-queue"]


def test_a_name_that_leads_nowhere_is_a_problem() -> None:
    assert [*reference_problems(story())] == []
    ((loc, sentence),) = reference_problems(
        story(STORY.replace("queue: orders-queue\n", "queue: orders-q\n"))
    )
    assert loc == ("effects", 0, "queue")
    assert sentence == "there is no queue 'orders-q'; did you mean 'orders-queue'?"


def test_the_scenarios_of_everybody_else_do_not_know_it() -> None:
    with pytest.raises(ValidationError, match="queues"):
        Scenario.model_validate(yaml.safe_load(STORY))
