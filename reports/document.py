"""The inspector pack on paper: HTML made for print, and PDF by WeasyPrint."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from caretaker.errors import ConfigurationError
from reports.chart import drawing
from reports.integrity import Seal
from reports.pack import Pack, Unit
from reports.rows import (
    Row,
    action_rows,
    day_rows,
    entry_rows,
    gap_rows,
    incident_rows,
    limit_rows,
    local,
    name_of,
    summary_rows,
)
from reports.texts import ROLES, WORDS

_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    undefined=StrictUndefined,
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
)


def html(pack: Pack, sealed: Seal, *, lang: str, made_ms: int) -> str:
    """Return the pack as one page of HTML that needs nothing from elsewhere."""
    return _PAGES.get_template("inspector.html").render(
        pack=pack,
        sealed=sealed,
        words=WORDS[lang],
        lang=lang,
        made=local(pack, made_ms),
        summary=_table(summary_rows(pack, lang=lang)),
        units=[_Section(pack, unit, lang) for unit in pack.units],
    )


def pdf(page: str) -> bytes:
    """Return the page as PDF. Raises ConfigurationError where Pango is not installed."""
    try:
        from weasyprint import HTML  # noqa: PLC0415  (it loads Pango, which a machine may lack)
    except OSError as error:
        raise ConfigurationError(
            file="this machine",
            key="Pango",
            problem=f"PDF cannot be written ({error})",
            remedy="Install Pango (Debian: libpangoft2-1.0-0), or take the workbook.",
        ) from error
    written = HTML(string=page).write_pdf()
    assert isinstance(written, bytes)
    return written


class _Section:
    """A unit's tables, without the column that names it."""

    def __init__(self, pack: Pack, unit: Unit, lang: str) -> None:
        alone = Pack(pack.site, pack.first_day, pack.last_day, pack.start_ms, pack.end_ms, (unit,))
        self.name = name_of(unit)
        self.role = ROLES[lang].get(unit.device.role.value, unit.device.role.value)
        self.chart = drawing(unit.samples, start_ms=pack.start_ms, end_ms=pack.end_ms)
        self.limits = _bare(limit_rows(alone, lang=lang))
        self.days = _bare(day_rows(alone, lang=lang))
        self.gaps = _bare(gap_rows(alone, lang=lang))
        self.incidents = _bare(incident_rows(alone, lang=lang))
        self.actions = _bare(action_rows(alone, lang=lang))
        self.entries = _bare(entry_rows(alone, lang=lang))


def _table(rows: Iterator[Row]) -> list[Sequence[str]]:
    return [["" if value is None else str(value) for value in row] for row in rows]


def _bare(rows: Iterator[Row]) -> list[Sequence[str]]:
    return [row[1:] for row in _table(rows)]
