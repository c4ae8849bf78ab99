"""What code reads while it runs: secrets, parameters, feature flags, certificates.

Each is a lever, so that an effect can hang on its value: a rotated secret, a parameter, a flag's
version, an expired certificate. None of them has metrics of its own but the certificate.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from pydantic import Field

from sandbox.world import names
from sandbox.world.api import LeverValue
from sandbox.world.changes import BaseChange, EventFacts
from sandbox.world.inventory import Inventory
from sandbox.world.kinds.resource import NamedBy, Resource, Seed
from sandbox.world.metrics import Dimensions, Published, dimensions, plain
from sandbox.world.minute import MinuteRecords
from sandbox.world.parts import Loc, Problem, Seconds, known

_DAY = 86400.0


class SecretRotation(BaseChange):
    """secretsmanager:RotateSecret, or by hand PutSecretValue: the secret has another version."""

    kind: Literal["secret"]
    secret: str
    version: str
    by_hand: bool = False

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """The secret must exist."""
        found = [each.name for each in inventory.every(Secret)]
        yield from known((*loc, "secret"), "secret", self.secret, found, "resources.secrets")

    def levers(self, inventory: Inventory) -> Mapping[str, tuple[float, LeverValue]]:
        """The secret's version."""
        return {f"secret/{self.secret}": (0.0, self.version)}

    def event(self, inventory: Inventory) -> EventFacts:
        """RotateSecret or PutSecretValue; Secrets Manager files them under the ARN."""
        arn = secret_arn(inventory, self.secret)
        name = "PutSecretValue" if self.by_hand else "RotateSecret"
        request = {"secretId": arn, "clientRequestToken": names.digest(self.version, length=32)}
        touched = (("AWS::SecretsManager::Secret", arn),)
        return EventFacts("secretsmanager.amazonaws.com", name, touched, request)


class Secret(Resource):
    """A secret of Secrets Manager."""

    changes = (SecretRotation,)
    named_by = (NamedBy("secretsmanager", "AWS::SecretsManager::Secret", "secret:", ("SecretId",)),)

    name: str
    version: str = "1"
    tags: dict[str, str] = Field(default_factory=dict)

    def levers(self) -> Mapping[str, LeverValue]:
        """`secret/{name}`: its version."""
        return {f"secret/{self.name}": self.version}

    def tagged(self, inventory: Inventory) -> Iterable[tuple[str, Mapping[str, str]]]:
        """The secret."""
        return [(secret_arn(inventory, self.name), self.tags)]

    def seeds(self) -> Iterable[Seed]:
        """It, without anything secret in it."""
        value = {"Name": self.name, "SecretString": "sandbox"}
        return [Seed("secretsmanager", "CreateSecret", value)]


class ParameterChange(BaseChange):
    """ssm:PutParameter: another value."""

    kind: Literal["parameter"]
    parameter: str
    value: str

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """The parameter must exist."""
        found = [each.name for each in inventory.every(Parameter)]
        place, section = (*loc, "parameter"), "resources.parameters"
        yield from known(place, "parameter", self.parameter, found, section)

    def levers(self, inventory: Inventory) -> Mapping[str, tuple[float, LeverValue]]:
        """The parameter's value."""
        return {f"parameter/{self.parameter}": (0.0, self.value)}

    def event(self, inventory: Inventory) -> EventFacts:
        """PutParameter; CloudTrail leaves the value out."""
        request = {"name": self.parameter, "overwrite": True, "value": "HIDDEN"}
        touched = (("AWS::SSM::Parameter", self.parameter),)
        return EventFacts("ssm.amazonaws.com", "PutParameter", touched, request)


class Parameter(Resource):
    """A parameter of Systems Manager."""

    changes = (ParameterChange,)
    named_by = (NamedBy("ssm", "AWS::SSM::Parameter", "parameter", ("Name", "Names")),)

    name: str  # "/orders/retries"
    value: str = "1"
    tags: dict[str, str] = Field(default_factory=dict)

    def levers(self) -> Mapping[str, LeverValue]:
        """`parameter/{name}`: its value."""
        return {f"parameter/{self.name}": self.value}

    def tagged(self, inventory: Inventory) -> Iterable[tuple[str, Mapping[str, str]]]:
        """The parameter."""
        return [(inventory.arn("ssm", f"parameter/{self.name.lstrip('/')}"), self.tags)]

    def seeds(self) -> Iterable[Seed]:
        """It, with its value at the start."""
        value = {"Name": self.name, "Value": self.value, "Type": "String"}
        return [Seed("ssm", "PutParameter", value)]


