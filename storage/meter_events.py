"""What people record about a meter: exchange, CT/PT multiplier, highest value, correction.

Raw readings are never touched; the rollups are computed again from them where an event reaches.
"""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from caretaker.clock import QUARTER_MS
from caretaker.errors import CaretakerError
from caretaker.quantities import QUANTITIES, Kind
from storage import audit, dials
from storage.port import Correction, Facts, Swap
from storage.rollup_rows import mark

_GAP_INTERVALS = 2.5
_FOREVER = 2**53
_COLUMNS = (
    "id, device, kind, at_ms, end_ms, quantity, channel, value, final, initial, old_serial,"
    " new_serial, author, reason, recorded_ms, withdrawn_ms, withdrawn_by"
)


class MeterEventError(CaretakerError):
    """An event that cannot be true, or names what is not there."""


class EventKind(StrEnum):
    """What a person records about a meter."""

    SWAP = "swap"
    MULTIPLIER = "multiplier"
    REGISTER_MAX = "register_max"
    AMOUNT = "amount"  # a correction: so much was used in a period
    LEAVE_OUT = "leave_out"  # a correction: the readings of a period are wrong


@dataclass(frozen=True, slots=True)
class MeterEvent:
    """One record. `value` is the ratio, the highest value or the amount [canonical unit].

    `quantity` and `channel` name the register it speaks of; an empty quantity means all registers
    of the device. `final` and `initial` are the readings of the old and the new meter.
    """

    device: int
    kind: EventKind
    at_ms: int
    author: str
    reason: str = ""
    end_ms: int = 0
    quantity: str = ""
    channel: str = ""
    value: float | None = None
    final: float | None = None
    initial: float | None = None
    old_serial: str = ""
    new_serial: str = ""
    id: int = 0
    recorded_ms: int = 0
    withdrawn_ms: int | None = None
    withdrawn_by: str = ""


def _event(row: Sequence[object]) -> MeterEvent:
    values = dict(zip(_COLUMNS.replace(",", " ").split(), row, strict=True))
    values["kind"] = EventKind(str(values["kind"]))
    return MeterEvent(**values)  # type: ignore[arg-type]  # columns are named like the fields


def listing(connection: sqlite3.Connection, device: int, *, all_of_them: bool) -> list[MeterEvent]:
    """Return a device's events by date; withdrawn ones only with `all_of_them`."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM meter_event"  # noqa: S608  (constant)
        " WHERE device = ? AND (? OR withdrawn_ms IS NULL) ORDER BY at_ms, id",
        (device, all_of_them),
    )
    return [_event(tuple(row)) for row in rows]


def record(connection: sqlite3.Connection, event: MeterEvent, *, now_ms: int) -> MeterEvent:
    """Keep an event, write who said it into the audit log, and have its reach computed again.

    Raises MeterEventError for what cannot be.
    """
    _check(connection, event)
    cursor = connection.execute(
        "INSERT INTO meter_event (device, kind, at_ms, end_ms, quantity, channel, value, final,"
        " initial, old_serial, new_serial, author, reason, recorded_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (event.device, event.kind.value, event.at_ms, event.end_ms, event.quantity, event.channel,
         event.value, event.final, event.initial, event.old_serial, event.new_serial,
         event.author, event.reason, now_ms),
    )  # fmt: skip
    kept = replace(event, id=cursor.lastrowid or 0, recorded_ms=now_ms)
    _audit(connection, kept, f"meter.{event.kind.value}", event.author, now_ms=now_ms)
    _reach(connection, kept)
    return kept


def withdraw(
    connection: sqlite3.Connection, number: int, *, author: str, reason: str, now_ms: int
) -> MeterEvent:
    """Take an event back; it stays in the record. Raises MeterEventError when there is none."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM meter_event"  # noqa: S608  (constant)
        " WHERE id = ? AND withdrawn_ms IS NULL",
        (number,),
    ).fetchone()
    if row is None:
        raise MeterEventError(f"there is no event {number}: `caretaker meter events` lists them")
    connection.execute(
        "UPDATE meter_event SET withdrawn_ms = ?, withdrawn_by = ? WHERE id = ?",
        (now_ms, author, number),
    )
    found = _event(tuple(row))
    _audit(connection, replace(found, reason=reason), "meter.withdrawn", author, now_ms=now_ms)
    _reach(connection, found)
    return replace(found, withdrawn_ms=now_ms, withdrawn_by=author)


def _audit(
    connection: sqlite3.Connection, event: MeterEvent, action: str, author: str, *, now_ms: int
) -> None:
    said = {
        name: value
        for name in ("id", "at_ms", "end_ms", "quantity", "channel", "value", "final", "initial",
                     "old_serial", "new_serial", "reason")
        if (value := getattr(event, name)) not in (None, "", 0) or name in {"id", "at_ms"}
    }  # fmt: skip
    audit.append(
        connection,
        at_ms=now_ms,
        actor=author,
        action=action,
        subject=str(event.device),
        detail=said,
    )


