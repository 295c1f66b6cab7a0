"""Many readings of a level at once: the same quarter-hours as one by one, to the bit."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caretaker.clock import QUARTER_MS
from ingest.cells import Cell
from storage.port import Interval, Row

_Ints = NDArray[np.int64]
_Floats = NDArray[np.float64]


def added_up(
    rows: Sequence[Row],
    *,
    before: Row | None,
    hold_ms: int | None,
    floor_ms: int,
    begun: Cell | None,
) -> tuple[list[Interval], int, Cell]:
    """Return the final quarter-hours, and the start and cell of the one the last reading is in.

    `rows` are two or more readings in time order from `floor_ms` on, `before` is the one that
    holds until the first of them, `begun` the cell of its quarter-hour as far as it was added up.
    Nothing before `floor_ms` counts. Sums are made in the order of time, as `Cells` makes them.
    """
    instants, _, numbers = zip(*rows, strict=True)
    at: _Ints = np.array(instants, dtype=np.int64)
    value: _Floats = np.array(numbers, dtype=np.float64)
    own = at // QUARTER_MS
    slots, inside, held = _pieces(at, value, before=before, hold_ms=hold_ms, floor_ms=floor_ms)
    first: _Ints = np.array(
        [] if begun is None or before is None else [before[0] // QUARTER_MS], dtype=np.int64
    )
    cells = np.unique(np.concatenate((first, own, slots)))
    size = len(cells)
    noted, lain = np.searchsorted(cells, own), np.searchsorted(cells, slots)
    begun = begun if begun is not None and len(first) else None

    count = np.bincount(noted, minlength=size)
    # Where readings are, the last of them; else what was held there.
    newest = np.searchsorted(noted, np.arange(size), side="right") - 1
    holding = np.searchsorted(lain, np.arange(size), side="right") - 1
    last = np.where(count > 0, value[newest], held[holding] if len(held) else 0.0)
    low, high = np.full(size, np.inf), np.full(size, -np.inf)
    for index, seen in ((noted, value), (lain, held)):
        np.minimum.at(low, index, seen)
        np.maximum.at(high, index, seen)
    index, shares = lain, held * inside
    covered = np.bincount(lain, weights=inside, minlength=size).astype(np.int64)
    if begun is not None:
        if not count[0] and begun.count:
            last[0] = begun.last
        count[0] += begun.count
        low[0], high[0] = min(low[0], begun.low), max(high[0], begun.high)
        covered[0] += begun.covered_ms
        index = np.concatenate(([0], lain))
        shares = np.concatenate(([begun.weighted], shares))
    weighted = np.bincount(index, weights=shares, minlength=size)
    mean = np.divide(weighted, covered, out=last.copy(), where=covered > 0)

    columns: list[list[Any]] = [
        column.tolist() for column in (cells * QUARTER_MS, count, mean, low, high, last, covered)
    ]
    done = [
        Interval(start, start + QUARTER_MS, n, middle, least, most, end, covered_ms=time)
        for start, n, middle, least, most, end, time in zip(*columns, strict=True)
    ]
    newest_of_all = done.pop()
    cell = Cell(
        count=newest_of_all.count,
        low=newest_of_all.low,
        high=newest_of_all.high,
        last=newest_of_all.last,
        covered_ms=newest_of_all.covered_ms,
        weighted=float(weighted[-1]),
    )
    return done, newest_of_all.start_ms, cell


def _pieces(
    at: _Ints, value: _Floats, *, before: Row | None, hold_ms: int | None, floor_ms: int
) -> tuple[_Ints, _Ints, _Floats]:
    """Return (quarter-hour's number, time in it [ms], level) of each piece of what levels held."""
    since, held, until = at[:-1], value[:-1], at[1:]
    if before is not None:
        since = np.concatenate((np.array([before[0]], dtype=np.int64), since))
        held, until = np.concatenate(([before[2]], held)), at
    if hold_ms is not None:
        until = np.minimum(until, since + hold_ms)
    since = np.maximum(since, floor_ms)
    begins = since // QUARTER_MS
    parts = np.where(until > since, (until - 1) // QUARTER_MS - begins + 1, 0)
    source = np.repeat(np.arange(len(parts)), parts)
    part = np.arange(len(source)) - np.repeat(np.cumsum(parts) - parts, parts)
    slots = begins[source] + part
    low = np.maximum(since[source], slots * QUARTER_MS)
    high = np.minimum(until[source], (slots + 1) * QUARTER_MS)
    return slots, high - low, held[source]