class FlagDeployment(BaseChange):
    """appconfig:StartDeployment: another version of a flag's configuration serves after `takes`."""

    kind: Literal["feature_flag"]
    flag: str
    version: str
    takes: Seconds = Field(default=0.0, ge=0)

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """The flag must exist."""
        found = [each.full_name for each in inventory.every(FeatureFlag)]
        yield from known((*loc, "flag"), "flag", self.flag, found, "resources.feature_flags")

    def levers(self, inventory: Inventory) -> Mapping[str, tuple[float, LeverValue]]:
        """The flag's version."""
        return {f"flag/{self.flag}": (self.takes, self.version)}

    def event(self, inventory: Inventory) -> EventFacts:
        """StartDeployment; AppConfig names things by ids, CloudTrail files no resource."""
        application, environment, _ = self.flag.split("/")
        request = {
            "applicationId": names.digest("appconfig", application, length=7),
            "environmentId": names.digest("appconfig", application, environment, length=7),
            "configurationProfileId": names.digest("appconfig", self.flag, length=7),
            "configurationVersion": self.version,
            "deploymentStrategyId": "AppConfig.AllAtOnce",
        }
        return EventFacts("appconfig.amazonaws.com", "StartDeployment", (), request)


class FeatureFlag(Resource):
    """A configuration profile of AppConfig with feature flags."""

    changes = (FlagDeployment,)

    application: str
    environment: str = "prod"
    profile: str = "flags"
    version: str = "1"
    tags: dict[str, str] = Field(default_factory=dict)

    @property
    def full_name(self) -> str:
        """ "application/environment/profile", as changes and levers name it."""
        return f"{self.application}/{self.environment}/{self.profile}"

    def levers(self) -> Mapping[str, LeverValue]:
        """`flag/{application}/{environment}/{profile}`: its version."""
        return {f"flag/{self.full_name}": self.version}


class CertificateImport(BaseChange):
    """acm:ImportCertificate: the certificate is renewed by hand."""

    kind: Literal["certificate"]
    certificate: str

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """The certificate must exist."""
        found = [each.domain for each in inventory.every(Certificate)]
        place, section = (*loc, "certificate"), "resources.certificates"
        yield from known(place, "certificate", self.certificate, found, section)

    def levers(self, inventory: Inventory) -> Mapping[str, tuple[float, LeverValue]]:
        """The certificate's state."""
        return {f"certificate/{self.certificate}": (0.0, "issued")}

    def event(self, inventory: Inventory) -> EventFacts:
        """ImportCertificate."""
        arn = certificate_arn(inventory, self.certificate)
        touched = (("AWS::CertificateManager::Certificate", arn),)
        return EventFacts("acm.amazonaws.com", "ImportCertificate", touched, {})


class Certificate(Resource):
    """A certificate of ACM. The lever `certificate/{domain}` turns from issued to expired."""

    changes = (CertificateImport,)

    domain: str
    expires: Seconds = 90 * _DAY  # relative to the alarm
    tags: dict[str, str] = Field(default_factory=dict)

    def levers(self) -> Mapping[str, LeverValue]:
        """`certificate/{domain}`: issued or expired."""
        return {f"certificate/{self.domain}": "issued"}

    def steps(self) -> Iterator[tuple[str, float, LeverValue]]:
        """It expires."""
        yield f"certificate/{self.domain}", self.expires, "expired"

    def metrics(self, minute: MinuteRecords) -> Iterator[Published]:
        """AWS/CertificateManager DaysToExpiry: twice a day in AWS, here once an hour."""
        if round(minute.start / 60.0) % 60 == 0:
            left = max(0.0, (self.expires - minute.start) // _DAY)
            dims = [dimensions(CertificateArn=certificate_arn(minute.inventory, self.domain))]
            space = "AWS/CertificateManager"
            yield Published(space, "DaysToExpiry", dims, plain([left], "Count"))

    def alarm_dimensions(self, namespace: str) -> Dimensions | None:
        """None: an alarm names the ARN."""
        return None

    def tagged(self, inventory: Inventory) -> Iterable[tuple[str, Mapping[str, str]]]:
        """The certificate."""
        return [(certificate_arn(inventory, self.domain), self.tags)]


def secret_arn(inventory: Inventory, name: str) -> str:
    """A secret's ARN: its name with six more characters."""
    tail = names.digest("secret", name, length=6)
    return inventory.arn("secretsmanager", f"secret:{name}-{tail}")


def certificate_arn(inventory: Inventory, domain: str) -> str:
    """A certificate's ARN."""
    text = names.digest("certificate", domain, length=32)
    parts = (text[:8], text[8:12], text[12:16], text[16:20], text[20:])
    return inventory.arn("acm", f"certificate/{'-'.join(parts)}")
