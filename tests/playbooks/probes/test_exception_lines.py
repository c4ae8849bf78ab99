"""From log lines to exceptions by owner, version, words and message: the query, run on lines."""

from __future__ import annotations

import pytest

from bot.domain.resources import EcsRef, FunctionRef
from playbooks.probes import log_groups
from playbooks.probes.exceptions import (
    Exceptions,
    Raised,
    exception_query,
    group_of,
    owners_of,
    raised_of,
)
from playbooks.probes.log_groups import LogSource
from tests.playbooks.aws_stub import Answers
from tests.playbooks.samples import minute
from tests.sandbox.insights.events import event, table

CHECKOUT = LogSource("/aws/lambda/checkout", owner="checkout")
STREAM = "2023/11/14/[42]7d0a"
POOL = "[ERROR] OperationalError: FATAL:  sorry, too many clients already\nTraceback"


def read(*lines: tuple[str, str], sources: tuple[LogSource, ...] = (CHECKOUT,)) -> list[Raised]:
    """Exceptions in lines of log streams, as the sandbox reads the query's language."""
    query = str(exception_query(list(sources)))
    rows = table(query, [event(line, at, stream=name) for at, (name, line) in enumerate(lines)])
    return raised_of(rows, owners_of(list(sources)))


def test_a_line_tells_who_raised_what_and_why() -> None:
    (found,) = read((STREAM, POOL))
    assert (found.owner, found.version, found.name) == ("checkout", "42", "OperationalError")
    assert found.says == "too many clients"
    assert found.message == "FATAL: sorry, too many clients already"
    assert found.count == 1


def test_lines_of_one_minute_are_counted_by_version_and_what_they_say() -> None:
    found = read(
        (STREAM, POOL),
        (STREAM, "[ERROR] OperationalError: FATAL: too many CLIENTS, said the other"),
        (STREAM, "[ERROR] OperationalError: no such column"),
        ("2023/11/14/[41]7d0a", POOL),
        (STREAM, "REPORT RequestId: 1"),
    )
    counted = {(each.version, each.says): each.count for each in found}
    by_words = {
        (version, words): sum(
            each.count for each in found if (each.version, each.says) == (version, words)
        )
        for version, words in counted
    }
    assert by_words == {
        ("42", "too many clients"): 2,
        ("42", ""): 1,
        ("41", "too many clients"): 1,
    }


def test_in_a_log_group_that_functions_share_the_stream_names_the_function() -> None:
    shared = (
        LogSource("/aws/lambda/checkout", r"/checkout\[", "checkout"),
        LogSource("/aws/lambda/checkout", r"/mailer\[", "mailer"),
    )
    found = read(
        ("2023/11/14/checkout[42]7d0a", "[ERROR] KeyError: 'sku'"),
        ("2023/11/14/mailer[7]7d0a", "[ERROR] KeyError: 'to'"),
        ("2023/11/14/search[1]7d0a", "[ERROR] KeyError: 'q'"),
        sources=shared,
    )
    assert {(each.owner, each.version) for each in found} == {("checkout", "42"), ("mailer", "7")}


def test_a_container_has_no_version() -> None:
    web = LogSource("/aws/lambda/checkout", owner="web")
    (found,) = read(("web/app/0123456789abcdef", "[ERROR] KeyError: 'sku'"), sources=(web,))
    assert (found.owner, found.version) == ("web", None)


@pytest.mark.parametrize(
    ("sources", "owners"),
    [
        ((), {}),
        ((CHECKOUT,), {"/aws/lambda/checkout": "checkout"}),
        ((LogSource("/shop/all"),), {"/shop/all": ""}),
        ((LogSource("/shop", owner="a"), LogSource("/shop", owner="b")), {}),
        ((LogSource("/shop", "x", "a"), LogSource("/shop", "y", "a")), {"/shop": "a"}),
    ],
)
def test_a_log_group_has_an_owner_when_it_has_one(
    sources: tuple[LogSource, ...], owners: dict[str, str]
) -> None:
    assert owners_of(list(sources)) == owners


def test_the_group_of_a_row_is_behind_the_account() -> None:
    assert group_of({"@log": "123456789012:/aws/lambda/checkout"}) == "/aws/lambda/checkout"
    assert group_of({"@log": "123456789012"}) == ""
    assert group_of({}) == ""


def test_functions_and_services_own_their_logs() -> None:
    named = {"logDriver": "awslogs", "options": {"awslogs-group": "/ecs/web"}}
    container = {"name": "app", "logConfiguration": named}
    aws = Answers(
        get_function_configuration={"Timeout": 3},
        describe_services={"services": [{"taskDefinition": "web:7"}]},
        describe_task_definition={"taskDefinition": {"containerDefinitions": [container]}},
    )
    functions, _ = log_groups.of_functions(aws, [FunctionRef(name="checkout")])
    services, _ = log_groups.of_containers(aws, [EcsRef(cluster="main", service="web")])
    assert [each.owner for each in (*functions, *services)] == ["checkout", "web"]


# --- exceptions of a while ------------------------------------------------------------------------


def raised(at: float, count: float, version: str | None, message: str = "") -> Raised:
    return Raised(minute(at), "KeyError", version, count, message=message, owner="checkout")


SEEN = Exceptions(
    ("/aws/lambda/checkout",),
    "",
    minute(-120),
    (
        raised(-5, 1, "41", "before"),
        raised(0, 2, "42", "at first"),
        raised(2, 3, "42", "later"),
        raised(3, 4, None),
        Raised(minute(4), "TypeError", "42", 9, message="another class"),
    ),
)


def test_who_wrote_them_is_counted_in_the_minutes_asked_about() -> None:
    assert SEEN.writers(minute(0), minute(9), "KeyError") == {
        ("checkout", "42"): 5,
        ("checkout", None): 4,
    }
    assert SEEN.writers(minute(5), minute(9), "KeyError") == {}


def test_the_example_is_the_latest_message_that_is_known() -> None:
    assert SEEN.example(minute(0), minute(9), ("KeyError",)) == "later"
    assert SEEN.example(minute(0), minute(2), ("KeyError",)) == "at first"
    assert SEEN.example(minute(0), minute(9), ("KeyError", "TypeError")) == "another class"
    assert SEEN.example(minute(0), minute(9), ()) == ""
    assert [each.count for each in SEEN.between(minute(2), minute(4))] == [3, 4]
