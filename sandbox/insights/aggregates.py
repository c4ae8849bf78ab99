"""The aggregations of `stats` (Logs user guide, page CWL_QuerySyntax-Stats).

Every row counts as often as its weight says. Where the guide leaves a choice:
`pct` is the nearest rank (AWS approximates), `stddev` is that of a population, `count_distinct`
is exact, `min` and `max` of a timestamp stay timestamps, while `earliest` and `latest` of one
give epoch milliseconds, as was observed on the service.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final, TypeAlias

from .events import Record
from .expressions import Evaluator, compiled
from .syntax import Call, Literal
from .tokens import MalformedQuery
from .values import SortKey, Timestamp, Value, finite, number, sort_key, text


class Aggregate(ABC):
    """One aggregation of one expression over one group of records."""

    def __init__(self, argument: Evaluator) -> None:
        self._argument = argument

    @abstractmethod
    def add(self, record: Record) -> None: ...

    @abstractmethod
    def result(self) -> Value: ...


class Count(Aggregate):
    """`count(x)`: the records that have x."""

    def __init__(self, argument: Evaluator) -> None:
        super().__init__(argument)
        self._count = 0

    def add(self, record: Record) -> None:
        if self._argument(record) is not None:
            self._count += record.weight

    def result(self) -> Value:
        return self._count


class CountDistinct(Aggregate):
    """`count_distinct(x)`: how many values x has."""

    def __init__(self, argument: Evaluator) -> None:
        super().__init__(argument)
        self._seen: set[str] = set()

    def add(self, record: Record) -> None:
        value = self._argument(record)
        if value is not None:
            self._seen.add(text(value))

    def result(self) -> Value:
        return len(self._seen)


class Sum(Aggregate):
    """`sum(x)` of what is numeric; missing where nothing is."""

    def __init__(self, argument: Evaluator) -> None:
        super().__init__(argument)
        self._sum: int | float = 0
        self._count = 0

    def add(self, record: Record) -> None:
        value = number(self._argument(record))
        if value is not None:
            self._sum += value * record.weight
            self._count += record.weight

    def result(self) -> Value:
        return finite(self._sum) if self._count else None


class Average(Sum):
    """`avg(x)` of what is numeric."""

    def result(self) -> Value:
        return finite(self._sum / self._count) if self._count else None


class StandardDeviation(Aggregate):
    """`stddev(x)` of the population, by Welford's method, which loses no digits."""

    def __init__(self, argument: Evaluator) -> None:
        super().__init__(argument)
        self._count = 0
        self._mean = 0.0
        self._squares = 0.0

    def add(self, record: Record) -> None:
        value = number(self._argument(record))
        if value is not None:
            self._count += record.weight
            distance = value - self._mean
            self._mean += distance * record.weight / self._count
            self._squares += distance * (value - self._mean) * record.weight

    def result(self) -> Value:
        return finite(math.sqrt(self._squares / self._count)) if self._count else None


class Percentile(Aggregate):
    """`pct(x, p)`: the value at the nearest rank, so always one that occurs."""

    def __init__(self, argument: Evaluator, percent: float) -> None:
        super().__init__(argument)
        self._percent = percent
        self._weights: dict[int | float, int] = {}

    def add(self, record: Record) -> None:
        value = number(self._argument(record))
        if value is not None:
            self._weights[value] = self._weights.get(value, 0) + record.weight

    def result(self) -> Value:
        # Rounded first: 99.9 % of 3000 is 2997, not a billionth more.
        return self._at_rank(math.ceil(round(self._percent * self._total() / 100, 9)))

    def _total(self) -> int:
        return sum(self._weights.values())

    def _at_rank(self, rank: int) -> int | float | None:
        reached = 0
        for value, weight in sorted(self._weights.items()):
            reached += weight
            if reached >= rank:
                return value
        return None


class Median(Percentile):
    """`median(x)`: the middle value, or the mean of the two in the middle."""

    def __init__(self, argument: Evaluator) -> None:
        super().__init__(argument, 50)

    def result(self) -> Value:
        total = self._total()
        below, above = self._at_rank((total + 1) // 2), self._at_rank(total // 2 + 1)
        if below is None or above is None or below == above:
            return below
        return finite((below + above) / 2)


class Extreme(Aggregate):
    """`max`, `sortsLast` and, reversed, `min`, `sortsFirst`: by the natural order of `sort`."""

    def __init__(self, argument: Evaluator, largest: bool) -> None:
        super().__init__(argument)
        self._largest = largest
        self._value: Value = None
        self._key: SortKey | None = None

    def add(self, record: Record) -> None:
        value = self._argument(record)
        if value is None:
            return
        key = sort_key(value)
        if self._key is None or (key > self._key if self._largest else key < self._key):
            self._key, self._value = key, value

    def result(self) -> Value:
        return self._value


class AtExtremeTime(Aggregate):
    """`latest(x)` and `earliest(x)`: x of the newest or oldest record that has one."""

    def __init__(self, argument: Evaluator, newest: bool) -> None:
        super().__init__(argument)
        self._sign = 1 if newest else -1
        self._value: Value = None
        self._time = -math.inf

    def add(self, record: Record) -> None:
        value = self._argument(record)
        if value is None:
            return
        time = self._sign * (number(record["@timestamp"]) or 0)
        if time > self._time:
            self._time, self._value = time, value

    def result(self) -> Value:
        return int(self._value) if isinstance(self._value, Timestamp) else self._value


Maker: TypeAlias = Callable[[], Aggregate]

_OF_ONE_FIELD: Final[dict[str, Callable[[Evaluator], Aggregate]]] = {
    "avg": Average,
    "count": Count,
    "count_distinct": CountDistinct,
    "earliest": lambda argument: AtExtremeTime(argument, newest=False),
    "latest": lambda argument: AtExtremeTime(argument, newest=True),
    "max": lambda argument: Extreme(argument, largest=True),
    "median": Median,
    "min": lambda argument: Extreme(argument, largest=False),
    "sortsfirst": lambda argument: Extreme(argument, largest=False),
    "sortslast": lambda argument: Extreme(argument, largest=True),
    "stddev": StandardDeviation,
    "sum": Sum,
}
_PERCENTILES: Final = ("pct", "percentile")

AGGREGATIONS: Final = frozenset({*_OF_ONE_FIELD, *_PERCENTILES})


def maker(call: Call) -> Maker:
    """What starts this aggregation for a new group. Raises MalformedQuery."""
    name = call.name
    match call.arguments:
        case () if name == "count":
            return lambda: Count(lambda _: True)
        case (field,) if name in _OF_ONE_FIELD:
            argument = compiled(field)
            make = _OF_ONE_FIELD[name]
            return lambda: make(argument)
        case (field, Literal(value=int() | float() as percent)) if name in _PERCENTILES:
            if 0 <= percent <= 100:
                argument = compiled(field)
                return lambda: Percentile(argument, percent)
    usage = f"{name}(field, percent from 0 to 100)" if name in _PERCENTILES else f"{name}(field)"
    raise MalformedQuery(f"{name} is used as in {usage}", call.start, call.end)
