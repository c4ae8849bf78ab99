"""AWS WAF: a rule stops requests before they reach the backend.

What it stops is answered 403, unless a rule has a custom response (AWS WAF developer guide,
"Sending custom responses for Block actions"). So it is rarely the cause of server errors.
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.playbook_contract import (
    Scope,
    advice,
    decisive,
    hypothesis,
    necessary,
    supporting,
)
from bot.domain.report import Advice, Clue, Gap
from playbooks.evidence import dependency_steps, next_steps, thresholds
from playbooks.evidence.errors import beyond_usual
from playbooks.evidence.nearest import nearest_elsewhere, nearest_of
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.sources import ChangeSources
from playbooks.evidence.wording import asked, count, percent
from playbooks.probes.access_log import AccessLog
from playbooks.probes.changes import Changes
from playbooks.probes.metrics import ratio
from playbooks.probes.web_acls import WebAcl, WebAclProbe

FILTERED = "WAF_FILTERED"  # API Gateway developer guide, "Gateway response types"
RULES = frozenset({"waf"})


class WafBlock(ChangeSources):
    """A rule of AWS WAF answers the requests."""

    web_acl = WebAclProbe()

    @hypothesis("A rule of AWS WAF stops the requests")
    def waf_block(
        self,
        anomaly: AnomalyWindow,
        access: AccessLog | Gap | None,
        web_acl: WebAcl | Gap | None,
        known_changes: Changes,
    ) -> Iterator[Clue]:
        """Most errors are WAF's answers, by the access log or by WAF's own metrics."""
        if access is not None:
            yield from by_access_log(anomaly, access)
        else:
            yield from by_metrics(anomaly, web_acl)
        onset, span = anomaly.onset, thresholds.SOON
        own = nearest_of(known_changes, onset, RULES, span)
        before = own or nearest_elsewhere(known_changes, onset, RULES, span)
        if before is not None:
            yield supporting(before.nearest, before.told()).resting_on(known_changes)

    @advice("waf-block")
    def look_at_the_rules(self, scope: Scope) -> Iterator[Advice]:
        """Which web ACL is in front, and who changed it."""
        yield dependency_steps.web_acls(scope)
        yield next_steps.trail(scope, "who changed the web ACL")


def by_access_log(anomaly: AnomalyWindow, access: AccessLog | Gap) -> Iterator[Clue]:
    """What API Gateway says that WAF answered."""
    if isinstance(access, Gap) or "response_type" not in access.fields:
        yield necessary(None, "whether AWS WAF answered: the access log does not tell")
        return
    answers = access.between(anomaly.start, anomaly.end)
    filtered = sum(each.count for each in answers if each.response_type == FILTERED)
    share = ratio(filtered, sum(each.count for each in answers))
    text = f"AWS WAF answered {percent(share)} of the {anomaly.label}"
    text = asked(share, "whether AWS WAF answered", text)
    yield necessary(None if share is None else share >= thresholds.PART, text).resting_on(access)
    yield decisive(None if share is None else share >= thresholds.EXPLAINS, text).resting_on(access)


def by_metrics(anomaly: AnomalyWindow, acl: WebAcl | Gap | None) -> Iterator[Clue]:
    """Whether the web ACL in front blocks as many requests more than usual as there are errors."""
    if acl is None:
        yield necessary(False, "no web ACL is in front").resting_on()
        return
    if isinstance(acl, Gap):
        yield necessary(None, "whether AWS WAF answered: its web ACL was not read").resting_on()
        return
    if not anomaly.during(acl.blocked):
        text = f"whether AWS WAF answered: {acl.name} published nothing"
        yield necessary(None, text).resting_on()
        return
    blocked = beyond_usual(acl.blocked, anomaly)
    share = ratio(blocked, anomaly.errors)
    rules = {name: beyond_usual(series, anomaly) for name, series in acl.by_rule.items()}
    rule = max(rules, key=lambda each: rules[each], default=None)
    by = f", {rule} most of them" if rule and rules[rule] >= thresholds.EXPLAINS * blocked else ""
    text = (
        f"{acl.name} blocked {count(blocked)} requests more than usual{by}, beside "
        f"{count(anomaly.errors or 0)} {anomaly.label}"
    )
    known = None if share is None else share >= thresholds.PART
    question = "whether AWS WAF answered"
    yield necessary(known, asked(known, question, text)).resting_on()
    # blocked requests may have been answered 403 beside the errors: as many must be missing
    about = None if share is None else thresholds.EXPLAINS <= share <= 1 / thresholds.EXPLAINS
    clue = decisive(about, asked(about, question, text)).resting_on()
    missing = ("which status WAF answered with is in no metric",)
    yield clue.model_copy(update={"missing": missing}) if clue.holds else clue
