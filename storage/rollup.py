"""Quarter-hours, hours and days: added to as readings come, recomputed where late ones touch them.

Both ways are the same arithmetic over the same readings in the same order, so they agree to the
bit. What is written is only what changed.
"""

import sqlite3
import time
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from zoneinfo import ZoneInfo

from caretaker.clock import HOUR_MS, QUARTER_MS
from caretaker.vocabulary import Period
from storage import meter_events
from storage.fold import Fold, combine, day_edges
from storage.port import Arithmetic, Facts, Interval, Row, Running
from storage.recompute import Recomputed, recompute
from storage.rollup_marks import Mark, Turns, by_quarter, quarter_of, runs_of
from storage.rollup_rows import (
    Writer,
    good_rows,
    keep_standing,
    left_out,
    load,
    standing_at,
    standing_before,
)

__all__ = ["Roller", "combine", "day_edges", "load"]

_MOST_TIPS = 5_000
_END = 2**62
_POINT = itemgetter(0)


@dataclass(slots=True)
class _Tip:
    """The newest end of a point: what is under way, and what of it is written."""

    running: Running
    facts: Facts
    last_ms: int
    last_ordinal: int
    written: dict[Period, dict[int, Interval]] = field(
        default_factory=lambda: {period: {} for period in Period}
    )
    folds: dict[tuple[Period, int], Fold] = field(default_factory=dict)
    stands: bool = False
    """Whether a standing is kept for the quarter-hour of the last reading."""
    open_ms: int = -_END
    """From here on quarter-hours, corrected ones too, are not added to the folds yet."""

    @property
    def quarter(self) -> int:
        """Return the quarter-hour of the last reading."""
        return self.last_ms - self.last_ms % QUARTER_MS


