"""What AWS refuses, with its words where they are known, and what this evaluator refuses."""

from __future__ import annotations

import pytest

from sandbox.insights import MalformedQuery, compile


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "unexpected symbol found <EOF> at line 1 and position 0"),
        ("   # only a comment", "unexpected symbol found <EOF> at line 1 and position 19"),
        ("bad command", "unexpected symbol found bad at line 1 and position 0"),
        ("count(*)", "unexpected symbol found count at line 1 and position 0"),
        ("fields a | count(*)", "unexpected symbol found count at line 1 and position 11"),
        ("fields a |", "unexpected symbol found <EOF> at line 1 and position 10"),
        ("| fields a", "unexpected symbol found | at line 1 and position 0"),
        ("fields a\n| sort bin(1m) asc", "unexpected symbol found ( at line 2 and position 10"),
        ("filter @message like /x/i", "unexpected symbol found i at line 1 and position 24"),
        ("filter a like b", "unexpected symbol found b at line 1 and position 14"),
        ("filter a = ", "unexpected symbol found <EOF> at line 1 and position 11"),
        ("filter a == 1", "unexpected symbol found = at line 1 and position 10"),
        ("filter a = 1 = 1", "unexpected symbol found = at line 1 and position 13"),
        ("filter a = 1 && b = 2", "unexpected symbol found & at line 1 and position 13"),
        ("filter a in (1, 2)", "unexpected symbol found ( at line 1 and position 12"),
        ("filter a in []", "unexpected symbol found ] at line 1 and position 13"),
        ("filter a not 5", "unexpected symbol found 5 at line 1 and position 13"),
        ("filter (a = 1", "unexpected symbol found <EOF> at line 1 and position 13"),
        ("filter and", "unexpected symbol found and at line 1 and position 7"),
        ('filter a = "b', 'unexpected symbol found " at line 1 and position 11'),
        ("filter a = 5xx", "unexpected symbol found 5xx at line 1 and position 11"),
        ("filter user-agent? = 1", "unexpected symbol found ? at line 1 and position 17"),
        ("fields a as", "unexpected symbol found <EOF> at line 1 and position 11"),
        ("fields a b", "unexpected symbol found b at line 1 and position 9"),
        ("stats count(*) by", "unexpected symbol found <EOF> at line 1 and position 17"),
        ("stats sum(*)", "unexpected symbol found * at line 1 and position 10"),
        ("sort a up", "unexpected symbol found up at line 1 and position 7"),
        ("limit any 5", "unexpected symbol found any at line 1 and position 6"),
        ("dedup a | sort a", "unexpected symbol found sort at line 1 and position 10"),
        ("dedup a | stats count(*)", "unexpected symbol found stats at line 1 and position 10"),
        ("limit 5 | stats count(*)", "unexpected symbol found limit at line 1 and position 0"),
        (
            "stats count(*) as n by a | sort n | stats max(n)",
            "unexpected symbol found sort at line 1 and position 27",
        ),
        (
            "stats count(*) as a | stats max(a) as b | stats max(b)",
            "unexpected symbol found stats at line 1 and position 42",
        ),
        (
            "parse @message 'a *' as x | fields @timestamp, x",
            "Ephemeral field is already defined: x ([47,48])",
        ),
        (
            "fields a as x | stats max(x) as x",
            "Ephemeral field is already defined: x ([22,33])",
        ),
        ("fields a, b as a", "Ephemeral field is already defined: a ([10,16])"),
        ("fields a | parse b 'x*' as a", "Ephemeral field is already defined: a ([17,28])"),
    ],
)
def test_in_the_words_of_aws(query: str, message: str) -> None:
    with pytest.raises(MalformedQuery) as error:
        compile(query)
    assert error.value.message == message


