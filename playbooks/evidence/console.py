"""Links into the AWS console, in the right region and partition.

Logs Insights writes a query into its address in its own way: `~` between parts, `'` before text,
other characters as * and their hex code, and all of that percent-encoded with $ for %.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

from bot.domain.report import Link, Window


def host(region: str) -> str:
    """The console of a region: China and GovCloud have their own."""
    if region.startswith("cn-"):
        return f"https://{region}.console.amazonaws.cn"
    if region.startswith("us-gov-"):
        return f"https://{region}.console.amazonaws-us-gov.com"
    return f"https://{region}.console.aws.amazon.com"


def alarm(region: str, name: str) -> Link:
    fragment = f"#alarmsV2:alarm/{dollar(name)}"
    return Link(title="Alarm", url=f"{host(region)}/cloudwatch/home?region={region}{fragment}")


def metrics(region: str, title: str, query: str) -> Link:
    """CloudWatch's metrics page with a search typed in."""
    fragment = f"#metricsV2?query=~'{tilde_text(query)}"
    return Link(title=title, url=f"{host(region)}/cloudwatch/home?region={region}{fragment}")


def insights(region: str, title: str, window: Window, groups: Sequence[str], query: str) -> Link:
    """Logs Insights with groups, time and query filled in."""
    listed = "".join(f"~'{tilde_text(group)}" for group in groups)
    detail = (
        f"~(end~'{tilde_text(stamp(window.end))}~start~'{tilde_text(stamp(window.start))}"
        f"~timeType~'ABSOLUTE~tz~'UTC~editorString~'{tilde_text(query)}~source~({listed}))"
    )
    fragment = f"#logsV2:logs-insights$3FqueryDetail$3D{dollar(detail)}"
    return Link(title=title, url=f"{host(region)}/cloudwatch/home?region={region}{fragment}")


def function(region: str, name: str, alias: str | None) -> Link:
    path = f"#/functions/{quote(name)}" + (f"/aliases/{quote(alias)}" if alias else "")
    return Link(
        title=f"Lambda {name}",
        url=f"{host(region)}/lambda/home?region={region}{path}?tab=monitoring",
    )


def load_balancer(region: str, name: str) -> Link:
    return Link(
        title=f"Load balancer {name}",
        url=f"{host(region)}/ec2/home?region={region}#LoadBalancers:search={quote(name, safe='')}",
    )


def codedeploy(region: str, application: str, group: str) -> Link:
    path = f"applications/{quote(application, safe='')}/deployment-groups/{quote(group, safe='')}"
    return Link(
        title=f"CodeDeploy {application}",
        url=f"{host(region)}/codesuite/codedeploy/{path}?region={region}",
    )


def ecs(region: str, cluster: str, service: str) -> Link:
    path = f"v2/clusters/{quote(cluster, safe='')}/services/{quote(service, safe='')}"
    return Link(title=f"ECS {service}", url=f"{host(region)}/ecs/{path}?region={region}")


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def tilde_text(text: str) -> str:
    """Text inside a query's detail: percent-encoded with * for %."""
    return quote(text, safe="").replace("~", "%7E").replace("%", "*")


def dollar(text: str) -> str:
    """Percent-encoded with $ for %, as in the fragment of CloudWatch's addresses."""
    return quote(text, safe="").replace("%", "$")
