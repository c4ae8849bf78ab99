"""The account's API, REST or HTTP: its stage and its integration."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from sandbox.aws.account import Call, Store
from sandbox.aws.errors import AwsError
from sandbox.aws.names import code
from sandbox.world.kinds import Api
from sandbox.world.kinds.api import ACCESS_LOG_FORMAT, Authorizer, Route
from sandbox.world.kinds.function_base import function_arn

_AGE = timedelta(days=60)


class Gateway(Store):
    """The account's API. The deployment its stage serves is a lever of the world."""

    def api(self, kind: str, api_id: str | None = None) -> Api:
        """The API of this kind ("rest" or "http") and id. Raises AwsError."""
        found = self.account.resources.api
        if found is None or found.kind != kind or api_id not in (None, found.api_id):
            raise AwsError(
                "NotFoundException", f"Invalid API identifier specified {self.account.id}:{api_id}"
            )
        return found

    def apis(self, kind: str) -> list[Api]:
        """The APIs of this kind."""
        found = self.account.resources.api
        return [found] if found is not None and found.kind == kind else []

    def check_stage(self, api: Api, stage: str) -> None:
        """Raises AwsError when the API has no stage of this name."""
        if stage != api.stage:
            raise AwsError("NotFoundException", "Invalid stage identifier specified")

    def created(self) -> datetime:
        """When the API was made."""
        return self.account.opened - _AGE

    def serving(self, api: Api) -> str:
        """The deployment the stage serves."""
        return self._served(api, self.account.world.now())

    def _served(self, api: Api, at: datetime) -> str:
        value = self.account.world.lever(f"api/{api.name}/{api.stage}/deployment", at)
        return str(value) if value else code("deployment", api.name)

    def last_changed(self, api: Api) -> datetime:
        """When the stage was pointed at the deployment it serves; read from the trail."""
        serving = self.serving(api)
        made = [
            event.time
            for event in self.account.world.trail()
            if event.source == "apigateway.amazonaws.com"
            and event.name == "CreateDeployment"
            and not event.error_code
            and self._served(api, event.time) == serving
        ]
        return max(made, default=self.created())

    def log_destination(self, api: Api) -> str:
        """The access log's group as an ARN."""
        return self.account.arn("logs", f"log-group:{api.log_group}")

    def integration_uri(self, api: Api, route: Route | None = None) -> str:
        """What the API, or one of its routes, calls: a function with its qualifier, or the load
        balancer."""
        called = route or api
        if called.function is None:
            return f"https://{called.load_balancer}.internal.example.com"
        arn = function_arn(self.account.resources, called.function, called.qualifier)
        if api.kind == "http":
            return arn
        region = self.account.region
        return f"arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{arn}/invocations"


def log_format(api: Api) -> str:
    """The access log's format: JSON of $context variables."""
    return json.dumps(api.log_format or ACCESS_LOG_FORMAT)


def authorizer_uri(call: Call, authorizer: Authorizer) -> str:
    """The URI by which API Gateway invokes an authorizer's function."""
    arn = function_arn(call.resources, authorizer.function, authorizer.qualifier)
    region = call.account.region
    return f"arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{arn}/invocations"
