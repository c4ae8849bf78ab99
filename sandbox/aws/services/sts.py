"""STS: the caller's identity, and sessions of roles."""

from __future__ import annotations

import re
from datetime import timedelta

from sandbox.aws.account import Call
from sandbox.aws.errors import AwsError
from sandbox.aws.registry import Params, Reply, operation

_ROLE = re.compile(r"arn:aws:iam::(?P<account>\d{12}):role/(?P<path>.+)")


@operation("sts", "GetCallerIdentity")
def get_caller_identity(call: Call, params: Params) -> Reply:
    """The caller's ARN."""
    del params
    caller = call.caller
    return {"UserId": caller.user_id, "Account": call.account.id, "Arn": caller.arn}


@operation("sts", "AssumeRole")
def assume_role(call: Call, params: Params) -> Reply:
    """Credentials of a role session. They expire in wall time, by which the client compares."""
    match = _ROLE.fullmatch(params["RoleArn"])
    if match is None or match["account"] != call.account.id:
        raise AwsError(
            "AccessDenied",
            f"User: {call.caller.arn} is not authorized to perform: sts:AssumeRole on resource: "
            f"{params['RoleArn']}",
        )
    lasts = timedelta(seconds=params.get("DurationSeconds", 3600))
    made = call.account.callers.assume(
        params["RoleArn"], params["RoleSessionName"], lasts, params.get("Policy")
    )
    return {
        "Credentials": {
            "AccessKeyId": made.access_key,
            "SecretAccessKey": made.secret,
            "SessionToken": made.token,
            "Expiration": made.expires,
        },
        "AssumedRoleUser": {"AssumedRoleId": made.caller.user_id, "Arn": made.caller.arn},
    }
