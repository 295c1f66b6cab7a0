"""How a number came about, from its raw readings, in both languages."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from caretaker.clock import DAY_MS, HOUR_MS, MINUTE_MS, ManualClock
from caretaker.vocabulary import DeviceRole
from ingest import checks
from ingest.decoder import Decoder
from ingest.driver import load_drivers
from ingest.explain import Explanation, NothingToExplainError, explain, find
from ingest.explain_text import lines
from ingest.inspector import Inspector
from ingest.metering import intervals
from ingest.reasons import REASONS
from ingest.transport.port import Message
from storage import devices, meter_events, quality_flags
from storage.journal import Journal
from storage.meter_events import EventKind, MeterEvent

START_MS = 1_788_192_000_000  # 2026-09-01 00:00 in Shanghai
ZONE = ZoneInfo("Asia/Shanghai")
DAY = date(2026, 9, 1)


class School:
    def __init__(self, path: Path) -> None:
        clock = ManualClock(START_MS + DAY_MS)
        self.journal = Journal(path, zone=ZONE, arithmetic=intervals, clock=clock)
        self.journal.open()
        self.decoder = Decoder(load_drivers(), clock=clock)

    def send(self, device: str, minute: float, **readings: float) -> None:
        at_ms = START_MS + round(minute * MINUTE_MS)
        body = json.dumps({"at": at_ms, "readings": readings}).encode()
        message = Message(f"caretaker/1/s/{device}/readings", body, at_ms)
        self.journal.append(list(self.decoder.decode(message)))

    def adopt(
        self, key: str, *, parent: str = "", role: DeviceRole = DeviceRole.ELECTRICITY
    ) -> None:
        def work(connection: object) -> None:
            found = devices.find(connection, key)  # type: ignore[arg-type]
            above = devices.find(connection, parent) if parent else None  # type: ignore[arg-type]
            assert found is not None
            devices.adopt(
                connection,  # type: ignore[arg-type]
                found.id,
                name=key.rpartition("/")[2],
                role=role,
                parent=above.id if above else 0,
            )

        self.journal.call(work)

    def explain(self, key: str, quantity: str = "") -> Explanation:
        self.journal.roll_up()
        with self.journal.reader() as connection:
            device, points = find(connection, key, quantity=quantity)
            return explain(connection, device, points[0], DAY, zone=ZONE)


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    made = School(tmp_path / "j.sqlite3")
    yield made
    made.journal.close()


def codes(found: Explanation) -> set[str]:
    return {flag.code for flag in found.flags}


def test_the_steps_add_up_to_the_number(school: School) -> None:
    for minute in range(-30, 24 * 60 + 60, 10):
        value = 500 + (minute + 30) / 10
        school.send("m", minute, energy_kwh=0.0 if minute == 300 else value)
    found = school.explain("native:s/m")
    assert found.day is not None
    total = found.plain_amount + sum(step.amount for step in found.steps)
    assert found.day.amount == pytest.approx(total) == pytest.approx(144.0)
    (zero,) = found.steps
    assert zero.reasons == ("held-zero",)
    assert zero.amount == pytest.approx(2.0)
    assert (found.quarters, found.readings, round(found.coverage, 6)) == (96, 144, 1.0)
    assert not codes(found)
    for lang, words in (("zh-CN", "表码瞬时为零"), ("en", "a momentary zero")):
        text = "\n".join(lines(found, lang=lang, zone=ZONE))
        assert words in text
        assert "144.000 kWh" in text
        assert "05:00" not in text  # the disbelieved reading is no step's end
        assert "04:50" in text


def test_events_gaps_and_corrections_are_told(school: School) -> None:
    for minute in [*range(0, 360, 10), *range(600, 720, 10)]:
        school.send("m", minute, energy_kwh=100 + minute / 10)
    at_ms = START_MS + 480 * MINUTE_MS
    for event in (
        MeterEvent(1, EventKind.MULTIPLIER, START_MS - DAY_MS, "王工", value=2.0),
        MeterEvent(1, EventKind.SWAP, at_ms, "王工", "轮换", quantity="energy", old_serial="A",
                   new_serial="B", final=150.0, initial=158.0),
        MeterEvent(1, EventKind.AMOUNT, START_MS, "李老师", "抄表", START_MS + HOUR_MS, "energy",
                   value=3.0),
    ):  # fmt: skip
        school.journal.call(
            lambda c, event=event: meter_events.record(c, event, now_ms=START_MS)  # type: ignore[misc]
        )
    found = school.explain("native:s/m")
    assert found.day is not None
    assert [event.kind.value for event in found.events] == ["multiplier", "amount", "swap"]
    assert found.day.original == pytest.approx(2 * (35 + 15 + 2 + 11))
    assert found.day.amount == pytest.approx(2 * 63 - 12 + 3)
    assert found.day.estimated == pytest.approx(2 * 17)
    reasons = {code for step in found.steps for code in step.reasons}
    assert {"gap", "swap"} <= reasons
    text = "\n".join(lines(found, lang="zh-CN", zone=ZONE))
    for word in ("更换电表", "倍率", "李老师：抄表", "估算", "表计计得"):
        assert word in text


def test_a_total_names_the_meter_it_lacks(school: School) -> None:
    for minute in range(0, 1440, 15):
        school.send("main", minute, energy_kwh=minute / 10)
        school.send("kitchen", minute, energy_kwh=minute / 20)
    school.send("gym", -3000, energy_kwh=5.0)
    for name in ("main", "kitchen", "gym"):
        school.adopt(f"native:s/{name}", parent="" if name == "main" else "native:s/main")
    found = school.explain("native:s/main")
    assert {part.device.name: part.amount is None for part in found.parts} == {
        "kitchen": False,
        "gym": True,
    }
    assert codes(found) == {"missing-meter"}
    assert "gym：缺数据" in "\n".join(lines(found, lang="zh-CN", zone=ZONE))
    for minute in range(0, 1440, 15):
        school.send("gym", minute, energy_kwh=5 + minute / 15)
    assert codes(school.explain("native:s/main")) == {"subs-above-main"}


def test_a_balance_waits_for_a_meter_that_fell_silent(school: School) -> None:
    for minute in range(0, 1440, 15):
        school.send("main", minute, energy_kwh=minute / 10)
        school.send("kitchen", minute, energy_kwh=minute / 20)
        if minute <= 720:
            school.send("gym", minute, energy_kwh=minute / 25)
    for name in ("main", "kitchen", "gym"):
        school.adopt(f"native:s/{name}", parent="" if name == "main" else "native:s/main")
    found = school.explain("native:s/main")
    assert codes(found) == {"missing-meter"}  # a main far above its subs would be no news
    text = "\n".join(lines(found, lang="en", zone=ZONE))
    assert "[missing-meter] the total lacks this meter  gym: data for 51 % of the time" in text
    assert "gym: 28.800 kWh, data for 51 % of the day only" in text
    assert "[missing-meter] Get the missing meter going again." in text
    assert "All checks passed" not in text


def test_a_ratio_and_midnight_are_told_and_the_lines_add_up(school: School) -> None:
    ratio = MeterEvent(1, EventKind.MULTIPLIER, START_MS + 12 * HOUR_MS, "王工", value=30.0)
    school.send("m", -60, energy_kwh=100.0)
    school.journal.call(lambda c: meter_events.record(c, ratio, now_ms=START_MS))
    for minute in range(60, 1440, 10):
        school.send("m", minute, energy_kwh=100.0 + (minute + 60) / 60)
    found = school.explain("native:s/m")
    assert found.day is not None
    told = found.plain_counted + sum(found.counted)
    assert told == pytest.approx(found.day.amount) == pytest.approx(12 + 30 * 11 + 50 / 60 * 30)
    assert found.counted == pytest.approx([1.0])  # half of the gap lies before midnight
    text = "\n".join(lines(found, lang="en", zone=ZONE))
    assert "2026-08-31 23:00 -> 01:00  from 100.000, booked 2.000 kWh, by ratio" in text
    assert f"Together {told:.3f} kWh" in text


def test_frozen_and_unread_values_are_flagged(school: School) -> None:
    for minute in range(0, 1440, 15):
        school.send("a", minute, energy_kwh=100.0, power_w=2000)
        school.send("b", minute, energy_kwh=100 + minute, voltage_v=0.0)
        school.send("c", minute, temperature_c=4.5, humidity_pct=40 + minute % 7)
    assert "frozen" in codes(school.explain("native:s/a"))
    assert "zero-run" in codes(school.explain("native:s/a"))
    assert "zero-while-live" in codes(school.explain("native:s/b"))
    assert codes(school.explain("native:s/c", "temperature")) == {"stuck"}
    assert codes(school.explain("native:s/c", "humidity")) == set()


def test_changed_days_are_inspected_once_and_their_flags_kept(school: School) -> None:
    for minute in range(0, 1440, 15):
        school.send("a", minute, energy_kwh=100.0, power_w=2000)
        school.send("c", minute, temperature_c=4.5)
    school.journal.roll_up()
    inspector = Inspector(school.journal, zone=ZONE, clock=ManualClock(START_MS + DAY_MS))

    def kept() -> dict[int, set[str]]:
        with school.journal.reader() as connection:
            found = quality_flags.listing(connection, start_ms=0, end_ms=2**50)
        return {point: {f.code for f in found if f.point == point} for point in (1, 2, 3)}

    assert inspector.step()
    assert not inspector.step()
    assert kept() == {1: {"frozen", "zero-run"}, 2: set(), 3: {"stuck"}}
    school.send("a", 1437, energy_kwh=101.0)
    school.journal.roll_up()
    assert inspector.step()
    assert kept()[1] == {"frozen"}


def test_what_is_not_there_is_said(school: School) -> None:
    school.send("c", 0, temperature_c=4.5)
    with pytest.raises(NothingToExplainError, match="caretaker devices"):
        school.explain("native:s/none")
    with pytest.raises(NothingToExplainError, match="no register"):
        school.explain("native:s/c")
    school.send("m", -5000, energy_kwh=4.5)
    text = "\n".join(lines(school.explain("native:s/m"), lang="en", zone=ZONE))
    assert "Missing is not zero" in text


def test_every_code_has_a_name_in_both_languages() -> None:
    source = "".join(
        path.read_text(encoding="utf-8") for path in Path(checks.__file__).parent.glob("*.py")
    )
    for code, (zh, en) in REASONS.items():
        assert zh, code
        assert en.isascii(), code
        known = f'"{code}"' in source or code.endswith("-flow")
        assert known, code
