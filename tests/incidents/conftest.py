from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.aws.client import AwsAccount, Budget
from bot.aws.sessions import Roles
from bot.domain.ports import Aws
from sandbox.aws.server import AwsServer
from tests.support.recorder import Recorder


@pytest.fixture
def record() -> Recorder:
    return Recorder()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as made:
        yield made


@pytest.fixture
def reader(aws: AwsServer) -> Aws:
    return AwsAccount(Roles()).reader("us-east-1", Budget(calls=1000))
