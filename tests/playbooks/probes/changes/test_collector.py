"""Every source of changes fails by itself."""

from __future__ import annotations

import threading
from typing import ClassVar

from bot.domain.errors import ReadFailed
from bot.domain.playbook_contract import Scope
from bot.domain.ports import Aws
from bot.domain.report import GapReason
from playbooks.probes.changes.collected import Changes, Source
from playbooks.probes.changes.collector import SOURCES, ChangesProbe, read_all
from tests.playbooks.aws_stub import Answers
from tests.playbooks.samples import change, scope


class Says(Source):
    title: ClassVar[str] = "says"
    permissions: ClassVar[tuple[str, ...]] = ()

    def read(self, aws: Aws, scope: Scope) -> Changes | None:
        return Changes((change(-1),))


class Refuses(Says):
    def read(self, aws: Aws, scope: Scope) -> Changes | None:
        raise ReadFailed(GapReason.DENIED, "x:Y: no", "x:Y")


class Waits(Says):
    def __init__(self) -> None:
        self.end = threading.Event()

    def read(self, aws: Aws, scope: Scope) -> Changes | None:
        self.end.wait(30)
        return Changes()


def test_a_source_that_fails_or_never_answers_leaves_the_others() -> None:
    says, refuses, waits = Says(), Refuses(), Waits()
    found = read_all((waits, refuses, says), Answers(), scope(), seconds=0.2)
    waits.end.set()
    assert found[says] == Changes((change(-1),))
    refused, late = found[refuses], found[waits]
    assert refused is not None
    assert refused.unread[0].permission == "x:Y"
    assert late is not None
    assert late.unread[0].reason is GapReason.TIMEOUT


def test_a_source_that_is_denied_is_a_gap_with_its_permission() -> None:
    denied = ReadFailed(GapReason.DENIED, "no", "lambda:GetAlias")
    aws = Answers(get_alias=denied, lookup_events={"Events": []})
    found = ChangesProbe().read(aws, scope())
    assert found is not None
    assert found.asked == ("function versions", "CloudTrail")
    (gap,) = found.gaps("changes")
    assert (gap.probe, gap.permission) == ("changes", "lambda:GetAlias")


def test_the_probe_declares_what_its_sources_need() -> None:
    for source in SOURCES:
        assert set(source.permissions) <= set(ChangesProbe.permissions)
