"""Which URLs an answer may be posted to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.response_urls import ResponseUrls

REAL = ResponseUrls("https://slack.com/api/")
LOCAL = ResponseUrls("http://127.0.0.1:4242/api/")


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.slack.com/commands/T1/2/abc",
        "https://hooks.slack.com/actions/T1/2/abc?x=1",
        "https://hooks.slack.com:443/app/T1/2/abc",
        "https://hooks.slack-gov.com/actions/T1/2/3",
    ],
)
def test_slacks_own(url: str) -> None:
    assert REAL.allows(url)
    assert LOCAL.allows(url)


@pytest.mark.parametrize(
    "url",
    [
        None,
        7,
        "",
        "http://hooks.slack.com/x",
        "https://hooks.slack.com",
        "https://hooks.slack.com.evil.example/x",
        "https://hooks.slack.com@evil.example/x",
        "https://evil.example/https://hooks.slack.com/x",
        "https://evil.example\\@hooks.slack.com/x",
        "https://hooks.slack.com\\@evil.example/x",
        "https://user:pw@hooks.slack.com/x",
        "https://hooks.slack.com:8443/x",
        "https://hooks.slack.com:443@evil.example/x",
        "https://hooks.slack.com#@evil.example/",
        "https://hooks.slack.com/x\nHost: evil.example",
        " https://hooks.slack.com/x",
        "https://hooks.slack.com/\u202e",
        "https://hooks。slack。com/x",
        "https://HOOKS.slack.com.evil.example/x",
        "https://hooksXslack.com/x",
        "https://127.0.0.1/x",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/x",
        "file:///etc/passwd",
        "//hooks.slack.com/x",
        "https:/hooks.slack.com/x",
        "https://[::1",
        "https://slack.com/response/T1",
    ],
)
def test_others(url: object) -> None:
    assert not REAL.allows(url)
    assert not LOCAL.allows(url)


def test_the_configured_address() -> None:
    assert LOCAL.allows("http://127.0.0.1:4242/response/1")
    assert not LOCAL.allows("http://127.0.0.1:4243/response/1")
    assert not LOCAL.allows("https://127.0.0.1:4242/response/1")
    assert not REAL.allows("http://127.0.0.1:4242/response/1")
    proxy = ResponseUrls("https://slack.internal.example:8443/api/")
    assert proxy.allows("https://slack.internal.example:8443/response/1")
    assert not proxy.allows("https://hooks.slack.internal.example/x")


@given(st.text(), st.text())
def test_whatever_is_allowed_begins_with_slack(before: str, after: str) -> None:
    url = f"{before}https://hooks.slack.com/{after}"
    assert not REAL.allows(url) or not before
