"""The account's API: its stage, integration and deployments, REST or HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.aws.account import Account, Store
from sandbox.aws.errors import AwsError
from sandbox.aws.names import code
from sandbox.world.kinds import Api
from sandbox.world.kinds.api import ACCESS_LOG_FORMAT
from sandbox.world.kinds.function import function_arn

_AGE = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A deployment of the API."""

    deployment_id: str
    description: str
    created: datetime


class Gateway(Store):
    """The API; which deployment its stage serves is a lever."""

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self.stage_changed = account.opened - _AGE
        self.throttling: dict[str, float] = {}
        self.description = ""
        self.logging_level = "INFO"

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

    def deployments(self, api: Api) -> list[Snapshot]:
        """The API's deployments, newest first; past ones are read from the trail."""
        found = [
            Snapshot(code("deployment", api.name), "initial deployment", self.account.opened - _AGE)
        ]
        for event in self.account.world.trail():
            if event.source != "apigateway.amazonaws.com" or event.name != "CreateDeployment":
                continue
            if event.error_code:
                continue
            # CloudTrail does not always tell the id; the stage served it from that moment on.
            known = (event.response or {}).get("id") or self._served(api, event.time)
            asked = event.request.get("createDeploymentInput", event.request)
            text = asked.get("description") if isinstance(asked, Mapping) else None
            found.append(Snapshot(str(known), str(text or ""), event.time))
        serving = self.serving(api)
        if all(item.deployment_id != serving for item in found):
            found.append(Snapshot(serving, "", self.account.opened - _AGE / 2))
        return sorted(found, key=lambda item: item.created, reverse=True)

    def serving(self, api: Api) -> str:
        """The deployment the stage serves."""
        return self._served(api, self.account.world.now())

    def _served(self, api: Api, at: datetime) -> str:
        value = self.account.world.lever(f"api/{api.name}/{api.stage}/deployment", at)
        return str(value) if value else code("deployment", api.name)

    def serve(self, api: Api, deployment_id: str) -> None:
        """Point the stage at a deployment. Raises AwsError when there is no such one."""
        if all(item.deployment_id != deployment_id for item in self.deployments(api)):
            raise AwsError("NotFoundException", "Invalid Deployment identifier specified")
        self.account.world.pull(f"api/{api.name}/{api.stage}/deployment", deployment_id)
        self.changed()

    def changed(self) -> None:
        """Note that the stage was changed now."""
        self.stage_changed = self.account.world.now()

    def last_changed(self, api: Api) -> datetime:
        """When the stage was last changed, by a caller or by a deployment."""
        newest = next(
            item for item in self.deployments(api) if item.deployment_id == self.serving(api)
        )
        return max(self.stage_changed, newest.created)

    def log_destination(self, api: Api) -> str:
        """The access log's group as an ARN."""
        return self.account.arn("logs", f"log-group:{api.log_group}")

    def integration_uri(self, api: Api) -> str:
        """What the API calls: a function with its qualifier, or the load balancer."""
        if api.function is None:
            return f"https://{api.load_balancer}.internal.example.com"
        arn = function_arn(self.account.resources, api.function, api.qualifier)
        if api.kind == "http":
            return arn
        region = self.account.region
        return f"arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{arn}/invocations"


def log_format(api: Api) -> str:
    """The access log's format: JSON of $context variables."""
    return json.dumps(api.log_format or ACCESS_LOG_FORMAT)
