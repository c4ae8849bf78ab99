"""AWS WAF: a rule stops requests before they reach the backend.

What it stops is answered 403, unless a rule has a custom response (AWS WAF developer guide,
"Sending custom responses for Block actions"). So it is rarely the cause of server errors.
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.playbook_contract import Scope, advice, decisive, hypothesis, necessary
from bot.domain.report import Advice, Clue, Gap
from playbooks.evidence import dependency_steps, next_steps, thresholds
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.sources import FrontDoorSources
from playbooks.evidence.wording import asked, percent
from playbooks.probes.access_log import AccessLog
from playbooks.probes.metrics import ratio

FILTERED = "WAF_FILTERED"  # API Gateway developer guide, "Gateway response types"


class WafBlock(FrontDoorSources):
    """A rule of AWS WAF answers the requests."""

    @hypothesis("A rule of AWS WAF stops the requests")
    def waf_block(self, anomaly: AnomalyWindow, access: AccessLog | Gap) -> Iterator[Clue]:
        """Most errors are WAF's answers, by the access log."""
        if isinstance(access, Gap) or "response_type" not in access.fields:
            yield necessary(None, "whether AWS WAF answered: the access log does not tell")
            return
        answers = access.between(anomaly.start, anomaly.end)
        filtered = sum(each.count for each in answers if each.response_type == FILTERED)
        share = ratio(filtered, sum(each.count for each in answers))
        text = f"AWS WAF answered {percent(share)} of the {anomaly.label}"
        text = asked(share, "whether AWS WAF answered", text)
        yield necessary(None if share is None else share >= thresholds.PART, text)
        yield decisive(None if share is None else share >= thresholds.EXPLAINS, text)

    @advice("waf-block")
    def look_at_the_rules(self, scope: Scope) -> Iterator[Advice]:
        """Which web ACL is in front, and who changed it."""
        yield dependency_steps.web_acls(scope)
        yield next_steps.trail(scope, "who changed the web ACL")
