"""Labelled faults: what goes wrong at the simulated school, from when to when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

import numpy as np

from caretaker.clock import DAY_MS, HOUR_MS, from_ms, to_ms
from simulators.weather import Values

_FRIDAY = 4


class FaultKind(StrEnum):
    """What can go wrong."""

    LEFT_ON_AT_NIGHT = "left_on_at_night"
    RUNNING_TOILET = "running_toilet"
    PIPE_BURST = "pipe_burst"
    COMPRESSOR_FAILURE = "compressor_failure"
    DOOR_LEFT_OPEN = "door_left_open"
    STUCK_REGISTER = "stuck_register"
    DEAD_SENSOR = "dead_sensor"
    COUNTER_ROLLOVER = "counter_rollover"
    METER_SWAP = "meter_swap"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of one device in [start_ms, end_ms); `size` is kW or m3/h where it has one."""

    kind: FaultKind
    device: str
    start_ms: int
    end_ms: int
    size: float = 0.0


def during(faults: Sequence[Fault], kind: FaultKind, device: str, at_ms: Values) -> Values:
    """Return the size (1 where it has none) of a device's faults of a kind at each instant.

    >>> leak = Fault(FaultKind.RUNNING_TOILET, "toilets", 10, 20, 0.06)
    >>> during([leak], FaultKind.RUNNING_TOILET, "toilets", np.array([5.0, 15.0])).tolist()
    [0.0, 0.06]
    """
    result: Values = np.zeros(len(at_ms))
    for fault in faults:
        if fault.kind is kind and fault.device == device:
            within = (at_ms >= fault.start_ms) & (at_ms < fault.end_ms)
            result = result + within * (fault.size or 1.0)
    return result


def demo_faults(end_ms: int, *, zone: ZoneInfo) -> tuple[Fault, ...]:
    """Return what the demo's past holds, as of its end: old faults, and two that still last."""

    def local(days_ago: int, at: time) -> int:
        day = from_ms(end_ms).astimezone(zone).date() - timedelta(days=days_ago)
        return to_ms(datetime.combine(day, at, tzinfo=zone))

    today = from_ms(end_ms).astimezone(zone).date()
    friday = (today.weekday() - _FRIDAY) % 7
    if friday < 2:
        friday += 7
    monday = today.weekday() + 14  # a Monday two weeks ago: a teaching day, holidays aside
    kinds = FaultKind
    night = 12 * HOUR_MS
    return (
        Fault(kinds.LEFT_ON_AT_NIGHT, "teaching-b", local(monday, time(18, 30)),
              local(monday, time(18, 30)) + night, 9.0),
        Fault(kinds.LEFT_ON_AT_NIGHT, "teaching-a", local(1, time(18, 30)),
              local(1, time(18, 30)) + night, 8.0),
        Fault(kinds.RUNNING_TOILET, "toilets", end_ms - 50 * HOUR_MS, end_ms + 30 * DAY_MS, 0.065),
        Fault(kinds.PIPE_BURST, "irrigation", local(40, time(22)),
              local(40, time(22)) + 30 * HOUR_MS, 1.4),
        Fault(kinds.COMPRESSOR_FAILURE, "freezer-1", local(friday, time(22)),
              local(friday - 1, time(9, 30))),
        Fault(kinds.COMPRESSOR_FAILURE, "fridge-2", end_ms - 4 * HOUR_MS, end_ms + 8 * HOUR_MS),
        Fault(kinds.DOOR_LEFT_OPEN, "fridge-1", local(monday - 4, time(13, 20)),
              local(monday - 4, time(15, 10))),
        Fault(kinds.STUCK_REGISTER, "canteen-kitchen", local(60, time(10)), local(60, time(16))),
        Fault(kinds.DEAD_SENSOR, "room-102", local(25, time(8)), local(25, time(19))),
        Fault(kinds.METER_SWAP, "canteen-hall", local(33, time(10, 30)), local(33, time(10, 31))),
    )  # fmt: skip
