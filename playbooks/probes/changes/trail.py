"""CloudTrail: the events of an account and region that are no reads.

LookupEvents takes one attribute, gives 50 events a page, the latest first, and is answered twice a
second (CloudTrail API reference). So it is asked for everything that is no read, once for the
account, and not once for each resource: a quiet account tells all in one or two pages, the network,
secrets, permissions and databases included. A busy one has more events than the pages hold; then
the kinds of event that release something are asked for by name, and it is said since when the rest
was read. Events come about five minutes late, without promise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from bot.domain.errors import ReadFailed
from bot.domain.playbook_contract import Scope
from bot.domain.ports import Aws
from bot.domain.report import GapReason
from bot.domain.resources import Resources
from playbooks.probes.changes.collected import Found, Source, Unread, looked_at
from playbooks.probes.changes.names import own_names

PERMISSION = "cloudtrail:LookupEvents"
MOST_PAGES = 3  # of all events
MOST_NAMES = 3  # kinds of event asked for by name where those pages did not hold all
GLOBAL_PAGES = 1  # of us-east-1, for another region's service
_GLOBAL_REGIONS = {"us-gov-": "us-gov-west-1", "cn-": "cn-north-1", "eusc-": "eusc-de-east-1"}
GLOBAL_REGION = "us-east-1"  # of the commercial partition
_AFTER = timedelta(minutes=5)  # after it began: still before somebody could answer to it
_LONG = timedelta(minutes=20)  # since then: too much to be read before what came first

Event = Mapping[str, Any]


class CloudTrail(Source):
    """The events of the service's region."""

    title: ClassVar[str] = "CloudTrail"
    permissions: ClassVar[tuple[str, ...]] = (PERMISSION,)

    def read(self, aws: Aws, scope: Scope) -> Found | None:
        resources = scope.service.resources
        if not own_names(resources):
            return None
        start, end = looked_at(scope)
        split = scope.window.began + _AFTER
        spans = [(start, split), (split, end)] if end - split > _LONG else [(start, end)]
        events: list[Event] = []
        unread: list[Unread] = []
        left = MOST_PAGES
        for number, (first, last) in enumerate(spans):
            pages = left - (len(spans) - 1 - number)  # a page is kept for each span
            try:
                read = everything(aws, first, last, pages)
            except ReadFailed as failure:
                if not events:
                    raise
                unread.append(self.unread(failure))
                break
            events += read.events
            left -= read.pages
            if read.missing_before is None:
                continue
            until = read.missing_before
            if read.failure is not None:
                unread.append(self.unread(read.failure, until))
                continue
            events += released(aws, resources, first, until)
            unread.append(_rest(first, until))
        return Found(events=tuple(events), unread=tuple(unread))


def global_region(region: str) -> str:
    """The region in which IAM, Route 53 and CloudFront write their events, in the partition of a
    region."""
    found = (where for prefix, where in _GLOBAL_REGIONS.items() if region.startswith(prefix))
    return next(found, GLOBAL_REGION)


class GlobalTrail(Source):
    """The events of IAM, Route 53 and CloudFront, which are written in one region alone (Route 53
    developer guide, "Logging with AWS CloudTrail")."""

    title: ClassVar[str] = "CloudTrail of IAM, Route 53 and CloudFront"
    permissions: ClassVar[tuple[str, ...]] = (PERMISSION,)

    def read(self, aws: Aws, scope: Scope) -> Found | None:
        where = global_region(aws.region)
        if aws.region == where or not own_names(scope.service.resources):
            return None
        read = everything(aws, *looked_at(scope), GLOBAL_PAGES, region=where)
        if read.missing_before is None:
            return Found(events=read.events)
        detail = f"more events in {where} than {GLOBAL_PAGES} page holds"
        missing = Unread(self.title, GapReason.BUDGET, detail, before=read.missing_before)
        return Found(events=read.events, unread=(missing,))


@dataclass(frozen=True, slots=True)
class Pages:
    """Events of a span, the latest first. Those before `missing_before` were not read; by a
    `failure`, else because there were more pages."""

    events: tuple[Event, ...]
    pages: int
    missing_before: datetime | None = None
    failure: ReadFailed | None = None


def everything(
    aws: Aws, start: datetime, end: datetime, most: int, *, region: str | None = None
) -> Pages:
    """Up to `most` pages of all events that are no reads. Raises ReadFailed when the first page
    could not be read."""
    events: list[Event] = []
    token: dict[str, str] = {}
    for page in range(1, most + 1):
        try:
            answer = lookup(aws, start, end, ("ReadOnly", "false"), token, region=region)
        except ReadFailed as failure:
            if page == 1:
                raise
            return Pages(tuple(events), page, _oldest(events, end), failure)
        events += answer.get("Events", [])
        if not answer.get("NextToken"):
            return Pages(tuple(events), page)
        token = {"NextToken": answer["NextToken"]}
    return Pages(tuple(events), most, _oldest(events, end))


def _oldest(events: list[Event], end: datetime) -> datetime:
    return min((event["EventTime"].astimezone(UTC) for event in events), default=end)


def released(aws: Aws, resources: Resources, start: datetime, end: datetime) -> list[Event]:
    """Events that release something, of any resource: the first page of each name. A look-up that
    fails leaves what is missing as it is told."""
    events: list[Event] = []
    for name in release_events(resources)[:MOST_NAMES]:
        try:
            events += lookup(aws, start, end, ("EventName", name), {}).get("Events", [])
        except ReadFailed:
            break
    return events


def release_events(resources: Resources) -> tuple[str, ...]:
    """Names of the events that release code or configuration of the service's resources, or cut
    its network."""
    functions = ("UpdateAlias20150331", "UpdateFunctionCode20150331v2") * bool(resources.functions)
    services = ("UpdateService",) * bool(resources.ecs)
    configured = ("UpdateFunctionConfiguration20150331v2",) * bool(resources.functions)
    network = ("RevokeSecurityGroupIngress",) * bool(
        resources.security_groups or resources.load_balancers
    )
    balancers = ("ModifyTargetGroup", "ModifyListener") * bool(resources.load_balancers)
    return (*functions, *services, *network, *configured, *balancers)


def lookup(
    aws: Aws,
    start: datetime,
    end: datetime,
    attribute: tuple[str, str],
    token: Mapping[str, str],
    *,
    region: str | None = None,
) -> dict[str, Any]:
    """One page of LookupEvents. Raises ReadFailed."""
    key, value = attribute
    return aws.read(
        "cloudtrail",
        "lookup_events",
        region=region,
        LookupAttributes=[{"AttributeKey": key, "AttributeValue": value}],
        StartTime=start,
        EndTime=end,
        MaxResults=50,
        **token,
    )


def _rest(start: datetime, until: datetime) -> Unread:
    return Unread(
        f"CloudTrail before {until:%H:%M} UTC",
        GapReason.BUDGET,
        f"the account has more CloudTrail events than {MOST_PAGES} pages hold: between "
        f"{start:%H:%M} and {until:%H:%M} UTC only releases were looked up",
        before=until,
    )
