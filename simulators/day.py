"""One day of the whole campus, minute by minute: physics first, then what each meter counts."""

import copy
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from simulators import electricity, refrigeration, water
from simulators.faults import Fault, FaultKind, during
from simulators.refrigeration import Condition, Unit
from simulators.school_day import SchoolDay
from simulators.weather import Values

UNITS: dict[str, Unit] = {
    "fridge-1": Unit(set_c=3.6),
    "fridge-2": Unit(set_c=3.4, loss_w_k=6.5),
    "sample-fridge": Unit(set_c=4.0, loss_w_k=3.0, door_w_k=18.0, air_j_k=45_000.0,
                          food_j_k=40_000.0,
                          cooling_w=260.0, power_w=120.0),
    "freezer-1": Unit(set_c=-18.8, loss_w_k=3.2, door_w_k=14.0, food_j_k=170_000.0,
                      cooling_w=650.0, power_w=340.0, band_k=1.2, defrost_w=120.0),
}  # fmt: skip

_SELDOM_OPEN = {"freezer-1": 2.0, "sample-fridge": 1.0, "fridge-1": 9.0, "fridge-2": 6.0}


@dataclass(frozen=True, slots=True)
class CampusDay:
    """A day's values: `rates` [kW, m3/min] a minute, `levels` a minute, conditions at its end."""

    day: SchoolDay
    rates: dict[str, Values]
    levels: dict[str, dict[str, Values]]
    after: dict[str, Condition]

    def per_minute(self, device: str) -> Values:
        """Return what a register adds each minute [kWh, m3]."""
        rate = self.rates[device]
        return rate if device in _WATER else rate / 60.0


_WATER = frozenset({"water-main", "toilets", "irrigation", "canteen-water"})


def random_of(seed: int, day: SchoolDay, name: str) -> np.random.Generator:
    """Return the random numbers of one thing on one day: the same ones at every call."""
    return np.random.default_rng((seed, day.day.toordinal(), zlib.crc32(name.encode())))


def campus_day(
    day: SchoolDay,
    *,
    seed: int,
    pupils: int,
    faults: Sequence[Fault],
    conditions: Mapping[str, Condition],
) -> CampusDay:
    """Return a day of the campus; `conditions` of the cold storage are those at its start."""

    def rng(name: str) -> np.random.Generator:
        return random_of(seed, day, name)

    rates = _electricity(day, rng, faults) | _water(day, rng, faults, pupils)
    levels: dict[str, dict[str, Values]] = _rooms(day, rng)
    after: dict[str, Condition] = {}
    kitchen_c = 23.0 + 5.0 * day.kitchen + 0.12 * (day.outdoor_c - 18.0)
    for name, unit in UNITS.items():
        door = refrigeration.openings(day.kitchen, rng=rng(name), per_hour=_SELDOM_OPEN[name])
        door = np.maximum(door, during(faults, FaultKind.DOOR_LEFT_OPEN, name, day.at_ms))
        after[name] = copy.copy(conditions[name])
        course = refrigeration.run(
            unit,
            after[name],
            room_c=kitchen_c,
            door=door,
            failed=during(faults, FaultKind.COMPRESSOR_FAILURE, name, day.at_ms),
        )
        levels[name] = {
            "air.temperature_c": course.air_c,
            "food.temperature_c": course.food_c,
            "evaporator.temperature_c": course.evaporator_c,
            "power_kw": course.power_w / 1000,
            "defrost": course.defrost,
            "door": np.round(door).astype(np.float64),
        }
    busy = refrigeration.openings(day.kitchen, rng=rng("cold-room-door"), per_hour=14.0)
    levels["cold-room-door"] = {"door": np.round(busy)}
    return CampusDay(day, rates, levels, after)


def _electricity(
    day: SchoolDay, rng: Callable[[str], np.random.Generator], faults: Sequence[Fault]
) -> dict[str, Values]:
    def left_on(name: str) -> Values:
        return during(faults, FaultKind.LEFT_ON_AT_NIGHT, name, day.at_ms)

    kitchen = electricity.kitchen_kw(day, rng=rng("canteen-kitchen"))
    below = {
        "teaching-a": electricity.building_kw(
            day, lights_kw=9.0, plugs_kw=4.5, base_kw=0.9, rng=rng("teaching-a")
        )
        + left_on("teaching-a"),
        "teaching-b": electricity.building_kw(
            day, lights_kw=8.0, plugs_kw=6.5, base_kw=1.1, rng=rng("teaching-b")
        )
        + left_on("teaching-b"),
        "canteen-hall": electricity.building_kw(
            day, lights_kw=5.0, plugs_kw=2.0, base_kw=0.7, rng=rng("canteen-hall")
        )
        + left_on("canteen-hall")
        + kitchen,
        "air-conditioning": electricity.air_conditioning_kw(day, rng=rng("air-conditioning")),
    }
    boiling = np.where(rng("water-heater").random(day.minutes) < 0.05 + 0.4 * day.present, 2.0, 0.0)
    return {
        **below,
        "canteen-kitchen": kitchen,
        "main": electricity.main_kw(below, day),
        "water-heater": boiling + 0.003,
    }


def _water(
    day: SchoolDay,
    rng: Callable[[str], np.random.Generator],
    faults: Sequence[Fault],
    pupils: int,
) -> dict[str, Values]:
    leak = during(faults, FaultKind.RUNNING_TOILET, "toilets", day.at_ms) / 60
    burst = during(faults, FaultKind.PIPE_BURST, "irrigation", day.at_ms) / 60
    below = {
        "toilets": water.toilets_m3(day, pupils=pupils, rng=rng("toilets")) + leak,
        "irrigation": water.irrigation_m3(day) + burst,
        "canteen-water": water.kitchen_m3(day, pupils=pupils, rng=rng("canteen-water")),
    }
    total: Values = np.sum([*below.values(), water.taps_m3(day, rng=rng("taps"))], axis=0)
    return {**below, "water-main": total}


def _rooms(
    day: SchoolDay, rng: Callable[[str], np.random.Generator]
) -> dict[str, dict[str, Values]]:
    """Return room climate: walls follow the weather, people warm, conditioned while they stay."""
    hours = 90
    mean = np.convolve(
        np.pad(day.outdoor_c, (hours - 1, 0), mode="edge"), np.ones(hours) / hours, mode="valid"
    )
    people = np.convolve(
        np.pad(day.present, (hours - 1, 0), mode="edge"), np.ones(hours) / hours, mode="valid"
    )
    wall = 12.5 + 0.45 * mean
    kept = np.clip(wall + 3.0, 20.0, 26.0)
    base = wall * (1 - people) + kept * people
    rooms: dict[str, dict[str, Values]] = {}
    for index, name in enumerate(
        ("room-101", "room-102", "computer-room", "dining-hall", "library")
    ):
        drift = rng(name).normal(0.0, 0.05, day.minutes)
        temperature = base + 0.5 * index - 0.8 + drift
        rooms[name] = {
            "temperature_c": temperature,
            "humidity_pct": np.clip(62.0 - 1.3 * (temperature - 20.0) + 4.0 * people, 25.0, 95.0),
            "co2_ppm": 430.0 + 820.0 * people + rng(name + "-co2").normal(0.0, 6.0, day.minutes),
        }
    rooms["outdoor"] = {"temperature_c": day.outdoor_c}
    return rooms
