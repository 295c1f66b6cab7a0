"""Meter fixtures F27 and F28, and the vectors T12 and T13, from the message to the day's kWh."""

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from caretaker.clock import DAY_MS, HOUR_MS, MINUTE_MS, QUARTER_MS, ManualClock
from caretaker.vocabulary import DeviceRole, Period
from ingest.checks import flow_pattern
from ingest.decoder import Decoder
from ingest.driver import dials_of, load_drivers
from ingest.metering import intervals
from ingest.registers import Dial, fallen
from ingest.transport.port import Message
from storage import devices, dials, meter_events
from storage.journal import Journal
from storage.meter_events import EventKind, MeterEvent
from storage.port import Interval

START_MS = 1_788_192_000_000  # 2026-09-01 00:00 in Shanghai
ZONE = ZoneInfo("Asia/Shanghai")
Readings = Sequence[tuple[float, float]]
"""(minute of the day, register)"""


class Bench:
    """A decoder and a journal; messages in, days out."""

    def __init__(self, path: Path) -> None:
        self.clock = ManualClock(START_MS + DAY_MS)
        self.journal = Journal(path, zone=ZONE, arithmetic=intervals, clock=self.clock)
        self.journal.open()
        self.decoder = Decoder(load_drivers(), clock=self.clock)

    def send(
        self, key: str, rows: Readings, *, retained: bool = False, redelivered: bool = False
    ) -> None:
        for minute, value in rows:
            at_ms = START_MS + round(minute * MINUTE_MS)
            body = json.dumps({"at": at_ms, "readings": {key: value}}).encode()
            message = Message(
                "caretaker/1/s/meter/readings",
                body,
                at_ms + 500,
                retained=retained,
                redelivered=redelivered,
            )
            self.journal.append(list(self.decoder.decode(message)))

    def record(self, event: MeterEvent) -> None:
        self.journal.call(lambda c: meter_events.record(c, event, now_ms=START_MS))

    def limit(self, **limits: float) -> None:
        self.journal.call(
            lambda c: devices.adopt(
                c, 1, name="m", role=DeviceRole.ELECTRICITY, limits=limits, interval_s=300
            )
        )

    def day(self, number: int = 0) -> Interval:
        self.journal.roll_up()
        start = START_MS + number * DAY_MS
        (found,) = self.journal.rollups(1, period=Period.DAY, start_ms=start, end_ms=start + DAY_MS)
        return found

    def quarters(self) -> list[Interval]:
        self.journal.roll_up()
        return self.journal.rollups(
            1, period=Period.QUARTER_HOUR, start_ms=START_MS, end_ms=START_MS + DAY_MS
        )


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "j.sqlite3")
    yield made
    made.journal.close()


def every(minutes: float, values: Sequence[float], start: float = 0.0) -> list[tuple[float, float]]:
    return [(start + n * minutes, value) for n, value in enumerate(values)]


# -- F27: reset, rollover, replaced, momentary zero, frozen -------------------------------------

CASES: list[tuple[str, list[float], float, str, float]] = [
    # (name, register every 5 minutes, register_max, reason, exact kWh)
    ("reset", [5000, 5001, 5002, 0.5, 1.5, 2.5, 3.5, 4.5], 0, "reset", 6.0),
    ("2^16", [65534, 65535, 0, 1, 2, 3, 4], 65535, "rollover", 6.0),
    ("2^16 given as capacity", [65534, 65535, 0, 1, 2, 3, 4], 65536, "rollover", 6.0),
    ("2^32", [4294967290, 4294967294, 4, 5, 6, 7], 4294967295, "rollover", 13.0),
    ("838860.7", [838860.5, 838860.7, 0.1, 0.3, 0.5, 0.7], 838860.7, "rollover", 1.0),
    ("5 digits, not known", [99980, 15, 16, 17, 18, 19], 0, "rollover", 39.0),
    ("a spike after it", [99980, 99990, 0, 10, 20, 150_000, 150_000, 30, 40], 99999, "spike", 60.0),
    ("zeros now and then", [5321, 0, 5322, 0, 0, 5323, 5324, 5325], 0, "held-zero", 4.0),
    ("one zero", [5321, 0, 5322, 5323, 5324, 5325], 0, "held-zero", 4.0),
    ("three zeros", [5321, 0, 0, 0, 5322, 5323, 5324], 0, "held-zero", 3.0),
    ("zeros that stay", [5321, 5322, 0, 0, 0, 0, 0, 0, 1, 2], 0, "reset", 3.0),
    ("zeros for an hour, then back", [800.0, *[0.0] * 12, 801, 802, 803], 0, "returned", 3.0),
    ("a dip", [5321, 5200, 5322, 5323, 5324], 0, "dip", 3.0),
    ("a spike", [5321, 186227.0865, 5322, 5323, 5324], 0, "spike", 3.0),
    ("a small spike", [5321, 5340, 5322, 5323, 5324], 0, "spike", 3.0),
    ("frozen", [700.0] * 8, 0, "", 0.0),
    ("a jump no campus can make", [100, 90_000, 90_001, 90_002, 90_003], 0, "jump", 3.0),
]


