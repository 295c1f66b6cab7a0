"""The rule-book's vectors, and what once fooled a rule."""

import itertools
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerting.parameters import limits_of
from alerting.port import Context, State, Subject
from alerting.rules.cold_storage import ColdStorage
from alerting.rules.continuous_flow import ContinuousFlow
from alerting.rules.meter_still import MeterStill
from caretaker.calendar import SchoolCalendar
from caretaker.clock import HOUR_MS, MINUTE_MS, QUARTER_MS, SECOND_MS, to_ms
from caretaker.config import SiteSettings
from caretaker.vocabulary import (
    Device,
    DeviceRole,
    DeviceStatus,
    Point,
    Reading,
    Severity,
    Truth,
)
from storage import incidents
from tests.alerting.test_timelines import START_MS, Rig


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path / "j.sqlite3")
    yield made
    made.close()


def unit(
    *channels: str, role: DeviceRole = DeviceRole.FRIDGE, defrost: bool = False, tau: float = 60.0
) -> Subject:
    device = Device(1, "t:f", "t", DeviceStatus.ADOPTED, role=role, limits={"tau_min": tau})
    points = [Point(n, 1, c, "temperature") for n, c in enumerate(channels, 1)]
    if defrost:
        points.append(Point(9, 1, "", "defrost"))
    return Subject(device, tuple(points))


def context(subject: Subject) -> Context:
    return Context(limits=limits_of(SiteSettings(), subject.device))


def run(subject: Subject, rows: Sequence[tuple[float, int, float]]) -> tuple[State, list[Severity]]:
    """Step through (minute, point, value); return the state and the severities in turn."""
    state: State = {}
    said: list[Severity] = []
    for minute, point, value in rows:
        at = START_MS + round(minute * MINUTE_MS)
        state, verdicts = ColdStorage().step(
            subject,
            state=state,
            readings=[Reading(point, at, value)],
            now_ms=at,
            context=context(subject),
        )
        said += [v.severity for v in verdicts if v.truth is Truth.BAD]
    return state, said


def test_t4_the_food_lags_behind_the_air() -> None:
    airs, seen, state = [4.0, 12.0, 12.0, 12.0, 12.0, 12.0, 4.0], list[float](), State()
    for step, air in enumerate(airs):
        at = START_MS + step * 5 * MINUTE_MS
        state, _ = ColdStorage().step(
            unit("air"),
            state=state,
            readings=[Reading(1, at, air)],
            now_ms=at,
            context=context(unit("air")),
        )
        seen.append(round(float(state["food_c"] or 0), 2))
    assert seen[1:] == [4.64, 5.23, 5.77, 6.27, 6.73, 6.51]


@pytest.mark.parametrize(("tau", "minutes"), [(30.0, 13.6), (60.0, 27.1), (120.0, 54.2)])
def test_t5_how_long_food_stays_below_eight_degrees(tau: float, minutes: float) -> None:
    state: State = {}
    step = 0
    for step in itertools.count():
        at = START_MS + step * 6 * SECOND_MS
        state, _ = ColdStorage().step(
            unit("air", tau=tau), state=state, now_ms=at, context=context(unit("air", tau=tau)),
            readings=[Reading(1, at, 15.0 if step else 4.0)],
        )  # fmt: skip
        if float(state["food_c"] or 0) >= 8.0:
            break
    assert step / 10 == pytest.approx(minutes, abs=0.11)


def test_a_defrost_is_forgiven_and_one_that_never_ends_is_not() -> None:
    warm = [(m, 1, 9.0) for m in range(5, 45, 5)] + [(m, 1, 5.0) for m in range(45, 90, 5)]
    probed = unit("air", "food", defrost=True)
    start = [(0.0, 1, 4.0), (0.0, 2, 4.0), (1.0, 9, 1.0)]
    food = [(m + 0.1, 2, 4.5) for m in range(5, 90, 5)]
    assert run(probed, sorted([*start, *warm, *food]))[1] == []
    assert Severity.ALARM in run(probed, sorted([*warm, (0.0, 1, 4.0), *food]))[1]
    stuck = [(m, 9, 1.0) for m in range(1, 90, 5)]  # the input repeats itself
    hot = [(m, 1, 9.0) for m in range(5, 90, 5)]
    assert Severity.ALARM in run(probed, sorted([(0.0, 1, 4.0), *stuck, *hot, *food]))[1]


