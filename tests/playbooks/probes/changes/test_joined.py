"""What several sources tell of one change."""

from __future__ import annotations

from bot.domain.report import Change
from playbooks.probes.changes.joined import joined
from tests.playbooks.samples import minute


def made(at: float, kind: str = "alias", **more: object) -> Change:
    until = more.pop("until", None)
    given: dict[str, object] = {
        "at": minute(at),
        "actor": "mara",
        "kind": kind,
        "resource": "checkout",
        "summary": "UpdateAlias alias PROD to version 42",
        "source": "CloudTrail",
        "touches": ("checkout:PROD",),
        "until": minute(until) if isinstance(until, int | float) else None,
    }
    return Change.model_validate(given | more)


def deployed(at: float, until: float, **more: object) -> Change:
    given: dict[str, object] = {
        "actor": "user",
        "source": "CodeDeploy",
        "summary": "CodeDeploy r2",
        "touches": ("lunch/prod",),
    }
    return made(at, "deployment", until=until, **(given | more))


def rolled(at: float, until: float, **more: object) -> Change:
    given: dict[str, object] = {
        "actor": "unknown",
        "source": "ECS",
        "summary": "ECS rollout of shop:42 (SUCCESSFUL)",
        "touches": ("shop",),
    }
    return made(at, "deployment", until=until, **(given | more))


def test_a_deployments_own_alias_move_is_not_told_twice() -> None:
    create = made(-10, "deployment", touches=("lunch",), summary="CreateDeployment")
    moved = made(-8.5, actor="role CodeDeploy (codedeploy)")
    (told,) = joined((deployed(-10, -8),), (), (create, moved))
    assert (told.kind, told.actor) == ("deployment", "mara")


def test_a_move_of_another_resource_is_its_own_change() -> None:
    spec = deployed(-10, -8, touches=("lunch/prod", "lunch:live"))
    other = made(-9, touches=("basket:PROD",), resource="basket")
    assert joined((spec,), (), (other,)) == (spec, other)


def test_a_forced_rollout_takes_the_actor_and_is_told_once() -> None:
    forced = made(
        -10, "deployment", touches=("shop",), summary="UpdateService anew (forced)", actor="ci"
    )
    (told,) = joined((rolled(-9.9, -5),), (), (forced,))
    assert told.actor == "ci"
    assert "anew" in told.summary


def test_a_scaling_beside_a_rollout_stays() -> None:
    scaled = made(-9, "scaling", touches=("shop",), summary="UpdateService to 0 tasks")
    assert len(joined((rolled(-10, -5),), (), (scaled,))) == 2


def test_an_attempt_that_aws_refused_is_no_deployment() -> None:
    refused = made(-10, "deployment", touches=("shop",), error="AccessDenied", actor="eve")
    told = joined((rolled(-10, -5),), (), (refused,))
    assert [each.actor for each in told] == ["unknown", "eve"]


def test_publishing_is_told_only_while_nothing_tells_the_move() -> None:
    published = made(-12, "deployment", actor="unknown", source="Lambda", summary="published")
    assert joined((), (published,), (made(-8),)) == (made(-8),)
    assert joined((), (published,), ()) == (published,)
    other = made(-8, touches=("basket:PROD",))
    assert joined((), (published,), (other,)) == (published, other)
    refused = made(-8, error="AccessDenied")
    assert joined((), (published,), (refused,)) == (published, refused)


def test_a_task_set_of_codedeploy_is_told_by_the_deployment() -> None:
    task_set = rolled(-9, -6, actor="AWS (codedeploy)")
    assert joined((deployed(-10, -5), task_set), (), ()) == (deployed(-10, -5),)
    by_itself = rolled(-30, -26, actor="AWS (codedeploy)")
    assert len(joined((deployed(-10, -5), by_itself), (), ())) == 2


def moves(*versions: str) -> list[bool]:
    found = joined(
        (),
        (),
        [
            made(-20 + number, summary=f"UpdateAlias alias PROD to version {version}")
            for number, version in enumerate(versions)
        ],
    )
    return [each.reverts for each in found]


def test_an_alias_moved_back_goes_back() -> None:
    assert moves("43", "42") == [False, True]
    assert moves("42", "43", "44") == [False, False, False]
    assert moves("9", "10", "9") == [False, False, True]
    assert moves("42") == [False]


def test_a_stages_last_change_is_told_by_whoever_says_what_it_was() -> None:
    stage = made(-5, "configuration", source="API Gateway", touches=("shop",), actor="unknown")
    update = made(-5, "configuration", touches=("shop",), summary="UpdateStage")
    assert joined((), (stage,), (update,)) == (update,)
    earlier = made(-9, "configuration", touches=("shop",), summary="UpdateStage")
    assert joined((), (stage,), (earlier,)) == (earlier, stage)


def test_a_reboot_that_somebody_asked_for_is_one_change() -> None:
    def rds(at: float, text: str) -> Change:
        return made(
            at,
            "database",
            source="RDS events",
            actor="AWS (rds)",
            touches=("orders-db",),
            summary=f"orders-db: {text}",
        )

    asked = made(-9, "database", touches=("orders-db",), summary="RebootDBInstance orders-db")
    events = (rds(-9, "DB instance shutdown"), rds(-8, "DB instance restarted"))
    (told,) = joined(events, (), (asked,))
    assert told.summary == "RebootDBInstance orders-db (orders-db: DB instance restarted)"
    assert (told.actor, told.until) == ("mara", minute(-8))
    failover = rds(-40, "Multi-AZ instance failover completed")
    assert joined((failover,), (), (asked,)) == (failover, asked)
    refused = asked.model_copy(update={"error": "AccessDenied"})
    assert len(joined(events, (), (refused,))) == 3
