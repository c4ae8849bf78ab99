"""Puts what several sources tell of one change together."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from bot.domain.report import Change
from playbooks.probes.changes.actors import UNKNOWN
from playbooks.probes.metrics import MINUTE

_NOBODY = (UNKNOWN, "user")  # CodeDeploy says "user" for any person
_BY_CODEDEPLOY = "codedeploy"
_RDS = "RDS events"
_REBOOT = timedelta(minutes=10)  # from the call to the last of what RDS tells of it


def joined(
    deployments: Iterable[Change], published: Iterable[Change], events: Iterable[Change]
) -> tuple[Change, ...]:
    """Each change once, from the source that says most about it, in the order of time.

    CloudTrail's events of a deployment belong to the deployment, which takes their actor. What is
    only known to have been `published` is told while no source says what was released there.
    """
    told, left = _asked_for(list(deployments), sorted(events, key=lambda each: each.at))
    found: list[Change] = []
    for deployment in _without_task_sets(told):
        own = [event for event in left if _belongs(event, deployment)]
        left = [event for event in left if event not in own]
        found.append(_with_actor(deployment, own))
    found += _gone_back(left)
    done = [each for each in found if not each.error]
    found += [each for each in published if not any(_tells(other, each) for other in done)]
    return tuple(sorted(found, key=lambda each: each.at))


def _tells(other: Change, published: Change) -> bool:
    """Whether a change says what was published: a release of the same resource, or any change of
    it at that time."""
    if not _same_resource(published, other, named=False):
        return False
    return other.kind in ("alias", "deployment") or abs(other.at - published.at) <= MINUTE


def _with_actor(deployment: Change, own: list[Change]) -> Change:
    """The deployment, by whoever CloudTrail says; the nearest event to its start speaks."""
    named = [event for event in own if event.actor not in _NOBODY]
    if deployment.actor not in _NOBODY or not named:
        return deployment
    nearest = min(named, key=lambda event: abs(event.at - deployment.at))
    forced = " anew" in nearest.summary and " anew" not in deployment.summary
    update = {"actor": nearest.actor}
    if forced:
        update["summary"] = f"{deployment.summary}, forced anew"
    return deployment.model_copy(update=update)


def _belongs(event: Change, deployment: Change) -> bool:
    if event.kind not in ("alias", "deployment") or event.error:
        return False
    end = deployment.until or deployment.at + timedelta(minutes=5)
    if not deployment.at - MINUTE <= event.at <= end + MINUTE:
        return False
    return _same_resource(event, deployment, named=True) or _BY_CODEDEPLOY in event.actor.lower()


def _same_resource(one: Change, other: Change, *, named: bool) -> bool:
    """Whether both act on one resource, whichever qualifier. Where a side names none, or CodeDeploy
    does not say what it deploys to, it may be any: True."""
    first, second = ({name.split(":")[0] for name in each.touches} for each in (one, other))
    if not first or not second:
        return True
    if first & second or first & _parts(second) or second & _parts(first):
        return True
    unsaid = [
        each for each in (one, other) if each.source == "CodeDeploy" and len(each.touches) < 2
    ]
    return bool(unsaid) and (not named or one.kind == "alias" or other.kind == "alias")


def _parts(names: set[str]) -> set[str]:
    """ "lunch" and "prod" of CodeDeploy's "lunch/prod"."""
    return {part for name in names for part in name.split("/")}


def _asked_for(
    deployments: list[Change], events: list[Change]
) -> tuple[list[Change], list[Change]]:
    """RDS's events of a reboot or failover that somebody asked for belong to the call: it says who,
    they say until when."""
    told = list(deployments)
    found: list[Change] = []
    for event in events:
        own = [
            each
            for each in told
            if each.source == _RDS and event.kind == each.kind and not event.error
            if set(event.touches) & set(each.touches)
            if -MINUTE <= each.at - event.at <= _REBOOT
        ]
        if own:
            last = max(own, key=lambda each: each.at)
            summary = f"{event.summary} ({last.summary})"
            event = event.model_copy(update={"until": last.at, "summary": summary})
            told = [each for each in told if each not in own]
        found.append(event)
    return told, found


def _without_task_sets(deployments: list[Change]) -> list[Change]:
    """CodeDeploy's deployments to ECS stand for the task sets they made."""
    by_codedeploy = [each for each in deployments if each.source == "CodeDeploy"]

    def told(each: Change) -> bool:
        if each.source != "ECS" or _BY_CODEDEPLOY not in each.actor.lower():
            return False
        return any(
            other.at - MINUTE <= each.at <= (other.until or each.at) + MINUTE
            for other in by_codedeploy
        )

    return [each for each in deployments if not told(each)]


def _gone_back(events: list[Change]) -> list[Change]:
    """Marks moves of an alias to where it was before the move before."""
    before: dict[tuple[str, ...], list[str]] = {}
    found = []
    for event in events:
        if event.kind == "alias" and not event.error and " to version " in event.summary:
            moves = before.setdefault(event.touches, [])
            version = event.summary.rpartition(" to version ")[2].split(" ")[0]
            if moves and _earlier(version, moves):
                event = event.model_copy(update={"reverts": True})
            moves.append(version)
        found.append(event)
    return found


def _earlier(version: str, moves: list[str]) -> bool:
    if version in moves[:-1]:
        return True
    return version.isdigit() and moves[-1].isdigit() and int(version) < int(moves[-1])
