"""AppSpec files of CodeDeploy deployments of Lambda functions: read, and made anew.

An AppSpec names the version that the alias serves (CurrentVersion) and the one it should serve
(TargetVersion); CodeDeploy refuses one whose current version is not served any more (CodeDeploy
user guide, "AppSpec 'resources' section for AWS Lambda deployments").
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from bot.domain.errors import ReadFailed
from bot.domain.ports import Aws
from bot.domain.report import GapReason
from playbooks.probes.alias_history import moved_by_codedeploy

_KEYS = (
    "version",
    "Resources",
    "Type",
    "Properties",
    "Name",
    "Alias",
    "CurrentVersion",
    "TargetVersion",
)


@dataclass(frozen=True, slots=True)
class AppSpec:
    """What a Lambda deployment moves. Versions are None where the file could not be read.

    `keys`: the file's own spelling of each key, as AWS's pages disagree on upper and lower case.
    `kind`: the revision type the file came in, "String" or "AppSpecContent".
    """

    function: str
    alias: str
    current: str | None = None
    target: str | None = None
    keys: tuple[tuple[str, str], ...] = ()
    kind: str = "AppSpecContent"

    def leading(self, current: str, target: str) -> dict[str, Any]:
        """A RevisionLocation that moves the alias from one version to another."""
        spelt = dict(zip(_KEYS, _KEYS, strict=True)) | dict(self.keys)
        content = {
            spelt["version"]: 0.0,
            spelt["Resources"]: [
                {
                    self.function: {
                        spelt["Type"]: "AWS::Lambda::Function",
                        spelt["Properties"]: {
                            spelt["Name"]: self.function,
                            spelt["Alias"]: self.alias,
                            spelt["CurrentVersion"]: current,
                            spelt["TargetVersion"]: target,
                        },
                    }
                }
            ],
        }
        place = "string" if self.kind == "String" else "appSpecContent"
        return {"revisionType": self.kind, place: {"content": json.dumps(content)}}


def app_spec_in(revision: Mapping[str, Any]) -> AppSpec | None:
    """The AppSpec in a RevisionLocation; None when it lies elsewhere (S3), or
    is none."""
    kind = str(revision.get("revisionType", "AppSpecContent"))
    held = revision.get("appSpecContent") or revision.get("string") or {}
    try:
        content = yaml.safe_load(held.get("content") or "")  # JSON is YAML
        keys: dict[str, str] = {}
        whole = _by_name(content, keys)
        (resource,) = whole["Resources"]
        (inner,) = resource.values()
        properties = _by_name(_by_name(inner, keys)["Properties"], keys)
        return AppSpec(
            function=str(properties["Name"]),
            alias=str(properties["Alias"]),
            current=str(properties["CurrentVersion"]),
            target=str(properties["TargetVersion"]),
            keys=tuple(keys.items()),
            kind=kind,
        )
    except (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError):
        return None


def read_app_spec(aws: Aws, deployment: Mapping[str, Any]) -> AppSpec:
    """What a Lambda deployment moves: by its AppSpec, else by the alias that CodeDeploy moved
    meanwhile (CloudTrail). Raises ReadFailed when neither says so."""
    if found := app_spec_in(deployment.get("revision") or {}):
        return found
    start = deployment["createTime"]
    moved = moved_by_codedeploy(aws, start, deployment.get("completeTime") or aws.now())
    if len(moved) == 1:
        function, alias = moved[0]
        return AppSpec(function=function, alias=alias)
    raise ReadFailed(
        GapReason.NOT_FOUND,
        f"the AppSpec of {deployment['deploymentId']} is not in CodeDeploy's answer, and "
        f"CloudTrail shows {len(moved)} aliases that CodeDeploy moved then: which one it moves is "
        "not known",
    )


def _by_name(content: Mapping[str, Any], keys: dict[str, str]) -> dict[str, Any]:
    """The mapping by the documented spelling of its keys; `keys` gets the spelling found."""
    known = {name.lower(): name for name in _KEYS}
    found: dict[str, Any] = {}
    for key, value in content.items():
        if name := known.get(str(key).lower()):
            found[name], keys[name] = value, str(key)
    return found
