"""The simulated campus: lives forward in time and says what its devices send."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np

from caretaker.calendar import SchoolCalendar
from caretaker.clock import MINUTE_MS
from caretaker.vocabulary import DeviceRole
from simulators.day import UNITS, CampusDay, campus_day
from simulators.dialects import encode
from simulators.faults import Fault, FaultKind
from simulators.refrigeration import Condition
from simulators.school_day import school_day
from simulators.site import DEVICES, DeviceSpec, demo_site
from simulators.weather import Values

_FIRST = {"main": 184_210.4, "water-main": 22_871.2, "irrigation": 9_962.0, "toilets": 3_310.5}
_FIELDS: dict[str, tuple[str, ...]] = {
    "fridge-1": ("air.temperature_c", "food.temperature_c", "power_kw", "door"),
    "fridge-2": ("air.temperature_c", "evaporator.temperature_c", "power_kw", "door", "defrost"),
    "freezer-1": ("air.temperature_c", "evaporator.temperature_c", "power_kw", "door", "defrost"),
    "sample-fridge": ("air.temperature_c",),
    "computer-room": ("temperature_c", "humidity_pct", "co2_ppm"),
    "outdoor": ("temperature_c",),
}
_STATES = frozenset({"door", "defrost"})
_AT = attrgetter("at_ms")


class Emission(msgspec.Struct, frozen=True):
    """One MQTT message of one device, as its bytes leave it."""

    at_ms: int
    device: str
    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False


@dataclass(frozen=True, slots=True)
class Label:
    """What really happened, to score detections against."""

    kind: str
    device: str
    key: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class _Day:
    """A day's figures, a value a minute, as plain numbers: they are looked up one by one."""

    start_ms: int
    minutes: int
    registers: dict[str, list[float]]
    rates: dict[str, list[float]]
    levels: dict[str, dict[str, list[float]]]
    after: dict[str, Condition]