class Roller:
    """Brings the rollups up to date in the caller's transaction."""

    def __init__(self, *, zone: ZoneInfo, arithmetic: Arithmetic) -> None:
        self._zone = zone
        self._arithmetic = arithmetic
        self._writer = Writer()
        self._tips: OrderedDict[int, _Tip] = OrderedDict()
        self._day = (0, 0)
        self._turns = Turns()
        self._facts: dict[int, tuple[str, Facts]] = {}

    def forget(self) -> None:
        """Drop what is under way in memory: a transaction failed, the file is the truth."""
        self._tips.clear()
        self._writer.forget()
        self._facts.clear()

    def ask_facts(self) -> None:
        """Ask anew what is known of each meter: somebody may have written to the file."""
        self._facts.clear()

    def drain(
        self, connection: sqlite3.Connection, *, limit: int, budget_s: float = 1e9
    ) -> list[tuple[int, int]]:
        """Work off up to about `limit` marks within about `budget_s`; return those done."""
        began = time.monotonic()
        done: list[tuple[int, int]] = []
        for point, group in groupby(self._turns.marks(connection, limit), key=_POINT):
            own = list(group)
            try:
                self._bring(connection, point, own)
            except BaseException:
                self.forget()
                raise
            done += [(point, start) for _, start, _ in own]
            self._turns.last = point
            if time.monotonic() - began > budget_s:
                break
        self._writer.save(connection)
        connection.executemany("DELETE FROM rollup_dirty WHERE point = ? AND start_ms = ?", done)
        return done

    def recompute(self, connection: sqlite3.Connection, point: int) -> Recomputed:
        """Compute a point anew from all its readings, and return what was stored otherwise."""
        self._tips.pop(point, None)
        done = recompute(
            connection, point, zone=self._zone, arithmetic=self._arithmetic, writer=self._writer
        )
        self._writer.save(connection)
        return done

    def _bring(self, connection: sqlite3.Connection, point: int, marks: Sequence[Mark]) -> None:
        known = self._facts.get(point)
        if known is None:
            known = self._facts[point] = meter_events.facts(connection, point)
        quantity, facts = known
        tip = self._tips.get(point)
        if tip is not None and tip.facts != facts:
            del self._tips[point]
        row = connection.execute(
            "SELECT min(start_ms) FROM rollup_dirty WHERE point = ? AND start_ms > ?",
            (point, marks[-1][1]),
        ).fetchone()
        rest_ms = _END if row[0] is None else int(row[0])
        runs = list(runs_of(marks))
        for index, run in enumerate(runs):
            until_ms = runs[index + 1][0][1] if index + 1 < len(runs) else rest_ms
            tip = self._tips.get(point)
            if tip is not None and min(mark[2] for mark in run) > tip.last_ms:
                self._append(connection, point, tip, until_ms=until_ms)
            else:
                self._redo(connection, point, quantity, facts, run, until_ms=until_ms)

    # -- readings that come in order ----------------------------------------------------------

    def _append(
        self, connection: sqlite3.Connection, point: int, tip: _Tip, *, until_ms: int
    ) -> None:
        rows = good_rows(
            connection,
            point,
            after=(tip.last_ms, tip.last_ordinal),
            until_ms=until_ms,
            out=left_out(tip.facts),
        )
        for quarter, batch in by_quarter(list(rows), whole=tip.running.plain):
            if quarter != tip.quarter:
                self._keep(connection, point, tip)
                tip.stands = False
            tip.running.push(batch)
            tip.last_ms, tip.last_ordinal = batch[-1][0], batch[-1][1]
        self._keep(connection, point, tip)
        self._extend(connection, point, tip)
        self._tips.move_to_end(point)

    def _keep(self, connection: sqlite3.Connection, point: int, tip: _Tip) -> None:
        standing = tip.running.standing()
        if standing is not None or tip.stands:
            keep_standing(connection, point, tip.quarter, standing)
        tip.stands = standing is not None

    def _extend(self, connection: sqlite3.Connection, point: int, tip: _Tip) -> None:
        """Write what became of the open quarter-hours, and the hours and days around them."""
        items = self._corrected([*tip.running.closed(), *tip.running.open()], tip)
        first_open = tip.running.decided_ms
        whole: dict[Period, list[Interval]] = {Period.HOUR: [], Period.DAY: []}
        parts = self._parts(items)
        for (period, start, end), inside in parts.items():
            fold = tip.folds.get((period, start))
            if fold is None:
                fold = tip.folds[period, start] = Fold()
            undecided = []
            for item in inside:
                if item.start_ms < first_open:
                    fold.add(item)
                else:
                    undecided.append(item)
            if undecided:
                fold = fold.copy()
                for item in undecided:
                    fold.add(item)
            whole[period].append(fold.interval(start, end))
        for period, found in whole.items():
            self._put(connection, point, tip, period, found)
        self._put(connection, point, tip, Period.QUARTER_HOUR, items)
        starts = {item.start_ms for item in items}
        known = tip.written[Period.QUARTER_HOUR]
        gone = [at for at in known if at >= first_open and at not in starts]
        self._writer.delete(connection, point, Period.QUARTER_HOUR, gone)
        # The quarter-hour of the reading believed last is always there: these hold nothing else.
        for period, start, _ in {key for at in gone for key in self._around(at)} - parts.keys():
            self._writer.delete(connection, point, period, [start])
            tip.written[period].pop(start, None)
            tip.folds.pop((period, start), None)
        self._trim(tip, first_open, gone)
        tip.open_ms = max(tip.open_ms, first_open)

    def _parts(self, items: Iterable[Interval]) -> dict[tuple[Period, int, int], list[Interval]]:
        """Return quarter-hours, in time order, by the hours and days they are part of."""
        parts: dict[tuple[Period, int, int], list[Interval]] = defaultdict(list)
        around: tuple[tuple[Period, int, int], ...] = ()
        ends_ms = -_END
        for item in items:
            if item.start_ms >= ends_ms:
                around = self._around(item.start_ms)
                ends_ms = min(end for _, _, end in around)
            for key in around:
                parts[key].append(item)
        return parts

    def _put(
        self,
        connection: sqlite3.Connection,
        point: int,
        tip: _Tip,
        period: Period,
        items: Iterable[Interval],
    ) -> None:
        known = tip.written[period]
        changed = [item for item in items if known.get(item.start_ms) != item]
        self._writer.put(connection, point, period, changed)
        known.update((item.start_ms, item) for item in changed)

    def _trim(self, tip: _Tip, first_open: int, gone: Iterable[int]) -> None:
        quarters = tip.written[Period.QUARTER_HOUR]
        for at in [*gone, *(at for at in quarters if at < first_open)]:
            quarters.pop(at, None)
        for period in (Period.HOUR, Period.DAY):
            known = tip.written[period]
            for at in [at for at, item in known.items() if item.end_ms <= first_open]:
                del known[at]
                tip.folds.pop((period, at), None)

    def _corrected(self, items: Sequence[Interval], tip: _Tip) -> list[Interval]:
        if not tip.facts.corrections:
            return list(items)
        return self._arithmetic.corrected(items, tip.facts, start_ms=tip.open_ms, end_ms=_END)

    # -- late readings and recorded events ----------------------------------------------------

    def _redo(
        self,
        connection: sqlite3.Connection,
        point: int,
        quantity: str,
        facts: Facts,
        run: Sequence[Mark],
        *,
        until_ms: int,
    ) -> None:
        """Compute again from what the run may change until nothing differs any more."""
        low, high = run[0][1], run[-1][1] + QUARTER_MS
        running = self._arithmetic.running(quantity, facts)
        standing, newest, _ = standing_before(
            connection, point, lookback=running.lookback, facts=facts, at_ms=low
        )
        if newest:
            since = standing.at_ms if standing else newest[0][0]
        else:  # a meter put in before the first reading counts from its initial one on
            since = min((swap.at_ms for swap in facts.swaps), default=low)
        start = min(low, since - since % QUARTER_MS)
        standing, newest, after = standing_before(
            connection, point, lookback=running.lookback, facts=facts, at_ms=start
        )
        running.resume(standing, newest=newest, after=after, floor_ms=start)
        last: Row = newest[-1] if newest else (start, -1, 0.0)
        rows = good_rows(
            connection,
            point,
            after=(start, -2),
            until_ms=until_ms,
            out=left_out(facts),
        )
        turn: int | None = None
        beyond = 0
        items: list[Interval] = []
        for quarter, group in groupby(list(rows), key=quarter_of):
            if turn is not None and running.decided_ms > turn:
                items = running.closed()
                self._settle(connection, point, facts, items, start, running.decided_ms)
                self._fold_anew(connection, point)
                return
            batch = list(group)
            running.push(batch)
            last = batch[-1]
            beyond += len(batch) if quarter >= high else 0
            new = running.standing()
            old = None if running.plain else standing_at(connection, point, quarter)
            if new != old:
                keep_standing(connection, point, quarter, new)
            elif turn is None and running.decided_ms >= high and beyond >= running.lookback:
                turn = running.decided_ms  # a plain standing is the same only of the same readings
        closed = running.closed()
        first_open = running.decided_ms
        items = [item for item in (*closed, *running.open()) if item.start_ms < until_ms]
        items = self._settle(connection, point, facts, items, start, until_ms)
        if until_ms == _END:
            self._set_tip(connection, point, running, facts, last, items, first_open, start)
        else:  # computed rows stand beyond, a swap's too: the next run goes on from the file
            self._tips.pop(point, None)

    def _settle(
        self,
        connection: sqlite3.Connection,
        point: int,
        facts: Facts,
        items: list[Interval],
        start_ms: int,
        end_ms: int,
    ) -> list[Interval]:
        """Make [start_ms, end_ms) hold these quarter-hours, and mend the hours and days around."""
        if facts.corrections:
            items = self._arithmetic.corrected(items, facts, start_ms=start_ms, end_ms=end_ms)
        changed = self._writer.replace(
            connection, point, Period.QUARTER_HOUR, items, start_ms=start_ms, end_ms=end_ms
        )
        if changed:
            self._mend(connection, point, changed[0], changed[-1])
        return items

    def _mend(
        self, connection: sqlite3.Connection, point: int, start_ms: int, last_ms: int
    ) -> None:
        """Add up again the hours and days of the quarter-hours in [start_ms, last_ms]."""
        days = day_edges(start_ms, last_ms, self._zone)
        low, high = start_ms - start_ms % HOUR_MS, last_ms - last_ms % HOUR_MS + HOUR_MS
        hours = range(low, high + 1, HOUR_MS)
        for period, edges in ((Period.HOUR, hours), (Period.DAY, days)):
            parts = load(connection, point, Period.QUARTER_HOUR, edges[0], edges[-1])
            found: dict[int, list[Interval]] = defaultdict(list)
            index = 0
            for part in parts:
                while part.start_ms >= edges[index + 1]:
                    index += 1
                found[index].append(part)
            items = [
                combine(inside, start_ms=edges[at], end_ms=edges[at + 1])
                for at, inside in found.items()
            ]
            self._writer.replace(
                connection, point, period, items, start_ms=edges[0], end_ms=edges[-1]
            )

    def _set_tip(
        self,
        connection: sqlite3.Connection,
        point: int,
        running: Running,
        facts: Facts,
        last: Row,
        items: Sequence[Interval],
        first_open: int,
        start_ms: int,
    ) -> None:
        tip = _Tip(running, facts, last[0], last[1], stands=running.standing() is not None)
        tip.open_ms = max(first_open, start_ms)
        open_items = [item for item in items if item.start_ms >= first_open]
        tip.written[Period.QUARTER_HOUR] = {item.start_ms: item for item in open_items}
        self._fold(connection, point, tip, tip.open_ms)
        self._tips[point] = tip
        self._tips.move_to_end(point)
        if len(self._tips) > _MOST_TIPS:
            self._tips.popitem(last=False)

    def _fold_anew(self, connection: sqlite3.Connection, point: int) -> None:
        """Add up the tip's hours and days again: a late reading changed quarter-hours of them."""
        tip = self._tips.get(point)
        if tip is not None:
            for _, start in list(tip.folds):
                self._fold(connection, point, tip, start)

    def _fold(self, connection: sqlite3.Connection, point: int, tip: _Tip, since_ms: int) -> None:
        """Add up the hour and the day that an instant falls into, as far as they are final."""
        for period, start, end in self._around(since_ms):
            fold = tip.folds[period, start] = Fold()
            for part in load(connection, point, Period.QUARTER_HOUR, start, min(end, tip.open_ms)):
                fold.add(part)
            known = tip.written[period]
            known.update((i.start_ms, i) for i in load(connection, point, period, start, _END))

    def _around(self, at_ms: int) -> tuple[tuple[Period, int, int], ...]:
        """Return the hour and the local day that an instant falls into."""
        start, end = self._day
        if not start <= at_ms < end:
            edges = day_edges(at_ms, at_ms, self._zone)
            start, end = self._day = edges[0], edges[1]
        hour = at_ms - at_ms % HOUR_MS
        return (Period.HOUR, hour, hour + HOUR_MS), (Period.DAY, start, end)
