"""What a Lambda alias serves now, and which versions it served before, by CloudTrail."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.domain.errors import ReadFailed
from bot.domain.figures import percent
from bot.domain.plan import Check
from bot.domain.ports import Aws
from bot.domain.report import GapReason
from playbooks.probes.action_reads import Event, if_known, latest_events

ALIAS_EVENTS = ("UpdateAlias20150331", "CreateAlias20150331")
"""Lambda's event names carry the date of its API (Lambda developer guide, "Logging Lambda API calls
with CloudTrail")."""


@dataclass(frozen=True, slots=True)
class Alias:
    """An alias as it is: what it serves, and Lambda's optimistic lock (RevisionId)."""

    function: str
    name: str
    version: str
    weights: dict[str, float]
    revision: str
    arn: str

    @property
    def state(self) -> dict[str, Any]:
        """In the shape of a plan's `before`."""
        return {"version": self.version, "weights": self.weights}

    def serves(self, version: str) -> bool:
        """Whether a part of its traffic goes to the version."""
        return version == self.version or version in self.weights

    def shown(self) -> str:
        """ "42", or "41 and 10% to 42"."""
        parts = [f"{percent(share)} to {each}" for each, share in self.weights.items()]
        return " and ".join([self.version, *parts])


@dataclass(frozen=True, slots=True)
class AliasHistory:
    """The versions an alias was set to and when, newest first; `limits`: why others may be
    missing."""

    served: tuple[tuple[datetime, str], ...]
    limits: str

    @property
    def changed_at(self) -> float:
        return self.served[0][0].timestamp() if self.served else 0.0

    def before(self, version: str) -> str | None:
        """The version that was served until the alias was last set to this one; None when the
        trail does not say."""
        earlier = [each for _, each in self.served]
        if version in earlier:
            earlier = earlier[earlier.index(version) :]
        return next((each for each in earlier if each != version), None)

    def proof(self, alias: str, version: str) -> Check:
        """Whether the alias served a version before. Having been published is no proof of it."""
        seen = [at for at, each in self.served if each == version]
        text = f"{alias} served version {version} before"
        if seen:
            return Check(text=f"{text} (set at {max(seen):%Y-%m-%d %H:%M} UTC)", holds=True)
        return Check(text=f"{text} [{self.limits}]", holds=None)


def read_alias(aws: Aws, function: str, alias: str) -> Alias:
    """One alias. Raises ReadFailed."""
    return _alias(function, aws.read("lambda", "get_alias", FunctionName=function, Name=alias))


def read_aliases(aws: Aws, function: str) -> dict[str, Alias]:
    """All aliases of a function, by name. Raises ReadFailed."""
    pages = aws.pages("lambda", "list_aliases", FunctionName=function)
    found = [_alias(function, each) for page in pages for each in page.get("Aliases", [])]
    return {each.name: each for each in found}


def other_aliases(aws: Aws, function: str, alias: str) -> Iterator[str]:
    """Sentences on the function's other aliases, which a change of this one leaves as they are."""
    aliases = if_known(lambda: read_aliases(aws, function))
    if aliases is None:
        yield f"other aliases of {function} could not be read; they stay as they are"
        return
    others = [each for name, each in sorted(aliases.items()) if name != alias]
    shown = ", ".join(f"{each.name} (serves {each.shown()})" for each in others[:6])
    if shown:
        yield f"other aliases of {function} stay as they are: {shown}"


def read_history(aws: Aws, function: str, alias: str) -> AliasHistory:
    """The versions the alias was set to, as far as CloudTrail could be read."""

    def settings(events: Iterable[Event]) -> list[tuple[datetime, str]]:
        return [
            (event.at, str(event.request["functionVersion"]))
            for event in events
            if event.request.get("name") == alias
            and event.request.get("functionVersion")
            and _function_of(event) == function
        ]

    def two_versions(events: Iterable[Event]) -> bool:
        return len({version for _, version in settings(events)}) > 1

    try:
        found = latest_events(aws, ALIAS_EVENTS, enough=two_versions)
    except ReadFailed as fault:
        return AliasHistory((), f"CloudTrail could not be read: {fault}")
    short = "" if found.complete else ", as far back as it was read"
    return AliasHistory(tuple(settings(found.events)), f"CloudTrail does not show it{short}")


def moved_by_codedeploy(aws: Aws, start: datetime, end: datetime) -> tuple[tuple[str, str], ...]:
    """Functions and aliases that CodeDeploy moved in a span of time, by CloudTrail. Raises
    ReadFailed."""

    def all_read(events: Iterable[Event]) -> bool:
        return any(event.at < start for event in events)

    found = latest_events(aws, ALIAS_EVENTS[:1], enough=all_read)
    return tuple(
        dict.fromkeys(
            (_function_of(event), str(event.request.get("name")))
            for event in found.events
            if start <= event.at <= end and event.service.startswith("codedeploy")
        )
    )


def published_before(aws: Aws, function: str, version: str) -> str:
    """The version published before this one: a guess where no trail says what was served.

    Raises ReadFailed, with NOT_FOUND when there is none.
    """
    pages = aws.pages("lambda", "list_versions_by_function", FunctionName=function)
    published = [each["Version"] for page in pages for each in page.get("Versions", [])]
    earlier = [each for each in published if older(each, version)]
    if not earlier:
        raise ReadFailed(GapReason.NOT_FOUND, f"no version of {function} before {version} is known")
    return str(max(earlier, key=int))


def state_of(aws: Aws, function: str, version: str) -> str:
    """A version's state: "Active" when it can be invoked. Raises ReadFailed."""
    found = aws.read(
        "lambda", "get_function_configuration", FunctionName=function, Qualifier=version
    )
    return str(found.get("State", "Active"))


def older(version: str, than: str) -> bool:
    """Whether a version was published before another; $LATEST is newer than all."""
    return version.isdigit() and (not than.isdigit() or int(version) < int(than))


def _function_of(event: Event) -> str:
    """The function's name: requests name it by its name, or by a partial or whole ARN."""
    named = str(event.request.get("functionName", ""))
    return named.rpartition("function:")[2].partition(":")[0]


def _alias(function: str, found: dict[str, Any]) -> Alias:
    weights = (found.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    return Alias(
        function,
        found["Name"],
        found["FunctionVersion"],
        weights,
        found["RevisionId"],
        found["AliasArn"],
    )
