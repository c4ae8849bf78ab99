"""Next steps at what the code calls: databases, tables, certificates, AWS WAF."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.playbook_contract import Scope
from bot.domain.report import Advice
from playbooks.evidence.commands import TABLE, aws


def database_events(scope: Scope) -> Iterator[Advice]:
    """Restarts, failovers and maintenance in the last 3 hours."""
    for database in scope.service.resources.databases[:1]:
        command = aws(
            scope.service.region,
            *("rds", "describe-events", "--source-type", "db-instance"),
            *("--source-identifier", database, "--duration", "180"),
            *("--query", "Events[].[Date,Message]"),
            *TABLE,
        )
        yield Advice(text=f"Read the events of database {database}", command=command)


def database_state(scope: Scope) -> Iterator[Advice]:
    """Status, pending changes and parameter group."""
    for database in scope.service.resources.databases[:1]:
        query = "DBInstances[0].[DBInstanceStatus,MultiAZ,PendingModifiedValues,DBParameterGroups]"
        words = ("rds", "describe-db-instances", "--db-instance-identifier", database)
        command = aws(scope.service.region, *words, "--query", query)
        yield Advice(text=f"See the state of database {database}", command=command)


def table_capacity(scope: Scope) -> Iterator[Advice]:
    """Billing mode and provisioned capacity of the tables."""
    for table in scope.service.resources.tables[:2]:
        query = "Table.[TableStatus,BillingModeSummary,ProvisionedThroughput]"
        words = ("dynamodb", "describe-table", "--table-name", table, "--query", query)
        command = aws(scope.service.region, *words)
        yield Advice(text=f"See the capacity of table {table}", command=command)


def usage_throttles(scope: Scope) -> Advice:
    """Services that throttled calls of the account lately."""
    words = ("cloudwatch", "list-metrics", "--namespace", "AWS/Usage")
    command = aws(
        scope.service.region,
        *(*words, "--metric-name", "ThrottleCount", "--recently-active", "PT3H"),
    )
    return Advice(text="See which services throttled calls of this account", command=command)


def certificates(scope: Scope) -> Advice:
    """When the account's certificates run out."""
    query = "CertificateSummaryList[].[DomainName,NotAfter,InUse]"
    command = aws(scope.service.region, "acm", "list-certificates", "--query", query, *TABLE)
    return Advice(text="See when the account's certificates run out", command=command)


def web_acls(scope: Scope) -> Advice:
    """The web ACLs of the region."""
    command = aws(scope.service.region, "wafv2", "list-web-acls", "--scope", "REGIONAL")
    return Advice(text="Find the web ACL in front of it, and its sampled requests", command=command)
