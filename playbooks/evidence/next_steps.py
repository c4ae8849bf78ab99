"""Next steps for a person, with commands, queries and links that work where the bot may not read.

Each function gives the step, or several, for what the service has; nothing where it has none of it.
Environment variables and values of parameters are never printed: they may be secrets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from bot.domain.playbook_contract import Scope
from bot.domain.report import Advice, Change, Gap
from bot.domain.resources import ApiRef, FunctionRef
from playbooks.evidence import console, target_steps
from playbooks.evidence.commands import (
    TABLE,
    TEXT,
    aws,
    events,
    global_region,
    with_output,
)
from playbooks.probes.access_log import AccessLog
from playbooks.probes.front_door import balancer_of, front_door

MESSAGES = (
    r"filter @message like /(?i)(error|exception|panic|fatal|timed out|signal: killed)/"
    " | fields @timestamp, @logStream, @message | sort @timestamp desc | limit 50"
)
MEMORY = (
    'filter @type = "REPORT" | stats max(@maxMemoryUsed / 1000 / 1000) as used_mb, '
    "max(@memorySize / 1000 / 1000) as has_mb, count(*) as n by bin(1m)"
)
_REVISION = re.compile(r"\b(?P<family>[A-Za-z0-9_-]{1,255}):(?P<revision>\d+)\b")
_VERSION = re.compile(r"\bversion (?P<version>\d+)\b")

# --- logs -----------------------------------------------------------------------------------------


def runbook(scope: Scope) -> Iterator[Advice]:
    """The service's runbook."""
    if scope.service.runbook:
        yield Advice(text=f"Runbook of {scope.service.name}", url=scope.service.runbook)


def tail(scope: Scope, group: str, what: str) -> Advice:
    """Lines of one log group that name errors."""
    command = aws(
        scope.service.region,
        *("logs", "tail", group, "--since", "1h", "--format", "short"),
        *("--filter-pattern", "?ERROR ?Error ?Exception ?timed"),
    )
    return Advice(text=f"Read {what}", command=command)


def exception_messages(scope: Scope) -> Iterator[Advice]:
    """The messages of exceptions, of functions and containers."""
    resources, region = scope.service.resources, scope.service.region
    groups = tuple(dict.fromkeys((*(f.logs for f in resources.functions), *resources.log_groups)))
    if groups:
        link = console.insights(region, "Messages", scope.window, groups[:50], MESSAGES)
        yield Advice(
            text=f"Read the exceptions' messages in {', '.join(groups[:2])}",
            command=MESSAGES,
            url=link.url,
        )
    elif resources.ecs:
        yield from container_logs(scope)


def container_logs(scope: Scope) -> Iterator[Advice]:
    """Where the containers log to."""
    for ecs in scope.service.resources.ecs[:1]:
        command = aws(
            scope.service.region,
            *("ecs", "describe-task-definition"),
            *("--query", "taskDefinition.containerDefinitions[].[name,logConfiguration.options]"),
        )
        yield Advice(
            text=f"Find the container logs of {ecs.service}; then `aws logs tail` the group",
            command=with_output(
                command, "--task-definition", target_steps.task_definition(scope, ecs)
            ),
        )


def memory_used(scope: Scope) -> Iterator[Advice]:
    """Memory used and available, by the function's REPORT lines."""
    for function in scope.service.resources.functions[:1]:
        groups = (function.logs,)
        link = console.insights(scope.service.region, "Memory", scope.window, groups, MEMORY)
        yield Advice(
            text=f"Compare the memory {function.name} used with what it has",
            command=MEMORY,
            url=link.url,
        )


def failing_routes(scope: Scope, access: AccessLog | Gap | None) -> Iterator[Advice]:
    """Which routes fail: lines of the API's access log, or where that is."""
    front, region = front_door(scope), scope.service.region
    if isinstance(access, AccessLog):
        commands = access.query.split(" | ")
        kept = [each for each in commands if each.startswith(("parse ", "filter "))]
        query = " | ".join((*kept, "display @timestamp, @message", "limit 100"))
        link = console.insights(region, "Failing requests", scope.window, (access.group,), query)
        text = f"See which routes fail, in the access log {access.group}"
        yield Advice(text=text, command=query, url=link.url)
    elif isinstance(front, ApiRef):
        text = f"Find the access log of {front.name}, and which routes fail in it"
        yield Advice(text=text, command=_stage(region, front))
    elif balancer_of(scope) is not None:
        yield target_steps.balancer_log(scope)


