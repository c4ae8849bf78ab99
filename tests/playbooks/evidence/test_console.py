"""Links into the AWS console."""

from __future__ import annotations

from urllib.parse import unquote

import pytest

from bot.domain.report import Window
from playbooks.evidence import console
from tests.playbooks.samples import BEGAN, minute


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
