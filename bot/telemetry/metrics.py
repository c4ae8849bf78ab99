"""The program's Prometheus metrics, served at /metrics."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest

from bot.domain.report import Report
from bot.domain.run import Run

INVESTIGATIONS = Counter(
    "incident_investigations_total", "Investigations ended", ["playbook", "verdict"]
)
SECONDS = Histogram(
    "incident_investigation_seconds",
    "From the start of an investigation to its complete report",
    ["playbook"],
    buckets=(1, 2, 3, 5, 8, 13, 21, 34),
)
GAPS = Counter("incident_gaps_total", "Reads that gave no answer", ["playbook", "reason"])
CALLS = Counter("incident_aws_calls_total", "AWS reads made by investigations", ["playbook"])
SPENT = Counter("incident_aws_usd_total", "Dollars spent on AWS reads", ["playbook"])
CHANGES = Counter("incident_changes_total", "States guarded changes reached", ["action", "state"])
FAILED = Counter("incident_tasks_failed_total", "Attempts at a task that raised", ["kind"])
GIVEN_UP = Counter("incident_tasks_given_up_total", "Tasks whose every attempt failed", ["kind"])
ACCEPTED = Counter("incident_events_accepted_total", "Slack events written down", ["kind"])
FROZEN = Gauge("incident_changes_frozen", "1 while no change is approved or applied: see /readyz")
SLACK_REFUSED = Counter(
    "incident_slack_refused_total", "Calls that Slack refused", ["method", "error"]
)
SLACK_FALLBACKS = Counter(
    "incident_slack_fallbacks_total", "Messages sent without blocks that Slack refused", ["block"]
)
SLACK_PAUSES = Counter(
    "incident_slack_pauses_total", "Times that Slack's rate limit stopped a method", ["method"]
)
SLACK_PAUSED = Counter(
    "incident_slack_paused_seconds_total", "Seconds of these pauses, by Retry-After", ["method"]
)
SLACK_GIVEN_UP = Counter(
    "incident_slack_given_up_total", "Messages that Slack will never take", ["kind", "error"]
)
OUTBOX_WAITING = Gauge(
    "incident_outbox_oldest_seconds",
    "How long the oldest unsent message has waited; 0: none waits",
    ["kind"],
)
SOCKETS = Gauge("incident_socket_connections", "Socket Mode connections that are live")
HTTP_CONNECTIONS = Gauge("incident_http_connections", "HTTP connections that are held")
HTTP_CLOSED = Counter(
    "incident_http_closed_total",
    "HTTP connections closed for a limit or a malformed request",
    ["why"],
)

SLACK_TOKEN_REFUSED = Gauge(
    "incident_slack_token_refused",
    "1 while Slack refuses the bot token: no change is approved or sent",
)
POLICY_UNREADABLE = Gauge(
    "incident_policy_unreadable",
    "1 while the catalogue file cannot be read: every change is refused",
)
BREAK_GLASS = Counter(
    "incident_break_glass_total", "Changes approved by whoever asked for them", ["action"]
)
FOREIGN_ALARMS = Counter(
    "incident_foreign_alarms_total", "Alarm posts of other organisations, not followed"
)


def count_investigation(report: Report) -> None:
    """Count an investigation that ended with this report."""
    name = report.playbook
    INVESTIGATIONS.labels(name, report.verdict.value).inc()
    SECONDS.labels(name).observe(report.cost.seconds)
    CALLS.labels(name).inc(report.cost.calls)
    SPENT.labels(name).inc(report.cost.usd)
    for gap in report.gaps:
        GAPS.labels(name, gap.reason.value).inc()


def count_change(run: Run) -> None:
    """Count a guarded change that is in this state after a step."""
    CHANGES.labels(run.action, run.state.value).inc()


def exposition() -> tuple[bytes, str]:
    """The metrics page as bytes, and its content type."""
    return generate_latest(), CONTENT_TYPE_LATEST
