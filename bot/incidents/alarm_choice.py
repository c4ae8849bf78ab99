"""What a person is asked about an alarm whose incident type or service is not clear."""

from __future__ import annotations

from collections.abc import Sequence

from bot import render
from bot.domain.alarm import Alarm
from bot.domain.base import Frozen
from bot.domain.playbook_contract import Playbook
from bot.domain.service import Service
from bot.investigation.ownership import Ownership
from bot.investigation.routing import Route, RouteKind, Router

MOST_CHOICES = 10


class AlarmChoice(Frozen):
    """The value of a button: open this incident type for this service and alarm.

    Slack allows 2,000 characters in a value (docs.slack.dev, "Button element"); an alarm's name
    has 255 at most.
    """

    playbook: str
    service: str
    name: str
    region: str
    account: str | None = None
    ts: str  # of the alarm's post
    thread_ts: str | None = None  # when it was posted in a thread

    @property
    def alarm(self) -> Alarm:
        """The alarm as the button knows it."""
        return Alarm(name=self.name, region=self.region, account=self.account)


def question(
    alarm: Alarm,
    route: Route,
    ownership: Ownership,
    router: Router,
    *,
    ts: str,
    thread_ts: str | None = None,
    unread: str | None = None,
    looking: bool = False,
) -> render.Message:
    """Says why no incident type was opened for an alarm, with a button for each that can be.

    Args:
        alarm: the alarm.
        route: what its incident type is.
        ownership: whose it is.
        router: knows all incident types.
        ts: timestamp of the alarm's post.
        thread_ts: the thread of the post, when it is in one.
        unread: why the alarm could not be read from CloudWatch.
        looking: whether an incident is opened that looks around, until somebody chooses.
    """
    services = (ownership.service,) if ownership.service else ownership.candidates
    playbooks = _playbooks(route, router)
    choices = [
        (
            _title(playbook, service, alone=len(services) == 1),
            AlarmChoice(
                playbook=playbook.id,
                service=service.name,
                name=alarm.name,
                region=alarm.region,
                account=alarm.account,
                ts=ts,
                thread_ts=thread_ts,
            ).model_dump_json(exclude_none=True),
        )
        for playbook in playbooks
        for service in services
        if service is not None
    ]
    reasons = [_about_state(alarm), _about_type(route), _about_service(ownership)]
    return render.alarm_question(
        alarm, list(filter(None, reasons)), choices[:MOST_CHOICES], unread, looking
    )


def _playbooks(route: Route, router: Router) -> Sequence[Playbook]:
    """The types to choose from: those that fit, or all when none does."""
    if route.kind is RouteKind.TYPE:
        return [route.claims[0].playbook]
    return [claim.playbook for claim in route.claims] or router.types


def _title(playbook: Playbook, service: Service, *, alone: bool) -> str:
    title = playbook.title or playbook.id
    return title if alone else f"{title} of {service.name}"


def _about_state(alarm: Alarm) -> str:
    if alarm.state is not None:
        return ""
    return "The post does not say whether the alarm went off or recovered."


def _about_type(route: Route) -> str:
    if route.kind is RouteKind.TYPE:
        return ""
    if route.kind is RouteKind.TIE:
        return f"Its incident type is not clear: {route.reason}."
    return f"I don't know this type yet: {route.reason}."


def _about_service(ownership: Ownership) -> str:
    if ownership.service is not None:
        return f"It belongs to {ownership.service.name}: {ownership.reason}."
    if ownership.candidates:
        return f"Its service is not clear: {ownership.reason}."
    return (
        "No service in the catalogue owns the resource it watches. "
        "Add it to a service, or put the service's name into the alarm's name."
    )
