"""Playbooks that claim alarms and investigate nothing."""

from __future__ import annotations

from bot.domain.playbook_contract import AlarmRule, Playbook
from bot.domain.report import Overview
from bot.domain.run import Verification


class Fives(Playbook):
    id = "5xx"
    title = looks_like = ""
    alarms = (AlarmRule("AWS/ApiGateway", frozenset({"5XXError"})),)
    name_words = frozenset({"5xx"})

    def overview(self) -> Overview:
        return Overview(headline="")

    def recovered(self) -> Verification:
        raise NotImplementedError


class Fours(Fives):
    id = "4xx"
    alarms = (AlarmRule("AWS/ApiGateway", frozenset({"4XXError"})),)
    name_words = frozenset({"4xx"})