# --- who changed what -----------------------------------------------------------------------------


def trail(scope: Scope, what: str) -> Advice:
    """Writes in CloudTrail around the alarm."""
    command = events(scope, scope.service.region, "ReadOnly", "false")
    return Advice(text=f"See {what} (CloudTrail is about 5 min late)", command=command)


def network_trail(scope: Scope) -> Advice:
    """Writes to security groups, network ACLs and routes around the alarm."""
    keep = "[?EventSource=='ec2.amazonaws.com']"
    command = events(scope, scope.service.region, "ReadOnly", "false", keep)
    return Advice(text="See who changed security groups, network ACLs and routes", command=command)


def global_trail(scope: Scope, what: str, source: str) -> Advice:
    """Writes of a global service around the alarm, where CloudTrail keeps them."""
    region = global_region(scope.service.region)
    command = events(scope, region, "EventSource", source, "[?ReadOnly=='false']")
    return Advice(text=f"See {what}", command=command)


def code_difference(scope: Scope, changes: Iterable[Change]) -> Iterator[Advice]:
    """What the latest release changed: image, code or settings before and after."""
    region, latest = scope.service.region, _latest_release(changes)
    for _ in scope.service.resources.ecs[:1]:
        named = _REVISION.search(latest.summary) if latest else None
        if named and int(named["revision"]) > 1:
            family, revision = named["family"], int(named["revision"])
            old, new = (
                aws(
                    region,
                    *("ecs", "describe-task-definition", "--task-definition", f"{family}:{each}"),
                    *("--query", "taskDefinition.containerDefinitions[].[name,image,command]"),
                )
                for each in (revision - 1, revision)
            )
            text = f"Compare the images of {family}:{revision - 1} and {family}:{revision}"
            yield Advice(text=text, command=f"diff <({old}) <({new})")
        else:
            yield from target_steps.service_events(scope)
    for function in scope.service.resources.functions[:1]:
        named = _VERSION.search(latest.summary) if latest else None
        if named:
            command = aws(
                region,
                *("lambda", "get-function", "--function-name", function.name),
                *("--qualifier", named["version"]),
                *("--query", _CODE),
            )
            text = f"See what version {named['version']} of {function.name} is made from"
            yield Advice(text=text, command=command)
        yield versions(scope, function)


_CODE = (
    "[Configuration.[CodeSha256,LastModified,Description],Code.[ImageUri,ResolvedImageUri],Tags]"
)


def versions(scope: Scope, function: FunctionRef) -> Advice:
    """The latest versions of a function and their code's digests."""
    command = aws(
        scope.service.region,
        *("lambda", "list-versions-by-function", "--function-name", function.name),
        *("--query", "Versions[-3:].[Version,LastModified,CodeSha256,Description]"),
        *TABLE,
    )
    return Advice(text=f"Compare the latest versions of {function.name}", command=command)


def _latest_release(changes: Iterable[Change]) -> Change | None:
    releases = [each for each in changes if each.kind in ("deployment", "alias")]
    return max(releases, key=lambda each: each.at, default=None)


def setting_versions(scope: Scope, changes: Iterable[Change]) -> Iterator[Advice]:
    """The versions of the secret or parameter that was changed last, without their values."""
    region = scope.service.region
    found = [each for each in changes if each.resource and each.kind in ("secret", "parameter")]
    for change in sorted(found, key=lambda each: each.at)[-1:]:
        words = (
            ("secretsmanager", "list-secret-version-ids", "--secret-id", change.resource)
            if change.kind == "secret"
            else (
                *("ssm", "get-parameter-history", "--name", change.resource, "--query"),
                "Parameters[-5:].[Version,LastModifiedDate,LastModifiedUser]",
            )
        )
        text = f"See the versions of {change.kind} {change.resource}"
        yield Advice(text=text, command=aws(region, *words))
    if any(each.kind == "flag" for each in changes):
        command = aws(region, "appconfig", "list-applications")
        yield Advice(text="Find the application whose flag was changed", command=command)


# --- API, functions -------------------------------------------------------------------------------