def test_a_dead_food_probe_neither_raises_nor_hides() -> None:
    probed = unit("air", "food")
    before = [(0.0, 1, 4.0), (1.0, 2, 8.3)]  # its last word, slightly warm
    cool = [(float(m), 1, 4.0) for m in range(5, 180, 5)]
    assert Severity.CRITICAL not in run(probed, before + cool)[1]
    hot = [(float(m), 1, 11.0) for m in range(5, 180, 5)]
    assert run(probed, before + hot)[1][-1] is Severity.CRITICAL


@pytest.mark.parametrize("channels", [("food",), ("t1", "t2"), ("evaporator", "t1"), ("",)])
@pytest.mark.parametrize("role", [DeviceRole.FRIDGE, DeviceRole.SAMPLE_FRIDGE])
def test_every_unit_with_a_probe_is_judged(channels: tuple[str, ...], role: DeviceRole) -> None:
    point = 2 if channels[0] == "evaporator" else 1
    rows = [(float(m), point, 4.0 if m < 10 else 10.0) for m in range(0, 90, 5)]
    assert Severity.ALARM in run(unit(*channels, role=role), rows)[1]


def test_a_fast_probe_at_an_open_door_is_not_critical() -> None:
    rows = [(n / 6, 1, 14.0 if 30 <= n < 42 else 4.0) for n in range(120)]
    assert run(unit("air"), rows)[1] == []


def test_cool_means_twice_running(rig: Rig) -> None:
    rig.feed("t:fridge", [4.0] * 4 + [9.0] * 7)
    rig.feed("t:fridge", [7.9] * 40)  # within the hysteresis; the food cools below its limit
    rig.feed("t:fridge", [7.0, 7.9, 7.0])
    assert rig.all()[0].recovered_ms is None
    rig.feed("t:fridge", [7.0])
    assert rig.all()[0].recovered_ms is not None


def flow(interval_s: int, rows: Sequence[tuple[float, float]]) -> list[Truth]:
    """Step a water meter through (hour, m3); return what was said."""
    device = Device(
        1, "t:w", "t", DeviceStatus.ADOPTED, role=DeviceRole.WATER, interval_s=interval_s
    )
    subject = Subject(device, (Point(1, 1, "", "volume"),))
    rule = ContinuousFlow(price_cny_m3=4.1)
    rule.subjects([subject])
    state: State = {}
    said: list[Truth] = []
    for hour, value in rows:
        at = START_MS + round(hour * HOUR_MS)
        state, verdicts = rule.step(
            subject,
            state=state,
            readings=[Reading(1, at, value)],
            now_ms=at,
            context=context(subject),
        )
        said += [verdict.truth for verdict in verdicts]
    return said


def test_an_hourly_meter_shows_a_leak_too() -> None:
    assert Truth.BAD in flow(3600, [(h, 100 + h * 0.06) for h in range(27)])
    dry = [(h, 100 + (h - (h >= 12)) * 0.06) for h in range(30)]  # one hour without
    assert Truth.BAD not in flow(3600, dry)


def test_a_momentary_zero_hides_no_leak_and_a_gap_proves_none() -> None:
    rows = [(q / 4, 100 + q * 0.015) for q in range(110)]
    rows[50] = (rows[50][0], 0.0)
    assert Truth.BAD in flow(900, rows)
    assert Truth.BAD not in flow(900, rows[:40] + rows[46:])  # 90 minutes unknown


