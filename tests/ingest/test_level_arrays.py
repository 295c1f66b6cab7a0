"""A level added up as arrays is the same as one reading at a time, to the bit."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caretaker.clock import MINUTE_MS, QUARTER_MS
from ingest import levels
from ingest.cells import Cells
from ingest.levels import Level
from storage.port import Interval, Row

START_MS = 1_788_220_800_000

steps = st.one_of(
    st.integers(0, 3 * MINUTE_MS),
    st.sampled_from([0, QUARTER_MS, QUARTER_MS // 2, 45 * MINUTE_MS, 50 * MINUTE_MS]),
    st.integers(0, 3 * 24 * 60 * MINUTE_MS),
)
values = st.one_of(st.floats(-40, 120), st.sampled_from([0.0, 1.0, 21.5, 0.1]))


def run(
    rows: list[Row], cuts: list[int], *, many: int, hold_ms: int | None, before: Row | None
) -> list[list[Interval]]:
    """Push the rows in batches, and after each return what is final and what is open."""
    level = Level(Cells(), hold_ms=hold_ms)
    if before is not None:
        floor_ms = rows[0][0] - rows[0][0] % QUARTER_MS
        level.resume(None, newest=[before], after=[], floor_ms=floor_ms)
    told: list[list[Interval]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(levels, "_MANY", many)
        for low, high in zip([0, *cuts], [*cuts, len(rows)], strict=True):
            level.push(rows[low:high])
            if low % 2 == 0:
                told += [level.closed(), level.open()]
        told.append(level.finished())
    return told


@settings(max_examples=300, deadline=None)
@given(
    moves=st.lists(st.tuples(steps, values), min_size=2, max_size=60),
    cuts=st.lists(st.integers(0, 60), max_size=4),
    hold_ms=st.sampled_from([None, 45 * MINUTE_MS]),
    ago_ms=st.one_of(st.none(), st.integers(0, 4 * 60 * MINUTE_MS)),
)
def test_arrays_add_up_as_one_by_one(
    moves: list[tuple[int, float]], cuts: list[int], hold_ms: int | None, ago_ms: int | None
) -> None:
    at = START_MS + 7 * MINUTE_MS
    rows: list[Row] = []
    for step, value in moves:
        at += step
        rows.append((at, len(rows), value))
    cuts = sorted(cut for cut in cuts if cut < len(rows))
    first = rows[0][0] - rows[0][0] % QUARTER_MS
    before = None if ago_ms is None else (first - 1 - ago_ms, 0, 5.0)
    alone = run(rows, cuts, many=10**9, hold_ms=hold_ms, before=before)
    together = run(rows, cuts, many=2, hold_ms=hold_ms, before=before)
    assert together == alone
