"""KPI values and the marks of what changed under them; each write has a higher revision."""

import json
import sqlite3
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

_COLUMNS = (
    "scope_kind, scope, kpi, period, start_ms, end_ms, value, numerator, denominator, coverage,"
    " estimated_share, enough, reason, usual_low, usual_median, usual_high, previous, last_year,"
    " target, count, missing, version, parameters, now_ms, revision"
)
_PLACES = ", ".join("?" * 25)


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiValue:
    """A KPI of one scope over [start_ms, end_ms) as known at `now_ms` [ms UTC].

    `value` is None without enough data, and `reason` says why. `usual_*` is the band of similar
    days, `previous` the same weekday a week before (longer periods: the one before), `last_year`
    the matching one a year before; both cover only as much as has elapsed of a running period.
    """

    scope_kind: str
    scope: str
    kpi: str
    period: str
    start_ms: int
    end_ms: int
    value: float | None = None
    numerator: float | None = None
    denominator: float | None = None
    coverage: float = 0.0
    estimated_share: float = 0.0
    reason: str = ""
    usual_low: float | None = None
    usual_median: float | None = None
    usual_high: float | None = None
    previous: float | None = None
    last_year: float | None = None
    target: float | None = None
    count: int = 0
    missing: tuple[str, ...] = ()
    version: str = "1"
    parameters: Mapping[str, float | int | str] = field(default_factory=dict)
    now_ms: int = 0
    revision: int = 0

    @property
    def enough(self) -> bool:
        """Whether there was enough data for a value."""
        return self.value is not None

    @property
    def key(self) -> tuple[str, str, str, str, int]:
        """What tells one row from another."""
        return self.scope_kind, self.scope, self.kpi, self.period, self.start_ms


def _value(row: Sequence[object]) -> KpiValue:
    names = _COLUMNS.replace(" ", "").split(",")
    found = dict(zip(names, row, strict=True))
    del found["enough"]
    found["missing"] = tuple(json.loads(str(found["missing"])))
    found["parameters"] = json.loads(str(found["parameters"]))
    return KpiValue(**found)  # type: ignore[arg-type]  # columns are the fields


def rows(values: Iterable[KpiValue]) -> list[tuple[object, ...]]:
    """Return values as `put` takes them; what costs time is done here, in any thread."""
    return [
        (
            *item.key,
            item.end_ms,
            item.value,
            item.numerator,
            item.denominator,
            item.coverage,
            item.estimated_share,
            int(item.enough),
            item.reason,
            item.usual_low,
            item.usual_median,
            item.usual_high,
            item.previous,
            item.last_year,
            item.target,
            item.count,
            json.dumps(item.missing, ensure_ascii=False) if item.missing else "[]",
            item.version,
            json.dumps(dict(item.parameters), ensure_ascii=False) if item.parameters else "{}",
            item.now_ms,
        )
        for item in values
    ]


def put(connection: sqlite3.Connection, rows: Iterable[tuple[object, ...]]) -> None:
    """Put rows in, each with a new revision above all others."""
    highest = connection.execute("SELECT coalesce(max(revision), 0) FROM kpi_value").fetchone()[0]
    connection.executemany(
        f"INSERT OR REPLACE INTO kpi_value ({_COLUMNS}) VALUES ({_PLACES})",  # noqa: S608
        [(*row, revision) for revision, row in enumerate(rows, highest + 1)],
    )


def write(connection: sqlite3.Connection, values: Iterable[KpiValue]) -> int:
    """Put values in; return how many."""
    found = rows(values)
    put(connection, found)
    return len(found)


def select(
    connection: sqlite3.Connection,
    *,
    scope_kind: str = "",
    scope: str = "",
    period: str = "",
    kpis: Sequence[str] = (),
    start_ms: int = -(2**62),
    end_ms: int = 2**62,
    limit: int = 1_000_000,
) -> list[KpiValue]:
    """Return the values whose period starts in [start_ms, end_ms), by KPI, scope and time."""
    wanted = {"scope_kind": scope_kind, "scope": scope, "period": period}
    given = {column: text for column, text in wanted.items() if text}
    where = "".join(f"{column} = ? AND " for column in given)
    if kpis:
        where += f"kpi IN ({', '.join('?' * len(kpis))}) AND "
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM kpi_value WHERE {where}"  # noqa: S608  (constant columns)
        "start_ms >= ? AND start_ms < ?"
        " ORDER BY scope_kind, scope, kpi, period, start_ms LIMIT ?",
        (*given.values(), *kpis, start_ms, end_ms, limit),
    )
    return [_value(row) for row in rows]


def retire(connection: sqlite3.Connection, valid: Container[tuple[str, str, str]]) -> int:
    """Take the values of (scope_kind, scope, kpi) that are not `valid` away; return how many.

    The rows stay, empty and with a new revision, so that other stores learn of it.
    """
    known = connection.execute("SELECT DISTINCT scope_kind, scope, kpi FROM kpi_value").fetchall()
    gone = [
        replace(value, value=None, numerator=None, denominator=None, reason="gone")
        for kind, scope, kpi in known
        if (kind, scope, kpi) not in valid
        for value in select(connection, scope_kind=kind, scope=scope, kpis=(kpi,))
        if value.reason != "gone"
    ]
    return write(connection, gone)


def since(connection: sqlite3.Connection, revision: int, *, limit: int) -> list[KpiValue]:
    """Return values written after a revision, oldest first: the feed of other stores."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM kpi_value WHERE revision > ?"  # noqa: S608
        " ORDER BY revision LIMIT ?",
        (revision, limit),
    )
    return [_value(row) for row in rows]


@dataclass(frozen=True, slots=True)
class Mark:
    """Something changed on a day under the KPIs; `number` tells this change from a later one."""

    point: int
    at_ms: int
    number: int


def marks(connection: sqlite3.Connection) -> list[Mark]:
    """Return what changed and was not computed since."""
    rows = connection.execute("SELECT point, at_ms, number FROM kpi_dirty ORDER BY at_ms")
    return [Mark(*row) for row in rows]


def unmark(connection: sqlite3.Connection, done: Iterable[Mark]) -> None:
    """Forget marks, but not those that were set again in the meantime."""
    connection.executemany(
        "DELETE FROM kpi_dirty WHERE point = ? AND at_ms = ? AND number = ?",
        [(mark.point, mark.at_ms, mark.number) for mark in done],
    )


def mark_all(connection: sqlite3.Connection, days_ms: Iterable[int]) -> None:
    """Have these days [ms UTC of their start] computed anew."""
    connection.executemany(
        "INSERT OR REPLACE INTO kpi_dirty (point, at_ms, number) VALUES (0, ?, random())",
        [(at_ms,) for at_ms in days_ms],
    )
