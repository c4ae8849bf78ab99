"""A rule of AWS WAF that answers: by the access log, or by WAF's own metrics."""

from __future__ import annotations

import pytest

from bot.domain.report import CauseStatus, Verdict
from playbooks.probes.web_acls import WebAcl
from tests.playbooks.samples import (
    ONSET,
    TARGETS_ONLY,
    access,
    balancer,
    change,
    changes,
    edge,
    gap,
    series,
    verdict,
    weighed,
)

FAILING = TARGETS_ONLY | {
    "edge": edge(errors=(0, 300), kind="alb", name="shop"),
    "balancer": balancer(own={"503": 300}),
}


def acl(usual: float | None, now: float | None) -> WebAcl:
    blocked = series(usual, now)
    return WebAcl("shield", blocked, {"Proxies": blocked, "Bots": series(None, None)})


def test_as_many_requests_are_blocked_as_fail() -> None:
    evidence = FAILING | {
        "web_acl": acl(0, 300),
        "changes": changes(change(ONSET - 1, kind="waf")),
    }
    assert verdict(evidence) == (Verdict.MEDIUM, "waf-block")
    told = " ".join(clue.text for clue in weighed(evidence)["waf-block"].clues)
    assert "shield blocked" in told
    assert "Proxies most of them" in told


@pytest.mark.parametrize(
    "blocked",
    [
        acl(300, 300),  # as many as always
        acl(0, 20),  # far fewer than fail
        acl(0, 3000),  # far more: they are answered 403 beside the errors
        acl(None, None),
    ],
)
def test_what_waf_always_blocks_or_answers_otherwise_is_not_the_cause(blocked: WebAcl) -> None:
    found = weighed(FAILING | {"web_acl": blocked})["waf-block"]
    assert found.status is not CauseStatus.SUPPORTED


def test_without_a_web_acl_it_is_refuted_and_unread_it_is_not() -> None:
    assert weighed(FAILING | {"web_acl": None})["waf-block"].status is CauseStatus.REFUTED
    unread = weighed(FAILING | {"web_acl": gap("web_acl")})["waf-block"]
    assert unread.status is CauseStatus.UNTESTED


def test_an_api_says_itself_what_waf_answered() -> None:
    filtered = access("503", 180, response_type="WAF_FILTERED")
    found = weighed(TARGETS_ONLY | {"edge": edge(), "access": filtered})["waf-block"]
    assert found.status is CauseStatus.SUPPORTED
