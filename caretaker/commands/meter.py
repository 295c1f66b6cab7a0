"""caretaker explain, and caretaker meter ...: how a number came about, what happened to a meter."""

import sqlite3
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.table import Table

from caretaker.clock import SystemClock, from_ms, to_ms
from caretaker.commands.common import (
    DATA,
    DataOption,
    SiteOption,
    ask,
    console,
    must_exist,
    quiet_journal,
    running_url,
    settings_of,
)
from caretaker.config import SiteSettings
from caretaker.errors import CaretakerError
from caretaker.quantities import QUANTITIES, Quantity
from ingest.explain import COUNTED, find
from ingest.explain import explain as explain_point
from ingest.explain_text import lines
from ingest.metering import intervals
from storage import audit, meter_events
from storage import devices as records
from storage.connection import open_reader
from storage.meter_events import EventKind, MeterEvent
from storage.port import Interval
from storage.recompute import Recomputed, recompute

app = typer.Typer()
meter_app = typer.Typer(
    no_args_is_help=True, help="Record what happened to a meter; raw readings stay."
)

_TRIES = 20
_PAUSE_S = 0.25

Key = Annotated[str, typer.Argument(help="The meter's key, as `caretaker devices` shows it.")]
At = Annotated[str, typer.Option("--at", help="When, local time: 2026-09-01T08:15.")]
Author = Annotated[str, typer.Option(help="Who says so.")]
Reason = Annotated[str, typer.Option(help="Why.")]
Register = Annotated[str, typer.Option(help="Which register: energy, volume ...")]
Channel = Annotated[str, typer.Option(help="Its channel; empty: the total.")]
First = Annotated[str, typer.Option("--from", help="From, local time: 2026-09-01T08:00.")]
Until = Annotated[str, typer.Option("--to", help="Until, local time.")]


@app.command()
def explain(
    what: Annotated[str, typer.Argument(help="A device's key, or the number of a point.")],
    day: Annotated[str, typer.Argument(help="The local day, 2026-09-01.")],
    quantity: Annotated[str, typer.Option(help="Only this quantity; else what counts.")] = "",
    lang: Annotated[str, typer.Option(help="zh-CN or en; else the site's.")] = "",
    data: DataOption = DATA,
    site: SiteOption = None,
) -> None:
    """Print how a day's number came about: registers, steps, events, gaps, checks.

    Example: caretaker explain native:school/main 2026-09-01
    """
    settings, _ = settings_of(data, site)
    try:
        local = date.fromisoformat(day)
    except ValueError as error:
        raise CaretakerError(f"{day!r} is no day: write 2026-09-01") from error
    connection = open_reader(must_exist(data))
    device, points = find(connection, what, quantity=quantity)
    for number, point in enumerate(points):
        if number:
            console.print()
        found = explain_point(connection, device, point, local, zone=settings.zone)
        for line in lines(found, lang=lang or settings.lang, zone=settings.zone):
            console.print(line, markup=False)


@meter_app.command()
def swap(
    key: Key,
    *,
    at: At,
    author: Author,
    final: Annotated[float | None, typer.Option(help="Last reading of the old meter.")] = None,
    initial: Annotated[float | None, typer.Option(help="First reading of the new one.")] = None,
    old_serial: Annotated[str, typer.Option(help="Serial number of the old meter.")] = "",
    new_serial: Annotated[str, typer.Option(help="Serial number of the new meter.")] = "",
    multiplier: Annotated[float | None, typer.Option(help="CT x PT of the new meter.")] = None,
    quantity: Register = "energy",
    channel: Channel = "",
    reason: Reason = "",
    data: DataOption = DATA,
    site: SiteOption = None,
) -> None:
    """Record that a meter was exchanged: nothing is subtracted across the two.

    Example: caretaker meter swap native:school/main --at 2026-09-01T08:15 --final 53100.2 \
--initial 0 --author 王工
    """
    event = MeterEvent(
        0, EventKind.SWAP, 0, author, reason, quantity=quantity, channel=channel,
        value=multiplier, final=final, initial=initial, old_serial=old_serial,
        new_serial=new_serial,
    )  # fmt: skip
    _record(key, event, at=at, until="", data=data, site=site)


@meter_app.command()
def multiplier(
    key: Key,
    at: At,
    value: Annotated[float, typer.Option(help="CT x PT ratio from then on.")],
    author: Author,
    reason: Reason = "",
    data: DataOption = DATA,
    site: SiteOption = None,
) -> None:
    """Record the ratio of the current and voltage transformers, valid from a date.

    Example: caretaker meter multiplier native:school/main --at 2026-09-01T00:00 --value 30 \
--author 王工
    """
    event = MeterEvent(0, EventKind.MULTIPLIER, 0, author, reason, value=value)
    _record(key, event, at=at, until="", data=data, site=site)


