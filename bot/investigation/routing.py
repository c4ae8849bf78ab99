"""Finds the incident type for an alarm: every type that fits, ranked, each with its reason. Pure.

A metric speaks louder than words. Words in a metric's name speak where no type lists the metric,
words in the alarm's name only where its metric is not known. What is only half sure is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import IntEnum, StrEnum

from bot.domain.alarm import Alarm, AlarmMetric, AlarmState
from bot.domain.playbook_contract import AlarmRule, Playbook
from bot.investigation.words import statuses_in, words_in


class Strength(IntEnum):
    """What a claim rests on."""

    NAME = 1  # words in the alarm's name
    METRIC_WORDS = 2  # words in the metric's name
    RELATED = 3  # a rule of the type that is not primary
    METRIC = 4


@dataclass(frozen=True, slots=True)
class Claim:
    """An incident type that fits an alarm."""

    playbook: Playbook
    strength: Strength
    whole: bool  # whether it fits all that the alarm is about
    reason: str  # "its metric is AWS/ApiGateway 5XXError"

    @property
    def rank(self) -> tuple[Strength, bool]:
        """The larger, the better it fits."""
        return self.strength, self.whole


class RouteKind(StrEnum):
    """What can be said about an alarm's incident type."""

    TYPE = "type"  # one type fits best
    TIE = "tie"  # a person has to choose
    UNKNOWN = "unknown"  # no type fits


@dataclass(frozen=True, slots=True)
class Route:
    """Where an alarm leads.

    `claims` has the best first: for a type those it won against, too; for a tie all to choose from.
    """

    kind: RouteKind
    claims: tuple[Claim, ...]
    reason: str

    @property
    def playbook(self) -> Playbook | None:
        """The type that opens; None where a person has to choose, or no type fits."""
        return self.claims[0].playbook if self.kind is RouteKind.TYPE else None


