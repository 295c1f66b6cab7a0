"""The inspector pack as a workbook: a sheet a subject, every reading on a sheet a unit."""

import io
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook

from reports.integrity import Seal
from reports.pack import Pack, Unit, readings
from reports.rows import (
    action_rows,
    day_rows,
    entry_rows,
    gap_rows,
    incident_rows,
    limit_rows,
    summary_rows,
)
from reports.texts import WORDS

_MOST_ROWS = 1_000_000  # a sheet holds 1,048,576
_FORBIDDEN = re.compile(r"[\[\]:*?/\\']")


def workbook(connection: sqlite3.Connection, pack: Pack, sealed: Seal, *, lang: str) -> bytes:
    """Return the pack as an .xlsx file; text is written as text, never as a formula."""
    held = io.BytesIO()
    book = xlsxwriter.Workbook(
        held,
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    words = WORDS[lang]
    sheets = _Sheets(book, pack.site.zone)
    sheets.table(
        words["summary"],
        (
            [words["title"], pack.site.name],
            [words["period"], f"{pack.first_day} {words['to']} {pack.last_day}"],
            [words["profile"], pack.site.profile],
            [words["digest"], sealed.digest],
            [words["chain"], _chain(sealed, words)],
            [],
            *summary_rows(pack, lang=lang),
        ),
        wide=(34, 40),
    )
    for title, rows in (
        (words["limits"], limit_rows),
        (words["days"], day_rows),
        (words["gaps"], gap_rows),
        (words["incidents"], incident_rows),
        (words["actions"], action_rows),
        (words["entries"], entry_rows),
    ):
        sheets.table(title, rows(pack, lang=lang), wide=(24, 22, 22))
    for unit in pack.units:
        _readings(connection, sheets, pack, unit, words)
    book.close()
    return held.getvalue()


def _chain(sealed: Seal, words: Mapping[str, str]) -> str:
    if sealed.audit_broken_at:
        return f"{words['chain_bad']} {sealed.audit_broken_at}"
    return f"{words['chain_good']} {sealed.audit_id}: {sealed.audit_hash}"


def _readings(
    connection: sqlite3.Connection,
    sheets: "_Sheets",
    pack: Pack,
    unit: Unit,
    words: Mapping[str, str],
) -> None:
    head: Sequence[object] = [
        words["time"],
        words["channel"],
        f"{words['temperature']} [°C]",
        words["quality"],
    ]
    name = unit.device.name or unit.device.key
    part: list[Sequence[object]] = [head]
    number = 1
    for at_ms, channel, value, quality in readings(
        connection, unit, start_ms=pack.start_ms, end_ms=pack.end_ms
    ):
        if len(part) > _MOST_ROWS:
            sheets.table(f"{name} {number}", part, wide=(20,))
            part, number = [], number + 1
            part.append(head)
        part.append((sheets.when(at_ms), channel, value, quality))
    sheets.table(name if number == 1 else f"{name} {number}", part, wide=(20,))


class _Sheets:
    """Adds sheets with names that a workbook allows, each once."""

    def __init__(self, book: Workbook, zone: ZoneInfo) -> None:
        self._book = book
        self._zone = zone
        self._taken: set[str] = set()
        self._bold: Format = book.add_format({"bold": True})
        self._time: Format = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})

    def when(self, at_ms: int) -> datetime:
        """Return local time as workbooks hold it, without a zone."""
        return (
            datetime.fromtimestamp(at_ms / 1000, tz=UTC).astimezone(self._zone).replace(tzinfo=None)
        )

    def table(
        self, title: str, rows: Iterable[Sequence[object]], *, wide: Sequence[int] = ()
    ) -> None:
        """Write rows onto a sheet of its own; the first row stands bold."""
        sheet = self._book.add_worksheet(self._name(title))
        for column, width in enumerate(wide):
            sheet.set_column(column, column, width)
        for line, row in enumerate(rows):
            for column, value in enumerate(row):
                if value is None or value == "":
                    continue
                if isinstance(value, datetime):
                    sheet.write_datetime(line, column, value, self._time)
                elif isinstance(value, int | float):
                    sheet.write_number(line, column, value)
                else:
                    style = self._bold if line == 0 else None
                    sheet.write_string(line, column, str(value)[:32_000], style)

    def _name(self, title: str) -> str:
        plain = _FORBIDDEN.sub("_", title).strip()[:28] or "_"
        name, number = plain, 1
        while name.casefold() in self._taken:
            number += 1
            name = f"{plain[:26]} {number}"
        self._taken.add(name.casefold())
        return name