@pytest.mark.parametrize(("name", "values", "highest", "reason", "kwh"), CASES)
def test_a_register_that_misbehaves_costs_no_kilowatt_hour(
    bench: Bench, name: str, values: list[float], highest: float, reason: str, kwh: float
) -> None:
    del name
    bench.send("energy_kwh", every(5, values))
    if highest:
        bench.record(MeterEvent(1, EventKind.REGISTER_MAX, 0, "test", value=highest))
    found = bench.day()
    assert found.amount == pytest.approx(kwh, abs=1e-6)
    assert reason in found.reason.split("+")
    raw = bench.journal.history(1, start_ms=0, end_ms=2**50)
    assert [reading.value for reading in raw] == pytest.approx(values)  # raw is kept for ever


def test_a_register_maximum_may_stand_in_the_devices_limits(bench: Bench) -> None:
    bench.send("energy_kwh", every(5, [40.0, 64.9, 0.3, 0.5, 0.7, 0.9]))
    assert bench.day().amount == pytest.approx(25.5)
    bench.limit(register_max=65.535)
    assert bench.day().amount == pytest.approx(24.9 + 0.936 + 0.6)
    assert "rollover" in bench.day().reason


def test_a_register_maximum_is_a_persons_or_else_the_drivers_or_else_guessed(bench: Bench) -> None:
    bench.send("energy_kwh", every(5, [99_980.0, 15.0, 16.0, 17.0, 18.0, 19.0, 19.0, 19.0, 19.0]))
    assert bench.day().reason == "rollover"
    assert bench.day().amount == pytest.approx(39.0)
    documented = {"native": {"energy": 999_999.99}}
    bench.journal.call(lambda c: dials.declare(c, documented))
    assert bench.day().reason == "reset"
    assert bench.day().amount == pytest.approx(4.0)
    bench.limit(register_max=99_999.0)
    assert bench.day().amount == pytest.approx(39.0)
    bench.limit(register_max=100_001.0)
    bench.record(MeterEvent(1, EventKind.REGISTER_MAX, 0, "王工", value=99_999.0))
    assert bench.day().amount == pytest.approx(39.0)
    bench.journal.call(lambda c: dials.declare(c, {}))
    assert bench.day().amount == pytest.approx(39.0)


def test_a_frame_of_eight_digits_counts_on_at_a_million() -> None:
    shown = dials_of(load_drivers())
    electricity, water = "dlt645:000000004711", "cjt188:11223344556677"
    assert dials.highest(shown, "site-gateway", electricity, "", "energy") == 999_999.99
    assert dials.highest(shown, "site-gateway", water, "", "volume") == 0.0  # five wheels, or six
    assert dials.highest(shown, "x", "dlt645:1", "combined", "energy") == 0.0
    assert Dial(register_max=999_999.99).capacity == 1_000_000.0


def test_a_replaced_meter_is_two_registers(bench: Bench) -> None:
    bench.send("energy_kwh", [(0, 53_000.0), (60, 53_010.0), (180, 7.5), (240, 12.5)])
    bench.limit()
    swap = MeterEvent(
        1, EventKind.SWAP, START_MS + 120 * MINUTE_MS, "王工", "到期轮换", quantity="energy",
        final=53_018.0, initial=5.0, old_serial="A1", new_serial="B2",
    )  # fmt: skip
    bench.record(swap)
    found = bench.day()
    assert found.amount == pytest.approx(10 + 8 + 2.5 + 5)
    assert "swap" in found.reason
    without = MeterEvent(
        1, EventKind.SWAP, START_MS + 300 * MINUTE_MS, "王工", quantity="energy",
        old_serial="B2", new_serial="C3",
    )  # fmt: skip
    bench.record(without)
    bench.send("energy_kwh", [(360, 900.0), (400, 903.0)])
    found = bench.day()
    assert found.amount == pytest.approx(25.5 + 3)
    assert {"swap", "unknown"} <= set(found.reason.split("+"))


