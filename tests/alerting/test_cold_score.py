"""The bench's definitions: what is an excursion, warned, false; on courses small enough to see."""

from dataclasses import replace

import pytest

from caretaker.clock import HOUR_MS, MINUTE_MS
from caretaker.vocabulary import Reading
from tests.bench.cold_score import Course, Score, Warned, excursions, foreknown, score

QUARTER = 15 * MINUTE_MS


def course(*over: tuple[int, int], quarters: int = 400) -> Course:
    """A course above its limit in these quarter-hours [from, to)."""
    inside = {n for start, end in over for n in range(start, end)}
    readings = tuple(Reading(1, n * QUARTER, 6.0 if n in inside else 4.0) for n in range(quarters))
    return Course("cooling_1", 5.0, readings, 900)


def warning(*marks: int, until: int = 0) -> Warned:
    return Warned(tuple(mark * QUARTER for mark in marks), (until or marks[-1]) * QUARTER)


def test_an_excursion_lasts_until_the_first_sample_back_and_counts_from_sixty_minutes() -> None:
    found = course((10, 13), (100, 104), (200, 210), (396, 400))  # the last one has no end yet
    assert excursions(found) == [(100 * QUARTER, 104 * QUARTER), (200 * QUARTER, 210 * QUARTER)]
    assert len(excursions(found, least_ms=0)) == 3


@pytest.mark.parametrize(
    ("given", "strict", "opened", "standing", "false"),
    [
        (warning(199), 1, 1, 1, 0),  # a quarter-hour before
        (warning(196), 1, 1, 1, 0),  # just an hour before
        (warning(195), 0, 0, 0, 1),  # 75 minutes before: not warned, and false
        (warning(195, until=291), 0, 0, 1, 1),  # the same, but standing for a day
        (warning(150, 198, until=294), 1, 0, 1, 0),  # opened long before, said anew in time
        (warning(200), 0, 0, 0, 1),  # at the crossing: too late
    ],
)
def test_what_is_warned_and_what_is_false(
    given: Warned, strict: int, opened: int, standing: int, false: int
) -> None:
    found = score(course((200, 210)), [given])
    assert (found.events, found.warnings) == (1, 1)
    assert (found.strict, found.opened, found.standing) == (strict, opened, standing)
    assert found.false == false
    assert found.false_month == pytest.approx(false / found.months)


def test_what_became_of_a_false_warning() -> None:
    seen = course((20, 23), (200, 210))
    given = [warning(18), warning(120, until=216), warning(300)]
    assert score(seen, given).ends == ["short", "later", "nothing"]
    assert score(course((20, 23)), [warning(1, until=97)]).ends == ["crossed"]


def test_fresh_are_those_without_a_crossing_in_the_day_before() -> None:
    found = score(course((100, 101), (150, 160), (300, 310)), [warning(149, 299)])
    assert (found.events, found.strict) == (2, 2)
    assert (found.fresh, found.fresh_strict) == (1, 1)
    assert found.approaches == 0
    assert score(course((300, 310)), [warning(10, 20, 21, 299)]).approaches == 2


def test_a_window_cuts_events_marks_and_months() -> None:
    seen, given = course((100, 110), (200, 210)), [warning(99, 199)]
    first = score(seen, given, (0, 150 * QUARTER))
    second = score(seen, given, (150 * QUARTER, 400 * QUARTER))
    whole = score(seen, given)
    assert (first.events, second.events, first.strict, second.strict) == (1, 1, 1, 1)
    # Cut in two, the warning opens twice.
    joined = replace(first + second, warnings=1, opened=1, open_ms=whole.open_ms)
    assert joined.months == pytest.approx(whole.months)
    assert replace(joined, months=whole.months) == whole
    assert Score() + whole == whole


def test_who_knows_each_crossing_is_wrong_about_short_ones_alone() -> None:
    seen = course((50, 52), (200, 210))
    found = foreknown(seen, hold_ms=12 * HOUR_MS)
    assert (found.strict, found.warnings, found.false) == (1, 2, 1)
    assert foreknown(seen, hold_ms=48 * HOUR_MS).false == 0
