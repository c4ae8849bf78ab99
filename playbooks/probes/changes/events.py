"""A CloudTrail event as a change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC
from typing import Any

from bot.domain.plan import Choice
from bot.domain.report import Change
from playbooks.probes.changes.actors import actor_of
from playbooks.probes.changes.kinds import NOISE, kind_of, plain_name, summary_of
from playbooks.probes.changes.names import Names, texts_in

_NOT_SENT = frozenset({"Client.DryRunOperation", "DryRunOperation"})
"""Error codes of a trial: nothing would have been changed."""


SETTINGS = frozenset({"secret", "parameter", "flag"})


class UnreadableRecord(ValueError):
    """The event's record is not whole."""


RELEASES = ("alias", "deployment")
AT_ONCE = ("ModifyListener", "ModifyRule")  # releases that act as soon as they are made


def changed(event: Mapping[str, Any], names: Names) -> Change | None:
    """The change that an event of LookupEvents tells; None when it only read, or was a trial.

    A call that AWS refused is a change with an `error`: half of a script that failed is often what
    explains an incident. Raises UnreadableRecord when the record is no JSON object.
    """
    record = _record(event)
    request = _mapping(record.get("requestParameters"))
    name = plain_name(str(event.get("EventName", "")))
    if _only_read(event, record) or name in NOISE or _trial(record, request):
        return None
    source = str(event.get("EventSource") or record.get("eventSource") or "").split(".")[0]
    named = [str(each.get("ResourceName") or "") for each in event.get("Resources") or []]
    texts = [*named, *texts_in(request)]
    for details in ("serviceEventDetails", "additionalEventData"):  # of events of AWS itself
        texts += texts_in(_mapping(record.get(details)))
    kind = kind_of(name, request, source)
    # what variables name is called, not the service's own: a release of it is another's
    met = names.met_in(texts, called=kind not in RELEASES)
    if not met and kind in SETTINGS:
        met = names.in_path(texts)[:1]
    error = record.get("errorCode")
    summary = summary_of(name, request)
    return Change(
        at=event["EventTime"].astimezone(UTC),
        actor=actor_of(record, event.get("Username")),
        kind=kind,
        resource=_shown(met, named),
        summary=f"{summary}, refused ({error})" if error else summary,
        source="CloudTrail",
        touches=tuple(_qualified(each, name, source, request) for each in met),
        error=str(error) if error else None,
        choice=None if error else _choice(event, name, source, request),
        until=event["EventTime"].astimezone(UTC) if name in AT_ONCE else None,
    )


def _choice(
    event: Mapping[str, Any], name: str, source: str, request: Mapping[str, Any]
) -> Choice | None:
    """What an action takes back: of an alias the version it was set to, of a canary the newer
    of the two; None for other events, and for several at once."""
    weights = _mapping(_mapping(request.get("routingConfig")).get("additionalVersionWeights"))
    version = request.get("functionVersion")
    if weights:
        both = {str(version), *map(str, weights)}
        numbers = [each for each in both if each.isdigit()]
        version = max(numbers, key=int) if len(weights) == 1 and numbers else None
    if source != "lambda" or name != "UpdateAlias" or not version:
        return None
    function = str(request.get("functionName", "")).rpartition("function:")[2].partition(":")[0]
    return Choice(
        target=f"lambda:{function}:{request.get('name')}/version",
        suspect=str(version),
        since=event["EventTime"].astimezone(UTC),
    )


def _record(event: Mapping[str, Any]) -> Mapping[str, Any]:
    text = event.get("CloudTrailEvent")
    try:
        record = json.loads(text) if text else {}
    except (TypeError, ValueError) as fault:
        raise UnreadableRecord(str(fault)) from fault
    if not isinstance(record, Mapping):
        raise UnreadableRecord("the record is no object")
    return record


def _mapping(value: object) -> Mapping[str, Any]:
    """Parameters that are none, or no object, name nothing; the event still happened."""
    return value if isinstance(value, Mapping) else {}


def _only_read(event: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    return str(event.get("ReadOnly")).lower() == "true" or record.get("readOnly") is True


def _trial(record: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    dry = request.get("dryRun") is True or request.get("DryRun") is True
    return dry or str(record.get("errorCode")) in _NOT_SENT


def _shown(met: tuple[str, ...], named: list[str]) -> str:
    """The service's resource, whichever of the event's resources it is; else the first."""
    return met[0] if met else next((each for each in named if each), "")


def _qualified(name: str, event: str, source: str, request: Mapping[str, Any]) -> str:
    """Of a function, which version or alias the event acts on: "checkout:PROD",
    "checkout:$LATEST". Code and configuration are those of $LATEST until a version is published
    (Lambda developer guide, "Manage Lambda function versions")."""
    if source != "lambda":
        return name
    if event.endswith("Alias") and isinstance(request.get("name"), str):
        return f"{name}:{request['name']}"
    if event in ("UpdateFunctionCode", "UpdateFunctionConfiguration"):
        return f"{name}:$LATEST"
    qualifier = request.get("qualifier")
    return f"{name}:{qualifier}" if isinstance(qualifier, str) and qualifier else name
