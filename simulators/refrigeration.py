"""Cold storage as two lumped heat capacities, air and food, with a thermostat and a door.

dT_air/dt = (UA (T_room - T_air) + door + h (T_food - T_air) - Q) / C_air, in minutes.
"""

from dataclasses import dataclass

import numpy as np

from simulators.weather import Values

_STEP_S = 60.0
_DEFROST_EVERY_MIN, _DEFROST_MIN = 480, 18


@dataclass(frozen=True, slots=True)
class Unit:
    """A fridge or freezer: set point [degC], conductances [W/K], capacities [J/K], cooling [W]."""

    set_c: float
    loss_w_k: float = 6.0
    door_w_k: float = 45.0
    food_w_k: float = 14.0
    air_j_k: float = 85_000.0
    food_j_k: float = 150_000.0
    cooling_w: float = 620.0
    power_w: float = 260.0
    standby_w: float = 9.0
    band_k: float = 1.0
    defrost_w: float = 0.0


@dataclass(slots=True)
class Condition:
    """What a unit carries from one minute to the next."""

    air_c: float
    food_c: float
    running: bool = False
    defrost_min: int = 0
    since_defrost_min: int = 0


@dataclass(frozen=True, slots=True)
class Course:
    """A day of a unit, a value each minute (air and food at its start)."""

    air_c: Values
    food_c: Values
    evaporator_c: Values
    power_w: Values
    defrost: Values


def run(
    unit: Unit, condition: Condition, *, room_c: Values, door: Values, failed: Values
) -> Course:
    """Let a unit live through the minutes given; `condition` is where it ends.

    >>> start = Condition(4.0, 4.0)
    >>> hours = np.full(600, 26.0)
    >>> course = run(Unit(3.5), start, room_c=hours, door=hours * 0, failed=hours * 0)
    >>> bool(2.0 < course.air_c.min() < course.air_c.max() < 5.0)
    True
    """
    count = len(room_c)
    air_out, food_out = np.empty(count), np.empty(count)
    coil_out, power_out, defrost_out = np.empty(count), np.empty(count), np.zeros(count)
    air, food, running = condition.air_c, condition.food_c, condition.running
    defrosting, since = condition.defrost_min, condition.since_defrost_min
    loss, open_loss, inner = unit.loss_w_k, unit.door_w_k, unit.food_w_k
    per_air, per_food = _STEP_S / unit.air_j_k, _STEP_S / unit.food_j_k
    low, high = unit.set_c - unit.band_k, unit.set_c + unit.band_k
    rooms, doors, failures = room_c.tolist(), door.tolist(), failed.tolist()
    for minute in range(count):
        air_out[minute], food_out[minute] = air, food
        if defrosting:
            defrosting -= 1
        elif since >= _DEFROST_EVERY_MIN:
            defrosting, since = _DEFROST_MIN, 0
        since += 1
        running = air > (low if running else high)
        cools = running and not defrosting and not failures[minute]
        heat = (loss + open_loss * doors[minute]) * (rooms[minute] - air)
        flow = inner * (food - air)
        gain = heat + flow + (unit.defrost_w if defrosting else 0.0)
        air += (gain - (unit.cooling_w if cools else 0.0)) * per_air
        food -= flow * per_food
        coil_out[minute] = air - (11.0 if cools else 1.0)
        power_out[minute] = unit.power_w if cools else unit.standby_w
        defrost_out[minute] = 1.0 if defrosting else 0.0
    condition.air_c, condition.food_c, condition.running = air, food, running
    condition.defrost_min, condition.since_defrost_min = defrosting, since
    return Course(air_out, food_out, coil_out, power_out, defrost_out)


def openings(kitchen: Values, *, rng: np.random.Generator, per_hour: float = 9.0) -> Values:
    """Return for each minute the share the door stands open: cooks at work, one delivery."""
    result: Values = np.minimum(1.0, rng.poisson(per_hour / 60 * kitchen) * 0.35)
    at_work = np.flatnonzero(kitchen > 0.45)
    if len(at_work):
        first = int(at_work[0]) + int(rng.integers(5, 40))
        result[first : first + 4] = 1.0
    return result
