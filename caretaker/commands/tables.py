"""Tables for other programs: local days as instants, cells that no spreadsheet executes."""

import csv
import sys
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from caretaker.clock import to_ms
from caretaker.errors import CaretakerError

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def safe(text: str) -> str:
    """Return a text that a spreadsheet shows and never computes (CWE-1236).

    >>> safe("=1+1"), safe("教学楼A")
    ("'=1+1", '教学楼A')
    """
    return f"'{text}" if text.startswith(_FORMULA) else text


def days_to_ms(first: str, last: str, zone: ZoneInfo) -> tuple[int, int]:
    """Return local days as [start, end) [ms UTC]; an empty one leaves that side open."""

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


def write_csv(columns: Sequence[str], rows: Iterable[Sequence[object]], out: Path) -> int:
    """Write a CSV file, or to the screen for `-`; return how many rows."""
    count = 0
    opened = (
        nullcontext(sys.stdout)
        if str(out) == "-"
        else out.open("w", encoding="utf-8-sig", newline="")  # the mark lets Excel read Chinese
    )
    with opened as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for row in rows:
            writer.writerow(row)
            count += 1
    return count
