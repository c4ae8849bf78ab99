"""IAM: what a principal may do here. Everything else of IAM is moto's."""

from __future__ import annotations

from sandbox.aws.account import Call
from sandbox.aws.registry import Params, Reply, operation


@operation("iam", "SimulatePrincipalPolicy")
def simulate_principal_policy(call: Call, params: Params) -> Reply:
    """Each action's decision, from the role's policy and the scenario's deny faults."""
    name = params["PolicySourceArn"].rpartition("/")[2]
    results = []
    for action in params["ActionNames"]:
        for resource in params.get("ResourceArns") or ["*"]:
            refusal = call.account.callers.refusal(name, action, resource)
            decision = refusal.decision if refusal else "allowed"
            if decision == "allowed" and call.account.faults.denies(action):
                decision = "implicitDeny"
            results.append(
                {
                    "EvalActionName": action,
                    "EvalResourceName": resource,
                    "EvalDecision": decision,
                    "MatchedStatements": [],
                    "MissingContextValues": [],
                }
            )
    return {"EvaluationResults": results, "IsTruncated": False}
