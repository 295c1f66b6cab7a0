"""Levels and states over intervals: a value holds until the next one, or for a while."""

from collections.abc import Sequence

from caretaker.clock import QUARTER_MS
from ingest.cells import Cells
from ingest.level_arrays import added_up
from storage.port import Interval, Row, Standing

_BEFORE_ALL = -(2**62)
_MANY = 48
"""From so many readings on, arrays are quicker than going one by one."""


class Level:
    """A level holds until the next reading, a gauge no longer than `hold_ms`."""

    lookback = 1
    plain = True

    def __init__(self, cells: Cells, *, hold_ms: int | None) -> None:
        self._cells = cells
        self._hold_ms = hold_ms
        self._last: Row | None = None
        self._done: list[Interval] = []
        """Final intervals that were added up as arrays; those in the cells come after them."""

    def resume(
        self,
        standing: Standing | None,
        *,
        newest: Sequence[Row],
        after: Sequence[Row],
        floor_ms: int,
    ) -> None:
        """Go on from where an earlier run stood."""
        del standing, after
        self._cells.floor_ms = floor_ms
        self._last = newest[-1] if newest else None

    def push(self, rows: Sequence[Row]) -> None:
        """Take readings in time order."""
        if len(rows) >= _MANY and self._ready(rows[0]):
            self._push_many(rows)
            return
        note, hold, hold_ms = self._cells.note, self._cells.hold, self._hold_ms
        for row in rows:
            note(row)
            before = self._last
            if before is not None:
                end_ms = row[0]
                if hold_ms is not None and end_ms > before[0] + hold_ms:
                    end_ms = before[0] + hold_ms
                hold(before, end_ms)
            self._last = row

    def _ready(self, first: Row) -> bool:
        """Return whether quarter-hours are told, and none but that of the last reading is open."""
        cells = self._cells
        if cells.edged or first[0] < cells.floor_ms:
            return False
        open_ms = None if self._last is None else self._last[0] - self._last[0] % QUARTER_MS
        return all(start == open_ms for start in cells.found)

    def _push_many(self, rows: Sequence[Row]) -> None:
        cells = self._cells
        begun = cells.found.popitem()[1] if cells.found else None
        done, start, cell = added_up(
            rows,
            before=self._last,
            hold_ms=self._hold_ms,
            floor_ms=cells.floor_ms,
            begun=begun,
        )
        self._done += done
        cells.go_on(start, cell)
        self._last = rows[-1]

    def _hold(self, cells: Cells, row: Row, end_ms: int) -> None:
        if self._hold_ms is not None:
            end_ms = min(end_ms, row[0] + self._hold_ms)
        cells.hold(row, end_ms)

    def standing(self) -> Standing | None:
        """Return what a later run goes on from."""
        return None

    @property
    def decided_ms(self) -> int:
        """Return up to when the intervals are final."""
        return self._last[0] - self._last[0] % QUARTER_MS if self._last else _BEFORE_ALL

    def closed(self) -> list[Interval]:
        """Return the intervals that are final."""
        done, self._done = self._done, []
        return done + self._cells.take(level=True, before_ms=self.decided_ms)

    def open(self) -> list[Interval]:
        """Return those that the next readings may still change."""
        return self._finish(self._cells.copy())

    def finished(self) -> list[Interval]:
        """Return every interval, as nothing more comes."""
        """Return all that is left."""
        done, self._done = self._done, []
        return done + self._finish(self._cells)

    def _finish(self, cells: Cells) -> list[Interval]:
        if self._last is not None:
            # What follows the newest reading is not known yet: it covers its own interval only.
            self._hold(cells, self._last, cells.bounds(self._last[0])[1])
        return cells.take(level=True)