def test_a_swap_recorded_late_mends_the_day_and_withdrawn_restores_it(bench: Bench) -> None:
    bench.send("energy_kwh", every(10, [500, 501, 502, 90, 91, 92, 93, 94]))
    before = bench.day()
    assert before.amount == pytest.approx(6.0)
    bench.record(
        MeterEvent(
            1, EventKind.SWAP, START_MS + 25 * MINUTE_MS, "w", quantity="energy",
            final=502.5, initial=89.5,
        )
    )  # fmt: skip
    assert bench.day().amount == pytest.approx(7.0)
    bench.journal.call(
        lambda c: meter_events.withdraw(c, 1, author="w", reason="x", now_ms=START_MS)
    )
    assert bench.day() == before


def test_amounts_since_the_message_before_are_added_up_once(bench: Bench) -> None:
    rows = every(5, [0.25] * 24)
    bench.send("energy_delta_kwh", [*rows, *rows[:7]], redelivered=True)
    found = bench.day()
    assert found.amount == pytest.approx(6.0)
    assert found.estimated == 0
    bench.send("energy_delta_kwh", [(115 + 120, 4.0)])  # two hours of silence: spread, estimated
    found = bench.day()
    assert found.amount == pytest.approx(10.0)
    assert found.estimated == pytest.approx(4.0)
    assert sum(q.amount for q in bench.quarters()[8:16]) == pytest.approx(4.0, abs=0.2)


def test_a_multiplier_counts_from_its_date(bench: Bench) -> None:
    bench.send("energy_kwh", every(5, [n / 10 for n in range(25)]))
    half = START_MS + HOUR_MS
    bench.record(MeterEvent(1, EventKind.MULTIPLIER, half, "w", value=30.0))
    found = bench.day()
    assert found.amount == pytest.approx(1.2 * 1 + 1.2 * 30)
    assert found.high == pytest.approx(2.4)  # the register itself stays as read


def test_a_correction_counts_and_the_registers_word_stays_beside_it(bench: Bench) -> None:
    bench.send("energy_kwh", every(5, [float(n) for n in range(25)]))
    assert bench.day().amount == pytest.approx(24.0)
    event = MeterEvent(
        1, EventKind.AMOUNT, START_MS, "王工", "抄表核对", START_MS + HOUR_MS, "energy", value=10.0
    )
    bench.record(event)
    found = bench.day()
    assert found.amount == pytest.approx(22.0)
    assert found.edited == pytest.approx(10.0)
    assert found.original == pytest.approx(24.0)
    assert "corrected" in found.reason
    bench.send("energy_kwh", [(125, 25.0)])  # life goes on
    assert bench.day().amount == pytest.approx(23.0)


def test_readings_left_out_are_kept_and_not_counted(bench: Bench) -> None:
    values = [float(n) for n in range(12)]
    values[6:9] = [5000.0, 5001.0, 5002.0]  # somebody tested another meter for 15 minutes
    bench.send("energy_kwh", every(5, values))
    low = START_MS + 30 * MINUTE_MS
    bench.record(MeterEvent(1, EventKind.LEAVE_OUT, low, "w", "检修试验", low + QUARTER_MS))
    assert bench.day().amount == pytest.approx(11.0)
    assert len(bench.journal.history(1, start_ms=0, end_ms=2**50)) == 12


