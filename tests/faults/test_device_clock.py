"""F17, the device's part: wrong clocks are seen, said, and never cost a reading or a rule."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from caretaker.clock import DAY_MS, HOUR_MS, MINUTE_MS, ManualClock
from caretaker.vocabulary import Period, Quality, Reading
from ingest.decoder import Decoder
from ingest.driver import load_drivers
from ingest.metering import intervals
from ingest.transport.port import Message
from storage import dialect, quarantine
from storage.journal import Journal

NOW_MS = 1_788_220_800_000  # 2026-09-01 08:00 in Shanghai
YEAR_MS = 365 * DAY_MS


class Site:
    def __init__(self, path: Path) -> None:
        self.clock = ManualClock(NOW_MS)
        self.journal = Journal(
            path, zone=ZoneInfo("Asia/Shanghai"), arithmetic=intervals, clock=self.clock
        )
        self.journal.open()
        self.restart()

    def restart(self) -> None:
        self.decoder = Decoder(load_drivers(), clock=self.clock)
        self.decoder.remember(self.journal.call(dialect.load))

    def send(
        self,
        at: object,
        *,
        device: str = "m",
        redelivered: bool = False,
        seq: int | None = None,
        **readings: float,
    ) -> None:
        body: dict[str, object] = {"readings": readings}
        if seq is not None:
            body["seq"] = seq
        if at is not None:
            body["at"] = at
        topic = f"caretaker/1/s/{device}/readings"
        message = Message(
            topic, json.dumps(body).encode(), self.clock.now_ms(), redelivered=redelivered
        )
        self.journal.append(list(self.decoder.decode(message)))

    def stored(self, point: int = 1) -> list[Reading]:
        return self.journal.history(point, start_ms=0, end_ms=2**50)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path / "j.sqlite3")
    yield made
    made.journal.close()


@pytest.mark.parametrize("error_ms", [-40 * YEAR_MS, -56 * YEAR_MS, YEAR_MS, 10 * YEAR_MS])
def test_a_clock_out_of_its_window_is_replaced_by_the_time_of_receipt(
    site: Site, error_ms: int
) -> None:
    for minute in range(6):
        site.send(NOW_MS + error_ms + minute * MINUTE_MS, energy_kwh=100.0 + minute)
        site.clock.advance(MINUTE_MS)
    found = site.stored()
    assert [r.at_ms for r in found] == [NOW_MS + n * MINUTE_MS for n in range(6)]
    assert all(r.quality & Quality.CLOCK for r in found)
    assert site.journal.latest([1])[1].value == 105.0  # nothing of the future hides the present
    site.journal.roll_up()
    days = site.journal.rollups(1, period=Period.DAY, start_ms=0, end_ms=2**50)
    assert [day.amount for day in days] == pytest.approx([5.0])


def test_a_redelivery_under_a_wrong_clock_is_known_again(site: Site) -> None:
    site.send(NOW_MS + YEAR_MS, energy_kwh=1.0)
    site.clock.advance(MINUTE_MS)
    site.send(NOW_MS + YEAR_MS, energy_kwh=1.0, redelivered=True)
    assert len(site.stored()) == 1


@pytest.mark.parametrize("at", [None, NOW_MS + YEAR_MS])
def test_a_numbered_message_is_known_again_though_the_broker_does_not_mark_it(
    site: Site, at: object
) -> None:
    for number in (1, 1, 2, 1):
        site.send(at, energy_kwh=1.0, seq=number)
        site.clock.advance(MINUTE_MS)
    assert len(site.stored()) == 2


def test_a_buffer_sent_under_a_wrong_clock_is_kept_whole(site: Site) -> None:
    batch = [{"at": minute, "readings": {"energy_kwh": 100.0 + minute}} for minute in range(5)]
    message = Message(
        "caretaker/1/s/m/readings", json.dumps({"batch": batch}).encode(), site.clock.now_ms()
    )
    site.journal.append(list(site.decoder.decode(message)))
    assert [r.value for r in site.stored()] == [100.0, 101.0, 102.0, 103.0, 104.0]
    with site.journal.reader() as connection:
        assert quarantine.counts(connection) == {}


@pytest.mark.parametrize("error_ms", [-5 * MINUTE_MS, 5 * MINUTE_MS, -9 * MINUTE_MS])
def test_a_few_minutes_are_the_devices_word(site: Site, error_ms: int) -> None:
    for minute in range(8):
        site.send(NOW_MS + minute * MINUTE_MS + error_ms, energy_kwh=1.0)
        site.clock.advance(MINUTE_MS)
    assert not any(r.quality & Quality.CLOCK for r in site.stored())


def test_ms_us_and_ns_are_one_instant_and_a_time_without_zone_is_none(site: Site) -> None:
    seconds = NOW_MS // 1000
    for power, at in enumerate((seconds, NOW_MS, NOW_MS * 1000, NOW_MS * 1_000_000)):
        site.send(at, device=f"m{power}", energy_kwh=1.0)
        (reading,) = site.stored(power + 1)
        assert (reading.at_ms, reading.quality) == (NOW_MS, Quality.GOOD)
    site.send("2026-09-01T08:00:00", device="naive", energy_kwh=1.0)
    with site.journal.reader() as connection:
        assert quarantine.counts(connection) == {"bad-time": 1}


@pytest.mark.parametrize("offset_h", [-8.0, -5.0, -9.5])
def test_local_time_called_utc_is_found_out_and_corrected(site: Site, offset_h: float) -> None:
    offset = timedelta(hours=offset_h)
    for minute in range(30):
        local = datetime.fromtimestamp(site.clock.now_ms() / 1000, tz=UTC) + offset
        site.send(f"{local:%Y-%m-%dT%H:%M:%S}Z", energy_kwh=100.0 + minute)
        site.clock.advance(MINUTE_MS)
        if minute == 15:
            site.restart()
    found = sorted(site.stored(), key=lambda reading: reading.value)
    assert [r.at_ms for r in found[4:]] == [NOW_MS + n * MINUTE_MS for n in range(4, 30)]
    assert all(r.quality & Quality.CLOCK for r in found[4:])
    site.send(site.clock.now_ms(), energy_kwh=130.0)  # somebody set its clock
    assert site.stored()[-1].quality == Quality.GOOD
    assert site.stored()[-1].at_ms == NOW_MS + 30 * MINUTE_MS


@pytest.mark.parametrize("spacing_ms", [HOUR_MS, 15 * MINUTE_MS])
def test_a_meter_that_reports_an_hour_late_is_believed(site: Site, spacing_ms: int) -> None:
    for number in range(12):
        site.send(site.clock.now_ms() - HOUR_MS, energy_kwh=100.0 + number)
        site.clock.advance(spacing_ms)
    assert not any(r.quality & Quality.CLOCK for r in site.stored())


def test_a_buffer_of_old_readings_is_no_wrong_clock(site: Site) -> None:
    for minute in range(60):  # an hour kept, sent within six seconds
        site.send(NOW_MS - HOUR_MS + minute * MINUTE_MS, energy_kwh=100.0 + minute)
        site.clock.advance(100)
    assert not any(r.quality & Quality.CLOCK for r in site.stored())


def test_85_degrees_is_suspect_after_power_on_or_a_jump_only(site: Site) -> None:
    values = [85.0, 61.0, 85.0, 77.0, 84.5, 85.0, 85.5, 4.0, 85.0]
    for value in values:
        site.send(site.clock.now_ms(), temperature_c=value)
        site.clock.advance(MINUTE_MS)
    suspect = [bool(r.quality & Quality.SUSPECT) for r in site.stored()]
    assert suspect == [True, False, True, False, False, False, False, False, True]


@pytest.mark.parametrize("change_ms", [1_774_746_000_000, 1_792_890_000_000])
def test_the_hour_that_is_there_twice_or_never_loses_nothing(
    tmp_path: Path, change_ms: int
) -> None:
    clock = ManualClock(change_ms + DAY_MS)
    journal = Journal(
        tmp_path / "d.sqlite3", zone=ZoneInfo("Europe/Berlin"), arithmetic=intervals, clock=clock
    )
    journal.open()
    decoder = Decoder(load_drivers(), clock=clock)
    zone = ZoneInfo("Europe/Berlin")
    for number in range(-24, 25):
        at_ms = change_ms + number * 10 * MINUTE_MS
        local = datetime.fromtimestamp(at_ms / 1000, tz=zone).isoformat()
        body = json.dumps({"at": local, "readings": {"energy_kwh": 100.0 + number}}).encode()
        journal.append(list(decoder.decode(Message("caretaker/1/s/m/readings", body, at_ms))))
    journal.roll_up()
    found = journal.history(1, start_ms=0, end_ms=2**50)
    hours = journal.rollups(1, period=Period.HOUR, start_ms=0, end_ms=2**50)
    journal.close()
    assert len(found) == 49
    assert [hour.amount for hour in hours if hour.covered_ms == HOUR_MS] == pytest.approx([6.0] * 8)