class Campus:
    """A school of 600 with its meters, rooms and cold storage; the same for the same seed.

    `advance` computes whole days and hands out the part asked for. With `live` the devices send
    at their usual pace, else at the pace of a filled-in past.
    """

    def __init__(self, start_ms: int, *, seed: int = 1, faults: Sequence[Fault] = ()) -> None:
        site = demo_site()
        self.live = False
        self.faults = tuple(faults)
        self._deaths = [fault for fault in faults if fault.kind is FaultKind.DEAD_SENSOR]
        self.seed = seed
        self.now_ms = start_ms
        self._pupils = site.pupils
        self._calendar = SchoolCalendar(site.calendar, site.zone)
        self._day = self._calendar.day_of(start_ms)
        self._registers = {
            spec.id: _FIRST.get(spec.id, 1_000.0 + 7.0 * n) for n, spec in _metered()
        }
        self._conditions = {
            name: Condition(unit.set_c, unit.set_c, since_defrost_min=120 * n)
            for n, (name, unit) in enumerate(UNITS.items())
        }
        self._marks: dict[str, float] = {}
        self._sequences: dict[str, int] = {}
        self._computed: _Day | None = None

    @property
    def labels(self) -> list[Label]:
        """What went or goes wrong by plan, within the time lived so far."""
        keys = {spec.id: spec.key for spec in DEVICES}
        return [
            Label(f.kind.value, f.device, keys[f.device], f.start_ms, min(f.end_ms, self.now_ms))
            for f in self.faults
            if f.start_ms < self.now_ms
        ]

    def advance(self, to_ms: int) -> list[Emission]:
        """Live on to `to_ms` and return the messages sent since, in time order."""
        sent: list[Emission] = []
        while self.now_ms < to_ms:
            day = self._today()
            end_ms = day.start_ms + day.minutes * MINUTE_MS
            until = min(to_ms, end_ms)
            found = [
                emission
                for number, spec in enumerate(DEVICES)
                for emission in self._sent(number, spec, day, until)
            ]
            found.sort(key=_AT)
            sent += found
            self.now_ms = until
            if until == end_ms:
                self._registers = {name: values[-1] for name, values in day.registers.items()}
                self._conditions = day.after
                self._day = self._calendar.day_of(end_ms)
                self._computed = None
        return sent

    def _today(self) -> _Day:
        if self._computed is None:
            campus = campus_day(
                school_day(self._day, calendar=self._calendar, seed=self.seed),
                seed=self.seed,
                pupils=self._pupils,
                faults=self.faults,
                conditions=self._conditions,
            )
            edges = {
                name: first + np.concatenate(([0.0], np.cumsum(campus.per_minute(name))))
                for name, first in self._registers.items()
            }
            self._mark(campus, edges)
            self._computed = _Day(
                int(campus.day.start_ms),
                campus.day.minutes,
                {name: values.tolist() for name, values in edges.items()},
                {name: values.tolist() for name, values in campus.rates.items()},
                {
                    device: {name: values.tolist() for name, values in levels.items()}
                    for device, levels in campus.levels.items()
                },
                campus.after,
            )
        return self._computed

    def _mark(self, campus: CampusDay, edges: Mapping[str, Values]) -> None:
        """Remember what a register read when it got stuck, or when its meter was exchanged."""
        for fault in self.faults:
            if fault.kind in {FaultKind.STUCK_REGISTER, FaultKind.METER_SWAP}:
                minute = (fault.start_ms - campus.day.start_ms) / MINUTE_MS
                if 0 <= minute < campus.day.minutes:
                    reads = np.interp(
                        minute, np.arange(campus.day.minutes + 1), edges[fault.device]
                    )
                    self._marks[f"{fault.kind}:{fault.device}:{fault.start_ms}"] = float(reads)

    def _sent(self, number: int, spec: DeviceSpec, day: _Day, until_ms: int) -> Iterator[Emission]:
        interval = (spec.live_s if self.live else spec.history_s) * 1000
        first = day.start_ms + (number * 2_300) % min(interval, 60_000)
        step = max(0, -(-(self.now_ms - first) // interval))
        for at_ms in range(first + step * interval, until_ms, interval):
            if self._dead(spec.id, at_ms):
                continue
            values = self._values(spec, day, at_ms)
            sequence = self._sequences[spec.id] = self._sequences.get(spec.id, 0) + 1
            for topic, payload in encode(
                spec, values, at_ms=at_ms, boot=f"s{self.seed}", sequence=sequence
            ):
                yield Emission(at_ms, spec.id, topic, payload)

    def _dead(self, device: str, at_ms: int) -> bool:
        for fault in self._deaths:
            if fault.device == device and fault.start_ms <= at_ms < fault.end_ms:
                return True
        return False

    def _values(self, spec: DeviceSpec, day: _Day, at_ms: int) -> dict[str, float]:
        minute = (at_ms - day.start_ms) / MINUTE_MS
        index = int(minute)
        inside = minute - index
        values: dict[str, float] = {}
        register = day.registers.get(spec.id)
        if register is not None:
            first, last = register[index], register[index + 1]
            # Rounding must not turn a register back by its last digit.
            shown = self._shown(spec, min(last, first + (last - first) * inside), at_ms)
            if spec.role is DeviceRole.WATER:
                values["volume_m3"] = int(shown * 1000) / 1000
            else:
                values["energy_kwh"] = shown
                values["power_kw"] = day.rates[spec.id][index]
        levels = day.levels.get(spec.id)
        if levels:
            following = min(index + 1, day.minutes - 1)
            for name in _FIELDS.get(spec.id, tuple(levels)):
                row = levels[name]
                if name in _STATES or name == "power_kw":
                    values[name] = row[index]
                else:
                    values[name] = row[index] * (1 - inside) + row[following] * inside
        return values

    def _shown(self, spec: DeviceSpec, true: float, at_ms: int) -> float:
        """Return what the meter displays: exchanged, stuck, or rolled over."""
        shown = true
        for fault in self.faults:
            if fault.device != spec.id or at_ms < fault.start_ms:
                continue
            mark = self._marks.get(f"{fault.kind}:{fault.device}:{fault.start_ms}")
            if mark is None:
                continue
            if fault.kind is FaultKind.METER_SWAP:
                shown = true - mark
            elif at_ms < fault.end_ms:
                shown = mark
        return shown % spec.capacity

    def state(self) -> dict[str, Any]:
        """Return what `from_state` needs to go on exactly here; JSON-able."""
        return {
            "now_ms": self.now_ms,
            "day": self._day.isoformat(),
            "seed": self.seed,
            "live": self.live,
            "faults": [asdict(fault) for fault in self.faults],
            "registers": self._registers,
            "conditions": {name: asdict(found) for name, found in self._conditions.items()},
            "marks": self._marks,
            "sequences": self._sequences,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Campus":
        """Return the campus that `state` describes."""
        faults = [Fault(**{**row, "kind": FaultKind(row["kind"])}) for row in state["faults"]]
        campus = cls(int(state["now_ms"]), seed=int(state["seed"]), faults=faults)
        campus.live = bool(state["live"])
        campus._day = date.fromisoformat(state["day"])
        campus._registers = dict(state["registers"])
        campus._conditions = {name: Condition(**row) for name, row in state["conditions"].items()}
        campus._marks = dict(state["marks"])
        campus._sequences = dict(state["sequences"])
        return campus


def _metered() -> Iterator[tuple[int, DeviceSpec]]:
    for number, spec in enumerate(DEVICES):
        if spec.role.value in {"electricity", "water"}:
            yield number, spec
