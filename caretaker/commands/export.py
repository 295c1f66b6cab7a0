"""caretaker export: readings and rollups as CSV or Parquet."""

import csv
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import typer

from caretaker.clock import to_ms
from caretaker.commands.common import (
    DATA,
    DataOption,
    SiteOption,
    console,
    must_exist,
    settings_of,
)
from caretaker.errors import CaretakerError
from caretaker.quantities import QUANTITIES, Kind
from caretaker.vocabulary import Device, Point
from storage import devices as records
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


@app.command()
def export(
    out: Annotated[Path, typer.Option("--out", help="The file to write; - for CSV to the screen.")],
    data: DataOption = DATA,
    site: SiteOption = None,
    device: Annotated[str, typer.Option(help="Only this device, by key.")] = "",
    first: Annotated[str, typer.Option("--from", help="First local day, 2026-09-01.")] = "",
    last: Annotated[str, typer.Option("--to", help="Last local day, included.")] = "",
    resolution: Annotated[Resolution, typer.Option(help="How fine.")] = Resolution.RAW,
    form: Annotated[Format, typer.Option("--format", help="File format.")] = Format.CSV,
) -> None:
    """Write readings, or what they add up to, for other programs.

    A counter's value is its reading when raw, its amount per interval otherwise.

    Example: caretaker export --from 2026-09-01 --resolution hour --out september.csv
    """
    settings, _ = settings_of(data, site)
    start_ms, end_ms = _span(first, last, settings.zone)
    connection = open_reader(must_exist(data))
    rows = _rows(connection, device, start_ms, end_ms, resolution)
    if form is Format.PARQUET:
        if str(out) == "-":
            raise CaretakerError("Parquet is no text: name a file with --out")
        count = _parquet(rows, out)
    else:
        count = _csv(rows, out, settings.zone)
    if str(out) != "-":
        console.print(f"{count:,} rows in {out}")


def _span(first: str, last: str, zone: ZoneInfo) -> tuple[int, int]:
    """Return local days as [start, end) [ms UTC]."""

    def instant(text: str, key: str, plus: int) -> int:
        try:
            day = date.fromisoformat(text) + timedelta(days=plus)
        except ValueError as error:
            raise CaretakerError(f"{key} {text!r} is no day: write 2026-09-01") from error
        return to_ms(datetime.combine(day, time(), tzinfo=zone))

    start_ms = instant(first, "--from", 0) if first else 0
    end_ms = instant(last, "--to", 1) if last else 2**53
    if end_ms <= start_ms:
        raise CaretakerError("--to is before --from: exchange the two")
    return start_ms, end_ms


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


def _csv(rows: Iterator[Row], out: Path, zone: ZoneInfo) -> int:
    count = 0
    opened = (
        nullcontext(sys.stdout)
        if str(out) == "-"
        else out.open("w", encoding="utf-8-sig", newline="")  # the mark lets Excel read Chinese
    )
    with opened as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for at_ms, *rest in rows:
            at = datetime.fromtimestamp(at_ms / 1000, tz=UTC).astimezone(zone)
            writer.writerow([at.isoformat(timespec="milliseconds"), *rest])
            count += 1
    return count


def _parquet(rows: Iterator[Row], out: Path) -> int:
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
