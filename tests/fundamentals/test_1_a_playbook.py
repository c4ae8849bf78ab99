"""Lesson 1: what a playbook is.

A coffee machine that is down has two possible causes. This is a whole playbook for it, and what
the machinery makes of the evidence. No AWS, Slack or Redis is needed to test a diagnosis.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.playbook_contract import (
    Causes,
    Playbook,
    Probe,
    Scope,
    decisive,
    hypothesis,
    necessary,
    supporting,
)
from bot.domain.ports import Aws
from bot.domain.report import CauseStatus, Clue, Gap, GapReason, Overview, Verdict, Window
from bot.domain.run import Verification
from bot.domain.service import Service
from bot.investigation.verdict import judge
from bot.investigation.weighing import weigh

NOW = datetime(2026, 11, 23, 3, 14, tzinfo=UTC)
SCOPE = Scope(Service(name="coffee"), None, Window.around(NOW - timedelta(minutes=5), NOW))


@dataclass(frozen=True)
class Tank:
    litres: float


@dataclass(frozen=True)
class Power:
    volts: float


class TankProbe(Probe[Tank]):
    """A probe reads. The hypotheses below never see it, only what it brought."""

    title = "water tank"
    permissions = ("coffee:DescribeTank",)

    def read(self, aws: Aws, scope: Scope) -> Tank:
        return Tank(aws.read("coffee", "describe_tank")["Litres"])


class PowerProbe(Probe[Power]):
    title = "mains"
    permissions = ("coffee:DescribeMains",)

    def read(self, aws: Aws, scope: Scope) -> Power:
        return Power(aws.read("coffee", "describe_mains")["Volts"])


class NoCoffee(Playbook):
    id = "no-coffee"
    title = "No coffee"
    looks_like = "the machine is broken"
    tank = TankProbe()
    power = PowerProbe()

    @hypothesis("The tank is empty", actions=("refill",))
    def tank_empty(self, tank: Tank, power: Power | Gap) -> Iterator[Clue]:
        """Needs the tank; can weigh without the mains."""
        yield decisive(tank.litres < 0.1, f"{tank.litres} l in the tank", litres=tank.litres)
        on = None if isinstance(power, Gap) else power.volts > 200
        yield supporting(on, "the machine has power")

    @hypothesis("The power is off")
    def power_off(self, power: Power) -> Iterator[Clue]:
        yield necessary(power.volts < 200, f"{power.volts} V", volts=power.volts)
        yield decisive(power.volts < 1, f"{power.volts} V", volts=power.volts)

    def overview(self, tank: Tank | Gap) -> Overview:
        return Overview(headline="no coffee")

    def recovered(self, tank: Tank | Gap, since: datetime) -> Verification:
        raise NotImplementedError


def weighed(**evidence: object) -> dict[str, CauseStatus]:
    playbook = NoCoffee()
    return {each.id: weigh(playbook, each, SCOPE, evidence).status for each in playbook.hypotheses}


def test_probes_and_hypotheses_are_found_by_the_class() -> None:
    assert list(NoCoffee.probes) == ["tank", "power"]
    assert [each.id for each in NoCoffee.hypotheses] == ["tank-empty", "power-off"]


def test_the_decisive_clue_supports_and_the_necessary_one_refutes() -> None:
    found = weighed(tank=Tank(0.0), power=Power(230.0))
    assert found == {"tank-empty": CauseStatus.SUPPORTED, "power-off": CauseStatus.REFUTED}


def test_the_other_way_round() -> None:
    found = weighed(tank=Tank(1.5), power=Power(0.0))
    assert found == {"tank-empty": CauseStatus.REFUTED, "power-off": CauseStatus.SUPPORTED}


def test_a_failed_read_is_unknown_and_never_healthy() -> None:
    denied = Gap(probe="tank", reason=GapReason.DENIED, detail="coffee:DescribeTank denied")
    found = weighed(tank=denied, power=Power(230.0))
    assert found["tank-empty"] is CauseStatus.UNTESTED, "the tank may well be empty"


def test_a_parameter_that_admits_a_gap_is_weighed_without_it() -> None:
    lost = Gap(probe="power", reason=GapReason.TIMEOUT, detail="no answer")
    found = weighed(tank=Tank(0.0), power=lost)
    assert found == {"tank-empty": CauseStatus.SUPPORTED, "power-off": CauseStatus.UNTESTED}


def test_what_the_service_does_not_have_refutes() -> None:
    assert weighed(tank=None, power=Power(0.0))["tank-empty"] is CauseStatus.REFUTED


def test_high_takes_a_decisive_clue_and_a_lead() -> None:
    playbook = NoCoffee()
    evidence = {"tank": Tank(0.0), "power": Power(230.0)}
    causes = [weigh(playbook, each, SCOPE, evidence) for each in playbook.hypotheses]
    ranked = tuple(sorted(causes, key=lambda cause: -cause.score))
    assert (ranked[0].id, ranked[0].score) == ("tank-empty", 4)
    assert judge(ranked) is Verdict.HIGH
    assert judge(ranked[1:]) is Verdict.INCONCLUSIVE, "a refuted cause alone explains nothing"


def test_a_misspelt_probe_fails_when_the_class_is_made() -> None:
    with pytest.raises(TypeError, match=r"a parameter 'tnk'.*it has: .*tank"):

        class Misspelt(Playbook):
            id = "misspelt"
            title = looks_like = ""
            tank = TankProbe()

            @hypothesis("Wrong")
            def wrong(self, tnk: Tank) -> Iterator[Clue]:
                yield necessary(True, "")

            def overview(self, tank: Tank | Gap) -> Overview:
                return Overview(headline="")

            def recovered(self, tank: Tank | Gap) -> Verification:
                raise NotImplementedError


class PowerCauses(Causes):
    """A cause that several incident types share, with the probe it reads."""

    power = PowerProbe()

    @hypothesis("The fuse is out")
    def fuse_out(self, power: Power) -> Iterator[Clue]:
        yield decisive(power.volts < 1, f"{power.volts} V")


class ColdCoffee(NoCoffee, PowerCauses):
    """Inherits both; it does without one cause, and says more of another."""

    id = "cold-coffee"
    tank_empty = None  # type: ignore[assignment]

    @hypothesis("The power is off, or too low to heat")
    def power_off(self, power: Power) -> Iterator[Clue]:
        yield decisive(power.volts < 180, f"{power.volts} V")


def test_causes_are_inherited_with_their_probes() -> None:
    assert [each.id for each in ColdCoffee.hypotheses] == ["power-off", "fuse-out"]
    assert ColdCoffee.hypotheses[0].title == "The power is off, or too low to heat"
    assert set(ColdCoffee.probes) == {"tank", "power"}
    low = {"tank": Tank(1.5), "power": Power(120.0)}
    found = [weigh(ColdCoffee(), each, SCOPE, low).status for each in ColdCoffee.hypotheses]
    assert found == [CauseStatus.SUPPORTED, CauseStatus.REFUTED]


def test_a_misspelt_probe_fails_in_shared_causes_too() -> None:
    with pytest.raises(TypeError, match=r"Shared.wrong has a parameter 'pwer'.*it has: power"):

        class Shared(PowerCauses):
            @hypothesis("Wrong")
            def wrong(self, pwer: Power) -> Iterator[Clue]:
                yield necessary(True, "")


def test_what_the_service_may_have_is_unknown_while_its_tags_are() -> None:
    unread = replace(SCOPE, complete=False)
    playbook = NoCoffee()
    evidence = {"tank": None, "power": Power(230.0)}
    found = {each.id: weigh(playbook, each, unread, evidence) for each in playbook.hypotheses}
    assert found["tank-empty"].status is CauseStatus.UNTESTED


def test_a_rival_that_could_not_be_tested_keeps_the_verdict_at_medium() -> None:
    playbook = NoCoffee()
    denied = Gap(probe="power", reason=GapReason.DENIED, detail="coffee:DescribeMains denied")
    evidence = {"tank": Tank(0.0), "power": denied}
    causes = tuple(weigh(playbook, each, SCOPE, evidence) for each in playbook.hypotheses)
    assert [cause.status for cause in causes] == [CauseStatus.SUPPORTED, CauseStatus.UNTESTED]
    assert judge(causes) is Verdict.MEDIUM
