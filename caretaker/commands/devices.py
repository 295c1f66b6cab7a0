"""caretaker devices, adopt, ignore, quarantine, replay, drivers."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from caretaker.clock import SystemClock, from_ms
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
from caretaker.errors import CaretakerError
from caretaker.quantities import QUANTITIES
from caretaker.vocabulary import Arrival, DeviceRole
from ingest.decoder import Decoder
from ingest.joining import use_aliases
from ingest.mapping import in_force
from ingest.replay import replay as decode_again
from ingest.samples import proven_drivers
from ingest.transport.port import Message
from storage import devices as records
from storage import dialect, mappings
from storage import quarantine as held
from storage.connection import open_reader

app = typer.Typer()


@app.command()
def devices(
    data: DataOption = DATA,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List devices: adopted ones, and those heard and not adopted.

    Example: caretaker devices
    """
    connection = open_reader(must_exist(data))
    found = records.devices(connection)
    if as_json:
        rows = [
            {"key": d.key, "name": d.name, "role": d.role.value, "status": d.status.value,
             "source": d.source, "last_heard_ms": d.last_heard_ms}
            for d in found
        ]  # fmt: skip
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    table = Table("key", "name", "role", "status", "set in", "last heard (UTC)")
    for device in found:
        heard = device.last_heard_ms
        table.add_row(
            device.key,
            device.name,
            device.role.value,
            device.status.value,
            "site.toml" if device.source == "file" else "page",
            f"{from_ms(heard):%Y-%m-%d %H:%M:%S}" if heard else "never",
        )
    console.print(table)
    console.print("What stands in site.toml wins over the page; there it is read-only.")


def _number(data: Path, key: str) -> int:
    connection = open_reader(must_exist(data))
    found = records.find(connection, key)
    if found is None:
        raise CaretakerError(f"no device {key!r} was heard: `caretaker devices` lists them")
    return found.id


@app.command()
def adopt(
    key: Annotated[str, typer.Argument(help="The device's key, as `caretaker devices` shows it.")],
    name: Annotated[str, typer.Option(help="What people call it.")],
    role: Annotated[DeviceRole, typer.Option(help="What it is for.")],
    building: Annotated[str, typer.Option(help="Id of its building.")] = "",
    area: Annotated[str, typer.Option(help="Id of its place.")] = "",
    parent: Annotated[str, typer.Option(help="Key of the meter upstream.")] = "",
    interval_s: Annotated[int, typer.Option(min=0, max=86_400, help="How often it sends [s].")] = 0,
    data: DataOption = DATA,
    site: SiteOption = None,
) -> None:
    """Make a heard device one of ours; its readings since first heard count.

    Example: caretaker adopt tasmota:kitchen_plug --name 食堂插座 --role electricity
    """
    number = _number(data, key)
    above = _number(data, parent) if parent else 0
    if running_url(data):
        body = {"name": name, "role": role.value, "building": building, "area": area,
                "parent": above, "interval_s": interval_s}  # fmt: skip
        ask(data, "POST", f"/inbox/{number}/adopt", body)
    else:
        with quiet_journal(data, settings_of(data, site)[0]) as journal:
            journal.call(
                lambda connection: records.adopt(
                    connection,
                    number,
                    name=name,
                    role=role,
                    building=building,
                    area=area,
                    parent=above,
                    interval_s=interval_s,
                )
            )
    console.print(f"{key} is {name} now.")


@app.command()
def ignore(
    key: Annotated[str, typer.Argument(help="The device's key.")],
    data: DataOption = DATA,
    site: SiteOption = None,
) -> None:
    """Leave a heard device out of the inbox; its readings are still kept.

    Example: caretaker ignore zigbee2mqtt:neighbour
    """
    number = _number(data, key)
    if running_url(data):
        ask(data, "POST", f"/inbox/{number}/ignore")
    else:
        with quiet_journal(data, settings_of(data, site)[0]) as journal:
            journal.call(lambda connection: records.ignore(connection, number))
    console.print(f"{key} is ignored.")


