"""What people record may come at any time: the numbers are those of one computation of it all."""

import random
import sqlite3
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caretaker.clock import DAY_MS, HOUR_MS, MINUTE_MS, QUARTER_MS, ManualClock
from caretaker.vocabulary import Arrival, Measured, Period, Quality
from ingest.metering import intervals
from storage import devices, meter_events
from storage.journal import Journal
from storage.meter_events import EventKind, MeterEvent
from storage.recompute import recompute
from tests.storage.test_rollup_exact import NOW_MS, ZONE, afresh, histories, rolled


def make(path: Path, zone: ZoneInfo = ZONE) -> Journal:
    journal = Journal(path, zone=zone, arithmetic=intervals, clock=ManualClock(NOW_MS))
    journal.open()
    return journal


def arrival(at_ms: int, value: float) -> Arrival:
    measured = (Measured("", "energy", at_ms, value),)
    return Arrival("t", b"x", NOW_MS, "native:s/m", "native", measured)


def record(journal: Journal, event: MeterEvent) -> int:
    return journal.call(lambda c: meter_events.record(c, event, now_ms=NOW_MS)).id


def withdraw(journal: Journal, number: int) -> None:
    journal.call(
        lambda c: meter_events.withdraw(c, number, author="test", reason="r", now_ms=NOW_MS)
    )


def set_interval(journal: Journal, interval_s: int) -> None:
    journal.call(lambda c: devices.update(c, 1, {"interval_s": interval_s}))


def correction(start_ms: int, quarters: int, amount: float | None) -> MeterEvent:
    kind = EventKind.LEAVE_OUT if amount is None else EventKind.AMOUNT
    return MeterEvent(
        1, kind, start_ms, "test", "r", end_ms=start_ms + quarters * QUARTER_MS,
        quantity="energy", value=amount,
    )  # fmt: skip


@st.composite
def events(draw: st.DrawFn) -> MeterEvent:
    """Anything a person may record about the register."""
    at_ms = NOW_MS + draw(st.integers(-2 * HOUR_MS, 4 * DAY_MS))
    what = draw(st.sampled_from([*EventKind, EventKind.AMOUNT, EventKind.LEAVE_OUT]))
    if what is EventKind.SWAP:
        shown = st.none() | st.integers(0, 2_000).map(float)
        return MeterEvent(
            1, what, at_ms, "test", quantity="energy", final=draw(shown), initial=draw(shown),
            value=draw(st.sampled_from([None, None, 3.0])),
        )  # fmt: skip
    if what is EventKind.MULTIPLIER:
        return MeterEvent(1, what, at_ms, "test", value=draw(st.sampled_from([30.0, 1 / 3])))
    if what is EventKind.REGISTER_MAX:
        return MeterEvent(1, what, 0, "test", value=draw(st.sampled_from([999.0, 1e6])))
    amount = draw(st.integers(0, 50)) / 7 if what is EventKind.AMOUNT else None
    return correction(at_ms - at_ms % QUARTER_MS, draw(st.sampled_from([1, 2, 7, 96])), amount)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=histories(),
    said=st.lists(events(), min_size=1, max_size=6),
    seed=st.integers(0, 2**32),
)
def test_events_at_any_time_give_the_same_to_the_bit(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[int, float]],
    said: list[MeterEvent],
    seed: int,
) -> None:
    chance = random.Random(seed)
    path = tmp_path_factory.mktemp("j") / "j.sqlite3"
    zone = ZoneInfo(chance.choice(["Europe/Berlin", "Asia/Shanghai", "Australia/Lord_Howe"]))
    journal = make(path, zone)
    arrivals = [arrival(*row) for row in rows]
    journal.append([arrivals.pop(chance.randrange(len(arrivals)))])
    if chance.random() < 0.6:
        chance.shuffle(arrivals)
    steps: list[MeterEvent | list[Arrival]] = [*said]
    while arrivals:
        size = chance.randint(1, 12)
        steps.insert(chance.randint(0, len(steps)), arrivals[:size])
        arrivals = arrivals[size:]
    known: list[int] = []
    for step in steps:
        if isinstance(step, MeterEvent):
            known.append(record(journal, step))
        else:
            journal.append(step)
        if known and chance.random() < 0.1:
            number = known.pop(chance.randrange(len(known)))
            withdraw(journal, number)
        if chance.random() < 0.1:
            set_interval(journal, chance.choice([0, 3600, 7200]))
        if chance.random() < 0.6:
            journal.roll_up()
        if chance.random() < 0.05:
            journal.close()
            journal = make(path, zone)
    journal.roll_up()
    grown = rolled(journal)
    with journal.reader() as connection:
        assert not recompute(connection, 1, zone=zone, arithmetic=intervals).differs
    assert grown == afresh(journal, zone)
    journal.close()


