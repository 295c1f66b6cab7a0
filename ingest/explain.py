"""How the number of a day came about: registers, steps, events, gaps, checks, missing meters."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

from caretaker.clock import HOUR_MS, QUARTER_MS, from_ms
from caretaker.errors import CaretakerError
from caretaker.quantities import QUANTITIES, Kind
from caretaker.vocabulary import Device, DeviceStatus, Period, Point, Quality
from ingest import checks
from ingest.cells import Cells, Step
from ingest.checks import Flag
from ingest.metering import intervals
from storage import devices as records
from storage import meter_events
from storage.fold import day_span
from storage.meter_events import EventKind, MeterEvent
from storage.port import Facts, Interval
from storage.rollup_rows import good_rows, left_out, load, standing_before

_AFTERWARDS = 64  # readings after the day that may confirm its last ones
_MOST_STEPS = 200
_PAST_DAYS = 28
_WHOLE = 0.9
_MAIN = frozenset({"energy", "volume"})
"""What every meter below is expected to measure too."""

COUNTED = frozenset({Kind.COUNTER, Kind.DELTA})


class NothingToExplainError(CaretakerError):
    """There is no such device or point, or none that counts."""


@dataclass(frozen=True, slots=True)
class Part:
    """One sub-meter of a main meter: its amount, None where its data are missing.

    `share` is the part of the main meter's quarter-hours that it has a number for.
    """

    device: Device
    amount: float | None
    estimated: float = 0.0
    share: float = 1.0

    @property
    def whole(self) -> bool:
        """Whether the amount may be held against the main meter's."""
        return self.amount is not None and self.share >= _WHOLE


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that makes up the number of one point and local day [canonical unit].

    `steps` are those with a reason; `plain_steps` so many others moved `plain_amount`, which is
    before any multiplier. `counted` is what each of `steps` counts on this day by the multiplier
    and the part of it that falls into the day, `plain_counted` the same of the others; together
    they are what the registers gave. `day` is what the rollup holds, None without any data.
    """

    device: Device
    point: Point
    start_ms: int
    end_ms: int
    quarters: int
    day: Interval | None
    readings: int
    suspect: int
    retained: int
    clock: int
    left_out: int
    first: tuple[int, float] | None
    last: tuple[int, float] | None
    plain_steps: int
    plain_amount: float
    plain_counted: float
    steps: tuple[Step, ...]
    counted: tuple[float, ...]
    events: tuple[MeterEvent, ...]
    facts: Facts
    flags: tuple[Flag, ...]
    parts: tuple[Part, ...]

    @property
    def coverage(self) -> float:
        """Return the share of the day with data."""
        return self.day.covered_ms / (self.end_ms - self.start_ms) if self.day else 0.0


def explained_points(connection: sqlite3.Connection, device: Device) -> list[Point]:
    """Return the points of a device that count something: the total, or else every channel."""
    counted = [
        point
        for point in records.points(connection, device.id)
        if QUANTITIES[point.quantity].kind in COUNTED
    ]
    whole = {point.quantity for point in counted if not point.channel}
    return [point for point in counted if not point.channel or point.quantity not in whole]


def flags_of(
    connection: sqlite3.Connection, device: Device, point: Point, day: date, *, zone: ZoneInfo
) -> tuple[Flag, ...]:
    """Return what the checks say against a point's local day."""
    return _told(connection, device, point, day, zone=zone, traced=False).flags


def explain(
    connection: sqlite3.Connection, device: Device, point: Point, day: date, *, zone: ZoneInfo
) -> Explanation:
    """Return how the number of a point's local day came about, from its raw readings up."""
    return _told(connection, device, point, day, zone=zone, traced=True)


def _told(
    connection: sqlite3.Connection,
    device: Device,
    point: Point,
    day: date,
    *,
    zone: ZoneInfo,
    traced: bool,
) -> Explanation:
    start_ms, end_ms = day_span(day, zone)
    _, facts = meter_events.facts(connection, point.id)
    quarters = load(connection, point.id, Period.QUARTER_HOUR, start_ms, end_ms)
    whole = load(connection, point.id, Period.DAY, start_ms, end_ms)
    counted = traced and QUANTITIES[point.quantity].kind in COUNTED
    steps = _steps(connection, point, facts, start_ms, end_ms) if counted else []
    plain = [step for step in steps if not step.reasons]
    told = [step for step in steps if step.reasons]
    listed, rest = told[:_MOST_STEPS], told[_MOST_STEPS:]
    rows = connection.execute(
        "SELECT at_ms, value, quality FROM reading WHERE point = ? AND at_ms >= ? AND at_ms < ?"
        " ORDER BY at_ms, ordinal",
        (point.id, start_ms, end_ms),
    ).fetchall()
    gone = left_out(facts)
    good = [
        (row[0], row[1])
        for row in rows
        if not row[2] & (Quality.SUSPECT | Quality.RETAINED)
        and not any(low <= row[0] < high for low, high in gone)
    ]
    found = Explanation(
        device=device,
        point=point,
        start_ms=start_ms,
        end_ms=end_ms,
        quarters=(end_ms - start_ms) // QUARTER_MS,
        day=whole[0] if whole else None,
        readings=len(good),
        suspect=sum(bool(row[2] & Quality.SUSPECT) for row in rows),
        retained=sum(bool(row[2] & Quality.RETAINED) for row in rows),
        clock=sum(bool(row[2] & Quality.CLOCK) for row in rows),
        left_out=sum(any(low <= row[0] < high for low, high in gone) for row in rows),
        first=good[0] if good else None,
        last=good[-1] if good else None,
        plain_steps=len(plain) + len(rest),
        plain_amount=sum(step.amount for step in (*plain, *rest)),
        plain_counted=_counted([*plain, *rest], facts, start_ms, end_ms),
        steps=tuple(listed),
        counted=tuple(_counted([step], facts, start_ms, end_ms) for step in listed),
        events=tuple(_events(connection, point, start_ms, end_ms)),
        facts=facts,
        flags=(),
        parts=tuple(_parts(connection, device, point, start_ms, end_ms)),
    )
    return replace(found, flags=tuple(_flags(connection, found, good, quarters, zone)))