def _check(connection: sqlite3.Connection, event: MeterEvent) -> None:
    if not event.author.strip():
        raise MeterEventError("say who records this: an author is missing")
    points = _points(connection, event)
    if not points:
        raise MeterEventError(
            "the device has no such register: `caretaker devices` lists devices,"
            " the page shows their points"
        )
    problem = _problem(event, registers=len(points))
    if problem:
        raise MeterEventError(problem)


def _problem(event: MeterEvent, *, registers: int) -> str:
    """Return what is wrong with an event by itself, or ''."""
    value, kind = event.value, event.kind
    if kind is EventKind.SWAP:
        shown = [reading for reading in (event.final, event.initial) if reading is not None]
        if shown and min(shown) < 0:
            return f"a register does not show {min(shown):g}"
        if event.old_serial and event.old_serial == event.new_serial:
            return "both serial numbers are the same: no meter was exchanged"
        return "" if value is None or value > 0 else f"multiplier {value:g}: it must be above 0"
    if kind in {EventKind.MULTIPLIER, EventKind.REGISTER_MAX}:
        return "" if value and value > 0 else f"{kind.value} {value}: it must be above 0"
    if event.at_ms % QUARTER_MS or event.end_ms % QUARTER_MS or event.end_ms <= event.at_ms:
        return "a correction is for whole quarter-hours, its end after its start"
    if not event.reason.strip():
        return "a correction needs its reason"
    if kind is EventKind.AMOUNT and (value is None or value < 0 or registers != 1):
        return "an amount is 0 or more, and for one register: name its quantity"
    return ""


def _points(connection: sqlite3.Connection, event: MeterEvent) -> list[int]:
    rows = connection.execute(
        "SELECT id, quantity FROM point WHERE device = ? AND (? = '' OR (quantity = ?"
        " AND channel = ?)) ORDER BY id",
        (event.device, event.quantity, event.quantity, event.channel),
    ).fetchall()
    every = event.kind is EventKind.LEAVE_OUT
    counted = {Kind.COUNTER, Kind.DELTA}
    return [row[0] for row in rows if every or QUANTITIES[row[1]].kind in counted]


def _reach(connection: sqlite3.Connection, event: MeterEvent) -> None:
    """Have computed again what an event bears on."""
    whole = replace(event, quantity="", channel="") if event.kind is EventKind.SWAP else event
    end_ms = event.end_ms or _FOREVER
    start_ms = event.at_ms
    if event.kind is EventKind.REGISTER_MAX:
        start_ms = 0
    elif event.kind is EventKind.SWAP and event.value is None:
        end_ms = event.at_ms + 1
    for point in _points(connection, whole):
        left_out = event.kind is EventKind.LEAVE_OUT
        mark(connection, point, start_ms=start_ms, end_ms=end_ms, readings=left_out)


def gap_ms(interval_s: int) -> int:
    """Return the silence from which on an amount counts as estimated.

    >>> gap_ms(60) // 60_000, gap_ms(3600) // 60_000
    (45, 150)
    """
    return max(Facts().gap_ms, round(_GAP_INTERVALS * interval_s * 1000))


def facts(connection: sqlite3.Connection, point: int) -> tuple[str, Facts]:
    """Return (quantity, what is known of the meter) of a point."""
    row = connection.execute(
        "SELECT p.quantity, p.channel, p.device, d.interval_s, d.limits, d.driver, d.key"
        " FROM point p JOIN device d ON d.id = p.device WHERE p.id = ?",
        (point,),
    ).fetchone()
    quantity, channel, device, interval_s, limits, driver, key = row
    known = json.loads(limits) if len(limits) > 2 else {}
    events = [
        event
        for event in listing(connection, device, all_of_them=False)
        if event.kind is EventKind.SWAP
        or not event.quantity
        or (event.quantity, event.channel) == (quantity, channel)
    ]
    swaps: dict[int, Swap] = {}
    for event in events:
        if event.kind is EventKind.SWAP:
            own = (event.quantity, event.channel) == (quantity, channel)
            if own or event.at_ms not in swaps:
                swaps[event.at_ms] = Swap(
                    event.at_ms,
                    event.final if own else None,
                    event.initial if own else None,
                )
    told = [e.value for e in events if e.kind is EventKind.REGISTER_MAX and e.value]
    register_max = told[-1] if told else float(known.get("register_max", 0.0))
    return quantity, Facts(
        # A person's word goes before the driver's; with neither, the next power of ten.
        register_max=register_max
        or dials.highest(dials.declared(connection), driver, key, channel, quantity),
        max_rate_h=float(known.get("max_rate", 0.0)),
        gap_ms=gap_ms(interval_s),
        swaps=tuple(swaps.values()),
        multipliers=tuple(
            (event.at_ms, event.value)
            for event in events
            if event.kind in {EventKind.MULTIPLIER, EventKind.SWAP} and event.value is not None
        ),
        corrections=tuple(
            Correction(event.at_ms, event.end_ms, event.value)
            for event in sorted(events, key=lambda event: event.id)
            if event.kind in {EventKind.AMOUNT, EventKind.LEAVE_OUT}
        ),
    )