@app.command()
def quarantine(
    data: DataOption = DATA,
    reason: Annotated[str, typer.Option(help="Only this reason.")] = "",
    show: Annotated[int, typer.Option(help="Show the raw bytes of this id.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
) -> None:
    """List messages that could not be used, with the reason.

    Example: caretaker quarantine --reason unknown-unit
    """
    connection = open_reader(must_exist(data))
    if show:
        kept = held.find(connection, show)
        if kept is None:
            raise CaretakerError(f"no message {show} is held: `caretaker quarantine` lists them")
        console.print(f"{kept.topic}\n{kept.reason}: {kept.detail}\nreceived {kept.count} times")
        typer.echo(kept.payload.decode("utf-8", "backslashreplace"))
        return
    table = Table("id", "reason", "topic", "detail", "times")
    for kept in held.listing(connection, reason=reason, limit=limit):
        table.add_row(str(kept.id), kept.reason, kept.topic, kept.detail, str(kept.count))
    console.print(table)
    console.print(", ".join(f"{k} {v}" for k, v in held.counts(connection).items()) or "Empty.")


@app.command()
def replay(
    data: DataOption = DATA,
    site: SiteOption = None,
    reason: Annotated[str, typer.Option(help="All held for this reason.")] = "",
    ids: Annotated[list[int] | None, typer.Option("--id", help="This message; repeat it.")] = None,
) -> None:
    """Decode held messages again, after a driver was mended.

    Example: caretaker replay --reason no-driver
    """
    if not reason and not ids:
        raise CaretakerError("say which messages: --reason no-driver, or --id 12 --id 13")
    if running_url(data):
        found = ask(data, "POST", "/quarantine/replay", {"ids": ids or [], "reason": reason})
        usable, refused = found["replayed"], found["still_refused"]
    else:
        decoder = Decoder(
            proven_drivers(data / "drivers", clock=SystemClock()), clock=SystemClock()
        )
        settings, file = settings_of(data, site)
        with quiet_journal(data, settings) as journal:
            decoder.remember(journal.call(dialect.load))
            kept = [item.body for item in journal.call(mappings.listing)]
            decoder.set_mappings(in_force(settings.mappings, kept, file=file))
            use_aliases(journal, decoder)
            usable, refused = decode_again(journal, decoder, ids=ids or [], reason=reason)
    console.print(f"{usable} usable now, {refused} still refused.")


@app.command()
def drivers(
    data: DataOption = DATA,
    topic: Annotated[str, typer.Option(help="Try a message: its topic ...")] = "",
    payload: Annotated[str, typer.Option(help="... and its payload.")] = "",
) -> None:
    """List the drivers, or show what they make of a message.

    Example: caretaker drivers --topic tele/plug/SENSOR --payload '{"ENERGY":{"Power":12}}'
    """
    found = proven_drivers(data / "drivers", clock=SystemClock())
    if not topic:
        table = Table("driver", "for")
        for driver in found:
            table.add_row(driver.name, driver.model)
            for model in driver.models:
                table.add_row(f"  {model.name}", model.model)
        console.print(table)
        console.print(f"Your own drivers stand in {data / 'drivers'}; see docs/drivers.md.")
        return
    clock = SystemClock()
    message = Message(topic, payload.encode(), clock.now_ms())
    for arrival in Decoder(found, clock=clock).decode(message):
        _show(arrival)


def _show(arrival: Arrival) -> None:
    console.print(
        f"driver {arrival.driver or '(none)'}, device {arrival.device or '(none)'}", markup=False
    )
    for item in arrival.measured:
        channel = f"{item.channel}." if item.channel else ""
        unit = QUANTITIES[item.quantity].unit
        console.print(f"  {channel}{item.quantity} = {item.value:g} {unit}", markup=False)
    if arrival.available is not None:
        console.print(f"  says it is {'online' if arrival.available else 'offline'}")
    for refusal in arrival.rejected:
        console.print(f"  refused: {refusal.reason} {refusal.detail}", markup=False)
