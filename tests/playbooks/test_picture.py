"""What the card shows besides causes, and the links behind it."""

from __future__ import annotations

from urllib.parse import unquote

import pytest

from bot.domain.contract import probe_parameters
from bot.domain.report import Gap, Overview, Window
from playbooks.causes.releases import merged, suspect
from playbooks.evidence import console
from playbooks.five_xx import FiveXX
from tests.playbooks.evidence import (
    BEGAN,
    NOTHING_SPECIAL,
    ONSET,
    access,
    change,
    counts,
    edge,
    gap,
    line,
    minute,
    reports,
    scope,
)


def overview(**evidence: object) -> Overview:
    playbook = FiveXX()
    seen = {
        name: (NOTHING_SPECIAL | evidence)[name]
        for name in probe_parameters(FiveXX, playbook.overview)
    }
    return playbook.overview(scope=scope(), **seen)  # type: ignore[arg-type]


def test_the_headline_has_the_share_and_the_main_code() -> None:
    assert overview().headline == "5XX: 20 % of requests, 504 mostly"


def test_the_headline_says_when_the_gateway_answered_without_a_call() -> None:
    refused = access("500", 180, p50=3, response_type="AUTHORIZER_FAILURE")
    assert "called no backend for them (AUTHORIZER_FAILURE)" in overview(access=refused).headline


def test_an_incident_that_is_over_says_until_when() -> None:
    over = edge()
    calm = {at: 0.0 for at in over.errors.points if at >= minute(2)}
    ended = edge(errors=(0, 180))
    points = dict(ended.errors.points) | calm
    again = type(over)(
        kind="rest", name="api", requests=over.requests, errors=type(over.errors)(points)
    )
    assert overview(edge=again).headline.endswith("until 03:12 UTC")


def test_codes_come_from_the_access_log() -> None:
    (share,) = overview(access=access("504", 170)).breakdown
    assert (share.code, share.count, share.of_errors) == ("504", 170 * 15, 1.0)
    assert share.of_requests == pytest.approx(0.2)


def test_without_an_access_log_there_is_one_row() -> None:
    (share,) = overview(access=gap()).breakdown
    assert (share.code, share.count) == ("5XX", 180 * 15)


def test_a_balancer_tells_codes_itself() -> None:
    at_balancer = edge(kind="alb", codes={"502": line(0, 150), "5XX of targets": line(0, 30)})
    codes = [share.code for share in overview(edge=at_balancer, access=None).breakdown]
    assert codes == ["502", "5XX of targets"]


def test_what_cannot_be_read_is_said_to_be_unknown() -> None:
    shown = overview(edge=gap("edge"), access=gap("access"))
    assert "unknown" in shown.headline
    assert (shown.onset, shown.breakdown, shown.chart) == (None, (), ())


def test_the_chart_leaves_gaps_where_nothing_was_published() -> None:
    errors, requests = overview(edge=edge(requests=(900, 900), errors=(0, 180))).chart
    assert (errors.name, requests.name) == ("5XX", "requests")
    assert dict(errors.points)[minute(ONSET)] == 180
    silent = edge()
    empty = type(silent)(kind="rest", name="x", requests=line(900, None), errors=line(0, None))
    assert dict(overview(edge=empty).chart[0].points)[minute(0)] is None


def test_changes_carry_their_lag_the_nearest_first() -> None:
    shown = overview(trail=(change(ONSET - 20), change(ONSET - 1), change(ONSET + 4)))
    assert [each.lag for each in shown.changes] == [60.0, 1200.0, -240.0]


def test_every_probe_of_the_picture_may_be_missing() -> None:
    for accepts in probe_parameters(FiveXX, FiveXX().overview).values():
        assert accepts.gap
        assert accepts.none
    nothing = overview(**dict.fromkeys(NOTHING_SPECIAL))
    assert "no API or load balancer" in nothing.headline
    failed = overview(**{name: Gap.model_validate(gap(name)) for name in NOTHING_SPECIAL})
    assert failed.changes == ()


# --- changes from several sources -----------------------------------------------------------------


def test_a_deployments_own_alias_move_is_not_told_twice() -> None:
    deployment = change(-10, kind="deployment", until=-8).model_copy(update={"actor": "user"})
    (told,) = merged((deployment,), None, (), (change(-8.5),))
    assert (told.kind, told.actor) == ("deployment", "mara")


def test_publishing_is_told_only_while_nothing_tells_the_move() -> None:
    published = change(-12, kind="deployment").model_copy(update={"summary": "published"})
    assert merged(None, None, (published,), (change(-8),)) == (change(-8),)
    assert merged(None, None, (published,), ()) == (published,)
    assert merged(None, None, (published,), gap("trail")) == (published,)


def test_the_release_nearest_before_the_onset_is_the_suspect() -> None:
    found = suspect((change(-30), change(ONSET - 2), change(ONSET + 9)), minute(ONSET))
    assert found is not None
    assert (found.change, found.quiet.total_seconds()) == (change(ONSET - 2), 120)


def test_a_rollout_acts_until_its_end() -> None:
    rollout = change(-20, kind="deployment", until=ONSET + 1)
    found = suspect((rollout,), minute(ONSET))
    assert found is not None
    assert found.quiet.total_seconds() == 0


def test_a_security_group_is_no_release() -> None:
    assert suspect((change(ONSET - 1, kind="security-group"),), minute(ONSET)) is None


# --- links ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-central-1", "https://eu-central-1.console.aws.amazon.com"),
        ("cn-north-1", "https://cn-north-1.console.amazonaws.cn"),
        ("us-gov-west-1", "https://us-gov-west-1.console.amazonaws-us-gov.com"),
    ],
)
def test_the_console_of_the_partition(region: str, host: str) -> None:
    assert console.host(region) == host
    assert console.alarm(region, "a b").url.startswith(f"{host}/cloudwatch/home?region={region}#")


def test_the_query_survives_the_consoles_encoding() -> None:
    query = 'filter @type = "REPORT" | stats count(*) by bin(1m)'
    group = "/aws/lambda/checkout"
    window = Window.around(BEGAN, minute(12))
    url = console.insights("us-east-1", "REPORT lines", window, (group,), query).url
    detail = unquote(url.partition("queryDetail$3D")[2].replace("$", "%"))
    said = detail.partition("editorString~'")[2].partition("~source~")[0]
    assert unquote(said.replace("*", "%")) == query
    assert "'*2Faws*2Flambda*2Fcheckout" in detail
    assert "start~'2026-03-14T02*3A10*3A00.000Z" in detail
    assert " " not in url


def test_links_lead_to_the_service() -> None:
    titles = [link.title for link in overview(reports=reports(), counts=counts()).links]
    assert titles[:3] == ["Alarm", "Access log", "REPORT lines"]
