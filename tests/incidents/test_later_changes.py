"""Which changes are made after an incident began, by whom, and when they are investigated."""

from __future__ import annotations

from datetime import timedelta

from bot.domain.incident import Incident, IncidentState
from bot.domain.report import Change, Report, SinceChange, Window
from bot.domain.run import Answer, Run, RunState, Verification
from bot.incidents import later_changes
from bot.incidents.earlier import Before, after_the_earlier, earlier
from bot.incidents.later_changes import by_others, due, new_ones, noticed, since, told, waiting
from tests.support.samples import BEGAN, FOUND, INCIDENT, ONSET
from tests.support.values import plan

MINUTE = timedelta(minutes=1)


def change(at: float, **more: object) -> Change:
    """A change so many minutes after the alarm."""
    values = {
        "at": BEGAN + at * MINUTE,
        "actor": "maya@example.com (role Admin)",
        "kind": "alias",
        "resource": "checkout",
        "summary": "UpdateAlias alias PROD to version 41",
        "touches": ("checkout:PROD",),
        "source": "CloudTrail",
    }
    return Change.model_validate(values | more)


def report(at: float, after: SinceChange | None = None) -> Report:
    """A complete report of so many minutes after the alarm."""
    made = {"made_at": BEGAN + at * MINUTE, "complete": True, "after": after}
    return FOUND.model_copy(update=made)


def run(state: RunState, at: float, answer: Answer = Answer.YES, **more: object) -> Run:
    """A change of ours, sent and in force so many minutes after the alarm."""
    when = BEGAN + at * MINUTE
    values = {
        "id": "CHG-1",
        "incident": INCIDENT.id,
        "action": "rollback-alias",
        "state": state,
        "requested_by": "U1",
        "plan": plan(),
        "applied_at": when,
        "in_force_at": when,
        "verification": Verification(answer=answer, text="5XX 0.1% of 900 requests", at=when),
    }
    return Run.model_validate(values | more)


def test_a_change_in_few_words() -> None:
    assert told(change(5)) == "maya moved PROD to version 41"
    unknown = change(5, actor="unknown", summary="version 41, which PROD serves, was published")
    assert told(unknown) == "version 41, which PROD serves, was published"
    scaled = change(5, actor="AWS (autoscaling)", summary="SetDesiredCapacity to 4 instances")
    assert told(scaled) == "SetDesiredCapacity to 4 instances by AWS (autoscaling)"
    ours = change(5, actor="U0MAYA.U0JONAS.CHG-61D0C7D0 (role changes)")
    assert told(ours) == "Incident Helper (CHG-61D0C7D0) moved PROD to version 41"


def test_only_changes_since_the_onset_count() -> None:
    cause, fix = change(-4), change(4)
    assert by_others([cause, fix], report(2), ()) == (fix,)
    assert (ONSET - BEGAN) / MINUTE == -3


def test_what_was_refused_and_what_aws_scales_by_itself_does_not() -> None:
    refused = change(4, error="AccessDenied")
    scaled = change(5, kind="scaling", actor="AWS (application-autoscaling)")
    rolled_back = change(6, kind="deployment", actor="AWS (CodeDeploy rollback)")
    assert by_others([refused, scaled, rolled_back], report(2), ()) == (rolled_back,)


def test_our_own_changes_are_not_by_others() -> None:
    target = plan().target.replace("/", ":").split(":")[1]
    ours = run(RunState.DONE, 4)
    by_session = change(4.5, actor="U1-CHG-1 (role incident-helper-write)")
    late_trail = change(4.5, actor="unknown", resource=target, touches=(target,))
    by_hand = change(9, resource=target, touches=(target,))
    found = by_others([by_session, late_trail, by_hand], report(2), [ours])
    assert found == (by_hand,)


def test_one_change_told_by_several_sources_is_noticed_once() -> None:
    published = change(4, actor="unknown", kind="deployment", source="Lambda", summary="version 41")
    moved = change(5)
    assert new_ones([published], [moved]) == ()
    assert noticed([published], [moved]) == (moved,), "who did it is told later"
    other = change(6, summary="UpdateAlias alias PROD to version 40")
    assert new_ones([moved], [other]) == (other,)
    elsewhere = change(5, resource="cart", touches=("cart:PROD",))
    assert new_ones([moved], [elsewhere]) == (elsewhere,)


def test_a_rollout_counts_from_its_end() -> None:
    going = change(4, kind="deployment", source="ECS", until=None)
    done = change(4, kind="deployment", source="ECS", until=BEGAN + 9 * MINUTE)
    now = BEGAN + 12 * MINUTE
    assert later_changes.in_force_at(going, now) is None
    assert later_changes.in_force_at(done, now) == done.until
    assert later_changes.in_force_at(going, now + timedelta(hours=1)) == going.at
    assert noticed([going], [done]) == (done,)


def with_changes(*changes: Change) -> Incident:
    return INCIDENT.model_copy(update={"noticed": changes})


