"""A kitchen in virtual time: what its sensors say and people tap, and which alerts that makes.

    seen = kitchen.live(At(0, air=4.0), At(20, air=9.0), until=80)
    seen.expect("cold_storage_warm", "notice", between=(35, 40))

A value holds until it is changed; sensors send every five minutes, contacts when they change.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from alerting.engine import Engine
from alerting.lifecycle import Lifecycle
from alerting.rulebook import RuleBook
from alerting.rules import standard_rules
from caretaker.clock import MINUTE_MS, ManualClock
from caretaker.config import DeviceSettings, SiteSettings
from caretaker.vocabulary import Arrival, Measured
from ingest.metering import intervals
from storage import incidents, unit_records
from storage.devices import apply_file_settings
from storage.incidents import Incident
from storage.journal import Journal
from storage.unit_records import RecordKind

START_MS = 1_788_220_800_000  # 2026-09-01 08:00 in Shanghai
EVERY_MIN = 5
DEVICES = (
    DeviceSettings(key="t:fridge", name="1号冰箱", role="fridge", interval_s=300),
    DeviceSettings(key="t:freezer", name="冷冻柜", role="freezer", interval_s=300),
    DeviceSettings(key="t:samples", name="留样柜", role="sample_fridge", interval_s=300),
    DeviceSettings(key="t:hot", name="热藏柜", role="hot_holding", interval_s=300),
    DeviceSettings(key="t:door", name="冰箱门", role="door", parent="t:fridge"),
    DeviceSettings(key="t:mains", name="市电", role="other"),
)
_CHANGES = frozenset({"door", "defrost", "mains"})
_PLACES = {
    "air": ("air", "temperature"),
    "food": ("food", "temperature"),
    "evaporator": ("evaporator", "temperature"),
    "door": ("", "door"),
    "defrost": ("", "defrost"),
    "mains": ("", "mains"),
    "power": ("", "power"),
    "battery": ("", "battery"),
}


class At:
    """From a minute on a unit's values are these; None: the sensor says nothing any more."""

    def __init__(self, minute: float, unit: str = "fridge", **values: float | None) -> None:
        self.minute = minute
        self.unit = unit
        self.values = values


@dataclass(frozen=True)
class Tap:
    """At a minute a person records something of a unit."""

    minute: float
    kind: str
    unit: str = "fridge"
    lasts: float | None = None
    value: float | None = None


@dataclass(frozen=True)
class Happened:
    """One line of an incident's history, by the minute of its event time."""

    minute: float
    unit: str
    rule: str
    kind: str
    severity: str


@dataclass
class Seen:
    """All that happened."""

    lines: list[Happened] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)

    def of(self, rule: str, unit: str = "fridge") -> list[Happened]:
        return [line for line in self.lines if (line.rule, line.unit) == (rule, unit)]

    def expect(
        self,
        rule: str,
        severity: str,
        *,
        between: tuple[float, float],
        unit: str = "fridge",
    ) -> Happened:
        """Exactly one opening or worsening to that severity, within these minutes."""
        found = [
            line
            for line in self.of(rule, unit)
            if line.severity == severity and line.kind in {"opened", "escalated"}
        ]
        assert len(found) == 1, (severity, self.of(rule, unit))
        assert between[0] <= found[0].minute <= between[1], found[0]
        return found[0]

    def never(self, rule: str, severity: str = "", *, unit: str = "fridge") -> None:
        assert not [
            line
            for line in self.of(rule, unit)
            if line.kind in {"opened", "escalated"} and severity in ("", line.severity)
        ], self.of(rule, unit)

    def recovers(self, rule: str, *, between: tuple[float, float], unit: str = "fridge") -> None:
        found = [line for line in self.of(rule, unit) if line.kind == "recovered"]
        assert found, self.of(rule, unit)
        assert between[0] <= found[-1].minute <= between[1], found


