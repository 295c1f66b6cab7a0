"""caretaker export: readings and rollups as CSV or Parquet."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from analytics.kpis.inputs import KpiPeriod
from caretaker.commands.common import (
    DATA,
    DataOption,
    SiteOption,
    console,
    must_exist,
    settings_of,
)
from caretaker.commands.kpi import COLUMNS as KPI_COLUMNS
from caretaker.commands.kpi import export_rows
from caretaker.commands.tables import days_to_ms, safe, write_csv
from caretaker.errors import CaretakerError
from caretaker.quantities import QUANTITIES, Kind
from caretaker.vocabulary import Device, Point
from storage import devices as records
from storage import kpi as kept
from storage.connection import open_reader

app = typer.Typer()
_CHUNK = 20_000
Row = tuple[int, str, str, str, str, str, float, int]
COLUMNS = ("at", "device", "name", "channel", "quantity", "unit", "value", "quality")


class Format(StrEnum):
    """File formats."""

    CSV = "csv"
    PARQUET = "parquet"


class Resolution(StrEnum):
    """Every reading, or amounts and means per interval."""

    RAW = "raw"
    QUARTER_HOUR = "15min"
    HOUR = "hour"
    DAY = "day"


class What(StrEnum):
    """What to write."""

    READINGS = "readings"
    KPIS = "kpis"


@app.command()
def export(
    out: Annotated[Path, typer.Option("--out", help="The file to write; - for CSV to the screen.")],
    what: Annotated[What, typer.Argument(help="readings, or kpis.")] = What.READINGS,
    data: DataOption = DATA,
    site: SiteOption = None,
    device: Annotated[str, typer.Option(help="Only this device, by key.")] = "",
    first: Annotated[str, typer.Option("--from", help="First local day, 2026-09-01.")] = "",
    last: Annotated[str, typer.Option("--to", help="Last local day, included.")] = "",
    resolution: Annotated[Resolution, typer.Option(help="How fine.")] = Resolution.RAW,
    form: Annotated[Format, typer.Option("--format", help="File format.")] = Format.CSV,
    period: Annotated[KpiPeriod, typer.Option(help="Of KPIs: how they are cut.")] = KpiPeriod.DAY,
) -> None:
    """Write readings, or what they add up to, or KPIs, for other programs.

    A counter's value is its reading when raw, its amount per interval otherwise.

    Example: caretaker export --from 2026-09-01 --resolution hour --out september.csv
    """
    settings, _ = settings_of(data, site)
    start_ms, end_ms = days_to_ms(first, last, settings.zone)
    connection = open_reader(must_exist(data))
    if form is Format.PARQUET and str(out) == "-":
        raise CaretakerError("Parquet is no text: name a file with --out")
    if what is What.KPIS:
        values = kept.select(connection, period=period.value, start_ms=start_ms, end_ms=end_ms)
        table = export_rows(values, settings)
        if form is Format.PARQUET:
            count = _kpi_parquet(table, out)
        else:
            count = write_csv(KPI_COLUMNS, table, out)
    else:
        rows = _rows(connection, device, start_ms, end_ms, resolution)
        if form is Format.PARQUET:
            count = _parquet(rows, out)
        else:
            count = write_csv(COLUMNS, _local(rows, settings.zone), out)
    if str(out) != "-":
        console.print(f"{count:,} rows in {out}")


def _rows(
    connection: sqlite3.Connection, key: str, start_ms: int, end_ms: int, resolution: Resolution
) -> Iterator[Row]:
    by_id = {device.id: device for device in records.devices(connection)}
    if key and key not in {device.key for device in by_id.values()}:
        raise CaretakerError(f"no device {key!r} was heard: `caretaker devices` lists them")
    for point in records.points(connection):
        device = by_id[point.device]
        if not key or device.key == key:
            yield from _of_point(connection, device, point, start_ms, end_ms, resolution)


def _of_point(
    connection: sqlite3.Connection,
    device: Device,
    point: Point,
    start_ms: int,
    end_ms: int,
    resolution: Resolution,
) -> Iterator[Row]:
    quantity = QUANTITIES[point.quantity]
    if resolution is Resolution.RAW:
        found = connection.execute(
            "SELECT at_ms, value, quality FROM reading WHERE point = ? AND at_ms >= ?"
            " AND at_ms < ? ORDER BY at_ms",
            (point.id, start_ms, end_ms),
        )
    else:
        counted = quantity.kind in {Kind.COUNTER, Kind.DELTA}
        column = "amount" if counted else "mean"
        found = connection.execute(
            f"SELECT start_ms, {column}, estimated > 0 FROM rollup WHERE point = ?"  # noqa: S608
            " AND period = ? AND start_ms >= ? AND start_ms < ? ORDER BY start_ms",
            (point.id, resolution.value, start_ms, end_ms),
        )
    for at_ms, value, quality in found:
        yield (
            at_ms,
            device.key,
            device.name,
            point.channel,
            point.quantity,
            quantity.unit,
            round(value, 6),
            quality,
        )


def _local(rows: Iterator[Row], zone: ZoneInfo) -> Iterator[tuple[object, ...]]:
    """Yield rows with local times, and texts that no spreadsheet computes."""
    for at_ms, *rest in rows:
        at = datetime.fromtimestamp(at_ms / 1000, tz=UTC).astimezone(zone)
        cells = (safe(cell) if isinstance(cell, str) else cell for cell in rest)
        yield (at.isoformat(timespec="milliseconds"), *cells)


def _parquet(rows: Iterator[Row], out: Path) -> int:
    import pyarrow as pa  # noqa: PLC0415  (30 MB that no other command needs)
    import pyarrow.parquet as pq  # noqa: PLC0415

    schema = pa.schema(
        [
            pa.field("at", pa.timestamp("ms", tz="UTC")),
            *(pa.field(name, pa.dictionary(pa.int32(), pa.string())) for name in COLUMNS[1:6]),
            pa.field("value", pa.float64()),
            pa.field("quality", pa.int32()),
        ]
    )
    count = 0
    chunk: list[Row] = []
    with pq.ParquetWriter(out, schema) as writer:

        def flush() -> None:
            columns = list(zip(*chunk, strict=True))
            arrays = [
                pa.array(column, type=field.type)
                if not pa.types.is_dictionary(field.type)
                else pa.array(column, type=pa.string()).dictionary_encode()
                for column, field in zip(columns, schema, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            chunk.clear()

        for row in rows:
            chunk.append(row)
            count += 1
            if len(chunk) >= _CHUNK:
                flush()
        if chunk:
            flush()
    return count


def _kpi_parquet(rows: Iterator[tuple[object, ...]], out: Path) -> int:
    columns = list(zip(*rows, strict=True)) or [()] * len(KPI_COLUMNS)
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    table = pa.table(dict(zip(KPI_COLUMNS, map(list, columns), strict=True)))
    pq.write_table(table, out)
    return int(table.num_rows)
