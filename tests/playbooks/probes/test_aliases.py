"""What the aliases of functions serve."""

from __future__ import annotations

from bot.domain.resources import FunctionRef, Resources
from bot.domain.service import Service
from playbooks.probes.aliases import MOST_ASKED, Aliases, AliasesProbe
from tests.playbooks.aws_stub import Answers
from tests.playbooks.samples import scope

WEIGHTS = {"AdditionalVersionWeights": {"43": 0.1}}


def alias(name: str, version: str, **more: object) -> dict[str, object]:
    return {"Name": name, "FunctionVersion": version, "RevisionId": "r", "AliasArn": "a", **more}


PAGE = {
    "Aliases": [
        alias("PROD", "42", RoutingConfig=WEIGHTS),
        alias("BETA", "43"),
        alias("BATCH", "30"),
    ]
}


def test_every_alias_with_its_weighted_versions() -> None:
    aws = Answers(list_aliases=PAGE)
    found = AliasesProbe().read(aws, scope())
    assert found is not None
    assert found.of("checkout", "PROD") == frozenset({"42", "43"})
    assert found.of("checkout", "GONE") is None
    assert found.of("mailer", "PROD") is None
    assert aws.sent == [("lambda.list_aliases", {"FunctionName": "checkout"})]


def test_what_only_other_aliases_serve() -> None:
    found = AliasesProbe().read(Answers(list_aliases=PAGE), scope())
    assert found is not None
    assert found.of_others("checkout", "PROD") == {"30"}  # 43 is of both
    assert found.of_others("checkout", "BATCH") == {"42", "43"}
    assert found.of_others("mailer", "PROD") == frozenset()


def test_functions_without_an_alias_are_not_asked_and_of_many_only_some() -> None:
    plain = Service(name="s", resources=Resources(functions=(FunctionRef(name="plain"),)))
    aws = Answers(list_aliases=PAGE)
    assert AliasesProbe().read(aws, scope(service=plain)) is None
    assert aws.sent == []
    several = tuple(FunctionRef(name=f"f{n}", alias="PROD") for n in range(MOST_ASKED + 2))
    many = Service(name="s", resources=Resources(functions=several))
    found = AliasesProbe().read(aws, scope(service=many))
    assert isinstance(found, Aliases)
    assert len(found.serving) == len(aws.sent) == MOST_ASKED