def _stage(region: str, api: ApiRef) -> str:
    """Prints a stage's settings of the access log, or the APIs' ids where the id is not known."""
    rest = api.kind == "rest"
    service = "apigateway" if rest else "apigatewayv2"
    if api.id is None:
        listing = (
            ("get-rest-apis", "items[].[name,id]") if rest else ("get-apis", "Items[].[Name,ApiId]")
        )
        return aws(region, service, listing[0], "--query", listing[1], *TABLE)
    option = "--rest-api-id" if rest else "--api-id"
    settings = "accessLogSettings" if rest else "AccessLogSettings"
    words = ("get-stage", option, api.id, "--stage-name", api.stage, "--query", settings)
    return aws(region, service, *words)


def authorizers_of_api(scope: Scope) -> Iterator[Advice]:
    """The authorizers that the API has configured."""
    api = front_door(scope)
    if not isinstance(api, ApiRef):
        return
    if api.id is None:
        command = _stage(scope.service.region, api)
        yield Advice(text=f"Find the id of {api.name}, to see its authorizers", command=command)
        return
    words = (
        ("apigateway", "get-authorizers", "--rest-api-id", api.id)
        if api.kind == "rest"
        else ("apigatewayv2", "get-authorizers", "--api-id", api.id)
    )
    command = aws(scope.service.region, *words)
    yield Advice(text=f"See which authorizers {api.name} calls", command=command)


def who_may_invoke(scope: Scope, function: str) -> Advice:
    """A function's resource policy."""
    command = aws(
        scope.service.region,
        *("lambda", "get-policy", "--function-name", function, "--query", "Policy"),
        *TEXT,
    )
    return Advice(
        text=f"See who may invoke {function}: API Gateway has to be among them", command=command
    )


def function_settings(scope: Scope, what: str) -> Iterator[Advice]:
    """Version, memory and timeout of the function that serves."""
    query = "[Version,LastModified,MemorySize,Timeout,State,LastUpdateStatus]"
    yield from _configuration(scope, f"See {what}", query)


def function_network(scope: Scope) -> Iterator[Advice]:
    """Subnets and security groups of the function."""
    yield from _configuration(scope, "See the function's subnets and security groups", "VpcConfig")


def role_policies(scope: Scope) -> Iterator[Advice]:
    """The policies of the function's role; the role of the tasks."""
    region = scope.service.region
    for function in scope.service.resources.functions[:1]:
        words = ("lambda", "get-function-configuration", "--function-name", function.name)
        role = f"{aws(region, *words, '--query', 'Role', *TEXT)} | sed 's|.*/||'"
        own, attached = (
            with_output(aws(region, "iam", operation), "--role-name", role)
            for operation in ("list-role-policies", "list-attached-role-policies")
        )
        text = "See the policies of the role; then `aws iam get-role-policy` for each"
        yield Advice(text=text, command=f"{own}; {attached}")
    for ecs in scope.service.resources.ecs[:1]:
        query = ("--query", "taskDefinition.taskRoleArn", *TEXT)
        command = aws(region, "ecs", "describe-task-definition", *query)
        yield Advice(
            text=f"Find the role of {ecs.service}'s tasks; then `aws iam list-role-policies` of it",
            command=with_output(
                command, "--task-definition", target_steps.task_definition(scope, ecs)
            ),
        )


def concurrency_settings(scope: Scope) -> Iterator[Advice]:
    """Reserved and provisioned concurrency."""
    for function in scope.service.resources.functions[:1]:
        named = ("--function-name", function.name)
        reserved, provisioned = (
            aws(scope.service.region, "lambda", operation, *named)
            for operation in ("get-function-concurrency", "list-provisioned-concurrency-configs")
        )
        text = f"See the reserved and provisioned concurrency of {function.name}"
        yield Advice(text=text, command=f"{reserved}; {provisioned}")


def _configuration(scope: Scope, text: str, query: str) -> Iterator[Advice]:
    for function in scope.service.resources.functions[:1]:
        alias = ("--qualifier", function.alias) if function.alias else ()
        words = ("lambda", "get-function-configuration", "--function-name", function.name, *alias)
        command = aws(scope.service.region, *words, "--query", query)
        yield Advice(text=f"{text} ({function.name})", command=command)
