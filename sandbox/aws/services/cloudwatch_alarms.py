"""CloudWatch: metric alarms and their history.

An alarm's definition comes from PutMetricAlarm (or `Options.alarms`); its states from the world's
alarm_history, and from SetAlarmState where a caller set one later.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sandbox.aws.account import Account, Call, Store
from sandbox.aws.errors import AwsError
from sandbox.aws.pages import page
from sandbox.aws.registry import Params, Reply, operation
from sandbox.world.api import Transition

_UNCHECKED = Transition(
    datetime.fromtimestamp(0, UTC), "INSUFFICIENT_DATA", "Unchecked: Initial alarm creation", ""
)


class Alarms(Store):
    """The account's metric alarms by name."""

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self._definitions: dict[str, dict[str, Any]] = {}
        self._set: dict[str, list[Transition]] = {}
        for definition in account.options.alarms:
            self.put(dict(definition), account.opened)

    def put(self, definition: dict[str, Any], now: datetime) -> None:
        """Create or replace an alarm."""
        self._definitions[definition["AlarmName"]] = {
            "ActionsEnabled": True,
            **definition,
            "AlarmConfigurationUpdatedTimestamp": now,
        }

    def names(self) -> list[str]:
        """All alarms, by name."""
        return sorted(self._definitions)

    def definition(self, name: str) -> dict[str, Any]:
        """One alarm's definition. Raises AwsError when there is none."""
        if name not in self._definitions:
            raise AwsError("ResourceNotFound", f"Alarm {name} does not exist", status=404)
        return self._definitions[name]

    def set_state(self, name: str, transition: Transition) -> None:
        """A caller sets the state by hand."""
        self._set.setdefault(name, []).append(transition)

    def history(self, name: str) -> list[Transition]:
        """The alarm's states, oldest first."""
        found = [*self.account.world.alarm_history(name), *self._set.get(name, [])]
        return sorted(found, key=lambda transition: transition.time)

    def described(self, name: str) -> dict[str, Any]:
        """The alarm as DescribeAlarms shows it."""
        definition = self.definition(name)
        history = self.history(name)
        last = history[-1] if history else None
        state = last or _UNCHECKED
        since = last.time if last else definition["AlarmConfigurationUpdatedTimestamp"]
        shown = {key: value for key, value in definition.items() if key != "Tags"}
        return {
            "OKActions": [],
            "AlarmActions": [],
            "InsufficientDataActions": [],
            "Dimensions": [],
            **shown,
            "AlarmArn": self.account.arn("cloudwatch", f"alarm:{name}"),
            "StateValue": state.state,
            "StateReason": state.reason,
            "StateReasonData": state.reason_data or None,
            "StateUpdatedTimestamp": since,
            "StateTransitionedTimestamp": since,
        }


@operation("cloudwatch", "DescribeAlarms")
def describe_alarms(call: Call, params: Params) -> Reply:
    """Metric alarms; composite alarms do not exist here."""
    alarms = call.store(Alarms)
    names = alarms.names()
    if "AlarmNames" in params:
        names = [name for name in names if name in params["AlarmNames"]]
    if "AlarmNamePrefix" in params:
        if "AlarmNames" in params:
            raise AwsError(
                "InvalidParameterCombination",
                "AlarmNames and AlarmNamePrefix cannot be used together.",
            )
        names = [name for name in names if name.startswith(params["AlarmNamePrefix"])]
    if "MetricAlarm" not in params.get("AlarmTypes", ["MetricAlarm"]):
        names = []
    found = [alarms.described(name) for name in names]
    if "StateValue" in params:
        found = [alarm for alarm in found if alarm["StateValue"] == params["StateValue"]]
    if "ActionPrefix" in params:
        prefix = params["ActionPrefix"]
        found = [alarm for alarm in found if any(a.startswith(prefix) for a in _actions(alarm))]
    shown, token = page(found, params.get("NextToken"), params.get("MaxRecords", 50), _bad_token)
    return {"MetricAlarms": shown, "CompositeAlarms": [], "NextToken": token}


def _actions(alarm: Mapping[str, Any]) -> list[str]:
    return [*alarm["OKActions"], *alarm["AlarmActions"], *alarm["InsufficientDataActions"]]


def _bad_token() -> AwsError:
    return AwsError("InvalidNextToken", "The next token specified is invalid.")


@operation("cloudwatch", "DescribeAlarmHistory")
def describe_alarm_history(call: Call, params: Params) -> Reply:
    """State updates, newest first unless told otherwise."""
    alarms = call.store(Alarms)
    names = [params["AlarmName"]] if "AlarmName" in params else alarms.names()
    items = [item for name in names for item in _items(name, alarms.history(name))]
    if params.get("HistoryItemType", "StateUpdate") != "StateUpdate":
        items = []
    if "StartDate" in params:
        items = [item for item in items if item["Timestamp"] >= params["StartDate"]]
    if "EndDate" in params:
        items = [item for item in items if item["Timestamp"] <= params["EndDate"]]
    newest_first = params.get("ScanBy", "TimestampDescending") == "TimestampDescending"
    items.sort(key=lambda item: item["Timestamp"], reverse=newest_first)
    shown, token = page(items, params.get("NextToken"), params.get("MaxRecords", 50), _bad_token)
    return {"AlarmHistoryItems": shown, "NextToken": token}


def _items(name: str, history: list[Transition]) -> list[dict[str, Any]]:
    items = []
    before = _UNCHECKED
    for transition in history:
        old, new = (_state(state) for state in (before, transition))
        data = {"version": "1.0", "oldState": old, "newState": new}
        items.append(
            {
                "AlarmName": name,
                "AlarmType": "MetricAlarm",
                "Timestamp": transition.time,
                "HistoryItemType": "StateUpdate",
                "HistorySummary": f"Alarm updated from {before.state} to {transition.state}",
                "HistoryData": json.dumps(data),
            }
        )
        before = transition
    return items


def _state(transition: Transition) -> dict[str, Any]:
    state: dict[str, Any] = {"stateValue": transition.state, "stateReason": transition.reason}
    if transition.reason_data:
        state["stateReasonData"] = json.loads(transition.reason_data)
    return state


@operation("cloudwatch", "PutMetricAlarm")
def put_metric_alarm(call: Call, params: Params) -> Reply:
    """Create or replace an alarm."""
    if "Metrics" not in params and ("MetricName" not in params or "Namespace" not in params):
        raise AwsError(
            "ValidationError", "Either Metrics or MetricName and Namespace must be given."
        )
    if params["EvaluationPeriods"] < params.get("DatapointsToAlarm", 1):
        raise AwsError(
            "ValidationError", "DatapointsToAlarm must not be greater than EvaluationPeriods."
        )
    call.store(Alarms).put(dict(params), call.time)
    return {}


@operation("cloudwatch", "SetAlarmState")
def set_alarm_state(call: Call, params: Params) -> Reply:
    """Set an alarm's state by hand; the next evaluation may change it."""
    alarms = call.store(Alarms)
    alarms.definition(params["AlarmName"])
    data = params.get("StateReasonData", "")
    if data:
        try:
            json.loads(data)
        except ValueError:
            raise AwsError("InvalidFormat", "StateReasonData is not valid JSON.") from None
    alarms.set_state(
        params["AlarmName"],
        Transition(call.time, params["StateValue"], params["StateReason"], data),
    )
    return {}