def _steps(
    connection: sqlite3.Connection, point: Point, facts: Facts, start_ms: int, end_ms: int
) -> list[Step]:
    """Take the steps of the day again, and return those that reach into it."""
    running, trace = intervals.traced(point.quantity, facts)
    standing, newest, after = standing_before(
        connection, point.id, lookback=running.lookback, facts=facts, at_ms=start_ms
    )
    running.resume(standing, newest=newest, after=after, floor_ms=start_ms)
    out = left_out(facts)
    rows = good_rows(connection, point.id, after=(start_ms, -2), until_ms=end_ms, out=out)
    running.push(list(rows))
    later = good_rows(connection, point.id, after=(end_ms, -2), until_ms=2**62, out=out)
    running.push(list(islice(later, _AFTERWARDS)))
    running.open()
    seen = [step for step in trace if step.end_ms > start_ms and step.start_ms < end_ms]
    return sorted(seen, key=lambda step: (step.start_ms, step.end_ms))


def _counted(steps: Sequence[Step], facts: Facts, start_ms: int, end_ms: int) -> float:
    """Return what steps count between two instants, by the arithmetic of the rollups."""
    cells = Cells(edges_ms=[start_ms, end_ms])
    cells.multiply(facts.multipliers)
    for step in steps:
        cells.step((step.start_ms, 0, step.value), step.end_ms, step.amount)
    return sum(cell.amount for cell in cells.found.values())


def _events(
    connection: sqlite3.Connection, point: Point, start_ms: int, end_ms: int
) -> list[MeterEvent]:
    """Return the events that bear on a day: those in it, and the ratio and dial in force."""
    found = []
    counted = QUANTITIES[point.quantity].kind in COUNTED
    for event in meter_events.listing(connection, point.device, all_of_them=False):
        if not counted and event.kind is not EventKind.LEAVE_OUT:
            continue  # it says nothing of a level
        own = not event.quantity or (event.quantity, event.channel) == (
            point.quantity,
            point.channel,
        )
        if event.kind is EventKind.SWAP:
            inside = start_ms <= event.at_ms < end_ms or event.value is not None
        else:
            inside = own and event.at_ms < end_ms
        if event.end_ms:
            inside = own and event.at_ms < end_ms and event.end_ms > start_ms
        if inside and event.at_ms < end_ms:
            found.append(event)
    return found


def _parts(
    connection: sqlite3.Connection, device: Device, point: Point, start_ms: int, end_ms: int
) -> list[Part]:
    if QUANTITIES[point.quantity].kind not in COUNTED or point.channel:
        return []
    spans = len(load(connection, point.id, Period.QUARTER_HOUR, start_ms, end_ms))
    found = []
    adopted = DeviceStatus.ADOPTED.value
    for below in records.devices(connection, status=adopted, parent=device.id):
        if below.role is not device.role:
            continue
        own = [p for p in explained_points(connection, below) if p.quantity == point.quantity]
        if not own and point.quantity not in _MAIN:
            continue  # it measures no such thing: nothing of it is missing
        days = [load(connection, p.id, Period.DAY, start_ms, end_ms) for p in own]
        amounts = [rows[0].amount for rows in days if rows]
        complete = bool(own) and len(amounts) == len(own)
        heard = [len(load(connection, p.id, Period.QUARTER_HOUR, start_ms, end_ms)) for p in own]
        found.append(
            Part(
                below,
                sum(amounts) if complete else None,
                estimated=sum(rows[0].estimated for rows in days if rows),
                share=min(1.0, min(heard, default=0) / spans) if spans else 1.0,
            )
        )
    return found


