"""Each cause told from its rivals, both ways round: the same alarm, other evidence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.playbook_contract import evidence_parameters
from bot.domain.report import CauseStatus, Gap, Verdict
from playbooks.five_xx import FiveXX
from playbooks.probes.functions import Limits
from playbooks.probes.metrics import TimeSeries
from tests.playbooks.samples import (
    NOTHING_SPECIAL,
    access,
    counts,
    edge,
    gap,
    minute,
    overview,
    verdict,
    weighed,
)
from tests.playbooks.stories import COLD, STORIES


@pytest.mark.parametrize("cause", STORIES)
def test_the_cause_is_found_with_high_confidence(cause: str) -> None:
    assert verdict(STORIES[cause]) == (Verdict.HIGH, cause)


@pytest.mark.parametrize("cause", STORIES)
def test_no_other_cause_is_supported(cause: str) -> None:
    supported = {c.id for c in weighed(STORIES[cause]).values() if c.status == "supported"}
    assert supported - {cause} <= ({"connection-errors"} if cause == "zone-failure" else set())


@pytest.mark.parametrize(
    ("story", "rival"),
    [
        ("cold-start-surge", "backend-overload"),
        ("cold-start-surge", "bad-deployment"),
        ("cold-start-surge", "concurrency-limit"),
        ("cold-start-surge", "function-timeout"),
        ("backend-overload", "cold-start-surge"),
        ("backend-overload", "concurrency-limit"),
        ("backend-overload", "function-timeout"),
        ("concurrency-limit", "cold-start-surge"),
        ("concurrency-limit", "backend-overload"),
        ("concurrency-limit", "bad-deployment"),
        ("bad-deployment", "cold-start-surge"),
        ("bad-deployment", "backend-overload"),
        ("bad-deployment", "concurrency-limit"),
        ("function-timeout", "cold-start-surge"),
        ("function-timeout", "bad-deployment"),
        ("no-healthy-targets", "connection-errors"),
        ("no-healthy-targets", "zone-failure"),
        ("connection-errors", "no-healthy-targets"),
        ("connection-errors", "zone-failure"),
        ("zone-failure", "no-healthy-targets"),
    ],
)
def test_the_rival_is_refuted(story: str, rival: str) -> None:
    assert weighed(STORIES[story])[rival].status is CauseStatus.REFUTED


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("probe", sorted(NOTHING_SPECIAL))
def test_a_gap_never_names_another_cause(story: str, probe: str) -> None:
    evidence = STORIES[story]
    if evidence[probe] is None:
        return
    found, cause = verdict(evidence | {probe: gap(probe)})
    assert cause == story or found is not Verdict.HIGH


@pytest.mark.parametrize("story", STORIES)
def test_nothing_read_nothing_claimed(story: str) -> None:
    evidence = {name: None if v is None else gap(name) for name, v in STORIES[story].items()}
    found, _ = verdict(evidence)
    assert found is Verdict.INCONCLUSIVE
    for cause in weighed(evidence).values():
        known = [clue for clue in cause.clues if clue.holds is not None]
        assert cause.status in (CauseStatus.UNTESTED, CauseStatus.REFUTED)
        if cause.status is CauseStatus.UNTESTED:
            assert known == []


@pytest.mark.parametrize(
    ("story", "probe"),
    [
        ("cold-start-surge", "reports"),
        ("concurrency-limit", "counts"),
        ("function-timeout", "reports"),
        ("bad-deployment", "exceptions"),
        ("no-healthy-targets", "balancer"),
        ("connection-errors", "balancer"),
        ("zone-failure", "balancer"),
    ],
)
def test_without_the_decisive_evidence_nothing_becomes_high(story: str, probe: str) -> None:
    found, _ = verdict(STORIES[story] | {probe: gap(probe)})
    assert found is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("story", ["cold-start-surge", "backend-overload", "concurrency-limit"])
def test_no_access_log_is_not_needed(story: str) -> None:
    assert verdict(STORIES[story] | {"access": gap("access")}) == (Verdict.HIGH, story)


def test_5xx_that_nothing_explains_stay_inconclusive() -> None:
    found, _ = verdict(NOTHING_SPECIAL)
    assert found is Verdict.INCONCLUSIVE


def test_two_faults_at_once_are_not_called_one() -> None:
    both = COLD | {
        "counts": counts(invocations=(900, 2900), throttles=(0, 700), concurrency=(5, 50)),
        "limits": Limits(reserved=50, account=1000, unreserved=950),
        "edge": edge(requests=(900, 3600), errors=(0, 1400)),
    }
    supported = {c.id for c in weighed(both).values() if c.status == "supported"}
    assert {"cold-start-surge", "concurrency-limit"} <= supported
    assert verdict(both)[0] is not Verdict.HIGH


def test_every_sentence_has_a_figure_or_says_what_is_not_known() -> None:
    for story in STORIES.values():
        for cause in weighed(story).values():
            for clue in cause.clues:
                assert (
                    clue.holds is None
                    or any(c.isdigit() for c in clue.text)
                    or (
                        clue.text.startswith(
                            ("checkout has none", "no ", "the load balancer", "the tar")
                        )
                    )
                ), clue.text
                assert clue.holds is not None or "unknown of" not in clue.text, clue.text


def test_the_headline_has_the_share_and_the_main_code() -> None:
    assert overview().headline == "5XX: 20 % of requests, 504 mostly"


def test_the_headline_says_when_the_gateway_answered_without_a_call() -> None:
    refused = access("500", 180, p50=3, response_type="AUTHORIZER_FAILURE")
    assert "called no backend for them (AUTHORIZER_FAILURE)" in overview(access=refused).headline


def test_an_incident_that_is_over_says_until_when() -> None:
    over = edge()
    normal = {at: 0.0 for at in over.errors.points if at >= minute(2)}
    ended = edge(errors=(0, 180))
    points = dict(ended.errors.points) | normal
    again = type(over)(
        kind="rest", name="api", requests=over.requests, errors=type(over.errors)(points)
    )
    assert overview(edge=again).headline.endswith("until 03:12 UTC")


def test_what_cannot_be_read_is_said_to_be_unknown() -> None:
    shown = overview(edge=gap("edge"), access=gap("access"))
    assert "unknown" in shown.headline
    assert (shown.onset, shown.breakdown, shown.chart) == (None, (), ())


def test_every_probe_of_the_overview_may_be_missing() -> None:
    for name, accepts in evidence_parameters(FiveXX, FiveXX().overview).items():
        assert name in FiveXX.facts or (accepts.gap and accepts.none)
    nothing = overview(**dict.fromkeys(NOTHING_SPECIAL))
    assert "no API or load balancer" in nothing.headline
    failed = overview(**{name: Gap.model_validate(gap(name)) for name in NOTHING_SPECIAL})
    assert failed.changes == ()


def test_no_requests_are_not_no_more_than_usual() -> None:
    nothing = replace(edge(), requests=TimeSeries(), errors=TimeSeries())
    assert overview(edge=nothing).headline == (
        "5XX: no requests counted at checkout-api/prod; "
        "check the API's name and stage in the catalogue"
    )


def test_requests_that_stopped_before_the_alarm_are_told_since_when() -> None:
    before = {minute(m): 900.0 for m in range(-120, -30)}
    stopped = replace(
        edge(), requests=TimeSeries(before), errors=TimeSeries(dict.fromkeys(before, 0.0))
    )
    assert overview(edge=stopped).headline == (
        "5XX: no requests counted at checkout-api/prod since 02:40 UTC"
    )


def test_silence_after_the_errors_is_no_end_of_them() -> None:
    stopped = edge()
    until = {at: value for at, value in stopped.requests.points.items() if at < minute(2)}
    silent = replace(stopped, requests=TimeSeries(until))
    assert overview(edge=silent).headline.endswith("; no requests counted since 03:12 UTC")


def test_what_is_not_known_is_asked() -> None:
    """The next test on the card is the text of an unknown clue."""
    for story in STORIES.values():
        for probe in story:
            if story[probe] is None:
                continue
            for cause in weighed(story | {probe: gap(probe)}).values():
                for clue in cause.clues:
                    asks = clue.text.startswith(("whether ", "which ", "how many "))
                    assert asks is (clue.holds is None), clue.text
