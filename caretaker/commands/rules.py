"""caretaker rehearse, fit-tau: try a rule on the past, measure a time constant."""

import csv
import gc
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from alerting import rulefile
from alerting.cold.layout import layout
from alerting.cold.time_constant import fit_tau
from alerting.late import load_readings
from alerting.parameters import Setting
from alerting.port import Rule
from alerting.profiles import NAMES
from alerting.rehearse import CIRCUMSTANCES, Rehearsal, month_of, rehearse
from alerting.roster import subjects_of
from alerting.rules import standard_rules
from caretaker.clock import DAY_MS, HOUR_MS, MINUTE_MS, SystemClock
from caretaker.commands.common import DATA as DATA_DIR
from caretaker.commands.common import DataOption, SiteOption, console, must_exist, settings_of
from caretaker.config import SiteSettings
from caretaker.errors import CaretakerError
from caretaker.vocabulary import Severity
from storage.connection import open_reader

app = typer.Typer()


def rule_named(name: str, site: SiteSettings) -> Rule:
    """Return a rule, or say which there are."""
    rules = {rule.name: rule for rule in standard_rules(site)}
    if name not in rules:
        raise CaretakerError(f"there is no rule {name!r}; known: {', '.join(sorted(rules))}")
    return rules[name]


def proposed(rule: Rule, changes: list[str]) -> list[Setting]:
    """Return the numbers given as NAME=VALUE, a value may carry its unit."""
    numbers: dict[str, float] = {}
    for change in changes:
        name, _, value = change.partition("=")
        if name not in rule.parameters:
            raise CaretakerError(f"{rule.name} has no {name!r}: {', '.join(rule.parameters)}")
        numbers[name] = rulefile.quantity(value.strip(), NAMES[name], file="--set", key=name)
    return [Setting("proposed", rule.name, numbers=numbers)] if numbers else []


@app.command("rehearse")
def rehearse_command(
    rule: Annotated[str, typer.Argument(help="The rule's name, as in docs/alerts.md.")],
    days: Annotated[int, typer.Option(min=1, max=1000, help="Days of past.")] = 90,
    change: Annotated[
        list[str] | None,
        typer.Option("--set", help='A number to try, e.g. --set "alarm_min=45 min".'),
    ] = None,
    data: DataOption = DATA_DIR,
    site: SiteOption = None,
) -> None:
    """Say what a rule would have alerted of, with the numbers as they are and as proposed.

    Reads the journal only, also while Caretaker runs.

    Example: caretaker rehearse cold_storage_warm --days 90 --set "alarm_min=45 min"
    """
    settings, _ = settings_of(data, site)
    wanted = rule_named(rule, settings)
    blocks = _in_force(data, settings)
    trial = proposed(wanted, change or [])
    connection = open_reader(must_exist(data))
    try:
        row = connection.execute("SELECT max(at_ms) FROM latest").fetchone()
        end_ms = min(SystemClock().now_ms(), int(row[0] or 0)) + 1
        gc.disable()  # a million readings make no cycles, and the process ends soon
        begun = time.perf_counter()
        found = [
            (
                label,
                rehearse(
                    connection,
                    wanted,
                    site=settings,
                    start_ms=end_ms - days * DAY_MS,
                    end_ms=end_ms,
                    settings=used,
                ),
            )
            for label, used in (
                ("as it is", blocks),
                *([("proposed", [*blocks, *trial])] if trial else []),
            )
        ]
        taken = time.perf_counter() - begun
    finally:
        gc.enable()
        connection.close()
    for label, result in found:
        _tell(label, result, settings, days)
    console.print(f"{taken:.1f} s")


def _in_force(data: Path, settings: SiteSettings) -> list[Setting]:
    path = data / rulefile.FILE
    if not path.exists():
        return []
    return rulefile.parse(path.read_text(encoding="utf-8"), rules=standard_rules(settings))


def _tell(label: str, found: Rehearsal, site: SiteSettings, days: int) -> None:
    months = found.by_month(site)
    total = len(found.alerts)
    console.print(
        f"{found.rule}, {label}: {total} alerts in {days} days"
        f" on {found.devices} devices ({found.readings:,} readings)"
    )
    console.print(found.lately(site.lang))
    if not total:
        return
    table = Table(box=None)
    for title in ("month", "alerts", *CIRCUMSTANCES, "critical"):
        table.add_column(title, justify="left" if title == "month" else "right")
    for month, counts in months.items():
        critical = sum(
            alert.severity is Severity.CRITICAL and month_of(alert.at_ms, site) == month
            for alert in found.alerts
        )
        table.add_row(
            month,
            str(sum(counts.values())),
            *(str(counts[name]) for name in CIRCUMSTANCES),
            str(critical),
        )
    console.print(table)


@app.command("fit-tau")
def fit_tau_command(
    file: Annotated[
        Path | None, typer.Argument(help="CSV with the columns minute, air_c, food_c.")
    ] = None,
    device: Annotated[str, typer.Option(help="A unit with an air and a food probe.")] = "",
    hours: Annotated[int, typer.Option(min=1, max=720, help="How much of its past.")] = 48,
    data: DataOption = DATA_DIR,
) -> None:
    """Fit how slowly food follows air, from a probe in food beside the air probe.

    Example: caretaker fit-tau --device native:school/fridge-1 --hours 48
    """
    if file is not None:
        fit = fit_tau(*_columns(file))
    elif device:
        fit = fit_tau(*_measured(data, device, hours))
    else:
        raise CaretakerError("name a CSV file or a device with --device")
    if fit.problem:
        raise CaretakerError(f"no time constant from {fit.samples} samples: {fit.problem}")
    console.print(
        f"tau_min = {fit.tau_min:g}   (error {fit.rmse_k:.2f} K over {fit.samples} samples)"
    )
    console.print("Write it into the unit's limits: limits = { tau_min = ... }")


Columns = tuple[list[float], list[float], list[float]]


def _columns(file: Path) -> Columns:
    try:
        with file.open(encoding="utf-8", newline="") as source:
            rows = [
                (float(r["minute"]), float(r["air_c"]), float(r["food_c"]))
                for r in csv.DictReader(source)
            ]
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise CaretakerError(
            f"{file}: {error!s}; it needs the columns minute, air_c and food_c in numbers"
        ) from error
    return [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows]


def _measured(data: Path, key: str, hours: int) -> Columns:
    connection = open_reader(must_exist(data))
    try:
        subject = next((s for s in subjects_of(connection) if s.device.key == key), None)
        if subject is None:
            raise CaretakerError(f"no adopted device {key!r}; `caretaker devices` lists them")
        unit = layout(subject)
        if not unit.air or not unit.food or unit.air == unit.food:
            raise CaretakerError(f"{key} has no air and food probe side by side")
        end_ms = SystemClock().now_ms()
        readings = load_readings(
            connection, [unit.air, unit.food], start_ms=end_ms - hours * HOUR_MS, end_ms=end_ms
        )
    finally:
        connection.close()
    minutes, airs, foods = list[float](), list[float](), list[float]()
    food: float | None = None
    for reading in readings:
        if reading.point == unit.food:
            food = reading.value
        elif food is not None:
            minutes.append(reading.at_ms / MINUTE_MS)
            airs.append(reading.value)
            foods.append(food)
    return minutes, airs, foods
