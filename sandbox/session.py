"""A sandbox session: a scenario played in an AWS account and a Slack workspace on this machine.

The bot is a process of its own. It is started with `Session.environment`, which points it at the
two servers and is the only difference from production.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from sandbox import people_and_channels as slack
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
_POLL_SECONDS = 0.5  # between two looks for alarms that changed state


class Session:
    """A scenario being played: start it, start the bot with `environment`, then `start_alarms`.

    Args:
        scenario: the scenario to play.
        folder: where the catalogue file is written.
        seed: which variant; 0 is the file as written.
        speed: world seconds in a second.
        clock: instead of a clock that runs at `speed`; scoring stops time.
        slack_port: port of the Slack server; 0 takes a free one.
        aws_port: port of the AWS server; 0 takes a free one.
        latency_ms: added to every AWS call, for benchmarks.
        bare: leave the resources out of the catalogue; the bot finds them by their tags.
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
        self._announcer: threading.Thread | None = None

    def start(self) -> Session:
        """Start both servers and write the catalogue. Raises OSError when a port is taken."""
        self.aws.start()
        self.slack.start()
        self.catalogue.parent.mkdir(parents=True, exist_ok=True)
        self.catalogue.write_text(self.catalogue_text(), encoding="utf-8")
        return self

    def start_alarms(self) -> None:
        """Have Amazon Q post the alarm that starts the incident, then every change of state."""
        self._announcer = threading.Thread(target=self._announce, name="amazon-q", daemon=True)
        self._announcer.start()

    def stop(self) -> None:
        """Stop posting alarms, then both servers."""
        self._closing.set()
        if self._announcer is not None:
            self._announcer.join(timeout=5)
        self.slack.stop()
        self.aws.stop()

    def __enter__(self) -> Session:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that point the bot, boto3 or the aws command here."""
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
        """The bot's catalogue: the service, what people may do, and the roles to assume."""
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
        """A clock that dates Slack posts in world time, as AWS dates what it reports."""
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
        """Post each change of an alarm's state as world time reaches it.

        Of the time before the session began, only alarms that are still in ALARM are posted.
        """
        seen = 0
        began = self.simulation.now()
        while not self._closing.is_set():
            posts = self.simulation.transitions()
            latest = {post.alarm.name: post for post in posts if post.time <= began}
            for post in posts[seen:]:
                old = post.time <= began and latest[post.alarm.name] is not post
                news = post.state == "ALARM" or (post.state == "OK" and post.previous == "ALARM")
                if news and not old:
                    slack.announce(self.workspace, post)
            seen = len(posts)
            self._closing.wait(_POLL_SECONDS)


def tagged(resources: Resources, service: str) -> Resources:
    """The resources, each tagged with the name of its service."""

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
    """The parameters of PutMetricAlarm for this alarm."""
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
