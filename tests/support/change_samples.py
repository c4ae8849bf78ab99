"""Changes of the sample incident, from the offer to the end, as plain values."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bot.domain.objection import objection
from bot.domain.plan import Check, Choice, Number, Plan, Step
from bot.domain.report import Offer as ReportOffer
from bot.domain.run import Answer, Run, RunState, Verification
from bot.render import Offer
from tests.support.samples import FOUND, INCIDENT, NOW, UNCLEAR

OFFERS = (
    Offer(id="ofr-51c2", title="Enable provisioned concurrency"),
    Offer(id="ofr-51c3", title="Raise the memory back"),
)
PARAMS = {"FunctionName": "checkout-handler", "Qualifier": "live"}
PLAN = Plan(
    action="enable-provisioned-concurrency",
    title="Enable provisioned concurrency 24 on checkout-handler:live",
    service="checkout",
    target="lambda:checkout-handler:live/provisioned-concurrency",
    before={"alias_version": "41", "provisioned": None},
    after={"alias_version": "41", "provisioned": 24},
    steps=(
        Step(
            service="lambda",
            operation="put_provisioned_concurrency_config",
            params={**PARAMS, "ProvisionedConcurrentExecutions": 24},
        ),
    ),
    inverse=(
        Step(
            service="lambda", operation="delete_provisioned_concurrency_config", params=dict(PARAMS)
        ),
    ),
    checks=(
        Check(text="the API invokes the alias live, not $LATEST", holds=True),
        Check(text="24 of 788 unreserved concurrent executions are free", holds=True),
        Check(text="version 41 is published and active", holds=True),
    ),
    warnings=("Environments start over 1 to 3 min; errors fall only then.",),
    usd_per_hour=0.180,
    others=(
        "other aliases of checkout-handler get none of them: canary (serves 40)",
        "41 other functions of the account draw on the same 788 unreserved executions "
        "and used at most 100 of them at once in 24 h",
    ),
    number=Number(
        name="Provisioned executions",
        value=24,
        least=1,
        most=668,
        derived="peak 20 executions × 1.2 = 24",
        bounds="788 unreserved in the account, 120 for the others; now 0",
    ),
)
CHOSEN = PLAN.model_copy(
    update={
        "title": "Enable provisioned concurrency 30 on checkout-handler:live",
        "after": {"alias_version": "41", "provisioned": 30},
        "steps": (
            PLAN.steps[0].model_copy(
                update={"params": {**PARAMS, "ProvisionedConcurrentExecutions": 30}}
            ),
        ),
        "number": PLAN.number and PLAN.number.model_copy(update={"value": 30}),
        "choice": Choice(amount=30, by="U0ANNA"),
    }
)
BLOCKED = PLAN.model_copy(
    update={
        "checks": (
            Check(text="the API invokes $LATEST: provisioned concurrency would idle", holds=False),
            Check(text="unreserved concurrency of the account", holds=None),
            *PLAN.checks[2:],
        ),
        "inverse": None,
        "irreversible": "environments that were started are billed for the hour",
        "usd_per_hour": None,
        "number": None,
    }
)


def run(state: RunState, **fields: Any) -> Run:
    values = {"requested_by": "U0ANNA", "plan": PLAN, "fingerprint": PLAN.fingerprint, **fields}
    return Run(
        id="run-9d04",
        incident=INCIDENT.id,
        action=PLAN.action,
        state=state,
        **values,
    )


TITLES = {
    PLAN.action: "Enable provisioned concurrency",
    "raise-reserved-concurrency": "Raise the reserved concurrency",
    "rollback-alias": "Roll back the Lambda alias",
    "rollback-codedeploy": "Roll back the CodeDeploy deployment",
}
FITTING = ReportOffer(action=PLAN.action, title=TITLES[PLAN.action])
AGAINST = objection(FOUND.model_copy(update={"actions": (FITTING,)}), "rollback-alias", TITLES)
UNTESTED = objection(UNCLEAR, "rollback-alias", TITLES)
REQUESTED = run(RunState.REQUESTED, expires_at=NOW + timedelta(minutes=10))
SETTLING = run(
    RunState.SETTLING, approved_by="U0BEN", applied_at=NOW, note="IN_PROGRESS: 3 of 24 ready"
)
DONE = run(
    RunState.DONE,
    approved_by="U0BEN",
    applied_at=NOW,
    in_force_at=NOW + timedelta(minutes=2),
    verification=Verification(
        answer=Answer.YES,
        text="5XX 0.2 % of requests in 3 of 3 min, 8.4 % before; 0 spillover",
        at=NOW + timedelta(minutes=6),
    ),
)
UNDO_REQUESTED = DONE.model_copy(
    update={
        "state": RunState.UNDO_REQUESTED,
        "undone_by": "U0ANNA",
        "note": "The fix is holding: 5XX 0.2 % of requests in 3 of 3 min. "
        "Undoing sets executions: 24 -> none.",
    }
)
NOT_MENDED = DONE.model_copy(
    update={
        "verification": Verification(
            answer=Answer.NO, text="5XX still 7.9 % of requests after 10 min", at=NOW
        )
    }
)
NEVER_IN_FORCE = DONE.model_copy(
    update={
        "in_force_at": None,
        "verification": Verification(
            answer=Answer.NO, text="FAILED: the concurrency limit was exceeded", at=NOW
        ),
    }
)
REFUSED = run(
    RunState.REFUSED,
    approved_by="U0BEN",
    note="The alias live moved from version 41 to 42 after the plan was made.",
)
DRIFTED = run(
    RunState.DRIFTED,
    approved_by="U0BEN",
    applied_at=NOW,
    note="Provisioned concurrency is 10; it was none before and was to be 24.",
)
