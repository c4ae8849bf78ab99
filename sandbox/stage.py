"""Sets a scenario up: its world, an AWS account and a Slack workspace on this machine.

The bot is not here. It is started with the environment `Stage.environment` gives, which is all
that tells this world from the real one.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml
from pydantic import BaseModel

from sandbox import workspace as slack
from sandbox.aws.account import Options
from sandbox.aws.server import AwsServer
from sandbox.slack.server import SlackServer
from sandbox.slack.site import WorldClock
from sandbox.slack.workspace import Workspace
from sandbox.world import Scenario, Simulation
from sandbox.world.alarms import metric_id
from sandbox.world.clock import Clock, RunningClock
from sandbox.world.kinds import Resources, catalogue
from sandbox.world.schema import Alarm

READ_ROLE = "incident-helper-read"
WRITE_ROLE = "incident-helper-write"
TIERS = {"critical": 1, "standard": 2, "internal": 3}
COMPARISONS = {
    ">": "GreaterThanThreshold",
    ">=": "GreaterThanOrEqualToThreshold",
    "<": "LessThanThreshold",
    "<=": "LessThanOrEqualToThreshold",
}
_LOOK_SECONDS = 0.5  # between looks for alarms that changed state


class Stage:
    """A scenario being played. Start it, give the bot `environment`, then `raise_curtain`.

    Args:
        scenario: what is played.
        folder: where the catalogue file is written.
        seed: which variant; 0 is the file as written.
        speed: world seconds in a second.
        clock: instead of a running one, for scoring.
        latency_ms: added to every AWS call, for benchmarks.
        bare: the catalogue names the service and nothing it is made of; tags tell.
    """

    def __init__(
        self,
        scenario: Scenario,
        folder: Path,
        *,
        seed: int = 0,
        speed: float = 1.0,
        clock: Clock | None = None,
        slack_port: int = 0,
        aws_port: int = 0,
        latency_ms: int = 0,
        bare: bool = False,
    ) -> None:
        self.scenario = scenario
        self._bare = bare
        self.simulation = Simulation(
            scenario, seed=seed, clock=clock or RunningClock(speed=speed), latency_ms=latency_ms
        )
        self.aws = AwsServer(
            self.simulation,
            tagged(self.simulation.resources, scenario.service.name),
            port=aws_port,
            read_only_roles=[READ_ROLE],
            options=Options(alarms=[definition(each, scenario) for each in scenario.alarms]),
        )
        self.workspace = Workspace(slack.seed(scenario))
        self.slack = SlackServer(self.workspace, port=slack_port, clock=self._clock(speed))
        self.catalogue = folder / "catalogue.yaml"
        self._closing = threading.Event()
        self._herald: threading.Thread | None = None

    def start(self) -> Stage:
        """Both servers up, the catalogue written. Raises OSError when a port is taken."""
        self.aws.start()
        self.slack.start()
        self.catalogue.parent.mkdir(parents=True, exist_ok=True)
        self.catalogue.write_text(self.catalogue_text(), encoding="utf-8")
        return self

    def raise_curtain(self) -> None:
        """Amazon Q posts the alarm that starts the incident, then every change of state."""
        self._herald = threading.Thread(target=self._announce, name="amazon-q", daemon=True)
        self._herald.start()

    def stop(self) -> None:
        self._closing.set()
        if self._herald is not None:
            self._herald.join(timeout=5)
        self.slack.stop()
        self.aws.stop()

    def __enter__(self) -> Stage:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def environment(self) -> dict[str, str]:
        """What points a bot, boto3 or the aws command at this stage."""
        return {
            "AWS_ENDPOINT_URL": self.aws.url,
            "AWS_ACCESS_KEY_ID": "incident-helper",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_REGION": self.scenario.resources.region,
            "AWS_DEFAULT_REGION": self.scenario.resources.region,
            "CATALOGUE": str(self.catalogue.absolute()),
            "SLACK_API_URL": self.slack.api_url,
            "SLACK_BOT_TOKEN": slack.BOT_TOKEN,
            "SLACK_APP_TOKEN": slack.APP_TOKEN,
            "SLACK_SIGNING_SECRET": slack.SIGNING_SECRET,
            "SLACK_TEAM_ID": self.workspace.team_id,
            "SLACK_APP_ID": slack.BOT_APP,
        }

    def catalogue_text(self) -> str:
        """The bot's catalogue for this account: the service, its people, the roles to assume."""
        account = self.scenario.resources.account
        role = f"arn:aws:iam::{account}:role"
        data = {
            "services": [self._service()],
            "policy": {"people": slack.ROLES},
            "accounts": {
                account: {
                    "read_role": f"{role}/{READ_ROLE}",
                    "write_role": f"{role}/{WRITE_ROLE}",
                }
            },
        }
        return f"# {self.scenario.title}\n" + yaml.safe_dump(data, sort_keys=False)

    def _clock(self, speed: float) -> WorldClock:
        """Posts are dated as the world is, so that they agree with what AWS says."""
        origin, began = time.time(), self.simulation.now().timestamp()
        return WorldClock(lambda at: began + (at - origin) * speed, speed)

    def _service(self) -> dict[str, Any]:
        has, service = self.scenario.resources, self.scenario.service
        return {
            "name": service.name,
            "tier": TIERS[service.tier],
            "channel": slack.TEAM_CHANNEL,
            "account": has.account,
            "region": has.region,
            "resources": {} if self._bare else catalogue(has),
        }

    def _announce(self) -> None:
        """Follow the alarms in world time. Of what was before the play began only the alarms that
        still burn are told: the rest is history nobody posts again."""
        told = 0
        began = self.simulation.now()
        while not self._closing.is_set():
            posts = self.simulation.transitions()
            burning = {post.alarm.name: post for post in posts if post.time <= began}
            for post in posts[told:]:
                old = post.time <= began and burning[post.alarm.name] is not post
                news = post.state == "ALARM" or (post.state == "OK" and post.previous == "ALARM")
                if news and not old:
                    slack.announce(self.workspace, post)
            told = len(posts)
            self._closing.wait(_LOOK_SECONDS)


def tagged(resources: Resources, service: str) -> Resources:
    """The resources, each with the tag that names its service."""

    def mark(part: Any) -> Any:
        if isinstance(part, tuple):
            return tuple(map(mark, part))
        if not isinstance(part, BaseModel):
            return part
        inner = {name: mark(getattr(part, name)) for name in type(part).model_fields}
        if "tags" in inner:
            inner["tags"] = {"service": service} | inner["tags"]
        return part.model_copy(update=inner)

    marked: Resources = mark(resources)
    return marked


def definition(alarm: Alarm, scenario: Scenario) -> dict[str, Any]:
    """The alarm as PutMetricAlarm takes it."""
    metric = metric_id(alarm.metric, scenario.resources)
    percentile = alarm.statistic.startswith("p")
    return {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "Namespace": metric.namespace,
        "MetricName": metric.name,
        "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions],
        "ExtendedStatistic" if percentile else "Statistic": alarm.statistic,
        "Period": int(alarm.period),
        "EvaluationPeriods": alarm.evaluation_periods,
        "DatapointsToAlarm": alarm.datapoints_to_alarm or alarm.evaluation_periods,
        "Threshold": alarm.threshold,
        "ComparisonOperator": COMPARISONS[alarm.comparison],
        "TreatMissingData": alarm.missing,
    }