ACTIONS = st.one_of(
    st.tuples(st.just("read"), st.sampled_from([3.0, 7.8, 8.4, 11.0, 13.5, -40.0, 80.0])),
    st.tuples(st.just("wait"), st.sampled_from([0.0, 5.0, 31.0, 200.0])),
    st.tuples(st.sampled_from(["acknowledge", "close", "restart"]), st.just(0.0)),
)
LEGAL = {
    "opened": {"escalated", "recovered", "acknowledged", "closed"},
    "escalated": {"escalated", "recovered", "acknowledged", "closed"},
    "acknowledged": {"escalated", "recovered", "relapsed", "reraised", "closed"},
    "reraised": {"escalated", "recovered", "acknowledged", "closed"},
    "recovered": {"relapsed", "escalated", "acknowledged", "closed"},
    "relapsed": {"escalated", "recovered", "acknowledged", "reraised", "closed"},
    "closed": set[str](),
}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(actions=st.lists(ACTIONS, min_size=10, max_size=70))
def test_whatever_happens_the_states_are_legal_and_one_is_open(
    tmp_path_factory: pytest.TempPathFactory, actions: list[tuple[str, float]]
) -> None:
    rig = Rig(tmp_path_factory.mktemp("m") / "j.sqlite3")
    for action, value in actions:
        rig.clock.advance((round(value) if action == "wait" else 5) * MINUTE_MS)
        now_ms = rig.clock.now_ms()
        opened = [i for i in rig.all() if i.state != "resolved"]
        assert len(opened) <= 1
        if action == "read":
            rig.send("t:fridge", value)
        elif action == "restart":
            rig.close()
            rig.open()
        elif opened and action == "acknowledge":
            number = opened[0].id
            rig.journal.call(lambda c: incidents.acknowledge(c, number, actor="x", now_ms=now_ms))  # noqa: B023  (runs at once)
        elif opened and action == "close":
            number = opened[0].id
            rig.journal.call(
                lambda c: incidents.close(c, number, actor="x", reason="r", now_ms=now_ms)  # noqa: B023  (runs at once)
            )
    assert rig.journal.judge_failures == 0
    assert not rig.engine.faults
    with rig.journal.reader() as connection:
        for item in incidents.listing(connection, state="all", limit=1000):
            kinds = [event.kind for event in incidents.events(connection, item.id)]
            assert kinds[0] == "opened"
            assert all(b in LEGAL[a] for a, b in itertools.pairwise(kinds)), kinds
            assert (item.state == "resolved") == (kinds[-1] == "closed")
    rig.close()


CALENDAR = SchoolCalendar(SiteSettings().calendar, SiteSettings().zone)
METER = Subject(
    Device(1, "t:e", "t", DeviceStatus.ADOPTED, role=DeviceRole.ELECTRICITY, interval_s=900),
    (Point(1, 1, "", "energy"), Point(2, 1, "a", "energy")),
)


def meter_days(
    days: int, *, stuck: Sequence[int] = (), heard: bool = True, dip: bool = False
) -> list[Reading]:
    """A register by quarter-hours from Monday 2 March 2026; on days `stuck` it does not move."""
    found, value = list[Reading](), 1_000.0
    start_ms = to_ms(datetime(2026, 3, 2, tzinfo=SiteSettings().zone))
    for quarter in range(days * 96):
        day, at = quarter // 96, start_ms + quarter * QUARTER_MS
        if day not in stuck:
            value += 0.5
        elif not heard:
            continue
        shown = 0.0 if dip and day in stuck and quarter % 96 == 40 else value
        found.append(Reading(1, at, shown))
    return found


def stands(readings: Sequence[Reading], *, cut: int = 10_000) -> list[tuple[Truth, int]]:
    rule = MeterStill(calendar=CALENDAR)
    assert rule.subjects([METER]) == [METER]
    state: State = {}
    said: list[tuple[Truth, int]] = []
    for low in range(0, len(readings), cut):
        state, verdicts = rule.step(
            METER, state=state, readings=readings[low : low + cut],
            context=context(METER), now_ms=START_MS,
        )  # fmt: skip
        said += [(v.truth, int(v.evidence.get("days", 0))) for v in verdicts]
    return said


def test_w7_a_meter_that_stands_still_for_two_school_days_is_told() -> None:
    still = meter_days(14, stuck=(9, 10, 11))  # Wednesday to Friday of the second week
    assert stands(still) == [(Truth.BAD, 2), (Truth.BAD, 3), (Truth.OK, 0)]
    assert stands(still, cut=7) == stands(still)
    assert stands(meter_days(14, stuck=(9, 10, 11), dip=True)) == stands(still)
    assert stands(meter_days(14, stuck=(9, 11))) == []  # one day at a time
    assert stands(meter_days(14, stuck=(5, 6, 12, 13))) == []  # weekends
    assert stands(meter_days(14, stuck=(9, 10), heard=False)) == []  # silence is another matter
    assert stands(meter_days(12, stuck=range(3, 12))) == []  # it did not use to move for long
