"""caretaker explain, and caretaker meter ...: how a number came about, what happened to a meter."""

import sqlite3
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

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
from ingest.explain import explain as explain_point
from ingest.explain import find
from ingest.explain_text import lines
from storage import devices as records
from storage import meter_events
from storage.connection import open_reader
from storage.meter_events import EventKind, MeterEvent

app = typer.Typer()
meter_app = typer.Typer(
    no_args_is_help=True, help="Record what happened to a meter; raw readings stay."
)

Key = Annotated[str, typer.Argument(help="The meter's key, as `caretaker devices` shows it.")]
At = Annotated[str, typer.Option("--at", help="When, local time: 2026-09-01T08:15.")]
Author = Annotated[str, typer.Option(help="Who says so.")]
Reason = Annotated[str, typer.Option(help="Why.")]
Quantity = Annotated[str, typer.Option(help="Which register: energy, volume ...")]
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
    quantity: Quantity = "energy",
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
    quantity: Quantity = "",
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
    quantity: Quantity = "energy",
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
    quantity: Quantity = "",
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
