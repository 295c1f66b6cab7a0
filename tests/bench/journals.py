"""Whether two journals say the same: python -m tests.bench.journals ONE OTHER

For changes that must only make things quicker: fill the same past before and after, and compare.
Every table is compared row by row; JSON by what it says, not how. Revisions, the lease and hash
chains, which depend on when and by whom something was written, are left out.
"""

import json
import sqlite3
import sys
from pathlib import Path

LEFT_OUT = {"lease", "setting", "rollup_dirty"}
NO_COLUMNS = {"revision", "previous", "hash", "now_ms"}


def rows_of(connection: sqlite3.Connection, table: str) -> set[tuple[object, ...]]:
    """Return a table's rows, JSON in one spelling."""
    names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    wanted = ", ".join(name for name in names if name not in NO_COLUMNS)
    rows = connection.execute(f"SELECT {wanted} FROM {table}")
    return {tuple(map(_spelled, row)) for row in rows}


def _spelled(value: object) -> object:
    if isinstance(value, str) and value[:1] in {"{", "["}:
        try:
            return json.dumps(json.loads(value), sort_keys=True)
        except ValueError:
            return value
    return value


def compare(one: Path, other: Path) -> list[str]:
    """Return a line for each table that differs, with an example."""
    first, second = (
        sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True) for path in (one, other)
    )
    differing: list[str] = []
    tables = first.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
    )
    for (table,) in tables.fetchall():
        if table in LEFT_OUT:
            continue
        here, there = rows_of(first, table), rows_of(second, table)
        if here != there:
            example = min(here ^ there, key=repr)
            differing.append(f"{table}: {len(here - there)} / {len(there - here)}, as {example!r}")
    first.close()
    second.close()
    return differing


if __name__ == "__main__":
    found = compare(Path(sys.argv[1]), Path(sys.argv[2]))
    print("\n".join(found) or "the same in every table")
    sys.exit(1 if found else 0)
