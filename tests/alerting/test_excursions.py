"""Every row of rule-book 2.3 on a timeline, and the healthy twin that raises nothing."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alerting.cold.mean_kinetic import mean_kinetic_c
from caretaker.config import SiteSettings
from storage import haccp
from tests.alerting.kitchen import DEVICES, At, Kitchen, Tap

WARM, HOLD = "cold_storage_warm", "food_hold"
Make = Callable[..., Kitchen]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Kitchen] = []

    def build(profile: str = "CN") -> Kitchen:
        site = SiteSettings(devices=DEVICES, profile=profile)
        made.append(Kitchen(tmp_path / f"{len(made)}.sqlite3", site=site))
        return made[-1]

    yield build
    for kitchen in made:
        kitchen.close()


def test_a1_notice_after_15_minutes_of_warm_air(make: Make) -> None:
    seen = make().live(At(0, air=4.0, food=4.0), At(20, air=9.0), At(40, air=4.0), until=90)
    seen.expect(WARM, "notice", between=(35, 35))
    seen.never(WARM, "alarm")
    seen.recovers(WARM, between=(45, 50))


def test_a2_alarm_after_30_minutes_of_warm_air(make: Make) -> None:
    seen = make().live(At(0, air=4.0, food=4.0), At(20, air=9.0), until=60)
    seen.expect(WARM, "alarm", between=(50, 50))
    seen.never(WARM, "critical")


def test_a2_alarm_after_10_minutes_of_warm_food(make: Make) -> None:
    seen = make().live(At(0, air=4.0, food=4.0), At(20, food=8.5), until=60)
    seen.expect(WARM, "alarm", between=(30, 30))


def test_a3_critical_at_13_degrees_twice(make: Make) -> None:
    seen = make().live(At(0, air=4.0, food=4.0), At(20, air=13.0), until=40)
    seen.expect(WARM, "critical", between=(25, 25))
    seen = make().live(At(0, air=4.0, food=4.0), At(20, air=13.0), At(25, air=6.0), until=60)
    seen.never(WARM, "critical")


def test_a3_critical_after_an_hour_of_warm_food(make: Make) -> None:
    seen = make().live(At(0, air=4.0, food=4.0), At(20, food=8.4), until=100)
    seen.expect(WARM, "critical", between=(80, 80))


def test_a3_critical_when_three_quarters_of_the_clock_have_run(make: Make) -> None:
    kitchen = make("US")  # 240 min: 75 % is 180, in three times of an hour, never 60 in one
    events = [At(0, air=4.0, food=4.0)]
    for hour in range(5):
        events += [At(20 + 80 * hour, food=6.0), At(20 + 80 * hour + 50, food=4.0)]
    seen = kitchen.live(*events, until=420)
    seen.expect(WARM, "critical", between=(285, 300))
    assert any(line.severity == "alarm" for line in seen.of(WARM))


def test_a4_the_clock_adds_up_and_only_a_disposition_resets_it(make: Make) -> None:
    kitchen = make()
    events: list[At | Tap] = [At(0, air=4.0, food=4.0)]
    for turn in range(4):  # four times 35 minutes above the limit, cold in between
        events += [At(20 + 120 * turn, food=9.0), At(55 + 120 * turn, food=4.0)]
    seen = kitchen.live(*events, until=500)
    held = seen.expect(HOLD, "critical", between=(395, 420))
    assert seen.incidents[-1].rule == HOLD
    assert seen.incidents[-1].state == "firing"  # cold for an hour, and still on hold
    kitchen.restart()
    seen = kitchen.live(until=560)
    assert [line.kind for line in seen.of(HOLD)] == ["opened"]
    with kitchen.journal.reader() as connection:
        actions = haccp.listing(connection, device=kitchen.device("fridge"))
    assert HOLD in {i.rule for i in seen.incidents if i.id in {a.incident for a in actions}}
    seen = kitchen.live(Tap(561, "disposition"), until=600)
    seen.recovers(HOLD, between=(561, 566))
    assert held.minute < 561


@pytest.mark.parametrize(("profile", "minutes"), [("CN", 120), ("UK", 240), ("US", 240)])
def test_a4_decision_time_is_the_profiles(make: Make, profile: str, minutes: int) -> None:
    kitchen = make(profile)
    seen = kitchen.live(At(0, air=4.0, food=4.0), At(20, air=9.0, food=9.0), until=300)
    seen.expect(HOLD, "critical", between=(20 + minutes - 5, 20 + minutes + 5))


@pytest.mark.parametrize("unit", ["fridge", "samples"])
def test_too_cold_after_half_an_hour_below_zero(make: Make, unit: str) -> None:
    seen = make().live(
        At(0, unit, air=2.0), At(20, unit, air=-0.6), At(70, unit, air=1.0), until=120
    )
    seen.expect("cold_storage_cold", "alarm", between=(50, 50), unit=unit)
    seen.recovers("cold_storage_cold", between=(75, 80), unit=unit)


def test_a_freezer_notices_alarms_and_cries(make: Make) -> None:
    steady = At(0, "freezer", air=-19.0, food=-19.0)
    seen = make().live(steady, At(20, "freezer", air=-14.0), until=120)
    seen.expect(WARM, "notice", between=(80, 80), unit="freezer")
    seen.never(WARM, "alarm", unit="freezer")
    seen = make().live(steady, At(20, "freezer", air=-11.0), until=120)
    seen.expect(WARM, "alarm", between=(80, 80), unit="freezer")
    seen = make().live(steady, At(20, "freezer", food=-11.0), until=90)
    seen.expect(WARM, "alarm", between=(50, 50), unit="freezer")
    seen = make().live(steady, At(20, "freezer", air=-4.0), until=60)
    seen.expect(WARM, "critical", between=(50, 50), unit="freezer")
    seen = make().live(steady, At(20, "freezer", food=-4.0), until=40)
    seen.expect(WARM, "critical", between=(20, 20), unit="freezer")


@pytest.mark.parametrize(("profile", "low"), [("CN", 59.0), ("UK", 62.0), ("US", 56.0)])
def test_hot_holding_low_and_its_clock(make: Make, profile: str, low: float) -> None:
    kitchen = make(profile)
    seen = kitchen.live(At(0, "hot", food=75.0), At(30, "hot", food=low), until=60)
    seen.expect("hot_holding_low", "alarm", between=(45, 45), unit="hot")
    if profile == "CN":
        seen = kitchen.live(until=180)
        seen.expect("hot_holding_low", "critical", between=(115, 125), unit="hot")
        seen.expect(HOLD, "critical", between=(145, 155), unit="hot")
        seen = kitchen.live(Tap(181, "disposition", "hot"), until=240)
        seen.recovers("hot_holding_low", between=(181, 186), unit="hot")
        assert seen.of("hot_holding_low", "hot")[-1].kind != "opened"


def test_hot_holding_just_warm_enough_is_no_alarm(make: Make) -> None:
    seen = make().live(At(0, "hot", food=20.0), At(60, "hot", food=61.5), until=200)
    seen.never("hot_holding_low", unit="hot")  # cold before the food came in is nobody's food


def test_hysteresis_half_a_degree_twice(make: Make) -> None:
    kitchen = make()
    seen = kitchen.live(
        At(0, air=4.0, food=4.0), At(20, air=9.0), At(60, air=7.8), At(120, air=7.4), until=180
    )
    assert [line.kind for line in seen.of(WARM)].count("recovered") == 1
    seen.recovers(WARM, between=(125, 125))


def test_noise_around_the_limit_is_one_incident(make: Make) -> None:
    events = [At(0, air=4.0, food=4.0), At(20, air=9.0)]
    events += [At(60 + 5 * n, air=8.1 if n % 2 else 7.9) for n in range(40)]
    seen = make().live(*events, until=260)
    assert len([i for i in seen.incidents if i.rule == WARM]) == 1


def test_a_delay_is_never_shorter_than_two_samples(make: Make) -> None:
    seen = make().live(At(0, air=4.0), At(60, air=9.0), until=130, every=20)
    first = seen.of(WARM)[0]
    assert first.minute >= 60 + 10  # interval_s says 300: two intervals are 10 minutes
    assert first.minute == 80


def test_a_defrost_is_forgiven_45_minutes_on_air_only(make: Make) -> None:
    steady = At(0, air=4.0, food=4.0)
    short = make().live(steady, At(20, defrost=1.0, air=10.0), At(55, defrost=0.0, air=5.0),
                        until=100)  # fmt: skip
    short.never(WARM)
    stuck = make().live(steady, At(20, defrost=1.0, air=10.0), until=100)
    stuck.expect(WARM, "alarm", between=(70, 70))
    food = make().live(steady, At(20, defrost=1.0, air=10.0, food=8.6), until=40)
    food.expect(WARM, "alarm", between=(30, 30))
    hot = make().live(steady, At(20, defrost=1.0, air=13.5), until=40)
    hot.expect(WARM, "critical", between=(25, 25))


def test_the_seventh_defrost_of_a_day_is_not_forgiven(make: Make) -> None:
    events = [At(0, air=4.0, food=4.0)]
    for turn in range(7):
        events += [
            At(20 + 100 * turn, defrost=1.0, air=9.5),
            At(55 + 100 * turn, defrost=0.0, air=4.0),
        ]
    seen = make().live(*events, until=720)
    assert {line.minute for line in seen.of(WARM) if line.kind != "recovered"} >= {635.0}
    assert not [line for line in seen.of(WARM) if line.minute < 620]


def test_a_defrost_is_learned_from_three_days_at_the_same_hour(make: Make) -> None:
    events = [At(0, air=4.0, food=4.0)]
    day = 24 * 60
    for turn in range(4):
        at = 120 + day * turn
        events += [At(at, air=9.5), At(at + 30, air=4.0)]
    seen = make().live(*events, until=3 * day + 300, every=10)
    warm = {line.minute // day for line in seen.of(WARM) if line.kind != "recovered"}
    assert warm == {0, 1, 2}  # the fourth is expected


def test_an_open_door_is_noticed_then_alarmed(make: Make) -> None:
    seen = make().live(At(0, air=4.0), At(0, "door", door=0.0), At(20, "door", door=1.0),
                       At(40, "door", door=0.0), until=60)  # fmt: skip
    seen.expect("cold_door_open", "notice", between=(23, 23))
    seen.expect("cold_door_open", "alarm", between=(30, 30))
    seen.recovers("cold_door_open", between=(40, 40))
    quick = make().live(At(0, air=4.0), At(20, "door", door=1.0), At(22, "door", door=0.0),
                        until=60)  # fmt: skip
    quick.never("cold_door_open")


@pytest.mark.parametrize(("kind", "ceiling"), [("receiving", 30), ("cleaning", 60)])
def test_a_tap_forgives_air_and_door_up_to_its_ceiling(make: Make, kind: str, ceiling: int) -> None:
    steady = [At(0, air=4.0, food=4.0), At(20, "door", door=1.0, air=4.0)]
    kitchen = make()
    seen = kitchen.live(*steady, Tap(19, kind), At(20, air=9.0), until=19 + ceiling - 1)
    seen.never(WARM)
    seen.never("cold_door_open")
    seen = kitchen.live(until=150)  # nobody ended it: the alarm counts from the real beginning
    assert seen.of(WARM)[0].minute <= 19 + ceiling + 5
    seen.expect("cold_door_open", "alarm", between=(19 + ceiling + 9, 19 + ceiling + 11))
    hot = make().live(*steady, Tap(19, kind), At(20, air=13.5), until=40)
    hot.expect(WARM, "critical", between=(25, 25))


def test_sensor_loss_is_an_alarm(make: Make) -> None:
    seen = make().live(At(0, air=4.0), At(20, air=None), At(90, air=4.0), until=120, every=1)
    seen.expect("device_silent", "notice", between=(34, 36))
    seen.expect("device_silent", "alarm", between=(49, 50))
    seen.recovers("device_silent", between=(90, 91))


def test_a_stuck_and_an_impossible_value_are_alarms(make: Make) -> None:
    seen = make().live(At(0, air=4.03), At(400, air=4.2), until=430)
    seen.expect("sensor_stuck", "alarm", between=(360, 365))
    seen.recovers("sensor_stuck", between=(400, 405))
    seen = make().live(At(0, air=4.0), At(20, air=90.0), At(60, air=4.0), until=80)
    seen.expect("sensor_implausible", "alarm", between=(25, 25))
    seen.never(WARM)  # what cannot be true judges nothing
    seen.recovers("sensor_implausible", between=(60, 65))


def test_a_low_battery_and_an_old_calibration_are_noticed(make: Make) -> None:
    kitchen = make()
    seen = kitchen.live(At(0, air=4.0, battery=80), At(20, battery=12), until=40)
    seen.expect("battery_low", "notice", between=(25, 25))
    year = 366 * 24 * 60
    kitchen.clock.advance(year * 60_000)
    kitchen.journal.append([])
    seen = kitchen.live(At(year + 60, air=4.0), until=year + 80)
    seen.expect("calibration_due", "notice", between=(365 * 1440 - 1, 365 * 1440 + 1))
    seen = kitchen.live(Tap(year + 81, "calibration", value=0.1), until=year + 100)
    seen.recovers("calibration_due", between=(year + 80, year + 90))


def test_a_power_cut_has_its_clock_and_its_check(make: Make) -> None:
    kitchen = make()
    seen = kitchen.live(
        At(0, air=4.0, food=4.0), At(0, "mains", mains=1.0), At(0, "door", door=0.0),
        At(30, "mains", mains=0.0),
        At(31, "door", door=1.0), until=290,
    )  # fmt: skip
    rule = "cold_power_cut"
    told = [(line.minute, line.severity) for line in seen.of(rule)]
    assert told == [(30, "alarm"), (150, "alarm"), (210, "critical"), (270, "critical")]
    evidence = next(i.evidence for i in seen.incidents if i.rule == rule)
    assert (evidence["share_pct"], evidence["left_min"]) == (100, 0.0)
    seen.never("cold_door_open")  # suspended
    seen = kitchen.live(At(300, "mains", mains=1.0), At(300, food=9.0), At(330, food=5.0),
                        until=360)  # fmt: skip
    seen.recovers(rule, between=(335, 340))  # only once the food was found cold


def test_a_freezer_keeps_a_day_in_a_power_cut(make: Make) -> None:
    kitchen = make()
    seen = kitchen.live(
        At(0, "freezer", air=-19.0, food=-19.0), At(10, "mains", mains=0.0),
        until=1500, every=15,
    )  # fmt: skip
    told = [(line.minute, line.severity) for line in seen.of("cold_power_cut", "freezer")]
    assert told == [(10, "alarm"), (730, "alarm"), (1090, "critical"), (1450, "critical")]


def test_a_planned_outage_is_told_a_day_ahead(make: Make) -> None:
    kitchen = make()
    seen = kitchen.live(
        At(0, air=4.0), Tap(0, "planned_outage", "fridge", lasts=60), until=10
    )  # begun: nothing is told ahead any more
    seen.never("planned_outage")
    ahead = Tap(1500, "planned_outage", lasts=120)
    kitchen.tap(ahead)
    seen = kitchen.live(until=1520, every=10)
    seen.expect("planned_outage", "notice", between=(60, 60))
    seen.recovers("planned_outage", between=(1500, 1500))


def test_a_unit_out_of_use_is_nobodys_alarm(make: Make) -> None:
    kitchen = make()
    seen = kitchen.live(
        At(0, air=4.0, food=4.0), At(20, air=9.0), Tap(60, "decommissioned"),
        At(70, air=25.0, food=25.0), until=400,
    )  # fmt: skip
    seen.recovers(WARM, between=(60, 65))
    seen.never(WARM, "critical")
    seen.never(HOLD)


def test_the_healthy_twin_raises_nothing(make: Make) -> None:
    events: list[At | Tap] = [
        At(0, "mains", mains=1.0), At(0, "door", door=0.0), At(0, "hot", food=20.0),
    ]  # fmt: skip
    for step in range(0, 24 * 60, 10):
        wave = 0.8 if step // 10 % 3 == 0 else -0.4
        events += [
            At(step, air=4.0 + wave, food=4.0 + wave / 4),
            At(step, "samples", air=4.5 + wave),
            At(step, "freezer", air=-19.0 + wave, food=-19.0 + wave / 4),
        ]
    for hour in (9, 10, 11, 16):
        events += [At(hour * 60 + 1, "door", door=1.0), At(hour * 60 + 2.5, "door", door=0.0)]
    events += [
        At(300, "hot", food=21.0), At(600, "hot", food=72.0), At(720, "hot", food=68.0),
        Tap(760, "disposition", "hot"), At(770, "hot", food=30.0), At(1000, "hot", food=26.0),
        At(1300, "hot", food=25.0),
    ]  # fmt: skip
    seen = make().live(*sorted(events, key=lambda e: e.minute), until=24 * 60)
    quiet = [i for i in seen.incidents if i.rule != "device_silent"]
    assert quiet == []
    assert {line.unit for line in seen.lines} <= {"door", "mains", "hot"}  # they speak rarely


@pytest.mark.parametrize(
    ("temperatures", "hours", "expected", "mean"),
    [
        ((4.0, 15.0), (22.0, 2.0), 5.706, 4.917),
        ((4.0, 12.0), (20.0, 4.0), 5.982, 5.333),
        ((3.0, 20.0), (23.0, 1.0), 5.007, 3.708),
    ],
)
def test_t1_to_t3_mean_kinetic_temperature(
    temperatures: tuple[float, float], hours: tuple[float, float], expected: float, mean: float
) -> None:
    assert mean_kinetic_c(temperatures, hours) == pytest.approx(expected, abs=0.0005)
    total = sum(t * h for t, h in zip(temperatures, hours, strict=True)) / sum(hours)
    assert total == pytest.approx(mean, abs=0.0005)
