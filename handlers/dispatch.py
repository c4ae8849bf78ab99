"""Calls the use case that a saved envelope asks for."""

from __future__ import annotations

import logging
import shlex
from dataclasses import dataclass

from bot import render
from bot.changes.home_tab import HomeTab
from bot.changes.service import ChangeService
from bot.config.catalogue import Catalogue
from bot.domain.alarm import Alarm
from bot.domain.service import Service
from bot.domain.slack_ports import Announcer
from bot.incidents.card_publisher import fault_text
from bot.incidents.posted_alarms import PostedAlarms
from bot.incidents.requests import Asked, Place
from bot.incidents.service import IncidentService
from bot.investigation.routing import Router
from bot.render import Click
from handlers.envelopes import (
    ActionReached,
    AlarmAsked,
    AlarmOfOthers,
    AlarmSeen,
    AloneSubmitted,
    BotInvited,
    ButtonClicked,
    ChangeRejected,
    Command,
    CommandGiven,
    Envelope,
    Help,
    HomeOpened,
    MentionGiven,
    Misunderstood,
    Playbooks,
    Status,
    Timeline,
    Triage,
    TriageAsked,
    ViewSubmitted,
    envelope_from,
)
from handlers.slack.commands import Vocabulary

log = logging.getLogger(__name__)

