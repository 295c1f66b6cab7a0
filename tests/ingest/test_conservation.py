"""Any interleaving of what meters do, in any order of arrival: the same daily totals, exactly."""

import random
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caretaker.clock import MINUTE_MS, QUARTER_MS, ManualClock
from caretaker.quantities import Kind
from caretaker.vocabulary import Arrival, Measured, Period, Reading
from ingest.metering import intervals
from storage import meter_events
from storage.fold import day_edges
from storage.journal import Journal
from storage.meter_events import EventKind, MeterEvent
from storage.port import Facts, Interval, Swap
from tests.ingest.truth import MODULUS, Truth, truths

START_MS = 1_792_800_000_000  # 2026-10-24: the night after has 25 hours in Berlin
ZONE = ZoneInfo("Europe/Berlin")
UNIT = 0.125  # a count is so many kWh: exact in binary


def close(found: float, wanted: Fraction) -> bool:
    return found == pytest.approx(float(wanted) * UNIT, rel=1e-9, abs=1e-6)


def agree(found: list[Interval], truth: Truth, edges: list[int]) -> None:
    amounts, estimated = truth.amounts(edges)
    for item, amount, guess in zip(found, amounts, estimated, strict=True):
        assert close(item.amount, amount), (item, float(amount) * UNIT)
        assert close(item.estimated, guess), (item, float(guess) * UNIT)
    booked = sum(item.amount for item in found)
    assert booked == pytest.approx((truth.passed - truth.unknown) * UNIT, abs=1e-6)


def facts_of(truth: Truth) -> Facts:
    return Facts(
        register_max=MODULUS * UNIT,
        max_rate_h=5_000.0,
        swaps=tuple(
            type(swap)(swap.at_ms, (swap.final or 0.0) * UNIT, (swap.initial or 0.0) * UNIT)
            for swap in truth.swaps
        ),
    )


@settings(max_examples=150, deadline=None)
@given(truth=truths(start_ms=START_MS))
def test_the_pure_function_books_what_passed(truth: Truth) -> None:
    edges = day_edges(START_MS, truth.sent[-1][0], ZONE)
    readings = [Reading(1, at, value * UNIT) for at, value in truth.sent]
    agree(intervals(Kind.COUNTER, readings, edges, facts_of(truth)), truth, edges)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(truth=truths(start_ms=START_MS, parts=6), seed=st.integers(0, 2**32))
def test_the_journal_books_the_same_whatever_the_order(
    tmp_path_factory: pytest.TempPathFactory, truth: Truth, seed: int
) -> None:
    chance = random.Random(seed)
    edges = day_edges(START_MS, truth.sent[-1][0], ZONE)
    totals = []
    for shuffled in (False, True):
        clock = ManualClock(truth.sent[-1][0])
        path = tmp_path_factory.mktemp("j") / "j.sqlite3"
        journal = Journal(path, zone=ZONE, arithmetic=intervals, clock=clock)
        journal.open()
        arrivals = [
            Arrival(
                "t", f"{at}".encode(), at, "native:s/m", "native",
                (Measured("", "energy", at, value * UNIT),),
            )
            for at, value in truth.sent
        ]  # fmt: skip
        if shuffled:
            arrivals += chance.sample(arrivals, len(arrivals) // 2)
            chance.shuffle(arrivals)
        record(journal, truth, arrivals[0])
        waiting = list(arrivals)
        while waiting:
            size = chance.randint(1, 25)
            journal.append(waiting[:size])
            waiting = waiting[size:]
            if chance.random() < 0.4:
                journal.roll_up()
        journal.roll_up()
        days = journal.rollups(1, period=Period.DAY, start_ms=0, end_ms=2**50)
        quarters = journal.rollups(1, period=Period.QUARTER_HOUR, start_ms=0, end_ms=2**50)
        journal.close()
        by_day = {day.start_ms: day for day in days}
        agree([by_day.get(low) or Interval(low, low) for low in edges[:-1]], truth, edges)
        assert all(q.end_ms - q.start_ms == QUARTER_MS for q in quarters)
        totals.append((days, quarters))
    assert totals[0] == totals[1]  # to the bit


def booked(path: Path, truth: Truth, batches: Sequence[Sequence[int]]) -> list[Interval]:
    """Return the days of a journal that got these readings (by number) in these batches."""
    journal = Journal(path, zone=ZONE, arithmetic=intervals, clock=ManualClock(truth.sent[-1][0]))
    journal.open()
    arrivals = [
        Arrival("t", f"{at}".encode(), at, "native:s/m", "native",
                (Measured("", "energy", at, value * UNIT),))
        for at, value in truth.sent
    ]  # fmt: skip
    record(journal, truth, arrivals[0])
    for batch in batches:
        journal.append([arrivals[number] for number in batch])
        journal.roll_up()
    days = journal.rollups(1, period=Period.DAY, start_ms=0, end_ms=2**50)
    journal.close()
    return days


def test_two_late_readings_far_before_a_swap_leave_its_quarter_hour_as_it_was(
    tmp_path: Path,
) -> None:
    minutes = [0, 1, 2, 100, 101, 120, 121, 122, 123, 124, *range(186, 216)]
    swap = Swap(START_MS + 185 * MINUTE_MS, 10.0, 500.0)
    shown = [(START_MS + m * MINUTE_MS, 10.0 if m < 185 else 315.0 + m) for m in minutes]
    in_time = [n for n in range(len(minutes)) if n not in {1, 4}]
    days = booked(tmp_path / "j", Truth(sent=shown, swaps=[swap]), [in_time, [1, 4]])
    assert sum(day.amount for day in days) == pytest.approx(30.0 * UNIT)


def test_a_late_reading_of_the_morning_is_still_in_the_day_when_the_evening_comes(
    tmp_path: Path,
) -> None:
    shown = [(START_MS + n * 5 * MINUTE_MS, float(n)) for n in range(120)]
    in_time = [n for n in range(118) if n != 20]
    days = booked(tmp_path / "j", Truth(sent=shown), [in_time, [20], [118], [119]])
    assert days == booked(tmp_path / "whole", Truth(sent=shown), [range(120)])
    assert sum(day.count for day in days) == 120


def record(journal: Journal, truth: Truth, first: Arrival) -> None:
    """Tell the journal what is known of the meter, as a person would."""
    journal.append([first])

    def work(connection: object) -> None:
        def keep(event: MeterEvent) -> None:
            meter_events.record(connection, event, now_ms=START_MS)  # type: ignore[arg-type]

        keep(MeterEvent(1, EventKind.REGISTER_MAX, 0, "test", value=MODULUS * UNIT))
        for swap in facts_of(truth).swaps:
            keep(
                MeterEvent(
                    1, EventKind.SWAP, swap.at_ms, "test", quantity="energy",
                    final=swap.final, initial=swap.initial, old_serial="a", new_serial="b",
                )
            )  # fmt: skip

    journal.call(work)


def test_the_reference_itself_adds_up() -> None:
    truth = Truth(believed=[(0, 0, False), (10, 4, False), (20, 5, True), (40, 9, False)])
    assert (truth.passed, truth.unknown) == (9, 1)
    amounts, _ = truth.amounts([0, 5, 40])
    assert amounts == [2, 6]
