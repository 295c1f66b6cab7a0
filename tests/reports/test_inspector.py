"""The inspector pack: every reading, gap, excursion and action of a period, sealed."""

import io
import json
import sqlite3
import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import openpyxl
import pytest

from alerting.engine import Engine
from alerting.lifecycle import Lifecycle
from alerting.rules import standard_rules
from caretaker.clock import DAY_MS, HOUR_MS, MINUTE_MS, ManualClock
from caretaker.config import DeviceSettings, SiteSettings
from caretaker.vocabulary import Arrival, Measured
from ingest.metering import intervals
from reports.document import html, pdf
from reports.integrity import Seal, record, seal
from reports.pack import Pack, gather
from reports.texts import KINDS, PARAMETERS, ROLES, SAID, STATES, WORDS
from reports.workbook import workbook
from storage import audit, haccp, unit_records
from storage.devices import apply_file_settings
from storage.journal import Journal
from storage.unit_records import RecordKind
from tests.conftest import program

SITE = SiteSettings(
    name="梧桐小学",
    devices=(
        DeviceSettings(key="native:s/fridge", name="1号=冰箱 <b>", role="fridge", interval_s=300),
        DeviceSettings(key="native:s/sample", name="留样", role="sample_fridge", interval_s=300),
    ),
)
START_MS = 1_788_192_000_000  # 2026-09-01 00:00 in Shanghai
DAYS = 3
FIRST, LAST = date(2026, 9, 1), date(2026, 9, 3)


def air_c(minute: int) -> float:
    """An hour too warm at noon of the second day."""
    return 12.0 if 2160 <= minute < 2260 else 4.0 + (minute % 60) / 60


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journal]:
    clock = ManualClock(START_MS)
    path = tmp_path_factory.mktemp("pack") / "j.sqlite3"
    made = Journal(path, zone=SITE.zone, arithmetic=intervals, clock=clock)
    made.open()
    made.call(lambda c: apply_file_settings(c, SITE.devices, now_ms=START_MS))
    made.set_judge(Engine(standard_rules(SITE), lifecycle=Lifecycle(SITE), site=SITE))
    for minute in range(0, DAYS * 1440, 5):
        at_ms = clock.at_ms = START_MS + minute * MINUTE_MS
        arrivals = []
        for name in ("fridge", "sample"):
            if name == "sample" and 600 <= minute < 900:
                continue  # five hours of silence
            value = air_c(minute) if name == "fridge" else 4.0
            measured = (Measured("air", "temperature", at_ms, value),)
            arrivals.append(
                Arrival(
                    "t", f"{name}{minute}".encode(), at_ms, f"native:s/{name}", "native", measured
                )
            )
        made.append(arrivals)
    clock.at_ms = START_MS + DAYS * DAY_MS
    made.call(_people)
    made.roll_up()
    yield made
    made.close()


def _people(connection: sqlite3.Connection) -> None:
    now_ms = START_MS + 2 * DAY_MS
    action = haccp.create(
        connection,
        device=1,
        source="manual",
        start_ms=START_MS + 2160 * MINUTE_MS,
        now_ms=now_ms,
        actor="王师傅",
        content={"cause": "door", "contents": [{"batch": "=cmd|'x'!A1", "kg": 3}]},
    )
    haccp.amend(
        connection,
        action.id,
        changes={
            "dispositions": [{"batch": "牛奶", "disposition": "discard", "kg": 3}],
            "verifier": "李校医",
        },
        actor="李校医",
        reason="复核",
        now_ms=now_ms + HOUR_MS,
        close=True,
    )
    unit_records.add(
        connection,
        device=2,
        kind=RecordKind.PROBE,
        at_ms=START_MS + 700 * MINUTE_MS,
        now_ms=now_ms,
        author="王师傅",
        value=4.5,
    )


def made(journal: Journal) -> tuple[Pack, Seal]:
    with journal.reader() as connection:
        pack = gather(
            connection, SITE, first_day=FIRST, last_day=LAST, now_ms=START_MS + 5 * DAY_MS
        )
        return pack, seal(connection, pack)