@pytest.mark.parametrize(
    ("query", "message", "place"),
    [
        ("pattern @message", "the command pattern is not supported by this evaluator", "pattern"),
        ("fields foo(a)", "the function foo is unknown or not supported", "foo(a)"),
        ("fields substr(a)", "substr takes 2 to 3 arguments", "substr(a)"),
        ("fields abs(a, b)", "abs takes 1 argument", "abs(a, b)"),
        ("fields concat()", "concat takes 1 or more arguments", "concat()"),
        ("fields bin(5)", "bin is used as in bin(5m)", "bin(5)"),
        ("fields bin(a, 5m)", "bin is used as in bin(5m)", "bin(a, 5m)"),
        ("fields datefloor(5m)", "datefloor is used as in", "datefloor(5m)"),
        ("fields bin(1mo)", "months, quarters and years are not supported", "1mo"),
        ("fields abs(5m)", "a time span belongs into bin", "5m"),
        ("filter count(*) > 5", "the aggregation count is not allowed here", "count(*)"),
        ("fields a | display max(a)", "the aggregation max is not allowed here", "max(a)"),
        ("stats sum(max(a))", "the aggregation max is not allowed here", "max(a)"),
        ("stats count(*) by sum(a)", "the aggregation sum is not allowed here", "sum(a)"),
        ("stats a, count(*)", "stats aggregates: a does not", None),
        ("stats sum(a) + b", "stats aggregates: b does not", "b"),
        ("stats pct(a)", "pct is used as in pct(field, percent", "pct(a)"),
        ("stats pct(a, 101)", "pct is used as in pct(field, percent", "pct(a, 101)"),
        ("stats pct(a, b)", "pct is used as in pct(field, percent", "pct(a, b)"),
        ("stats avg()", "avg is used as in avg(field)", "avg()"),
        ("display a as b", "display takes no alias", None),
        ("parse @message 'a * *' as x", "2 wildcards for 1 names", None),
        ("parse @message 'a' as x", "0 wildcards for 1 names", None),
        (r"parse @message /\d+/", "names no group", r"/\d+/"),
        ("filter a like /(/", "invalid regular expression", "/(/"),
        ("filter a like /(?=x)/", r"look-around", "/(?=x)/"),
        (r"filter a like /(x)\1/", "back-reference", r"/(x)\1/"),
        ("filter a like /x{99999999999}/", "invalid regular expression", "/x{99999999999}/"),
        ("limit 0", "limit takes a whole number from 1 to 10000", "0"),
        ("limit 10001", "limit takes a whole number from 1 to 10000", "10001"),
        ("limit 1.5", "limit takes a whole number from 1 to 10000", "1.5"),
        ("stats count(*) as n by a | filter b = 1", "the field b does not exist after stats", "b"),
        ("stats count(*) as n | stats max(m)", "the field m does not exist after stats", "m"),
        (
            "stats count(*) as n by a | stats max(n) by bin(5m)",
            "the field @timestamp does not exist after stats",
            "bin(5m)",
        ),
        ("filter " + "(" * 500 + "a" + ")" * 500, "nested too deeply", None),
        ("fields " + "1+" * 500 + "1", "too long", None),
        ("fields " + "a" * 10_000, "longer than 10000 characters", None),
    ],
)
def test_where_and_why(query: str, message: str, place: str | None) -> None:
    with pytest.raises(MalformedQuery) as error:
        compile(query)
    assert message in error.value.message
    if place is not None:
        assert query[error.value.position : error.value.end] == place


@pytest.mark.parametrize(
    "query",
    [
        "filter " + " or ".join(["a = 1"] * 500),
        "filter " + " and ".join(["not a = 1"] * 500),
        "fields a | fields a, @timestamp",
        "parse @message 'a *' as x | display x",
        "parse @message 'a *' as x | fields x as y | sort x",
        "stats count(*) as count by by_ as `by`",
        "stats count(*) as n by a | fields n * 2 | filter `n * 2` > 1 | sort gone",
        "fields count, sum, stats, fields, limit, sort.desc as asc",
        "fields `odd name!`.sub, a.`b c`.d, _x, @@y",
    ],
)
def test_what_is_well_formed_although_it_looks_odd(query: str) -> None:
    assert compile(query).run([], start_ms=0, end_ms=1, now_ms=0).rows == []
