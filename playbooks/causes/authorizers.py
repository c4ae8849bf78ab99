"""Lambda authorizers: API Gateway cannot authorize requests, and calls no backend for them."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.playbook_contract import (
    Scope,
    advice,
    contradicting,
    decisive,
    hypothesis,
    necessary,
    supporting,
)
from bot.domain.report import Advice, Clue, Gap
from playbooks.evidence import next_steps, thresholds
from playbooks.evidence.nearest import nearest_of
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.sources import ChangeSources
from playbooks.evidence.wording import asked, count, figures, percent
from playbooks.probes.access_log import AccessLog
from playbooks.probes.authorizers import Authorizer, Authorizers, AuthorizersProbe
from playbooks.probes.changes import Changes
from playbooks.probes.metrics import ratio

FAILED = "AUTHORIZER_FAILURE"
MISCONFIGURED = "AUTHORIZER_CONFIGURATION_ERROR"
TOUCHES = frozenset({"deployment", "alias", "configuration", "permission"})


class AuthorizerFailing(ChangeSources):
    """The API's Lambda authorizer raises, times out, or may not be invoked."""

    authorizers = AuthorizersProbe()

    @hypothesis("The API's Lambda authorizer fails")
    def authorizer_failing(
        self,
        anomaly: AnomalyWindow,
        access: AccessLog | Gap | None,
        authorizers: Authorizers | Gap,
        known_changes: Changes,
    ) -> Iterator[Clue]:
        """API Gateway says that it could not authorize, or the authorizer fails as often."""
        yield from refused(anomaly, access, authorizers)
        yield from authorizer_changed(anomaly, authorizers, known_changes)

    @advice("authorizer-failing")
    def look_at_the_authorizer(
        self, scope: Scope, authorizers: Authorizers | Gap | None
    ) -> Iterator[Advice]:
        """Its log, who may invoke it, and what the API has configured."""
        found = authorizers.functions if isinstance(authorizers, Authorizers) else ()
        for each in found[:1]:
            yield next_steps.tail(scope, f"/aws/lambda/{each.function}", "the authorizer's log")
            yield next_steps.who_may_invoke(scope, each.function)
        yield from next_steps.authorizers_of_api(scope)
        yield next_steps.trail(scope, "who changed the authorizer or its permissions")


def refused(
    anomaly: AnomalyWindow, access: AccessLog | Gap | None, authorizers: Authorizers | Gap
) -> Iterator[Clue]:
    """Do most errors say that authorizing failed? Else: does the authorizer fail as often?

    The API's settings are those of now, the stage's may be older: without an authorizer in them,
    what the access log says stays open.
    """
    listed = authorizers.functions if isinstance(authorizers, Authorizers) else ()
    failures = sum(_failed(anomaly, each) for each in listed)
    share = _by_access_log(anomaly, access)
    if share is None:
        none = isinstance(authorizers, Authorizers) and not listed
        yield necessary(
            False if none else None,
            f"no Lambda authorizer is in the settings of {authorizers.api}"
            if none and isinstance(authorizers, Authorizers)
            else "whether API Gateway could not authorize: the access log does not tell",
        )
        part = ratio(failures, anomaly.errors) if listed else None
        yield decisive(
            None if part is None else part >= thresholds.EXPLAINS,
            "whether the authorizer fails as often as requests do"
            if part is None
            else f"the authorizer failed {count(failures)} times beside "
            f"{count(anomaly.errors or 0)} {anomaly.label}",
            **figures(authorizer=part),
        )
        return
    said = f"API Gateway could not authorize {percent(share)} of the {anomaly.label}"
    yield necessary(share >= thresholds.PART, said, **figures(refused=share))
    holds = _most(share, authorizers)
    question = "whether an authorizer is what fails"
    clue = decisive(holds, asked(holds, question, _with_authorizers(said, authorizers)))
    missing = () if listed else ("which authorizer the stage uses was not read",)
    yield clue.model_copy(update={"missing": missing}) if clue.holds else clue
    if listed:
        yield supporting(failures > 0, f"{_names(listed)} failed {count(failures)} times")
    configured = _by_access_log(anomaly, access, MISCONFIGURED)
    if configured and configured >= thresholds.PART:
        yield supporting(
            True,
            f"{percent(configured)} are {MISCONFIGURED}: the authorizer may not be invoked, or "
            "answers what API Gateway does not understand",
        )
    yield contradicting(share < thresholds.PART, said)


def _most(share: float, authorizers: Authorizers | Gap) -> bool | None:
    if share < thresholds.EXPLAINS:
        return False
    unseen = isinstance(authorizers, Authorizers) and not authorizers.functions
    return None if unseen else True


def _with_authorizers(said: str, authorizers: Authorizers | Gap) -> str:
    if isinstance(authorizers, Gap):
        return f"{said}; its authorizers could not be read"
    if not authorizers.functions:
        return f"{said}; its settings show no authorizer"
    return f"{said}; its authorizer is {authorizers.names}"


def _by_access_log(
    anomaly: AnomalyWindow, access: AccessLog | Gap | None, *types: str
) -> float | None:
    """Share of the errors with these response types; None when the log does not tell them."""
    if not isinstance(access, AccessLog) or "response_type" not in access.fields:
        return None
    answers = access.between(anomaly.start, anomaly.end)
    asked = types or (FAILED, MISCONFIGURED)
    refused = sum(each.count for each in answers if each.response_type in asked)
    return ratio(refused, sum(each.count for each in answers))


def _failed(anomaly: AnomalyWindow, authorizer: Authorizer) -> float:
    return anomaly.during(authorizer.errors).total() + anomaly.during(authorizer.throttles).total()


def _names(authorizers: tuple[Authorizer, ...]) -> str:
    return ", ".join(each.function for each in authorizers)


def authorizer_changed(
    anomaly: AnomalyWindow, authorizers: Authorizers | Gap, changes: Changes
) -> Iterator[Clue]:
    """Supporting: the authorizer's function was changed before."""
    before = nearest_of(changes, anomaly.onset, TOUCHES, thresholds.SOON)
    if before is None or not isinstance(authorizers, Authorizers):
        return
    if before.change.resource in {each.function for each in authorizers.functions}:
        yield supporting(True, before.told())