def test_every_minute_is_accounted_for(journal: Journal) -> None:
    pack, _ = made(journal)
    fridge, sample = pack.units
    assert [len(unit.days) for unit in pack.units] == [3, 3]
    assert fridge.readings == DAYS * 288
    assert sample.readings == DAYS * 288 - 60
    for unit in pack.units:
        for day in unit.days:
            assert day.required_min == 1440
            assert day.compliant_min <= day.monitored_min <= day.required_min
    assert fridge.days[1].air_high == 12.0
    assert fridge.days[0].air_high == pytest.approx(4.9, abs=0.1)
    (gap,) = sample.gaps
    assert gap.minutes == 305  # from the last reading before to the first after
    assert fridge.gaps == ()
    assert fridge.monitored_share == 1.0
    assert sample.monitored_share == pytest.approx(1 - 300 / (DAYS * 1440), abs=0.002)
    assert sample.compliant_share <= sample.monitored_share
    assert fridge.compliant_share < 1.0
    rules = {item.rule for item in fridge.incidents}
    assert "cold_storage_warm" in rules
    (action,) = [item for item in fridge.actions if item.record.source == "manual"]
    assert action.record.closed_ms
    assert action.amendments[0].reason == "复核"
    assert [entry.kind for entry in sample.entries] == [RecordKind.PROBE]


def test_the_workbook_holds_every_reading_and_no_formula(journal: Journal) -> None:
    pack, sealed = made(journal)
    for lang in WORDS:
        with journal.reader() as connection:
            body = workbook(connection, pack, sealed, lang=lang)
        book = openpyxl.load_workbook(io.BytesIO(body))
        assert len(book.sheetnames) == 7 + len(pack.units)
        summary = book[book.sheetnames[0]]
        text = [str(cell.value) for row in summary.iter_rows() for cell in row if cell.value]
        assert sealed.digest in text
        formulas = [
            cell.coordinate
            for name in book.sheetnames
            for row in book[name].iter_rows()
            for cell in row
            if cell.data_type == "f"
        ]
        assert formulas == []
        sheets = [book[name] for name in book.sheetnames[7:]]
        assert [sheet.max_row - 1 for sheet in sheets] == [unit.readings for unit in pack.units]
        assert sheets[0].cell(2, 3).value == 4.0
        actions = book[book.sheetnames[5]]
        cells = [str(cell.value) for row in actions.iter_rows() for cell in row]
        assert any("=cmd|" in cell for cell in cells), "the batch's name stands as text"


def test_the_paper_says_the_same_in_both_languages(journal: Journal, tmp_path: Path) -> None:
    pack, sealed = made(journal)
    for lang, words in WORDS.items():
        page = html(pack, sealed, lang=lang, made_ms=START_MS + 5 * DAY_MS)
        assert "<b>" not in page.replace("<b>", "", 0) or "1号=冰箱 &lt;b&gt;" in page
        assert "http" not in page.replace('xmlns="http://www.w3.org/2000/svg"', "")
        file = tmp_path / f"{lang}.pdf"
        file.write_bytes(pdf(page))
        reader = program("pdftotext")
        text = subprocess.run(
            [reader, "-layout", str(file), "-"], capture_output=True, check=True, text=True
        ).stdout
        for key in ("title", "actions", "gaps", "integrity"):
            assert words[key] in text, (lang, key)
        assert sealed.digest[:40] in text.replace("\n", "").replace(" ", "")
        packed = "".join(text.split())
        assert "305" in packed
        assert "牛奶" in packed


def test_the_seal_is_stable_and_any_change_breaks_it(journal: Journal) -> None:
    _, first = made(journal)
    assert made(journal)[1].digest == first.digest
    assert first.audit_broken_at == 0
    pack, sealed = made(journal)
    journal.call(lambda c: record(c, pack, sealed, actor="admin", now_ms=START_MS))
    assert made(journal)[1].digest == first.digest, "that it was made is no change of the data"
    with journal.reader() as connection:
        detail = connection.execute("SELECT detail FROM audit ORDER BY id DESC LIMIT 1").fetchone()
    assert json.loads(detail[0])["sha256"] == first.digest
    journal.call(
        lambda c: c.execute("UPDATE reading SET value = value - 5 WHERE value = 12.0").rowcount
    )
    assert made(journal)[1].digest != first.digest
    journal.call(lambda c: c.execute("UPDATE reading SET value = 12.0 WHERE value = 7.0").rowcount)
    assert made(journal)[1].digest == first.digest


def test_both_languages_have_the_same_words() -> None:
    for table in (WORDS, ROLES, KINDS, STATES, PARAMETERS, SAID):
        assert set(table["zh-CN"]) == set(table["en"])
        assert all(text.strip() for words in table.values() for text in words.values())
    assert {*haccp.CAUSES, *haccp.DISPOSITIONS} <= set(SAID["en"])
    assert set(KINDS["en"]) == {kind.value for kind in RecordKind}


def test_the_chain_head_can_be_noted(journal: Journal) -> None:
    with journal.reader() as connection:
        number, digest = audit.head(connection)
        assert audit.has(connection, number, digest)
        assert not audit.has(connection, number, b"x" * 32)
        assert not audit.has(connection, number + 1, digest)