@meter_app.command()
def dial(
    key: Key,
    value: Annotated[float, typer.Option(help="The highest value it shows, as 99999.99.")],
    author: Author,
    quantity: Register = "",
    channel: Channel = "",
    reason: Reason = "",
    data: DataOption = DATA,
    site: SiteOption = None,
) -> None:
    """Record the highest value a register shows before it begins at zero again.

    Example: caretaker meter dial wmbus:12345678 --value 99999.999 --author 王工
    """
    event = MeterEvent(
        0, EventKind.REGISTER_MAX, 0, author, reason, quantity=quantity, channel=channel,
        value=value,
    )  # fmt: skip
    _record(key, event, at="", until="", data=data, site=site)


@meter_app.command()
def correct(
    key: Key,
    first: First,
    until: Until,
    amount: Annotated[float, typer.Option(help="What was used in that time.")],
    author: Author,
    reason: Reason,
    quantity: Register = "energy",
    channel: Channel = "",
    data: DataOption = DATA,
    site: SiteOption = None,
) -> None:
    """Record what was really used in a time; what the registers gave is kept beside it.

    Example: caretaker meter correct native:school/main --from 2026-09-01T08:00 \
--to 2026-09-01T12:00 --amount 84.5 --reason 抄表核对 --author 王工
    """
    event = MeterEvent(
        0, EventKind.AMOUNT, 0, author, reason, quantity=quantity, channel=channel, value=amount
    )
    _record(key, event, at=first, until=until, data=data, site=site)


@meter_app.command("leave-out")
def leave_out(
    key: Key,
    first: First,
    until: Until,
    author: Author,
    reason: Reason,
    quantity: Register = "",
    channel: Channel = "",
    data: DataOption = DATA,
    site: SiteOption = None,
) -> None:
    """Record that the readings of a time are wrong; they are kept and not counted.

    Example: caretaker meter leave-out native:school/main --from 2026-09-01T08:00 \
--to 2026-09-01T09:00 --reason 检修试验 --author 王工
    """
    event = MeterEvent(
        0, EventKind.LEAVE_OUT, 0, author, reason, quantity=quantity, channel=channel
    )
    _record(key, event, at=first, until=until, data=data, site=site)


@meter_app.command()
def events(key: Key, data: DataOption = DATA, site: SiteOption = None) -> None:
    """List what is recorded of a meter, withdrawn records too.

    Example: caretaker meter events native:school/main
    """
    zone = settings_of(data, site)[0].zone
    connection = open_reader(must_exist(data))
    table = Table("id", "what", "from", "to", "value", "register", "by", "reason", "withdrawn")
    for event in meter_events.listing(connection, _device(connection, key), all_of_them=True):

        def at(at_ms: int | None) -> str:
            return f"{from_ms(at_ms).astimezone(zone):%Y-%m-%d %H:%M}" if at_ms else ""

        value = "" if event.value is None else f"{event.value:g}"
        if event.kind is EventKind.SWAP:
            value = f"{event.old_serial} {event.final} -> {event.new_serial} {event.initial}"
        table.add_row(
            str(event.id),
            event.kind.value,
            at(event.at_ms),
            at(event.end_ms),
            value,
            f"{event.quantity} {event.channel}".strip(),
            event.author,
            event.reason,
            f"{at(event.withdrawn_ms)} {event.withdrawn_by}".strip(),
        )
    console.print(table)


@meter_app.command()
def withdraw(
    number: Annotated[int, typer.Argument(help="The record's id, from `caretaker meter events`.")],
    author: Author,
    reason: Reason,
    data: DataOption = DATA,
    site: SiteOption = None,
) -> None:
    """Take a record back; the numbers become what they would be without it.

    Example: caretaker meter withdraw 3 --author 王工 --reason 录入错误
    """
    if running_url(data):
        body = {"author": author, "reason": reason}
        ask(data, "POST", f"/meter-events/{number}/withdraw", body)
    else:
        now_ms = SystemClock().now_ms()
        with quiet_journal(data, settings_of(data, site)[0]) as journal:
            journal.call(
                lambda connection: meter_events.withdraw(
                    connection, number, author=author, reason=reason, now_ms=now_ms
                )
            )
    console.print(f"Record {number} is withdrawn.")