def amounts(journal: Journal, period: Period) -> dict[int, float]:
    journal.roll_up()
    found = journal.rollups(1, period=period, start_ms=0, end_ms=2**50)
    return {item.start_ms: item.amount for item in found if item.amount}


def test_an_amount_entered_for_a_silent_time_outlasts_what_comes_later(tmp_path: Path) -> None:
    journal = make(tmp_path / "j.sqlite3")
    journal.append([arrival(NOW_MS + n * 5 * MINUTE_MS, 10.0 + n) for n in range(24)])
    silent_ms = NOW_MS + 6 * HOUR_MS
    record(journal, correction(silent_ms, 8, 4.0))
    whole = sum(amounts(journal, Period.DAY).values())
    assert whole == pytest.approx(27.0)
    journal.append([arrival(NOW_MS + 7 * MINUTE_MS, 11.4)])  # late, hours before it
    assert sum(amounts(journal, Period.DAY).values()) == pytest.approx(whole)
    journal.append([arrival(NOW_MS + 120 * MINUTE_MS, 34.0)])  # in order, still before it
    found = amounts(journal, Period.QUARTER_HOUR)
    assert [found[silent_ms + n * QUARTER_MS] for n in range(8)] == [0.5] * 8
    assert sum(amounts(journal, Period.HOUR).values()) == pytest.approx(28.0)
    assert rolled(journal) == afresh(journal)
    journal.close()


def test_an_amount_in_a_day_without_any_reading_stays(tmp_path: Path) -> None:
    journal = make(tmp_path / "j.sqlite3")
    journal.append([arrival(NOW_MS, 10.0)])
    noon_ms = NOW_MS + 60 * DAY_MS
    record(journal, correction(noon_ms, 4, 4.0))
    journal.roll_up()
    for hours in range(60 * 24 + 6, 60 * 24 + 9):  # the series began anew after so long
        journal.append([arrival(NOW_MS + hours * HOUR_MS, float(hours))])
        journal.roll_up()
    assert list(amounts(journal, Period.DAY).values()) == pytest.approx([6.0])
    journal.close()


def test_a_left_out_time_and_an_amount_in_it(tmp_path: Path) -> None:
    journal = make(tmp_path / "j.sqlite3")
    journal.append([arrival(NOW_MS + n * 5 * MINUTE_MS, 10.0 + n) for n in range(36)])

    def wrong(connection: sqlite3.Connection) -> None:
        for event in (correction(NOW_MS + HOUR_MS, 4, None), correction(NOW_MS + HOUR_MS, 4, 2.0)):
            meter_events.record(connection, event, now_ms=NOW_MS)

    journal.call(wrong)
    found = amounts(journal, Period.HOUR)
    assert found[NOW_MS + HOUR_MS] == pytest.approx(2.0)
    assert rolled(journal) == afresh(journal)
    journal.close()


def test_readings_that_were_left_out_count_again_when_that_is_withdrawn(tmp_path: Path) -> None:
    journal = make(tmp_path / "j.sqlite3")
    journal.append([arrival(NOW_MS + n * HOUR_MS, 10.0 + n) for n in range(48)])
    whole = amounts(journal, Period.QUARTER_HOUR)
    number = record(journal, correction(NOW_MS - HOUR_MS, 96, None))
    assert sum(amounts(journal, Period.DAY).values()) == pytest.approx(24.0)
    withdraw(journal, number)
    assert amounts(journal, Period.QUARTER_HOUR) == whole
    assert rolled(journal) == afresh(journal)
    journal.close()


