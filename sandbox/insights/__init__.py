"""An evaluator of the CloudWatch Logs Insights query language, in pure Python.

    query = compile('filter status >= 500 | stats count(*) as n by bin(1m) as t | sort t asc')
    result = query.run(rows, start_ms=…, end_ms=…, now_ms=…)

It evaluates `fields`, `display`, `filter`, `parse`, `stats`, `sort`, `limit` and `dedup`, and
refuses everything else: a query is either evaluated as written or raises `MalformedQuery`. It
never drops what it does not understand. Where AWS's documentation (Logs user guide, pages
CWL_QuerySyntax-*) is silent, it follows what users report of the service, and else the stricter
reading, so that what runs here runs on AWS. In particular:

- A missing field makes every comparison false, also `!=`, `not like` and `not in`; `not (…)`
  around it is true.
- Comparisons are values, 1 or 0: `sum(status = 403)` counts. The guide allows comparisons "as
  arguments for other functions", and published queries do so with live results.
- `bin(300s)` is `bin(60s)`: AWS caps the count of each unit.
- Regular expressions have no look-around and no back-references, and no suffix: `/x/i` is an
  error, `/(?i)x/` is right.
- `sort` takes fields only: name the bin (`by bin(1m) as t | sort t`).
- `stats` over nothing gives no row, and its groups come in no order to rely on: `sort` them.
- Numbers print as Java prints them (`5.12E8`), without `.0`, and after `stats` with at most four
  decimals. `aggregates.py` says what percentiles and deviations are.
- The ingestion time of an event is its timestamp.
"""

from .events import Row
from .query import Cell, Query, Result, Statistics, compile
from .tokens import MalformedQuery

__all__ = ["Cell", "MalformedQuery", "Query", "Result", "Row", "Statistics", "compile"]
