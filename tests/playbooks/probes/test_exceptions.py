"""Classes of exceptions in logs."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from bot.domain.report import Window
from playbooks.probes import exceptions, logs_insights
from playbooks.probes.exceptions import ExceptionsProbe
from tests.playbooks.aws_stub import Answers
from tests.playbooks.probes.answers import AT
from tests.playbooks.samples import BEGAN, minute, scope


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("[ERROR] KeyError: 'sku'\nTraceback (most recent call last):", "KeyError"),
        ('ERROR Invoke Error {"errorType":"TypeError","errorMessage":"x"}', "TypeError"),
        ("java.lang.NullPointerException: null", "java.lang.NullPointerException"),
        ('{"level":"ERROR","errorType":"ValidationError"}', "ValidationError"),
        ("RequestId: 1 Error: Runtime exited with error: signal: killed", None),
        ("error rate 0", None),
    ],
)
def test_classes_of_exceptions(line: str, name: str | None) -> None:
    found = re.search(exceptions.CLASS.replace("?<class>", "?P<class>"), line)
    assert (found["class"] if found else None) == name


def test_rows_without_a_class_are_left_out() -> None:
    rows = [
        {"t": "2026-03-14 03:07:00.000", "n": "3"},
        {"t": "2026-03-14 03:07:00.000", "n": "4", "class": "KeyError", "version": "42"},
    ]
    found = exceptions.Exceptions((), "", AT, tuple(exceptions.raised_of(rows)))
    assert found.classes(minute(-10), minute(10)) == {"KeyError": 4}
    assert found.versions(minute(-10), minute(10), "KeyError") == {"42": 4}


def test_a_log_of_four_hours_has_no_baseline_of_an_old_incident() -> None:
    old = Window.around(BEGAN, minute(300))
    assert logs_insights.read_from(old) == minute(60)
    assert logs_insights.read_from(Window.around(BEGAN, minute(12))) == minute(-120)
    aws = Answers(start_query={"queryId": "q"}, get_query_results={"status": "Complete"})
    found = ExceptionsProbe().read(aws, replace(scope(), window=old))
    assert found is not None
    assert found.since == minute(60)