SAID_ONCE = 90 * 86_400  # seconds
NOT_FOLLOWED = (
    "That alarm was posted by the alarm app of another organisation, so I do not follow it. "
    "I follow the alarms of my own organisation only; this is said once."
)
REMEMBERED = 86_400  # seconds; Slack's last retry comes after a few minutes


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Body of the durable task "intake".

    It runs again when the first run did not finish. Once a run has finished, another delivery of
    the same envelope has no effect for `REMEMBERED` seconds.
    """

    incidents: IncidentService
    alarms: PostedAlarms
    changes: ChangeService
    announcer: Announcer
    catalogue: Catalogue
    router: Router
    vocabulary: Vocabulary
    home: HomeTab

    async def __call__(self, text: str) -> None:
        """Handle an envelope, given as JSON. Raises ValueError for text that is no envelope."""
        envelope = envelope_from(text)
        handled = f"handled:{envelope.key}"
        if not await self.incidents.context.store.was_seen(handled):
            await self._handle(envelope)
            await self.incidents.context.store.first_time(handled, REMEMBERED)

    async def _handle(self, envelope: Envelope) -> None:
        match envelope:
            case AlarmSeen() as seen:
                await self.alarms.alarm_seen(
                    seen.alarm,
                    seen.channel,
                    seen.ts,
                    seen.thread_ts,
                    known_sender=seen.known_sender,
                    forwarded=seen.forwarded_by is not None,
                )
            case AlarmOfOthers() as posted:
                await self._alarm_of_others(posted)
            case AloneSubmitted() as alone:
                where = await self.incidents.place_of(alone.run, alone.user)
                if where is not None:
                    await self.changes.break_glass(alone.run, where, alone.reason)
            case CommandGiven() as given:
                place = Place(given.channel, given.user, response_url=given.response_url)
                await self._command(given.command, place, given.key)
            case MentionGiven() as mention:
                await self._command(mention.command, _mentioned(mention), mention.key)
            case ButtonClicked() as click:
                await self._click(click)
            case ViewSubmitted() as view:
                await self._submitted(view)
            case ChangeRejected() as rejected:
                place_of_run = await self.incidents.place_of(rejected.run, rejected.user)
                if place_of_run is not None:
                    await self.changes.reject(rejected.run, place_of_run, rejected.reason)
            case AlarmAsked() as asked:
                await self._alarm_asked(asked)
            case TriageAsked() as form:
                place = Place(form.channel, form.user, form.thread_ts)
                await self._triage(form.command, place, form.key)
            case HomeOpened() as opened:
                await self.home.publish(opened.user)
            case BotInvited() as invited:
                await self._greet(invited)
            case ActionReached() as reached if reached.insisted:
                await self.changes.insist(
                    reached.offer, reached.user, reached.external, reached.key
                )
            case ActionReached() as reached:
                await self.changes.reach(reached.offer, reached.external)

    async def report_failure(self, text: str, fault: Exception) -> None:
        """Every attempt failed: tell the person who waits for an answer. Raises ValueError."""
        failed = render.notice(f"Your request failed. {fault_text(fault)} Please try again.")
        match envelope_from(text):
            case AlarmSeen() as seen:
                advice = "To try again: /incident triage 5xx. My log has the details."
                message = render.notice(
                    f"I could not investigate this alarm. {fault_text(fault)} {advice}"
                )
                key = f"failed:{seen.ts}"
                await self.announcer.post(seen.channel, key, message, thread_ts=seen.ts)
            case CommandGiven() as given:
                await self.incidents.context.tell(
                    Place(given.channel, given.user, response_url=given.response_url), failed
                )
            case MentionGiven() as mention:
                await self.incidents.context.answer(_mentioned(mention), failed)
            case ButtonClicked() as click:
                await self.incidents.context.tell(_place_of(click), failed)
            case AlarmOfOthers() as posted:
                log.error("not told in %s: an alarm of another organisation", posted.channel)
            case ViewSubmitted() | ChangeRejected() | AloneSubmitted() as view:
                place_of_run = await self.incidents.place_of(view.run, view.user)
                if place_of_run is not None:
                    await self.incidents.context.tell(place_of_run, failed)
            case AlarmAsked() as asked:
                await self.incidents.context.tell(_asked_at(asked), failed)
            case TriageAsked() as form:
                await self.incidents.context.tell(
                    Place(form.channel, form.user, form.thread_ts), failed
                )
            case HomeOpened() | BotInvited():
                pass  # opened again, the tab is made again; a greeting is a courtesy
            case ActionReached() as reached:
                incident_id = reached.offer.partition(":")[0]
                incident = await self.incidents.context.store.incident(incident_id)
                if incident is not None:
                    place = Place(incident.channel, reached.user, incident.thread_ts)
                    await self.incidents.context.tell(place, failed)

    async def _command(self, command: Command, place: Place, seed: str) -> None:
        match command:
            case Triage():
                await self._triage(command, place, seed)
            case Timeline():
                await self.incidents.timeline(place)
            case Status():
                await self.incidents.status(place)
            case Help():
                await self.incidents.context.answer(place, render.help_message())
            case Playbooks():
                entries = self.vocabulary.playbooks
                await self.incidents.context.answer(place, render.playbooks_message(entries))
            case Misunderstood():
                await self._not_understood(place, command.what, command.suggestion)

    async def _not_understood(self, place: Place, what: str, suggestion: str | None) -> None:
        """Say what would be understood, as it is typed where the person is."""
        message = render.unknown_message(what, suggestion, mentioned=place.mention is not None)
        await self.incidents.context.answer(place, message)

    async def _triage(self, command: Triage, place: Place, seed: str) -> None:
        playbook = (
            self.router.named(command.playbook) if command.playbook else self.router.for_any_alarm
        )
        services = await self._services(command, place)
        if playbook is None or len(services) != 1:
            await self._not_understood(place, *self._which_service(command, services))
            return
        service = services[0]
        if command.region and command.region != service.region:
            what = f"That alarm is in {command.region}, but {service.name} is in {service.region}."
            await self.incidents.context.answer(place, render.notice(what))
            return
        since = command.since.resolve if command.since else None
        alarm = Alarm(name=command.alarm, region=service.region) if command.alarm else None
        await self.incidents.triage(playbook, service, place, seed, alarm=alarm, since=since)

    async def _services(self, command: Triage, place: Place) -> tuple[Service, ...]:
        """The services a command may mean: the one it names, that of the thread's incident, those
        of the channel; of several, the one that the named alarm is about."""
        if command.service:
            named = self.catalogue.service(command.service)
            return (named,) if named else ()
        of_channel = self.catalogue.services_in(place.channel)
        incident = await self.incidents.find(place) if place.thread_ts else None
        if incident is not None and len(of_channel) > 1 and incident.thread_ts != place.thread_ts:
            incident = None  # the latest of the channel, which may be another service's
        of_thread = self.catalogue.service(incident.service) if incident else None
        if of_thread:
            return (of_thread,)
        if command.alarm and len(of_channel) > 1:
            owner = await self.incidents.owner_among(command.alarm, of_channel)
            return (owner,) if owner else of_channel
        return of_channel

    def _which_service(self, command: Triage, services: tuple[Service, ...]) -> tuple[str, str]:
        """Asks for the service, and a command that can be sent as it is."""
        known = services or self.catalogue.services
        names = ", ".join(each.name for each in known)
        if services:
            what = f"This is the channel of {names}. Which one?"
        elif command.service:
            what = f"The catalogue has no service “{command.service}”; it has: {names}."
        else:
            what = f"This channel belongs to no service; name one of: {names}."
        typed = f"triage {command.playbook}" if command.playbook else "health"
        options = f" --alarm {shlex.quote(command.alarm)}" if command.alarm else ""
        return what, f"/incident {typed} {known[0].name}{options}"

    async def _click(self, click: ButtonClicked) -> None:
        place = _place_of(click)
        match click.click:
            case Click.PREPARE:
                await self.changes.prepare(click.value, place, click.view or "", click.key)
            case Click.APPROVE:
                await self.changes.approve(click.value, place)
            case Click.ALONE:
                await self.changes.alone(click.value, place, click.view or "")
            case Click.REJECT:  # saved by an earlier version, whose button rejected at once
                await self.changes.reject(click.value, place)
            case Click.UNDO:
                await self.changes.undo(click.value, place, click.key)
            case Click.APPROVE_UNDO:
                await self.changes.approve_undo(click.value, place)
            case Click.KEEP:
                await self.changes.keep(click.value, place)
            case Click.RERUN:
                await self.incidents.rerun(click.value, click.user, click.key)
            case Click.LATER:
                await self.incidents.look_later(click.value, place, click.key)
            case Click.OTHERS:
                await self.changes.others(click.value, click.view or "")
            case Click.EVIDENCE:
                await self.incidents.all_evidence(click.value, click.view or "")
            case Click.TIMELINE:
                await self.incidents.timeline(place)
            case Click.CHOOSE:
                await self.alarms.alarm_chosen(click.value, place, click.key)

    async def _alarm_of_others(self, posted: AlarmOfOthers) -> None:
        """Say once in a shared channel that alarms of other organisations are not followed."""
        key = f"alarm-of-others:{posted.channel}"
        if await self.incidents.context.store.was_seen(key):
            return
        await self.announcer.post(posted.channel, key, render.notice(NOT_FOLLOWED))
        await self.incidents.context.store.first_time(key, SAID_ONCE)

    async def _submitted(self, view: ViewSubmitted) -> None:
        """The preview was submitted. A modal has no channel: the incident's thread is answered."""
        place = await self.incidents.place_of(view.run, view.user)
        if place is None:
            return
        if view.amount is None:
            await self.changes.request(view.run, place, view.reason)
        else:
            await self.changes.recalculate(
                view.run, view.amount, place, view.external or "", view.key
            )

    async def _alarm_asked(self, asked: AlarmAsked) -> None:
        """The shortcut at a message; it works where the bot is no member and could show nothing."""
        if not await self.announcer.can_post(asked.channel):
            await self.incidents.context.tell(_asked_at(asked), render.not_a_member())
            return
        await self.alarms.alarm_seen(
            asked.alarm,
            asked.channel,
            asked.ts,
            asked.thread_ts,
            asked=Asked(asked.user, asked.key),
        )

    async def _greet(self, invited: BotInvited) -> None:
        """Once for each invitation: the key has its timestamp. Messages that could not be posted
        while the bot was away go out now."""
        await self.announcer.reopen(invited.channel)
        services = [each.name for each in self.catalogue.services_in(invited.channel)]
        message = render.greeting(invited.channel, services, len(self.catalogue.services))
        await self.announcer.post(invited.channel, f"greeting:{invited.event}", message)


def _place_of(click: ButtonClicked) -> Place:
    return Place(click.channel, click.user, click.thread_ts, response_url=click.response_url)


def _asked_at(asked: AlarmAsked) -> Place:
    thread = asked.thread_ts or asked.ts
    return Place(asked.channel, asked.user, thread, response_url=asked.response_url)


def _mentioned(mention: MentionGiven) -> Place:
    return Place(mention.channel, mention.user, mention.thread_ts, mention=mention.ts)
