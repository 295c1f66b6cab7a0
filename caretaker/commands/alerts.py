"""caretaker incident, drill, silence: what people are told, and why."""

import getpass
import time
from typing import Annotated, Any

import typer
from rich.table import Table

from alerting.drills import COMPRESSOR_FAILURE
from api.incident_view import why as decisions_of
from caretaker.clock import MINUTE_MS, SystemClock, from_ms
from caretaker.commands.common import DATA, DataOption, ask, console, must_exist, running_url
from caretaker.errors import CaretakerError
from storage import incidents
from storage.connection import open_reader

app = typer.Typer()
_POLL_S = 2.0


@app.command()
def incident(
    what: Annotated[str, typer.Argument(help="`why`: why people were told of it, or not.")],
    number: Annotated[int, typer.Argument(help="The incident's number.")],
    data: DataOption = DATA,
) -> None:
    """Explain an incident: what each stage decided on each occasion, and each delivery.

    Example: caretaker incident why 17
    """
    if what != "why":
        raise CaretakerError(f"{what!r} is no question; ask: caretaker incident why {number}")
    connection = open_reader(must_exist(data))
    if incidents.find(connection, number) is None:
        raise CaretakerError(f"there is no incident {number}; the page lists them")
    found = decisions_of(connection, number)
    for decision in found.decisions:
        told = {"pass": "told", "hold": "held", "drop": "not told"}[decision.outcome]
        console.print(
            f"{_at(decision.at_ms)}  {decision.occasion}: [bold]{told}[/bold], {decision.reason}"
        )
        for ruling in decision.rulings:
            extra = ", ".join(f"{key} {value}" for key, value in ruling.detail.items())
            more = f" ({extra})" if extra else ""
            console.print(f"    {ruling.stage:8} {ruling.outcome:5} {ruling.reason}{more}")
    table = Table("occasion", "channel", "person", "state", "queued (UTC)", "taken (UTC)", "tries")
    for item in found.deliveries:
        table.add_row(
            item.occasion,
            item.channel,
            item.person,
            item.state + (f": {item.detail}" if item.state != "delivered" and item.detail else ""),
            _at(item.created_ms),
            _at(item.delivered_ms) if item.delivered_ms else "",
            str(item.attempts),
        )
    console.print(table)


def _at(at_ms: int) -> str:
    return f"{from_ms(at_ms):%Y-%m-%d %H:%M:%S}"


@app.command()
def drill(
    scenario: Annotated[str, typer.Argument(help="Which fault: compressor-failure.")],
    unit: Annotated[str, typer.Option(help="The cold unit's key; the first one when absent.")] = "",
    data: DataOption = DATA,
    wait_min: Annotated[
        float, typer.Option(min=0, max=35, help="Wait so long for somebody to take it [min].")
    ] = 30.0,
) -> None:
    """Run a labelled fault through the real chain to the real people, and time them.

    Every text says that it is a drill. It ends by itself.

    Example: caretaker drill compressor-failure --unit native:school/fridge-1
    """
    if scenario != COMPRESSOR_FAILURE:
        raise CaretakerError(f"there is no drill {scenario!r}; known: {COMPRESSOR_FAILURE}")
    if not running_url(data):
        raise CaretakerError("a drill needs the real chain: start Caretaker first")
    author = getpass.getuser()
    made: dict[str, Any] = ask(
        data, "POST", "/drills", {"scenario": scenario, "unit": unit, "author": author}
    )
    console.print(f"Drill {made['id']} at {made['unit']} has begun; everybody on call is told.")
    until = time.monotonic() + wait_min * 60
    while made["acknowledged_ms"] is None and time.monotonic() < until:
        time.sleep(min(_POLL_S, max(0.0, until - time.monotonic())))
        items = ask(data, "GET", "/drills")["items"]
        made = next(item for item in items if item["id"] == made["id"])
        if made["ended_ms"] is not None:
            break
    for name, words in (
        ("opened_ms", "found"), ("handed_ms", "handed to the first channel"),
        ("acknowledged_ms", "taken on"),
    ):  # fmt: skip
        at_ms = made[name]
        after = "not yet" if at_ms is None else f"after {(at_ms - made['begun_ms']) / 1000:.1f} s"
        by = f" by {made['acknowledged_by']}" if name == "acknowledged_ms" and at_ms else ""
        console.print(f"  {words:28} {after}{by}")
    kept = made["within_promise"]
    verdict = {True: "kept", False: "broken", None: "open: nobody has taken it yet"}[kept]
    console.print(f"  {'promise of 30 min':28} {verdict}")
    if kept is not True:
        raise typer.Exit(1)


@app.command()
def silence(
    reason: Annotated[str, typer.Argument(help="Why nobody need be told.")],
    minutes: Annotated[int, typer.Option(min=1, help="For how long [min].")],
    device: Annotated[str, typer.Option(help="Only this device, by key.")] = "",
    building: Annotated[str, typer.Option(help="Only this building, by id.")] = "",
    rule: Annotated[str, typer.Option(help="Only this rule.")] = "",
    severity: Annotated[
        str, typer.Option(help="Up to: notice (7 days), alarm (24 h), critical (4 h).")
    ] = "alarm",
    food_at: Annotated[str, typer.Option(help="Where the food is meanwhile.")] = "",
    maintenance: Annotated[
        bool, typer.Option("--maintenance", help="A maintenance window, at most 8 h.")
    ] = False,
    data: DataOption = DATA,
) -> None:
    """Hold notifications for a while; what is still wrong afterwards is told then.

    Example: caretaker silence "new compressor" --minutes 90 --device native:s/f1 --food-at f2
    """
    now_ms = SystemClock().now_ms()
    number = 0
    if device:
        known = ask(data, "GET", "/devices")["items"]
        number = next((item["id"] for item in known if item["key"] == device), 0)
        if not number:
            raise CaretakerError(f"no device {device!r}: `caretaker devices` lists them")
    body = {
        "kind": "maintenance" if maintenance else "silence", "severity": severity,
        "device": number, "building": building, "rule": rule, "author": getpass.getuser(),
        "reason": reason, "food_at": food_at, "ends_ms": now_ms + minutes * MINUTE_MS,
    }  # fmt: skip
    made = ask(data, "POST", "/silences", body)
    console.print(f"Silence {made['id']} holds until {_at(made['ends_ms'])} UTC.")
