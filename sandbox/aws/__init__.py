"""An AWS account behind one HTTP endpoint, answered from a simulated world.

    with AwsServer(world, resources) as server:
        boto3.client("lambda", endpoint_url=server.url, …)

A request passes `server` (werkzeug) and `dispatch`, which asks `protocol` what it is for, `callers`
who sent it, `faults` and `policy` whether it may pass; then a function of `services` answers, or
moto (`moto_account`) does. Replies are checked against botocore's models before they are sent.
Writes are noted in the `ledger` and in the world's trail (`trail`, `subjects`). What changes over
time (`provisioning`, `rollouts`, `deployments`) pulls the world's levers when it takes effect.

To add an operation, see `registry`.
"""