class Kitchen:
    """A journal with the rules at work on a virtual clock."""

    def __init__(
        self,
        path: Path,
        *,
        site: SiteSettings | None = None,
        devices: tuple[DeviceSettings, ...] = DEVICES,
        rules_file: Path | None = None,
    ) -> None:
        self.path = path
        self.clock = ManualClock(START_MS)
        self.site = site or SiteSettings(devices=devices)
        self.rules_file = rules_file
        self._values: dict[str, dict[str, float]] = {}
        self.open()
        self.journal.call(lambda c: apply_file_settings(c, devices, now_ms=START_MS))
        self.engine.devices_changed()

    def open(self) -> None:
        self.journal = Journal(
            self.path, zone=ZoneInfo("Asia/Shanghai"), arithmetic=intervals, clock=self.clock
        )
        self.journal.open()
        rules = standard_rules(self.site)
        self.engine = Engine(
            rules, lifecycle=Lifecycle(self.site), book=RuleBook(rules, self.rules_file)
        )
        self.journal.set_judge(self.engine)

    def close(self) -> None:
        self.journal.close()

    def restart(self) -> None:
        self.close()
        self.open()

    def device(self, unit: str) -> int:
        return next(d.id for d in self.journal.devices() if d.key == f"t:{unit}")

    def send(self, unit: str, at_ms: int, **values: float) -> None:
        self.journal.append([arrival(unit, at_ms, **values)])

    def tap(self, tap: Tap) -> None:
        at_ms = START_MS + round(tap.minute * MINUTE_MS)
        device = self.device(tap.unit)
        until = None if tap.lasts is None else at_ms + round(tap.lasts * MINUTE_MS)
        self.journal.call(
            lambda c: unit_records.add(
                c,
                device=device,
                kind=RecordKind(tap.kind),
                at_ms=at_ms,
                until_ms=until,
                value=tap.value,
                now_ms=self.clock.now_ms(),
                author="cook",
            )
        )
        self.engine.devices_changed()

    def live(
        self,
        *events: At | Tap,
        until: float,
        every: float = EVERY_MIN,
        between: Callable[[float], None] | None = None,
    ) -> Seen:
        """Let the minutes pass; `between` is called before each step with its minute."""
        waiting = sorted(events, key=lambda event: event.minute)
        minute = (self.clock.now_ms() - START_MS) / MINUTE_MS
        next_sample = minute
        while minute <= until:
            at_ms = START_MS + round(minute * MINUTE_MS)
            self.clock.at_ms = at_ms
            if between is not None:
                between(minute)
            while waiting and waiting[0].minute <= minute:
                self._happen(waiting.pop(0), at_ms)
            if minute >= next_sample:
                batch = [
                    arrival(unit, at_ms, **found)
                    for unit, values in self._values.items()
                    if (found := {k: v for k, v in values.items() if k not in _CHANGES})
                ]
                self.journal.append(batch)
                next_sample += every
            soon = [event.minute for event in waiting[:1]]
            minute = min([next_sample, *soon])
        self.clock.at_ms = START_MS + round(until * MINUTE_MS)
        self.journal.append([])
        return self.seen()

    def _happen(self, event: At | Tap, at_ms: int) -> None:
        if isinstance(event, Tap):
            self.tap(event)
            return
        held = self._values.setdefault(event.unit, {})
        for name, value in event.values.items():
            if value is None:
                held.pop(name, None)
            else:
                held[name] = value
                if name in _CHANGES:
                    self.send(event.unit, at_ms, **{name: value})

    def seen(self) -> Seen:
        names = {d.id: d.key.removeprefix("t:") for d in self.journal.devices()}
        seen = Seen()
        with self.journal.reader() as connection:
            seen.incidents = incidents.listing(connection, state="all", limit=1000)[::-1]
            for item in seen.incidents:
                severity = ""
                for event in incidents.events(connection, item.id):
                    severity = str(event.detail.get("severity", severity))
                    seen.lines.append(
                        Happened(
                            round((event.at_ms - START_MS) / MINUTE_MS, 2),
                            names.get(item.device, "site"),
                            item.rule,
                            event.kind,
                            severity,
                        )
                    )
        return seen


def arrival(unit: str, at_ms: int, **values: float) -> Arrival:
    measured = tuple(
        Measured(*_PLACES[name], at_ms=at_ms, value=value) for name, value in values.items()
    )
    return Arrival("t", f"{unit}{at_ms}{values}".encode(), at_ms, f"t:{unit}", "t", measured)