@pytest.mark.parametrize("told", ["first", "last", "together"])
def test_a_meter_put_in_before_its_first_reading_counts_from_its_initial_one(
    tmp_path: Path, told: str
) -> None:
    journal = make(tmp_path / "j.sqlite3")
    late = Measured("", "energy", NOW_MS - DAY_MS, 0.0, Quality.SUSPECT)  # makes the point known
    journal.append([Arrival("t", b"x", NOW_MS, "native:s/m", "native", (late,))])
    swap = MeterEvent(1, EventKind.SWAP, NOW_MS, "test", quantity="energy", initial=0.0)
    readings = [arrival(NOW_MS + 5 * HOUR_MS + n * MINUTE_MS, 20.0 + n) for n in range(9)]
    if told != "last":
        record(journal, swap)
    if told == "first":
        journal.roll_up()
    journal.append(readings)
    if told == "last":
        journal.roll_up()
        record(journal, swap)
    assert sum(amounts(journal, Period.DAY).values()) == pytest.approx(28.0)
    assert amounts(journal, Period.HOUR)[NOW_MS] == pytest.approx(4.0)
    journal.close()


def test_hours_and_days_go_with_their_quarter_hours(tmp_path: Path) -> None:
    journal = make(tmp_path / "j.sqlite3")
    journal.append([arrival(NOW_MS + n * MINUTE_MS, 10.0 + n) for n in range(9)])
    again_ms = NOW_MS + 70 * HOUR_MS
    journal.append([arrival(again_ms + n * MINUTE_MS, 58.0 + n) for n in range(99)])
    journal.roll_up()
    record(journal, correction(NOW_MS, 4, None))
    late_ms = NOW_MS + 40 * HOUR_MS  # now the first that is known
    journal.append([arrival(late_ms, 50.0)])
    assert sum(amounts(journal, Period.DAY).values()) == pytest.approx(106.0)
    for period in Period:
        found = journal.rollups(1, period=period, start_ms=0, end_ms=2**50)
        assert not [item for item in found if item.end_ms <= late_ms]
    assert rolled(journal) == afresh(journal)
    journal.close()


def test_what_a_register_showed_before_it_fell_is_forgotten_when_that_is_left_out(
    tmp_path: Path,
) -> None:
    journal = make(tmp_path / "j.sqlite3")
    high = [arrival(NOW_MS + n * MINUTE_MS, 6_000.0) for n in range(6)]
    shown = [800.0, 805.0, 812.0, 820.0, 790.0, 780.0, 830.0, 831.0, 6_100.0, 6_200.0]
    again = [arrival(NOW_MS + (n + 1) * HOUR_MS, value) for n, value in enumerate(shown)]
    journal.append([*high, *again])
    journal.roll_up()
    record(journal, correction(NOW_MS, 2, None))
    journal.roll_up()
    assert rolled(journal) == afresh(journal)
    journal.close()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**32))
def test_few_late_readings_among_many_give_the_same_to_the_bit(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    chance = random.Random(seed)
    journal = make(tmp_path_factory.mktemp("j") / "j.sqlite3")
    at_ms, rows = NOW_MS, []
    for n in range(chance.randint(40, 120)):
        silent = chance.random() < 0.06
        at_ms += chance.randint(60, 260) * MINUTE_MS if silent else chance.randint(1, 9) * MINUTE_MS
        rows.append(arrival(at_ms, 500.0 + n * 3 / 7))
    most = len(rows) // chance.choice([1, 2])
    late = set(chance.sample(range(1, most), chance.randint(1, 4)))
    order = [row for n, row in enumerate(rows) if n not in late]
    batches: list[list[Arrival]] = []
    while order:
        size = chance.choice([1, 1, 2, 5, 30])
        batches.append(order[:size])
        order = order[size:]
    if chance.random() < 0.5:
        batches.insert(chance.randint(1, len(batches)), [rows[n] for n in sorted(late)])
    else:
        for n in sorted(late):
            batches.insert(chance.randint(1, len(batches)), [rows[n]])
    swaps = chance.choice([0, 1, 1, 2])
    for batch in batches:
        journal.append(batch)
        journal.roll_up()
        if swaps and chance.random() < 0.4:
            swaps -= 1
            swap_ms = chance.randint((NOW_MS + at_ms) // 2, at_ms)
            record(
                journal,
                MeterEvent(
                    1, EventKind.SWAP, swap_ms, "test", quantity="energy", final=505.0, initial=9.0
                ),
            )
            journal.roll_up()
    with journal.reader() as connection:
        found = recompute(connection, 1, zone=ZONE, arithmetic=intervals)
    assert not found.differs, found.rows
    journal.close()
