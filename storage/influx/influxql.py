"""InfluxQL: the dialect that versions 1, 2 and 3 share. Values are quoted, names are constants."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from caretaker.errors import StorageError
from caretaker.measurements import MEASUREMENTS

_ESCAPES = str.maketrans({"\\": "\\\\", "'": "\\'", "\n": "\\n"})


class QueryError(StorageError):
    """A store refused a query, or answered what cannot be understood."""


@dataclass(frozen=True, slots=True)
class Series:
    """One series of a result: its tags, its columns, and rows with the time [ns] first."""

    name: str
    tags: Mapping[str, str] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    rows: list[list[Any]] = field(default_factory=list)


def quoted(value: str) -> str:
    r"""Return a value as an InfluxQL string literal.

    >>> print(quoted("it's"), quoted("a\\b"))
    'it\'s' 'a\\b'
    """
    return f"'{value.translate(_ESCAPES)}'"


def identifier(name: str) -> str:
    """Return a known name as an identifier; an unknown one is a mistake of ours.

    >>> identifier("rollup_1h"), identifier("device")
    ('"rollup_1h"', '"device"')
    >>> identifier('x"; DROP DATABASE y')
    Traceback (most recent call last):
        ...
    ValueError: 'x"; DROP DATABASE y' is no name of caretaker.measurements
    """
    if name not in _NAMES:
        raise ValueError(f"{name!r} is no name of caretaker.measurements")
    return f'"{name}"'


_NAMES = frozenset(
    word for known in MEASUREMENTS.values() for word in (known.name, *known.tags, *known.fields)
)


def where(
    tags: Mapping[str, str], *, start_ns: int | None = None, end_ns: int | None = None
) -> str:
    """Return a WHERE clause; the times are [start_ns, end_ns).

    >>> where({"site": "s"}, start_ns=1, end_ns=5)
    ' WHERE "site" = \\'s\\' AND time >= 1 AND time < 5'
    """
    parts = [f"{identifier(name)} = {quoted(value)}" for name, value in tags.items()]
    if start_ns is not None:
        parts.append(f"time >= {start_ns:d}")
    if end_ns is not None:
        parts.append(f"time < {end_ns:d}")
    return f" WHERE {' AND '.join(parts)}" if parts else ""


def select(
    measurement: str,
    what: tuple[str, ...],
    *,
    tags: Mapping[str, str],
    start_ns: int | None = None,
    end_ns: int | None = None,
    tail: str = "",
) -> str:
    """Return a SELECT of fields; `tail` is written by us (GROUP BY, ORDER BY, LIMIT).

    >>> select("power", ("value",), tags={}, start_ns=0, tail=" LIMIT 1")
    'SELECT "value" FROM "power" WHERE time >= 0 LIMIT 1'
    """
    fields = ", ".join(identifier(name) for name in what)
    clause = where(tags, start_ns=start_ns, end_ns=end_ns)
    return f"SELECT {fields} FROM {identifier(measurement)}{clause}{tail}"  # noqa: S608  (quoted)


def count_by_hour(measurement: str, *, site: str, start_ns: int, end_ns: int) -> str:
    """Return the query that counts the values of each device and point by hour."""
    clause = where({"site": site}, start_ns=start_ns, end_ns=end_ns)
    source = f"SELECT count({identifier('value')}) FROM {identifier(measurement)}"  # noqa: S608
    groups = f"time(1h), {identifier('device')}, {identifier('point')}"
    return f"{source}{clause} GROUP BY {groups} fill(none)"


def parse(lines: Iterator[str]) -> Iterator[Series]:
    """Yield the series of a chunked answer, one JSON document a line.

    >>> text = '{"results":[{"series":[{"name":"t","columns":["time","v"],"values":[[1,2]]}]}]}'
    >>> [(s.name, s.rows) for s in parse(iter([text]))]
    [('t', [[1, 2]])]
    >>> list(parse(iter(['{"results":[{"error":"database not found: x"}]}'])))
    Traceback (most recent call last):
        ...
    storage.influx.influxql.QueryError: database not found: x
    """
    for line in lines:
        if not line.strip():
            continue
        try:
            document = json.loads(line)
            error = document.get("error") or next(
                (r["error"] for r in document.get("results", ()) if "error" in r), ""
            )
            if error:
                raise QueryError(str(error)[:300])
            for result in document.get("results", ()):
                for item in result.get("series", ()):
                    yield Series(
                        item.get("name", ""),
                        item.get("tags", {}),
                        tuple(item.get("columns", ())),
                        item.get("values", []),
                    )
        except (ValueError, AttributeError, TypeError, KeyError) as problem:
            raise QueryError(f"no InfluxQL answer: {line[:80]!r} ({problem})") from problem
