"""The look-around: what is known of an alarm that no incident type claims, or of a service.

It looks for no cause. It says what the alarm's own metric does, what changed, what else is
abnormal along the service's resources, and which incident type a person may open for that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import ClassVar

from bot.domain.coverage import combined
from bot.domain.playbook_contract import Playbook, Scope, advice, fact
from bot.domain.report import Advice, Gap, GapReason, Overview, Series, SignalState, nearest_first
from bot.domain.run import Answer, Verification
from playbooks.evidence import abnormal, alarm_values, onset, overview
from playbooks.evidence.abnormal import Measure
from playbooks.evidence.alarm_values import AlarmFinding
from playbooks.evidence.changes import all_changes
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.signal import Signal
from playbooks.probes.alarm_metric import AlarmMetricProbe, AlarmMetricValues
from playbooks.probes.all_functions import AllFunctions, AllFunctionsProbe
from playbooks.probes.backends import Backends, DependenciesProbe, TasksProbe
from playbooks.probes.changes import Changes, ChangesProbe
from playbooks.probes.edge import Edge, EdgeProbe
from playbooks.probes.exceptions import Exceptions, ExceptionsProbe
from playbooks.probes.firing_alarms import FiringAlarms, FiringAlarmsProbe
from playbooks.probes.metrics import MINUTE

SERVER_ERRORS = Signal(label="5XX", alarm_metrics={})
MOST_OBSERVATIONS = 8
MOST_ALARMS = 4
MOST_TYPES = 2


class LookAround(Playbook):
    """Every alarm of no incident type, and a service whose health somebody asks about."""

    id: ClassVar[str] = "look-around"
    title: ClassVar[str] = "Look around"
    looks_like: ClassVar[str] = "any alarm that is of no other type, or none"
    for_any_alarm: ClassVar[bool] = True
    types: ClassVar[Sequence[type[Playbook]]] = ()  # the incident types that it may name

    own = AlarmMetricProbe()
    edge = EdgeProbe()
    functions = AllFunctionsProbe()
    tasks = TasksProbe()
    dependencies = DependenciesProbe()
    changes = ChangesProbe()
    exceptions = ExceptionsProbe()
    firing = FiringAlarmsProbe()

    @fact
    def finding(self, scope: Scope, own: AlarmMetricValues) -> AlarmFinding:
        """What the alarm's own metric shows."""
        return alarm_values.measured(own, scope)

    @fact
    def around(
        self, scope: Scope, finding: AlarmFinding | Gap | None, edge: Edge | Gap | None
    ) -> AnomalyWindow:
        """The minutes in which everything else is looked at: while the alarm's metric is abnormal;
        without an alarm, while errors at the front door are, if they still are."""
        if isinstance(finding, AlarmFinding):
            return alarm_values.window_of(finding, scope)
        errors = onset.anomaly_window(edge, scope, SERVER_ERRORS)
        if errors.onset is not None and scope.window.end - errors.end <= onset.STALE:
            return errors
        return alarm_values.window_of(None, scope)

    @fact
    def measures(
        self,
        around: AnomalyWindow,
        edge: Edge | Gap | None,
        functions: AllFunctions | Gap | None,
        tasks: Backends | Gap | None,
        dependencies: Backends | Gap | None,
        exceptions: Exceptions | Gap | None,
    ) -> tuple[Measure, ...]:
        """What is measured along the service's resources."""
        found: list[Measure] = []
        if isinstance(edge, Edge):
            found += abnormal.of_edge(edge, around)
        if isinstance(functions, AllFunctions):
            found += abnormal.of_functions(functions, around)
        for backends in (tasks, dependencies):
            if isinstance(backends, Backends):
                found += abnormal.of_backends(backends, around)
        if isinstance(exceptions, Exceptions):
            found += abnormal.of_logs(exceptions, around)
        return tuple(found)

    @fact
    def signal_state(
        self,
        scope: Scope,
        own: AlarmMetricValues | Gap | None,
        finding: AlarmFinding | Gap | None,
        measures: tuple[Measure, ...],
        edge: Edge | Gap | None,
        functions: AllFunctions | Gap | None,
        tasks: Backends | Gap | None,
        dependencies: Backends | Gap | None,
        exceptions: Exceptions | Gap | None,
        firing: FiringAlarms | Gap | None,
    ) -> SignalState:
        """Whether the alarm's metric is abnormal; without an alarm, whether anything is.

        It is normal only when all else was read and is normal too.
        """
        evidence = (own, edge, functions, tasks, dependencies, exceptions, firing)
        standing_out = [each for each in measures if each.abnormal]
        whole = (
            scope.complete
            and not any(isinstance(each, Gap) for each in evidence)
            and combined(evidence).complete
            and all(each.abnormal is False for each in measures)
            and not (isinstance(firing, FiringAlarms) and firing.own)
        )
        if isinstance(finding, Gap):
            return SignalState(abnormal=None, text=finding.detail)
        if finding is None:
            if standing_out:
                return SignalState(abnormal=True, text=standing_out[0].text)
            text = f"nothing that was read of {scope.service.name} is far from its usual"
            return SignalState(abnormal=False if whole and measures else None, text=text)
        state = finding.abnormal
        over = None if finding.over is None else finding.over and whole
        if state is False and not whole:
            state = None
        return SignalState(abnormal=state, over=over, text=finding.text)

    def overview(
        self,
        scope: Scope,
        own: AlarmMetricValues | Gap | None,
        measures: tuple[Measure, ...],
        around: AnomalyWindow,
        signal_state: SignalState,
        changes: Changes | Gap | None,
        exceptions: Exceptions | Gap | None,
        firing: FiringAlarms | Gap | None,
    ) -> Overview:
        """The alarm's metric, what stands out beside it, changes, chart and links."""
        reading = isinstance(own, Gap) and own.reason is GapReason.PENDING
        observed = list(observations(measures, firing))
        curve: tuple[Series, ...] = ()
        if isinstance(own, AlarmMetricValues) and own.values:
            length = int((scope.window.end - scope.window.start) / MINUTE)
            minutes = [scope.window.start + number * MINUTE for number in range(length)]
            curve = (overview.charted(own.title, own.values.carried(own.period), minutes),)
        return Overview(
            headline="looking around" if reading else signal_state.text,
            onset=around.onset,
            observations=tuple(observed)[:MOST_OBSERVATIONS],
            changes=nearest_first(all_changes(changes).known, around.onset),
            chart_title=own.title if isinstance(own, AlarmMetricValues) else "",
            chart=curve,
            links=tuple(overview.links(scope, None, None, exceptions, None))[: overview.MOST_LINKS],
        )

    @advice()
    def open_a_type(
        self,
        scope: Scope,
        finding: AlarmFinding | Gap | None,
        measures: tuple[Measure, ...],
        firing: FiringAlarms | Gap | None,
    ) -> Iterator[Advice]:
        """The incident types whose own signal is abnormal, or that another alarm belongs to."""
        subjects: list[tuple[tuple[str, str], str]] = []
        if isinstance(finding, AlarmFinding) and finding.abnormal and scope.alarm:
            for watched in scope.alarm.about:
                subjects.append(((watched.namespace or "", watched.name or ""), finding.text))
        subjects += [(each.metric, each.text) for each in measures if each.abnormal and each.metric]
        if isinstance(firing, FiringAlarms):
            subjects += [
                ((metric.namespace or "", metric.name or ""), f"{alarm.name} is in ALARM")
                for alarm in firing.own
                for metric in alarm.about
            ]
        found: dict[str, str] = {}
        for metric, reason in subjects:
            for each in self._types_of(metric):
                found.setdefault(each.id, reason)
        for name, reason in list(found.items())[:MOST_TYPES]:
            yield Advice(
                text=f"{reason}: investigate its causes with",
                command=f"/incident triage {name} {scope.service.name}",
            )

    @advice()
    def look_further(self, scope: Scope, own: AlarmMetricValues | Gap | None) -> Iterator[Advice]:
        """How the alarm is defined and what it did before."""
        alarm = scope.alarm
        if alarm is None:
            return
        named = f"--region {alarm.region} --alarm-name"
        yield Advice(
            text="Whether this alarm often goes off, and why each time",
            command=f"aws cloudwatch describe-alarm-history {named} {quoted(alarm.name)} "
            "--history-item-type StateUpdate --max-items 20",
        )
        yield Advice(
            text="What its owner wrote about it, and what it does when it goes off",
            command=f"aws cloudwatch describe-alarms --region {alarm.region} "
            f"--alarm-names {quoted(alarm.name)} "
            "--query '[MetricAlarms,CompositeAlarms][].[AlarmDescription,AlarmActions]'",
        )

    def recovered(
        self, scope: Scope, since: datetime, own: AlarmMetricValues | Gap | None
    ) -> Verification:
        """Whether the alarm's values have been good since `since`."""
        at = scope.window.end
        if not isinstance(own, AlarmMetricValues) or not own.compared:
            text = "the values that the alarm compares could not be read"
            return Verification(answer=Answer.INCONCLUSIVE, text=text, at=at)
        later = own.values.between(since, at).points
        bad = [value for value in later.values() if alarm_values.passes(value, own.alarm)]
        passing = f"{len(bad)} of {len(later)} values since then pass the threshold"
        needed = own.alarm.evaluation_periods or 1
        answer = Answer.INCONCLUSIVE if len(later) < needed else Answer.NO if bad else Answer.YES
        return Verification(answer=answer, text=passing, at=at)

    def _types_of(self, metric: tuple[str, str]) -> Iterator[type[Playbook]]:
        namespace, name = metric
        for each in self.types:
            if any(
                rule.namespace == namespace and name in rule.metrics and rule.primary
                for rule in each.alarms
            ):
                yield each


def observations(measures: Sequence[Measure], firing: FiringAlarms | Gap | None) -> Iterator[str]:
    """What stands out beside the alarm's metric, in sentences; else that nothing does."""
    standing_out = [each.text for each in measures if each.abnormal]
    yield from standing_out
    normal = sum(each.abnormal is False for each in measures)
    if isinstance(firing, FiringAlarms):
        for alarm in firing.own[:MOST_ALARMS]:
            yield f"the alarm {alarm.name} is in ALARM too"
        if firing.elsewhere:
            yield f"{firing.elsewhere} alarms of other resources are in ALARM in this account"
    if normal:
        yield f"{normal} other metrics of the service are as usual"
    unknown = [each.text for each in measures if each.abnormal is None]
    if unknown:
        yield f"not known whether abnormal: {'; '.join(unknown[:3])}"


def quoted(name: str) -> str:
    """The name as one word of a shell."""
    return "'" + name.replace("'", "'\\''") + "'"
