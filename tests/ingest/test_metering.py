"""Counter arithmetic against an exact reference: nothing lost, nothing invented."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.clock import HOUR_MS, MINUTE_MS, QUARTER_MS
from caretaker.quantities import Kind
from caretaker.vocabulary import Reading
from ingest.metering import intervals
from storage.port import Facts


def rows(*pairs: tuple[int, float]) -> list[Reading]:
    return [Reading(1, at, value) for at, value in pairs]


@given(
    st.lists(st.tuples(st.integers(1, 6 * HOUR_MS), st.integers(0, 500)), min_size=2, max_size=30)
)
def test_amounts_are_conserved_over_any_edges(moves: list[tuple[int, int]]) -> None:
    at, total, readings = 0, 0, []
    for wait, amount in moves:
        at += wait
        total += amount
        readings.append(Reading(1, at, float(total)))
    edges = list(range(0, at + QUARTER_MS + 1, QUARTER_MS))
    result = intervals(Kind.COUNTER, readings, edges)
    expected = readings[-1].value - readings[0].value
    assert sum(i.amount for i in result) == pytest.approx(expected, abs=1e-6)
    assert all(i.amount >= 0 and -1e-9 <= i.estimated <= i.amount + 1e-9 for i in result)
    assert all(0 <= i.covered_ms <= QUARTER_MS for i in result)


@given(st.integers(9_100, 9_999), st.integers(0, 99))
def test_rollover_is_counted_through(old: int, new: int) -> None:
    (only,) = intervals(Kind.COUNTER, rows((0, old), (MINUTE_MS, new)), [0, MINUTE_MS])
    assert only.amount == pytest.approx(10_000 - old + new)
    assert only.reason == "rollover"


@pytest.mark.parametrize(("old", "new"), [(5321.0, 2.0), (50_000.0, 12.0), (220_700.0, 220_656.0)])
def test_a_reset_never_books_the_register(old: float, new: float) -> None:
    (only,) = intervals(Kind.COUNTER, rows((0, old), (MINUTE_MS, new)), [0, MINUTE_MS])
    assert (only.amount, only.reason) == (0.0, "reset")


def test_a_momentary_zero_is_not_the_whole_register() -> None:
    readings = rows((0, 5321.0), (MINUTE_MS, 0.0), (2 * MINUTE_MS, 5322.0))
    (only,) = intervals(Kind.COUNTER, readings, [0, 2 * MINUTE_MS])
    assert (only.amount, only.reason) == (1.0, "held-zero")


def test_a_gap_is_spread_and_marked_estimated() -> None:
    edges = [i * QUARTER_MS for i in range(9)]
    result = intervals(Kind.COUNTER, rows((0, 0.0), (2 * HOUR_MS, 8.0)), edges)
    assert [i.amount for i in result] == pytest.approx([1.0] * 8)
    assert [i.estimated for i in result] == pytest.approx([1.0] * 8)
    assert {i.reason for i in result} == {"gap"}
    assert {i.covered_ms for i in result} == {0}


def test_a_level_is_weighted_by_time_and_does_not_last_for_ever() -> None:
    edges = [0, HOUR_MS, 2 * HOUR_MS]
    first, second = intervals(Kind.GAUGE, rows((0, 4.0), (15 * MINUTE_MS, 8.0)), edges)
    assert first.mean == pytest.approx((15 * 4 + 45 * 8) / 60)
    assert (first.low, first.high) == (4.0, 8.0)
    assert second.covered_ms == 0


def test_a_state_holds_until_told_otherwise() -> None:
    readings = rows((0, 1.0), (90 * MINUTE_MS, 0.0))
    first, second = intervals(Kind.STATE, readings, [0, HOUR_MS, 2 * HOUR_MS])
    assert (first.mean, second.mean) == pytest.approx((1.0, 0.5))


@given(
    st.lists(
        st.tuples(st.integers(1_000, 3 * HOUR_MS), st.integers(0, 2), st.booleans()),
        min_size=2,
        max_size=60,
    )
)
def test_a_register_that_wavers_by_its_last_digit_counts_what_passed(
    moves: list[tuple[int, int, bool]],
) -> None:
    at, total, readings = 0, 100_000, [Reading(1, 0, 100.0)]
    for wait, moved, low in moves:
        at += wait
        total += moved
        readings.append(Reading(1, at, (total - low) / 1000))
    (whole,) = intervals(Kind.COUNTER, readings, [0, at + 1])
    assert whole.amount == pytest.approx((total - 100_000) / 1000, abs=0.0011)
    assert "reset" not in whole.reason


def test_a_register_at_rest_that_is_sent_as_float32_counts_nothing() -> None:
    wavering = [1e6 + 0.0625 * (n // 20 % 2) for n in range(1440)]
    readings = rows(*((n * MINUTE_MS, value) for n, value in enumerate(wavering)))
    (day,) = intervals(Kind.COUNTER, readings, [0, 1440 * MINUTE_MS])
    assert (day.amount, day.reason) == (0.0625, "")


def test_a_momentary_zero_of_a_wavering_register_is_no_consumption() -> None:
    shown = [100.001, 0.0, *[100.0] * 40, 100.001]
    readings = rows(*((n * MINUTE_MS, value) for n, value in enumerate(shown)))
    (only,) = intervals(Kind.COUNTER, readings, [0, 60 * MINUTE_MS])
    assert (only.amount, only.reason) == (0.0, "held-zero")


@pytest.mark.parametrize("highest", [99_999_999.9, 99_999_999.99, 9_999_999.999, 4_294_967.295])
def test_a_long_dial_rolls_over_to_the_digit(highest: float) -> None:
    digit = 0.1 if highest == 99_999_999.9 else 0.01 if highest == 99_999_999.99 else 0.001
    readings = rows((0, highest), (MINUTE_MS, 0.0), (2 * MINUTE_MS, digit))
    facts = Facts(register_max=highest)
    (only,) = intervals(Kind.COUNTER, readings, [0, 3 * MINUTE_MS], facts)
    assert only.amount == pytest.approx(2 * digit, abs=1e-7)