@pytest.mark.parametrize(
    "event",
    [
        MeterEvent(1, EventKind.MULTIPLIER, 0, "w", value=0.0),
        MeterEvent(1, EventKind.MULTIPLIER, 0, " ", value=2.0),
        MeterEvent(1, EventKind.SWAP, 0, "w", final=-1.0, quantity="energy"),
        MeterEvent(1, EventKind.SWAP, 0, "w", quantity="volume"),
        MeterEvent(1, EventKind.AMOUNT, 7, "w", "r", QUARTER_MS, "energy", value=1.0),
        MeterEvent(1, EventKind.AMOUNT, 0, "w", "", QUARTER_MS, "energy", value=1.0),
        MeterEvent(9, EventKind.LEAVE_OUT, 0, "w", "r", QUARTER_MS),
    ],
)
def test_what_cannot_be_is_not_recorded(bench: Bench, event: MeterEvent) -> None:
    bench.send("energy_kwh", [(0, 1.0)])
    with pytest.raises(meter_events.MeterEventError):
        bench.record(event)


# -- F28: duplicates, shuffled, DUP at random, retained -----------------------------------------


def test_duplicates_disorder_and_retained_copies_change_nothing(tmp_path: Path) -> None:
    rows = every(5, [100 + n * 0.25 for n in range(288)])
    chance = random.Random(28)
    found = []
    for order in ("plain", "mixed"):
        made = Bench(tmp_path / f"{order}.sqlite3")
        if order == "plain":
            made.send("energy_kwh", rows)
        else:
            thrice = rows * 3
            chance.shuffle(thrice)
            for row in thrice:
                made.send("energy_kwh", [row], redelivered=chance.random() < 0.5)
                if chance.random() < 0.02:
                    made.journal.roll_up()
            for _ in range(3):
                made.send("energy_kwh", rows[-1:], retained=True)
        day, quarters = made.day(), made.quarters()
        assert len(made.journal.history(1, start_ms=0, end_ms=2**50)) == 288
        made.journal.close()
        found.append((day, quarters))
    assert found[0] == found[1]
    assert found[0][0].amount == pytest.approx(287 * 0.25)


def test_a_retained_reading_counts_no_energy(bench: Bench) -> None:
    bench.send("energy_kwh", every(5, [1, 2, 3]))
    bench.send("energy_kwh", [(60, 90.0)], retained=True)
    assert bench.day().amount == pytest.approx(2.0)


# -- T12, T13 -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("running", "expected"), [(96, "continuous"), (70, "intermittent"), (49, "")]
)
def test_t12_how_steadily_water_runs(bench: Bench, running: int, expected: str) -> None:
    value, rows = 100.0, [(0.0, 100.0)]
    for quarter in range(96):
        value += 0.002 if quarter < running else 0.0
        rows.append(((quarter + 1) * 15.0, round(value, 3)))
    bench.send("volume_m3", rows)
    assert flow_pattern(bench.quarters()[:96]) == expected


def test_t13_rollover_and_reset(bench: Bench) -> None:
    assert fallen(99_980.0, 15.0) == (35.0, "rollover")
    assert fallen(50_000.0, 12.0) == (0.0, "reset")
    bench.send("energy_kwh", every(5, [99_980.0, 15.0]))
    assert bench.day().amount == pytest.approx(35.0)
    bench.send("energy_kwh", every(5, [50_000.0, 12.0], start=60))
    # 15 -> 50,000 is more than can pass; 50,000 -> 12 tells nothing: both are unknown.
    assert bench.day().amount == pytest.approx(35.0)


# -- days where clocks change -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day_ms", "quarters"), [(1_774_738_800_000, 92), (1_792_879_200_000, 100)]
)
def test_a_day_has_as_many_quarter_hours_as_it_lasts(
    tmp_path: Path, day_ms: int, quarters: int
) -> None:
    zone = ZoneInfo("Europe/Berlin")
    clock = ManualClock(day_ms + 2 * DAY_MS)
    journal = Journal(tmp_path / "j.sqlite3", zone=zone, arithmetic=intervals, clock=clock)
    journal.open()
    decoder = Decoder(load_drivers(), clock=clock)
    for number in range(-4, quarters + 8):
        at_ms = day_ms + number * QUARTER_MS
        body = json.dumps({"at": at_ms, "readings": {"energy_kwh": 100 + number}}).encode()
        journal.append(list(decoder.decode(Message("caretaker/1/s/m/readings", body, at_ms))))
    journal.roll_up()
    days = journal.rollups(1, period=Period.DAY, start_ms=day_ms, end_ms=day_ms + DAY_MS)
    journal.close()
    assert days[0].start_ms == day_ms
    assert days[0].end_ms - days[0].start_ms == quarters * QUARTER_MS
    assert days[0].amount == pytest.approx(quarters)