@meter_app.command("recompute")
def recompute_command(
    key: Annotated[str, typer.Argument(help="Only this device; else all.")] = "",
    write: Annotated[bool, typer.Option("--write", help="Put right what differs.")] = False,
    author: Annotated[str, typer.Option(help="Who says so; needed with --write.")] = "",
    data: DataOption = DATA,
    site: SiteOption = None,
) -> None:
    """Compare every stored amount with what its readings give; with `--write`, put it right.

    Readings are never touched. Comparing works beside a running Caretaker, putting right does not.

    Example: caretaker meter recompute --write --author 王工
    """
    settings = settings_of(data, site)[0]
    if write and not author.strip():
        raise CaretakerError("say who puts the numbers right: --author is missing")
    connection = open_reader(must_exist(data))
    only = _device(connection, key) if key else None
    names = {device.id: device.key for device in records.devices(connection)}
    wanted = [p for p in records.points(connection, only) if p.device in names]
    if write:
        now_ms = SystemClock().now_ms()
        with quiet_journal(data, settings) as journal:
            journal.roll_up()
            mended = [journal.recompute(point.id) for point in wanted]
            changed = sum(one.differs for one in mended)
            detail = {"points": changed, "rows": sum(sum(one.rows.values()) for one in mended)}
            if changed:
                journal.call(
                    lambda c: audit.append(
                        c, at_ms=now_ms, actor=author, action="rollup.recomputed",
                        subject=key or "all", detail=detail,
                    )
                )  # fmt: skip
        done: list[Recomputed | None] = [*mended]
    else:
        done = [_compared(connection, point.id, zone=settings.zone) for point in wanted]
    for point, found in zip(wanted, done, strict=True):
        if found is None or found.differs:
            name = f"{names[point.device]} {point.quantity} {point.channel}".strip()
            for line in _told(name, QUANTITIES[point.quantity], found, zone=settings.zone):
                console.print(line, markup=False)
    differing = sum(found is not None and found.differs for found in done)
    if not differing:
        console.print(f"{len(done)} points: every number is what its readings give.")
    elif write:
        console.print(f"{differing} of {len(done)} points put right.")
    else:
        console.print(f"{differing} of {len(done)} points differ; `--write` puts them right.")


def _compared(connection: sqlite3.Connection, point: int, *, zone: ZoneInfo) -> Recomputed | None:
    """Return what differs, of one moment at which nothing waits to be counted; None: always did."""
    for _ in range(_TRIES):
        connection.execute("BEGIN")
        try:
            waiting = connection.execute(
                "SELECT 1 FROM rollup_dirty WHERE point = ? LIMIT 1", (point,)
            ).fetchone()
            if waiting is None:
                return recompute(connection, point, zone=zone, arithmetic=intervals)
        finally:
            connection.execute("COMMIT")
        time.sleep(_PAUSE_S)
    return None


def _told(
    name: str, quantity: Quantity, found: Recomputed | None, *, zone: ZoneInfo
) -> Iterator[str]:
    if found is None:
        yield f"{name}: readings wait to be counted; not compared"
        return
    counts = ", ".join(f"{count} x {period.value}" for period, count in found.rows.items())
    yield f"{name}: {counts} differ"

    def shown(day: Interval | None) -> str:
        if day is None:
            return "nothing"
        if quantity.kind in COUNTED:
            return f"{day.amount:.3f} {quantity.unit}"
        return f"mean {day.mean:.3f} {quantity.unit}"

    for day in found.days:
        date_ = f"{from_ms(day.start_ms).astimezone(zone):%Y-%m-%d}"
        yield f"  {date_}: stored {shown(day.stored)}, by its readings {shown(day.right)}"


def _device(connection: sqlite3.Connection, key: str) -> int:
    found = records.find(connection, key)
    if found is None:
        raise CaretakerError(f"no device {key!r} was heard: `caretaker devices` lists them")
    return found.id


def _instant(text: str, option: str, settings: SiteSettings) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise CaretakerError(f"{option} {text!r} is no time: write 2026-09-01T08:15") from error
    return to_ms(moment if moment.tzinfo else moment.replace(tzinfo=settings.zone))


def _record(
    key: str, event: MeterEvent, *, at: str, until: str, data: Path, site: Path | None
) -> None:
    settings, _ = settings_of(data, site)
    device = _device(open_reader(must_exist(data)), key)
    values: dict[str, Any] = asdict(event)
    values["at_ms"] = _instant(at, "--at/--from", settings) if at else 0
    values["end_ms"] = _instant(until, "--to", settings) if until else 0
    values["device"] = device
    if running_url(data):
        body = {
            name: value
            for name, value in values.items()
            if name not in {"device", "id", "recorded_ms", "withdrawn_ms", "withdrawn_by"}
        }
        number = ask(data, "POST", f"/devices/{device}/meter-events", body)["id"]
    else:
        wanted = MeterEvent(**values)
        now_ms = SystemClock().now_ms()
        with quiet_journal(data, settings) as journal:
            kept = journal.call(
                lambda connection: meter_events.record(connection, wanted, now_ms=now_ms)
            )
            number = kept.id
    console.print(f"Recorded as {number}; the numbers are computed again.")
