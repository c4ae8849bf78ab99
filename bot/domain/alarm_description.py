"""The alarm in an entry of DescribeAlarms, and the parts that other descriptions of alarms share.

Keys are read in any case, because SNS, EventBridge and the API write the same keys differently; a
value of the wrong type is read as missing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from bot.domain import composite_rule, metric_math
from bot.domain.alarm import ALARM_ARN, Alarm, AlarmMetric, AlarmState
from bot.domain.json_access import decoded, dict_in, list_in, number_in, text_in, whole_in


def from_description(entry: dict[str, Any], region: str = "") -> Alarm:
    """The alarm in one entry of DescribeAlarms' reply, on metrics or composite.

    Args:
        entry: as boto3 returns it, or as the AWS CLI prints it.
        region: of an entry without ARN.

    Raises ValueError when it has no name, no state, or no region.
    """
    name, arn = text_in(entry.get("AlarmName")), text_in(entry.get("AlarmArn"))
    place = ALARM_ARN.fullmatch(arn)
    state = text_in(entry.get("StateValue"))
    if not name:
        raise ValueError("it has no AlarmName")
    if state and state not in AlarmState.__members__:
        raise ValueError(f"the StateValue of {name!r} is {state[:40]!r}")
    region = place[1] if place else region
    if not region:
        raise ValueError(f"{name!r} has no AlarmArn, so its region is not known")
    changed = entry.get("StateTransitionedTimestamp") or entry.get("StateUpdatedTimestamp")
    because = decoded(entry.get("StateReasonData"))
    return Alarm(
        name=name,
        region=region,
        account=place[2] if place else None,
        arn=arn or None,
        state=AlarmState(state) if state else None,
        reason=text_in(entry.get("StateReason")),
        changed_at=moment(changed),
        **conditions(entry),
        **composite(because.get("triggeringAlarms"), entry.get("AlarmRule")),
    )


def conditions(entry: dict[str, Any]) -> dict[str, Any]:
    """Fields of `Alarm`: its metrics, and when they bring it into ALARM."""
    given = _lower(entry)
    metrics = metrics_in(given.get("metrics")) or metrics_in([{"metricstat": given | _stat(given)}])
    return {
        "metrics": metrics,
        "threshold_metric": text_in(given.get("thresholdmetricid")) or None,
        "comparison": text_in(given.get("comparisonoperator")) or None,
        "compared_with": number_in(given.get("threshold")),
        "evaluation_periods": whole_in(given.get("evaluationperiods")),
        "datapoints_to_alarm": whole_in(given.get("datapointstoalarm")),
        "missing_data": text_in(given.get("treatmissingdata")) or None,
    }


def metrics_in(entries: object) -> tuple[AlarmMetric, ...]:
    """The metrics and expressions in a list of MetricDataQuery, as any of the senders writes it."""
    found = (_metric(_lower(dict_in(entry))) for entry in list_in(entries))
    return tuple(each for each in found if each.name or each.expression)


def composite(triggering: object, rule: object) -> dict[str, Any]:
    """Fields of `Alarm`: the children of a composite alarm, by name.

    Args:
        triggering: a list of objects with the children's ARNs; those in ALARM triggered it.
        rule: its AlarmRule.
    """
    entries = [_lower(dict_in(each)) for each in list_in(triggering)]
    firing = names_in(
        text_in(entry.get("arn"))
        for entry in entries
        if text_in(_lower(dict_in(entry.get("state"))).get("value")) in ("", AlarmState.ALARM)
    )
    listed = names_in(composite_rule.children(text_in(rule)))
    return {
        "rule": text_in(rule) or None,
        "children": tuple(dict.fromkeys((*firing, *listed))),
        "triggering": firing,
    }


def names_in(alarms: Iterable[str]) -> tuple[str, ...]:
    """The names of alarms that are given by name or by ARN."""
    names = (match[3] if (match := ALARM_ARN.fullmatch(each)) else each for each in alarms)
    return tuple(dict.fromkeys(name for name in names if name))


def moment(value: object) -> datetime | None:
    """A time with a zone; CloudWatch's messages write "2022-07-22T15:57:45.394+0000"."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    try:
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    except OverflowError:
        return None


def dimensions_in(value: object) -> dict[str, str]:
    """Dimensions, given as an object or as a list of names and values."""
    if isinstance(value, dict):
        pairs = [(text_in(name), text_in(each)) for name, each in value.items()]
    else:
        entries = (_lower(dict_in(each)) for each in list_in(value))
        pairs = [(text_in(each.get("name")), text_in(each.get("value"))) for each in entries]
    return {name: each for name, each in pairs if name and each}


def _metric(entry: dict[str, Any]) -> AlarmMetric:
    stat = _lower(dict_in(entry.get("metricstat")))
    metric = _lower(dict_in(stat.get("metric")))
    expression = text_in(entry.get("expression"))
    query = metric_math.query_in(expression)
    shared = {
        "id": text_in(entry.get("id")),
        "period": whole_in(stat.get("period")) or whole_in(entry.get("period")),
        "account": text_in(entry.get("accountid")) or None,
        "expression": expression or None,
        "returned": entry.get("returndata") is not False,
    }
    if query is not None:
        return AlarmMetric.model_validate(
            shared
            | {
                "namespace": query.namespace,
                "name": query.metric,
                "statistic": query.statistic,
                "dimensions": query.dimensions,
                "account": query.account or shared["account"],
            }
        )
    return AlarmMetric.model_validate(
        shared
        | {
            "namespace": text_in(metric.get("namespace")) or None,
            "name": text_in(metric.get("metricname")) or text_in(metric.get("name")) or None,
            "dimensions": dimensions_in(metric.get("dimensions")),
            "statistic": text_in(stat.get("stat")) or None,
        }
    )


def _stat(alarm: dict[str, Any]) -> dict[str, Any]:
    """The metric of an alarm without `Metrics`, in the shape of MetricStat."""
    statistic = text_in(alarm.get("statistic"))
    if statistic.isupper():  # SNS writes "SUM" and "SAMPLE_COUNT"
        statistic = statistic.title().replace("_", "")
    metric = {key: alarm.get(key) for key in ("namespace", "metricname", "dimensions")}
    return {"metric": metric, "stat": statistic or text_in(alarm.get("extendedstatistic"))}


def _lower(entry: dict[str, Any]) -> dict[str, Any]:
    return {text_in(key).lower(): value for key, value in entry.items()}