def _flags(
    connection: sqlite3.Connection,
    found: Explanation,
    good: Sequence[checks.Value],
    quarters: Sequence[Interval],
    zone: ZoneInfo,
) -> list[Flag]:
    quantity, day = found.point.quantity, (found.start_ms, found.end_ms)
    flags = [
        *checks.stuck(quantity, good),
        *checks.too_fast(quantity, good),
        *checks.negative(quantity, good),
    ]
    if QUANTITIES[quantity].kind in COUNTED:
        flags += _of_amounts(connection, found, quarters, zone)
        flags += _of_companions(connection, found, quarters)
        if found.point.quantity == "volume":
            flags += _of_water(found, good, quarters)
    missing = [part for part in found.parts if not part.whole]
    flags += [
        Flag(
            "missing-meter",
            *day,
            {
                "device": float(part.device.id),
                "share_pct": 0.0 if part.amount is None else part.share * 100,
            },
        )
        for part in missing
    ]
    known = [part.amount for part in found.parts if part.amount is not None]
    if found.day is not None and known and not missing:
        flags += checks.main_against_subs(found.day.amount, sum(known), day)
    return flags


def _of_amounts(
    connection: sqlite3.Connection, found: Explanation, quarters: Sequence[Interval], zone: ZoneInfo
) -> list[Flag]:
    if found.day is None:
        return []
    day = (found.start_ms, found.end_ms)
    flags = [
        *checks.spike(quarters),
        *checks.step_change(quarters),
        *checks.much_estimated(quarters),
        *checks.sum_check(sum(item.amount for item in quarters), found.day.amount, day),
    ]
    first = _days_before(found.start_ms, zone, _PAST_DAYS)
    past = load(connection, found.point.id, Period.DAY, first, found.start_ms)
    whole = [p for p in past if p.covered_ms >= _WHOLE * (p.end_ms - p.start_ms)]
    if found.coverage >= _WHOLE:
        flags += checks.unusual(found.day.amount, [item.amount for item in whole], day)
        flags += checks.zero_run(quarters, hours=(found.end_ms - found.start_ms) / HOUR_MS)
    if quarters and len(whole) >= 7:
        rows = load(connection, found.point.id, Period.QUARTER_HOUR, first, found.start_ms)
        peaks = [max(item.amount for item in rows[n : n + 96]) for n in range(0, len(rows), 96)]
        flags += checks.peak_growth(max(item.amount for item in quarters), peaks, day)
    return flags


def _days_before(start_ms: int, zone: ZoneInfo, days: int) -> int:
    day = from_ms(start_ms).astimezone(zone).date()
    return day_span(day - timedelta(days=days), zone)[0]


def _of_companions(
    connection: sqlite3.Connection, found: Explanation, quarters: Sequence[Interval]
) -> list[Flag]:
    """Hold the register against power and voltage of the same device and channel."""
    flags: list[Flag] = []
    level = {"energy": ("power", "voltage"), "volume": ("flow",)}.get(found.point.quantity, ())
    for point in records.points(connection, found.device.id):
        if point.channel != found.point.channel or point.quantity not in level:
            continue
        beside = load(connection, point.id, Period.QUARTER_HOUR, found.start_ms, found.end_ms)
        flags += checks.zero_while_live(quarters, beside)
        if point.quantity in {"power", "flow"}:
            flags += checks.frozen(quarters, beside)
    return flags


def _of_water(
    found: Explanation, good: Sequence[checks.Value], quarters: Sequence[Interval]
) -> list[Flag]:
    flags = []
    pattern = checks.flow_pattern(quarters)
    if pattern:
        flags.append(Flag(f"{pattern}-flow", found.start_ms, found.end_ms))
    digit = checks.digit_of(value for _, value in good)
    for (before_ms, before), (at_ms, value) in pairwise(good):
        drop = before - value
        if 0 < drop < 0.01 * before and checks.backflow(drop, digit):
            flags.append(Flag("backflow", before_ms, at_ms, {"drop": drop, "digit": digit}))
    return flags[:20]


def find(
    connection: sqlite3.Connection, what: str, *, quantity: str = "", channel: str | None = None
) -> tuple[Device, list[Point]]:
    """Return the device and points that a person means by a key, `key/quantity`, or a point id.

    Raises NothingToExplainError when there are none.
    """
    device = records.find(connection, what)
    if device is None and what.isdigit():
        point = next((p for p in records.points(connection) if p.id == int(what)), None)
        device = records.find(connection, point.device) if point else None
        if device is not None and point is not None:
            return device, [point]
    if device is None:
        raise NothingToExplainError(
            f"no device or point {what!r} was heard: `caretaker devices` lists devices"
        )
    points = explained_points(connection, device)
    if quantity:
        points = [p for p in records.points(connection, device.id) if p.quantity == quantity]
    if channel is not None:
        points = [point for point in points if point.channel == channel]
    if not points:
        raise NothingToExplainError(
            f"{what} has no {quantity or 'register'}: `caretaker devices --json` shows devices,"
            " GET /points their points"
        )
    return device, points