def test_it_is_investigated_since_the_latest_change_with_enough_minutes() -> None:
    incident = with_changes(change(4), change(14, summary="UpdateAlias alias PROD to version 40"))
    assert since(incident, (), BEGAN + 7 * MINUTE)[0] is None
    first, fresh = since(incident, (), BEGAN + 15 * MINUTE)
    assert (first and first.at, fresh and fresh.at) == (BEGAN + 4 * MINUTE, BEGAN + 14 * MINUTE)
    later, _ = since(
        incident,
        (run(RunState.UNDONE, 2, undone_at=BEGAN + 20 * MINUTE),),
        BEGAN + timedelta(hours=1),
    )
    assert later is not None
    assert later.what.endswith("was undone")


def test_what_was_verified_is_not_too_early_to_say() -> None:
    now = BEGAN + 8 * MINUTE
    assert since(INCIDENT, (run(RunState.DONE, 4),), now) == (None, None)
    _, fresh = since(INCIDENT, (run(RunState.DONE, 4, Answer.NO),), now)
    assert fresh is not None


def test_a_change_is_investigated_once_when_its_minutes_are_settled() -> None:
    made = [SinceChange(at=BEGAN + 4 * MINUTE, what="maya moved PROD")]
    first = report(2)
    assert due(made, first, BEGAN + 11 * MINUTE) is None
    assert due(made, first, BEGAN + 12 * MINUTE) == made[0]
    assert waiting(made, first) == made
    late = report(13)  # somebody looked again before the change was known
    assert due(made, late, BEGAN + 18 * MINUTE) == made[0]
    again = report(12, after=made[0])
    assert due(made, again, BEGAN + 30 * MINUTE) is None
    assert waiting(made, again) == []


def test_many_changes_bring_one_investigation_every_few_minutes() -> None:
    made = [SinceChange(at=BEGAN + at * MINUTE, what="again") for at in range(4, 20)]
    latest, times = report(2), []
    for at in range(3, 40):
        if due(made, latest, BEGAN + at * MINUTE):
            enough = [each for each in made if each.at + 6 * MINUTE <= BEGAN + at * MINUTE]
            latest = report(at, after=enough[-1])
            times.append(at)
    assert times == [12, 17, 22, 27]


def test_nothing_is_begun_while_an_investigation_runs() -> None:
    made = [SinceChange(at=BEGAN + 4 * MINUTE, what="maya moved PROD")]
    running = report(2).model_copy(update={"complete": False})
    assert due(made, running, BEGAN + 30 * MINUTE) is None


# --- over before ----------------------------------------------------------------------------------

AGAIN = INCIDENT.model_copy(update={"id": "inc-2", "opened_at": BEGAN + 50 * MINUTE})
ENDED = INCIDENT.model_copy(
    update={"state": IncidentState.RECOVERED, "recovered_at": BEGAN + 20 * MINUTE}
)
WINDOW = Window.around(BEGAN + 50 * MINUTE, BEGAN + 52 * MINUTE)


def test_what_mended_it_is_said_only_of_what_was_verified() -> None:
    undone = run(RunState.UNDONE, 14, undone_at=BEGAN + 40 * MINUTE, undone_by="U2")
    found = earlier(AGAIN, (), Before(ENDED, FOUND, [undone]))
    assert found is not None
    assert (found.over_since, found.undone_at) == (undone.in_force_at, undone.undone_at)
    assert found.figure == "5XX 0.1% of 900 requests"
    not_verified = run(RunState.DONE, 14, Answer.INCONCLUSIVE)
    unknown = earlier(AGAIN, (), Before(ENDED, FOUND, [not_verified]))
    assert unknown is not None
    assert (unknown.mended_by, unknown.over_since) == (None, ENDED.recovered_at)
    by_hand = ENDED.model_copy(update={"noticed": (change(12),)})
    after = earlier(AGAIN, (), Before(by_hand, FOUND, []))
    assert after is not None
    assert after.came_after is not None
    assert after.came_after.what == "maya moved PROD to version 41"


def test_an_incident_of_yesterday_says_nothing() -> None:
    late = AGAIN.model_copy(update={"opened_at": BEGAN + timedelta(days=2)})
    assert earlier(late, (), Before(ENDED, FOUND, [])) is None
    assert earlier(AGAIN, (), Before(INCIDENT, FOUND, [])) is None, "it has not ended"
    assert earlier(AGAIN, (), None) is None


def test_its_own_minutes_begin_after_the_earlier_end_and_its_baseline_before_it() -> None:
    undone = run(RunState.UNDONE, 14, undone_at=BEGAN + 40 * MINUTE)
    before = Before(ENDED, FOUND, [undone])
    window = after_the_earlier(WINDOW, earlier(AGAIN, (), before), before)
    assert window.episode == undone.undone_at
    assert window.baseline_end == FOUND.window.baseline_end
    by_itself = Before(ENDED, FOUND, [])
    window = after_the_earlier(WINDOW, earlier(AGAIN, (), by_itself), by_itself)
    assert window.episode == ENDED.recovered_at
    assert after_the_earlier(WINDOW, None, None) == WINDOW


def test_an_end_whose_message_was_missed_bounds_nothing() -> None:
    just_before = ENDED.model_copy(update={"recovered_at": AGAIN.opened_at - timedelta(seconds=1)})
    before = Before(just_before, FOUND, [])
    assert after_the_earlier(WINDOW, earlier(AGAIN, (), before), before) == WINDOW
