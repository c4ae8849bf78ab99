"""An AWS account over HTTP, with boto3's own environment set to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.aws.account import Options
from sandbox.aws.server import AwsServer
from tests.sandbox.aws.conftest import RESOURCES
from tests.sandbox.aws.plain_world import PlainWorld


@pytest.fixture
def world() -> PlainWorld:
    return PlainWorld(RESOURCES)


@pytest.fixture
def aws(world: PlainWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[AwsServer]:
    """What is sent arrives here, and is in its ledger."""
    options = Options(query_seconds=0.0, warm=False)
    with AwsServer(world, RESOURCES, read_only_roles={"reader"}, options=options) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "bot")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.delenv("AWS_PROFILE", raising=False)
        yield server