class Router:
    """Ranks the incident types for an alarm."""

    def __init__(self, playbooks: Sequence[Playbook]) -> None:
        self.playbooks = {playbook.id: playbook for playbook in playbooks}
        self._by_metric: dict[tuple[str, str], list[tuple[Playbook, AlarmRule]]] = {}
        for playbook in playbooks:
            for rule in playbook.alarms:
                for metric in rule.metrics:
                    entry = self._by_metric.setdefault((rule.namespace, metric), [])
                    entry.append((playbook, rule))

    @property
    def types(self) -> tuple[Playbook, ...]:
        """The playbooks that claim alarms: the incident types."""
        return tuple(each for each in self.playbooks.values() if not each.for_any_alarm)

    @property
    def for_any_alarm(self) -> Playbook | None:
        """The playbook for an alarm that no type claims."""
        return next((each for each in self.playbooks.values() if each.for_any_alarm), None)

    def route(self, alarm: Alarm) -> Route:
        """The incident type that opens for an alarm, or why none does."""
        claims = self.rank(alarm)
        if not claims:
            return Route(RouteKind.UNKNOWN, (), _unclaimed(alarm))
        best = [claim for claim in claims if claim.rank == claims[0].rank]
        if len(best) > 1:
            types = " and ".join(claim.playbook.id for claim in best)
            return Route(RouteKind.TIE, claims, f"{types} fit it alike")
        if not best[0].whole:
            reason = f"{best[0].playbook.id} fits only a part of it: {best[0].reason}"
            return Route(RouteKind.TIE, claims, reason)
        return Route(RouteKind.TYPE, claims, best[0].reason)

    def rank(self, alarm: Alarm) -> tuple[Claim, ...]:
        """All types that fit an alarm, the best first."""
        found = self._by_children(alarm) if alarm.is_composite else self._by_metrics(alarm)
        return tuple(sorted(found, key=lambda claim: claim.rank, reverse=True))

    def fits(self, playbook: Playbook, alarm: Alarm) -> bool:
        """Whether the type is the best for an alarm, or one of the best."""
        claims = self.rank(alarm)
        if playbook.for_any_alarm:
            return not claims
        return any(claim.playbook is playbook and claim.rank == claims[0].rank for claim in claims)

    def named(self, word: str) -> Playbook | None:
        """The playbook with this id, in any case."""
        return self.playbooks.get(word.lower())

    def nearest(self, word: str) -> str | None:
        """The id of the playbook that is spelt most like the word; None when none is close."""
        return next(iter(get_close_matches(word.lower(), self.playbooks, n=1, cutoff=0.5)), None)

    # --- an alarm on metrics ---------------------------------------------------------------------

    def _by_metrics(self, alarm: Alarm) -> list[Claim]:
        subjects = alarm.about
        if not subjects:
            return [] if alarm.metrics else self._by_name(alarm.name)
        claims = [self._by_one_metric(metric) for metric in subjects]
        found = []
        for playbook in self.playbooks.values():
            own = [claim for each in claims for claim in each if claim.playbook is playbook]
            if own:
                best = max(own, key=lambda claim: claim.rank)
                whole = len(own) == len(subjects) and all(claim.whole for claim in own)
                found.append(replace(best, whole=whole, reason=_of(best.reason, alarm)))
        if not found and all(_is_custom(metric) for metric in subjects):
            # The metric is known and says nothing; the name alone is not enough to open.
            found = [replace(claim, whole=False) for claim in self._by_name(alarm.name)]
        return found

    def _by_one_metric(self, metric: AlarmMetric) -> list[Claim]:
        """At most one claim of each type."""
        if metric.is_traffic:
            return []
        title = f"{metric.namespace} {metric.name}"
        found: dict[str, Claim] = {}
        for playbook, rule in self._by_metric.get((metric.namespace or "", metric.name or ""), ()):
            if not rule.dimensions <= metric.dimensions.keys():
                continue
            strength = Strength.METRIC if rule.primary else Strength.RELATED
            claim = Claim(playbook, strength, True, f"its metric is {title}")
            known = found.get(playbook.id)
            if known is None or claim.rank > known.rank:
                found[playbook.id] = claim
        if found:
            return list(found.values())
        wanted = {each.id: each.metric_words for each in self.playbooks.values()}
        reason = f"in the name of its metric {title}"
        statuses = (
            f"{name} {value}"
            for name, value in metric.dimensions.items()
            if {"status", "code"} & set(words_in(name))
        )
        text = " ".join((metric.name or "", *statuses))
        return self._by_words(text, wanted, Strength.METRIC_WORDS, reason)

    # --- a composite alarm -----------------------------------------------------------------------

    def _by_children(self, alarm: Alarm) -> list[Claim]:
        """By the children that can have triggered it.

        Where it is not known which of them did, a type has to fit all of them.
        """
        read = {child.name: child for child in alarm.child_alarms}
        of_children = [
            [
                replace(claim, reason=f"its child {name}: {claim.reason}")
                for claim in (self.rank(read[name]) if name in read else self._by_name(name))
            ]
            for name in alarm.suspects
        ]
        certain = bool(alarm.triggering) or any(
            child.state is AlarmState.ALARM for child in alarm.child_alarms
        )
        found = []
        for playbook in self.playbooks.values():
            own = [claim for each in of_children for claim in each if claim.playbook is playbook]
            if own:
                best = max(own, key=lambda claim: claim.rank)
                whole = best.whole and (certain or len(own) == len(of_children))
                found.append(replace(best, whole=whole))
        return found if found or read else self._by_name(alarm.name)

    # --- words -----------------------------------------------------------------------------------

    def _by_name(self, name: str) -> list[Claim]:
        wanted = {each.id: each.name_words for each in self.playbooks.values()}
        return self._by_words(name, wanted, Strength.NAME, "in its name")

    def _by_words(
        self, name: str, wanted: Mapping[str, Iterable[str]], strength: Strength, where: str
    ) -> list[Claim]:
        """Claims by the words in a name; not whole when it has a status that is not the type's."""
        words = words_in(name)
        found = []
        for playbook in self.playbooks.values():
            entries = [each for each in wanted[playbook.id] if set(each.split()) <= set(words)]
            if entries:
                entry = max(entries, key=len)
                explained = {word for each in entries for word in each.split()}
                whole = statuses_in(words) <= explained
                found.append(Claim(playbook, strength, whole, f"“{entry}” {where}"))
        return found


def _of(reason: str, alarm: Alarm) -> str:
    """A claim's reason, of an alarm on an expression."""
    returned = [
        each for each in alarm.metrics if each.returned and each.id != alarm.threshold_metric
    ]
    formula = next((each.expression for each in returned if not each.name), None)
    return f"{reason}, which {formula} is about" if formula else reason


def _unclaimed(alarm: Alarm) -> str:
    """Why no type fits."""
    if alarm.is_composite:
        return "no type covers the alarms it watches"
    if alarm.about:
        titles = ", ".join(f"{each.namespace} {each.name}" for each in alarm.about)
        return f"no type covers {titles}"
    return "its expression names no metric" if alarm.metrics else "its metric is not known"


def _is_custom(metric: AlarmMetric) -> bool:
    """Whether an application publishes the metric, and not AWS: AWS's names are known names."""
    namespace = metric.namespace or ""
    return not namespace.startswith("AWS/") and namespace not in _AWS_NAMESPACES


_AWS_NAMESPACES = frozenset(
    {
        "ApplicationSignals",
        "CWAgent",
        "CloudWatchSynthetics",
        "ContainerInsights",
        "ECS/ContainerInsights",
        "Glue",
        "LambdaInsights",
        "SecretsManager",
    }
)
"""AWS's namespaces without the prefix (CloudWatch user guide, "AWS services that publish
CloudWatch metrics")."""
