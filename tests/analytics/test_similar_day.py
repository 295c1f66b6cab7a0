"""A long gap takes a similar day's shape: conserved to the bit, in its place, still estimated."""

import math
from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics.meters import use_by_day
from analytics.similar_day import nearest, shaped, share_out
from api.history import history
from caretaker.calendar import DayKind, SchoolCalendar
from caretaker.clock import QUARTER_MS, ManualClock
from caretaker.config import SiteSettings
from caretaker.vocabulary import Arrival, Period, Point
from ingest.decoder import Decoder
from ingest.driver import load_drivers
from ingest.metering import intervals
from ingest.transport.port import Message
from storage import devices as records
from storage.journal import Journal
from storage.rollup_rows import load

SITE = SiteSettings()
CALENDAR = SchoolCalendar(SITE.calendar, SITE.zone)
MONDAY = date(2026, 3, 2)
FIRST_MS = CALENDAR.bounds(MONDAY)[0]
SCHOOL = [1.0 if quarter < 28 or quarter >= 68 else 9.0 for quarter in range(96)]
CLOSED = [1.0] * 96


@given(
    total=st.floats(0, 1e9, allow_nan=False),
    weights=st.lists(st.floats(0, 1e6, allow_nan=False), min_size=1, max_size=96),
)
def test_parts_add_up_to_the_total_and_stand_as_their_weights(
    total: float, weights: list[float]
) -> None:
    parts = share_out(total, weights)
    assert sum(map(Fraction, parts)) == Fraction(total)
    assert min(parts) >= 0
    whole = sum(map(Fraction, weights))
    if whole:
        for part, weight in zip(parts, weights, strict=True):
            exact = Fraction(total) * Fraction(weight) / whole
            assert abs(Fraction(part) - exact) <= Fraction(math.ulp(total))


def test_the_similar_day_is_the_nearest_of_its_kind() -> None:
    def found(day: date, *gone: date) -> date | None:
        return nearest(day, CALENDAR, lambda other: other not in gone)

    assert found(date(2026, 3, 6)) == date(2026, 3, 5)  # Friday: Saturday is of another kind
    assert found(date(2026, 3, 4), date(2026, 3, 5)) == date(2026, 3, 3)
    assert found(date(2026, 3, 7)) == date(2026, 3, 8)
    assert nearest(date(2026, 3, 4), CALENDAR, lambda _: False) is None


def use(day: date) -> list[float]:
    return SCHOOL if CALENDAR.kind(day) is DayKind.TEACHING else CLOSED


def journal_of(
    path: Path, *, days: int, silent: Sequence[tuple[int, int]]
) -> tuple[Journal, Point]:
    """Store a register by quarter-hours; it is not heard in `silent` (first, last) quarters."""
    clock = ManualClock(FIRST_MS)
    journal = Journal(path, zone=SITE.zone, arithmetic=intervals, clock=clock)
    journal.open()
    decoder = Decoder(load_drivers(), clock=clock)
    value, batch = 1_000.0, list[Arrival]()
    for quarter in range(days * 96 + 1):
        at_ms = FIRST_MS + quarter * QUARTER_MS
        if not any(low <= quarter <= high for low, high in silent):
            body = f'{{"readings": {{"energy_kwh": {value}}}}}'
            batch.extend(decoder.decode(Message("caretaker/1/s/m/readings", body.encode(), at_ms)))
        value += use(MONDAY + timedelta(days=quarter // 96))[quarter % 96]
    journal.append(batch)
    clock.at_ms = FIRST_MS + days * 96 * QUARTER_MS
    journal.roll_up()
    with journal.reader() as connection:
        (point,) = records.points(connection)
    return journal, point


@pytest.mark.parametrize("first", [20, 60])
def test_a_gap_over_a_school_day_gets_its_shape_back(tmp_path: Path, first: int) -> None:
    gap = (7 * 96 + first, 7 * 96 + first + 30)  # on the second Monday
    journal, point = journal_of(tmp_path / "j.sqlite3", days=10, silent=[gap])
    day = MONDAY + timedelta(days=7)
    low, high = CALENDAR.bounds(day)
    with journal.reader() as connection:
        (found,) = use_by_day(connection, [point.id], calendar=CALENDAR, first=day, last=day)
        even = load(connection, point.id, Period.QUARTER_HOUR, low, high)
        (whole,) = load(connection, point.id, Period.DAY, low, high)
        past = history(
            connection, point, start_ms=low, end_ms=high, resolution="hour", most=100,
            calendar=CALENDAR,
        )  # fmt: skip
    journal.close()
    inside = range(first, first + 31)  # the last reading before stands at a quarter's start
    assert all(even[slot].reason == "gap" for slot in inside)
    assert len({round(even[slot].amount, 9) for slot in inside}) == 1  # the journal knows no days
    lost = sum(even[slot].amount for slot in inside)
    shape = [SCHOOL[slot] for slot in inside]
    for slot, weight in zip(inside, shape, strict=True):
        assert found.slots[slot] == pytest.approx(lost * weight / sum(shape))
    for slot in set(range(96)) - set(inside):
        assert found.slots[slot] == even[slot].amount
    assert found.total == pytest.approx(whole.amount, abs=1e-9)
    assert found.estimated == pytest.approx(whole.estimated, abs=1e-9)
    assert sum(v for v in past.value if v is not None) == pytest.approx(whole.amount, abs=1e-9)
    hour = (first + 15) // 4
    assert past.value[hour] == pytest.approx(sum(found.slots[hour * 4 : hour * 4 + 4]))  # type: ignore[arg-type]


@given(
    start=st.integers(6 * 96, 12 * 96),
    length=st.integers(1, 4 * 96),
    other=st.integers(0, 5 * 96),
)
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_day_keeps_its_total_and_days_asked_one_by_one_agree(
    tmp_path_factory: pytest.TempPathFactory, start: int, length: int, other: int
) -> None:
    path = tmp_path_factory.mktemp("gap") / "j.sqlite3"
    silent = [(start, start + length), (other, other + 3)]
    journal, point = journal_of(path, days=18, silent=silent)
    with journal.reader() as connection:
        end_ms = FIRST_MS + 18 * 96 * QUARTER_MS
        whole = shaped(connection, point.id, calendar=CALENDAR, start_ms=FIRST_MS, end_ms=end_ms)
        even = {
            item.start_ms: item
            for item in load(connection, point.id, Period.QUARTER_HOUR, FIRST_MS, end_ms)
        }
        assert set(whole) <= {at for at, item in even.items() if not item.count and item.estimated}
        apart: dict[int, float] = {}
        for number in range(18):
            low, high = CALENDAR.bounds(MONDAY + timedelta(days=number))
            apart |= shaped(connection, point.id, calendar=CALENDAR, start_ms=low, end_ms=high)
            mine = [at for at in whole if low <= at < high]
            before = math.fsum(even[at].amount for at in mine)
            assert math.fsum(whole[at] for at in mine) == before  # to the bit
        assert apart == whole
        if length * QUARTER_MS > 2.5 * 3_600_000:
            assert whole
    journal.close()
