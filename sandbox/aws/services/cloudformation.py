"""CloudFormation: no resource of a scenario belongs to a stack."""

from __future__ import annotations

from sandbox.aws.account import Call
from sandbox.aws.errors import AwsError
from sandbox.aws.registry import Params, Reply, operation


@operation("cloudformation", "DescribeStackResources")
def describe_stack_resources(call: Call, params: Params) -> Reply:
    """The resources of a stack, or of the stack that a resource belongs to."""
    del call
    resource = params.get("PhysicalResourceId")
    what = f"Stack for {resource}" if resource else f"Stack with id {params.get('StackName')}"
    raise AwsError("ValidationError", f"{what} does not exist")


@operation("cloudformation", "DescribeStackEvents")
def describe_stack_events(call: Call, params: Params) -> Reply:
    """The events of a stack."""
    del call
    raise AwsError("ValidationError", f"Stack [{params.get('StackName')}] does not exist")
