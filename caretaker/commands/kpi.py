"""caretaker kpi: list the KPIs, show their values, combine campuses into school or district."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from analytics.kpis.inputs import KpiPeriod, ScopeKind
from analytics.kpis.registry import REGISTRY
from analytics.kpis.row import Kpi, Result, roll_up
from analytics.kpis.texts import REASONS
from caretaker.clock import SystemClock
from caretaker.commands.common import (
    DATA,
    DataOption,
    SiteOption,
    console,
    must_exist,
    settings_of,
)
from caretaker.commands.tables import days_to_ms, safe, write_csv
from caretaker.config import SiteSettings
from caretaker.errors import CaretakerError
from storage import kpi as kept
from storage.connection import open_reader
from storage.kpi import KpiValue

app = typer.Typer(
    no_args_is_help=True,
    help="KPIs: what there are, their values, and campuses combined.\n\n"
    "Example: caretaker kpi show electricity_kwh",
)
_SHOWN_DAYS = {"hour": 1, "day": 14, "week": 90, "month": 366, "term": 731}

COLUMNS = (
    "start",
    "end",
    "site",
    "school",
    "district",
    "scope_kind",
    "scope",
    "period",
    "kpi",
    "unit",
    "value",
    "numerator",
    "denominator",
    "coverage",
    "estimated_share",
    "enough",
    "reason",
    "usual_low",
    "usual_median",
    "usual_high",
    "previous",
    "last_year",
    "target",
    "count",
    "missing",
    "version",
)


class Level(StrEnum):
    """Into what campuses are combined."""

    SCHOOL = "school"
    DISTRICT = "district"


def kpi_of(name: str) -> Kpi:
    """Return a KPI by name, or say where the names are."""
    found = REGISTRY.get(name)
    if found is None:
        raise CaretakerError(f"no KPI is called {name!r}: `caretaker kpi list` names them")
    return found


@app.command("list")
def list_kpis() -> None:
    """List every KPI with its unit and what it tells.

    Example: caretaker kpi list
    """
    for kpi in REGISTRY.values():
        console.print(f"{kpi.name:32} {kpi.unit:14} {kpi.zh.name} · {kpi.en.name}")


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="The KPI's name.")],
    data: DataOption = DATA,
    site: SiteOption = None,
    period: Annotated[KpiPeriod, typer.Option(help="How values are cut.")] = KpiPeriod.DAY,
    scope: Annotated[str, typer.Option(help="Id of a building or area; else the campus.")] = "",
    first: Annotated[str, typer.Option("--from", help="First local day, 2026-09-01.")] = "",
    last: Annotated[str, typer.Option("--to", help="Last local day, included.")] = "",
) -> None:
    """Explain a KPI and show its newest values.

    Example: caretaker kpi show electricity_kwh --period month
    """
    kpi = kpi_of(name)
    if period not in kpi.periods:
        raise CaretakerError(f"{name} has {', '.join(kpi.periods)}: choose one with --period")
    settings, _ = settings_of(data, site)
    if not first:
        today = datetime.fromtimestamp(SystemClock().now_ms() / 1000, tz=UTC)
        back = timedelta(days=_SHOWN_DAYS[period.value])
        end = date.fromisoformat(last) if last else today.astimezone(settings.zone).date()
        first = (end - back).isoformat()
    start_ms, end_ms = days_to_ms(first, last, settings.zone)
    with open_reader(must_exist(data)) as connection:
        values = kept.select(
            connection,
            scope=scope or settings.id,
            period=period.value,
            kpis=[name],
            start_ms=start_ms,
            end_ms=end_ms,
        )
    console.print(f"{kpi.zh.name} · {kpi.en.name} [{kpi.unit}]", markup=False)
    console.print(f"{kpi.zh.sentence}\n{kpi.en.sentence}\n= {kpi.formula}\n{kpi.reference}")
    for value in values:
        console.print(_line(kpi, value, settings.zone), markup=False)
    if not values:
        console.print("No values: Caretaker computes them while it runs.")


def _line(kpi: Kpi, value: KpiValue, zone: ZoneInfo) -> str:
    at = _local(value.start_ms, zone)[:16].replace("T", " ")
    if value.value is None:
        return f"{at}  {REASONS['zh-CN'][value.reason]} · {REASONS['en'][value.reason]}"
    usual = ""
    if value.usual_low is not None and value.usual_high is not None:
        low, high = (round(v, kpi.decimals) for v in (value.usual_low, value.usual_high))
        usual = f"  usual {low:g} to {high:g}"
    known = f"{value.value:.{kpi.decimals}f} {kpi.unit}"
    return f"{at}  {known}{usual}  coverage {value.coverage:.0%}"


@app.command()
def combine(
    files: Annotated[list[Path], typer.Argument(help="CSV files of `caretaker export kpis`.")],
    out: Annotated[Path, typer.Option("--out", help="The file to write; - for the screen.")],
    by: Annotated[Level, typer.Option("--by", help="Into what.")] = Level.SCHOOL,
) -> None:
    """Combine the exports of several campuses, from sums and never from averages.

    Example: caretaker kpi combine north.csv south.csv --by school --out school.csv
    """
    rows = [row for path in files for row in _read(path)]
    found = list(combined(rows, by.value))
    count = write_csv(COLUMNS, found, out)
    if str(out) != "-":
        console.print(f"{count:,} rows in {out}")


def _read(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise CaretakerError(f"{path} cannot be read ({error}): name an exported CSV") from error
    if rows and not set(COLUMNS) <= set(rows[0]):
        raise CaretakerError(f"{path} is no KPI export: make one with `caretaker export kpis`")
    return rows


def combined(rows: Iterable[Mapping[str, str]], level: str) -> Iterator[tuple[object, ...]]:
    """Yield the rows of schools or districts; a campus that has no row leaves the whole without."""
    groups: dict[tuple[str, str, str, str, str], dict[str, Mapping[str, str]]] = defaultdict(dict)
    sites: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row["scope_kind"] != ScopeKind.CAMPUS.value or not row[level]:
            continue
        sites[row[level]].add(row["site"])
        key = (row[level], row["period"], row["kpi"], row["start"], row["end"])
        groups[key][row["site"]] = row
    for (scope, period, name, start, end), members in sorted(groups.items()):
        kpi = REGISTRY.get(name)
        if kpi is None:
            continue
        results = [_result(members[site]) for site in sorted(members)]
        absent = sorted(sites[scope] - set(members))
        if absent:
            results.append(Result(None, missing=tuple(absent)))
        found = roll_up(kpi, results)
        district = next(iter(members.values()))["district"]
        school = scope if level == Level.SCHOOL.value else ""
        yield (
            start, end, "", school, district, level, scope, period, name, kpi.unit,
            *_figures(found), *[None] * 6, found.count, "; ".join(found.missing), kpi.version,
        )  # fmt: skip


def _result(row: Mapping[str, str]) -> Result:
    def number(name: str) -> float | None:
        return float(row[name]) if row[name] else None

    return Result(
        number("value"),
        numerator=number("numerator"),
        denominator=number("denominator"),
        coverage=number("coverage") or 0.0,
        estimated_share=number("estimated_share") or 0.0,
        count=int(row["count"] or 0),
        missing=tuple(name for name in row["missing"].split("; ") if name),
        reason=row["reason"],
    )


def _figures(found: Result | KpiValue) -> tuple[object, ...]:
    return (
        found.value,
        found.numerator,
        found.denominator,
        found.coverage,
        found.estimated_share,
        int(found.enough),
        found.reason,
    )


def export_rows(values: Sequence[KpiValue], settings: SiteSettings) -> Iterator[tuple[object, ...]]:
    """Yield values as rows of COLUMNS, times local, texts safe to open in a spreadsheet."""
    for value in values:
        kpi = REGISTRY.get(value.kpi)
        yield (
            _local(value.start_ms, settings.zone),
            _local(value.end_ms, settings.zone),
            settings.id,
            safe(settings.school),
            safe(settings.district),
            value.scope_kind,
            safe(value.scope),
            value.period,
            value.kpi,
            kpi.unit if kpi else "",
            *_figures(value),
            value.usual_low,
            value.usual_median,
            value.usual_high,
            value.previous,
            value.last_year,
            value.target,
            value.count,
            safe("; ".join(value.missing)),
            value.version,
        )


def _local(at_ms: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC).astimezone(zone).isoformat()
