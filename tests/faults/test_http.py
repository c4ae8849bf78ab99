"""The running bot's own HTTP server: what is let in, what is told, what does not bring it down."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import time
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

import pytest

from sandbox import people_and_channels as slack
from tests.faults.night import Night
from tests.support.play import said

pytestmark = [pytest.mark.slow, pytest.mark.story, pytest.mark.xdist_group("faults")]

FORM = "application/x-www-form-urlencoded"


def signed(body: bytes, secret: str = slack.SIGNING_SECRET, age: float = 0) -> dict[str, str]:
    """The headers Slack sends with a body."""
    stamp = str(int(time.time() - age))
    base = b"v0:" + stamp.encode() + b":" + body
    digest = hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
    return {
        "content-type": FORM,
        "x-slack-request-timestamp": stamp,
        "x-slack-signature": f"v0={digest}",
    }


def send(
    night: Night, body: bytes, headers: Mapping[str, str], method: str = "POST"
) -> tuple[int, str]:
    address = urlsplit((night.folder / "state" / "address").read_text(encoding="utf-8"))
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
    try:
        connection.request(method, "/slack/events", body, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def command(night: Night, text: str, trigger: str) -> bytes:
    fields = {
        "command": "/incident",
        "text": text,
        "team_id": night.session.workspace.team_id,
        "api_app_id": slack.BOT_APP,
        "channel_id": slack.TEAM_CHANNEL,
        "user_id": slack.RESPONDER,
        "trigger_id": trigger,
        "response_url": "http://127.0.0.1:9/",
    }
    return urlencode(fields).encode()


def test_a_signed_request_is_answered_and_its_replay_does_nothing(night: Night) -> None:
    body = command(night, "help", "t.1")
    headers = signed(body)
    status, answer = send(night, body, headers)
    assert status == 200
    assert "triage" in answer
    assert send(night, body, headers) == (200, "")


def test_a_replayed_triage_looks_once(night: Night) -> None:
    body = command(night, "triage 5xx", "t.2")
    headers = signed(body)
    answers = [send(night, body, headers) for _ in range(4)]
    assert [status for status, _ in answers] == [200] * 4
    assert sum("Investigating 5xx" in text for _, text in answers) == 1
    night.until("a complete report", night.report)
    assert len(night.incidents()) == 1


@pytest.mark.parametrize(
    ("change", "status"),
    [
        pytest.param({"x-slack-signature": "v0=" + "0" * 64}, 401, id="forged"),
        pytest.param({"x-slack-signature": ""}, 401, id="unsigned"),
        pytest.param({"x-slack-request-timestamp": "soon"}, 401, id="no time"),
        pytest.param({"content-type": "text/xml"}, 415, id="not of a kind Slack sends"),
    ],
)
def test_what_slack_did_not_sign_is_refused(
    night: Night, change: dict[str, str], status: int
) -> None:
    body = command(night, "triage 5xx", "t.3")
    assert send(night, body, signed(body) | change)[0] == status
    refused_without_a_trace(night)


def test_an_old_request_and_another_apps_secret_are_refused(night: Night) -> None:
    body = command(night, "triage 5xx", "t.4")
    assert send(night, body, signed(body, age=301))[0] == 401
    assert send(night, body, signed(body, age=-301))[0] == 401
    assert send(night, body, signed(body, secret="another"))[0] == 401
    assert send(night, body + b"&x=1", signed(body))[0] == 401
    refused_without_a_trace(night)


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        pytest.param(b"x" * 1_000_001, FORM, 413, id="too large"),
        pytest.param(b"[" * 50_000, "application/json", 400, id="too deep"),
        pytest.param(b'{"a": ' * 200 + b"1" + b"}" * 200, "application/json", 400, id="deep"),
        pytest.param(b"\xff\xfe=\x00", FORM, 401, id="not UTF-8"),
        pytest.param(b"null", "application/json", 400, id="no object"),
        pytest.param(b'{"event": 7}', "application/json", 400, id="an event that is a number"),
        pytest.param(b"", FORM, 400, id="empty"),
    ],
)
def test_a_signed_body_that_is_no_payload(
    night: Night, body: bytes, kind: str, status: int
) -> None:
    assert send(night, body, signed(body) | {"content-type": kind})[0] == status
    refused_without_a_trace(night)


def test_other_methods_and_paths(night: Night) -> None:
    assert send(night, b"", {}, method="GET")[0] == 405
    assert night.get("/")[0] == 404
    assert night.get("/docs")[0] == 404


def test_health_readiness_and_metrics(night: Night) -> None:
    assert night.get("/healthz") == (200, '{"ok":true}')
    status, body = night.get("/readyz")
    assert (status, json.loads(body)) == (200, {"ok": True, "faults": []})
    night.alarm()
    night.card()
    status, page = night.get("/metrics")
    assert status == 200
    values = dict(
        line.rsplit(" ", 1) for line in page.splitlines() if line and not line.startswith("#")
    )
    assert float(values["incident_socket_connections"]) == 2
    assert float(values['incident_events_accepted_total{kind="alarm"}']) >= 1
    assert float(values['incident_investigations_total{playbook="5xx",verdict="high"}']) >= 1
    assert float(values['incident_aws_calls_total{playbook="5xx"}']) > 5
    assert 0 < float(values['incident_aws_usd_total{playbook="5xx"}']) < 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("triage 5xy", ("5xy", "Did you mean", "5xx")),
        ("triage 5xx paiments", ("no service", "paiments", "Did you mean", "payments")),
        ("explode", ("explode", "/incident help")),
    ],
)
def test_what_is_mistyped_in_slack_is_answered(
    night: Night, text: str, words: tuple[str, ...]
) -> None:
    workspace = night.session.workspace
    before = len(workspace.messages(slack.TEAM_CHANNEL, viewer=slack.RESPONDER))
    night.session.slack.act(
        slack.RESPONDER, "command", channel=slack.TEAM_CHANNEL, name="/incident", text=text
    )

    def answered() -> str:
        told = workspace.messages(slack.TEAM_CHANNEL, viewer=slack.RESPONDER)[before:]
        return " ".join(said(each) for each in told if each.only_for)

    night.until(f"an answer with {words}", lambda: all(word in answered() for word in words), 10)
    assert night.incidents() == []


def refused_without_a_trace(night: Night) -> None:
    assert night.alive()
    assert night.incidents() == []
