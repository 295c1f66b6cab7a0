"""Meter frames: every valid one is read, no spoiled one is, and no bytes raise."""

import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.clock import ManualClock
from caretaker.vocabulary import Arrival, Rejected, RejectReason
from ingest.codecs import cjt188, dlt645
from ingest.codecs.octets import octets
from ingest.decoder import Decoder
from ingest.driver import load_drivers
from ingest.transport.port import Message

NOW_MS = 1_795_525_200_000
DECODER = Decoder(load_drivers(), clock=ManualClock(NOW_MS))
QUANTITY = {
    "energy_active_import": "energy",
    "energy_active_total": "energy",
    "power_active": "power",
    "power_reactive": "reactive_power",
    "power_apparent": "apparent_power",
    "volume_water": "volume",
}


def dlt645_frame(meter: str, control: int, data: bytes) -> bytes:
    body = b"\x68" + bytes.fromhex(meter)[::-1] + b"\x68" + bytes([control, len(data)])
    body += bytes((byte + 0x33) & 0xFF for byte in data)
    return body + bytes([sum(body) & 0xFF, 0x16])


def cjt188_frame(meter: str, kind: int, data: bytes) -> bytes:
    body = b"\x68" + bytes([kind]) + bytes.fromhex(meter)[::-1] + bytes([0x81, len(data)]) + data
    return body + bytes([sum(body) & 0xFF, 0x16])


GOOD = (
    dlt645_frame("000000004711", 0x91, bytes.fromhex("0000010026080000")),
    dlt645_frame("000000004711", 0x91, bytes.fromhex("00ff0102") + bytes.fromhex("062215220722")),
    cjt188_frame(
        "00000000081234", 0x10, bytes.fromhex("901f00573412002c003012002c00000801092620" + "0000")
    ),
    dlt645_frame("000000004711", 0x81, bytes.fromhex("1090") + bytes.fromhex("50861200")),
)


def heard(payload: bytes, topic: str = "any/gateway") -> tuple[Arrival, ...]:
    return DECODER.decode(Message(topic, payload, NOW_MS))


def forms(frame: bytes) -> list[bytes]:
    text = frame.hex()
    spaced = " ".join(text[at : at + 2] for at in range(0, len(text), 2))
    return [
        frame,
        text.encode(),
        spaced.upper().encode(),
        json.dumps({"id": 7, "resp": {"data": spaced}}).encode(),
    ]


@pytest.mark.parametrize("form", range(4))
def test_every_frame_of_real_meters(form: int, payloads: Path) -> None:
    valid = 0
    lines = (payloads / "09_chinese_gateways.jsonl").read_text(encoding="utf-8").splitlines()
    for line in lines:
        row = json.loads(line)
        if not isinstance(row["payload"], dict) or "hex" not in row["payload"]:
            continue
        arrivals = heard(forms(bytes.fromhex(row["payload"]["hex"]))[form])
        found = [(m.quantity, pytest.approx(m.value)) for a in arrivals for m in a.measured]
        if "checksum wrong" in row["notes"]:
            assert [r.reason for a in arrivals for r in a.rejected] == [RejectReason.BAD_CHECKSUM]
        if "another register" in row["notes"]:
            continue  # read by the table, without an expectation
        expected = [(QUANTITY.get(e["quantity"], e["quantity"]), e["value"]) for e in row["expect"]]
        assert found == expected, row["notes"]
        valid += bool(expected)
        if expected:
            assert row["device"].split()[-1].rstrip(")") in arrivals[0].device
    assert valid >= 20


def test_several_frames_of_two_standards_in_one_message() -> None:
    body = json.dumps({"meters": [{"raw": frame.hex()} for frame in GOOD]}).encode()
    arrivals = heard(body)
    assert {a.device: len(a.measured) for a in arrivals} == {
        "dlt645:000000004711": 4,
        "cjt188:00000000081234": 1,
    }
    assert heard(b"\xfe\xfe".join(GOOD))[0].measured == arrivals[0].measured


@pytest.mark.parametrize(
    ("identifier", "body", "found"),
    [
        ("00000000", "26080000", {"combined/energy": 8.26}),
        ("00020000", "00100000", {"/energy_export": 10.0}),
        ("00050000", "00100000", {"quadrant_1/reactive_energy": 10.0}),
        ("00010200", "00100000", {"peak/energy": 10.0}),
        ("00090000", "00100000", {"/apparent_energy": 10.0}),
        ("00290000", "00100000", {"b/energy": 10.0}),
        ("000100FF", "0010000000090000", {"/energy": 10.0}),
        ("02020100", "524180", {"a/current": -4.152}),
        ("0203FF00", "521300000100000200520900", {"/power": 0.1352, "a/power": 0.01}),
        ("02060000", "0010", {"/power_factor": 1.0}),
        ("02800001", "250000", {"neutral/current": 0.025}),
        ("02800002", "9949", {"/frequency": 49.99}),
        ("02800007", "5582", {"/device_temperature": -25.5}),
        ("02800004", "521300", {"/demand": 0.1352}),
        ("00150000", "00100000", {"a/energy": 10.0}),
        ("003D0000", "00100000", {"c/energy": 10.0}),
        ("001D0000", "00100000", {"a/apparent_energy": 10.0}),
    ],
)
def test_registers_by_the_table_of_the_standard(
    identifier: str, body: str, found: dict[str, float]
) -> None:
    data = bytes.fromhex(identifier)[::-1] + bytes.fromhex(body)
    (arrival,) = heard(dlt645_frame("000000004711", 0x91, data))
    read = {f"{m.channel}/{m.quantity}": m.value for m in arrival.measured}
    assert {name: read.get(name) for name in found} == pytest.approx(found)


@pytest.mark.parametrize(
    "identifier",
    [
        "01010000",
        "0102FF00",
        "03300001",
        "10010001",
        "00010001",
        "0001000C",
        "05010001",
        "06000001",
        "0001FF01",
    ],
)
def test_past_registers_are_no_readings(identifier: str) -> None:
    data = bytes.fromhex(identifier)[::-1] + bytes.fromhex("26080000")
    (arrival,) = heard(dlt645_frame("000000004711", 0x91, data))
    assert not arrival.measured
    assert [r.reason for r in arrival.rejected] == [RejectReason.NOT_LIVE]


@dataclass(frozen=True, slots=True)
class Item:
    """A row of a standard's table, as its text has it: `XXX.X` is three digits and one decimal."""

    version: int
    identifier: str
    form: str
    quantity: str
    channel: str = ""
    signed: bool = False

    def data(self, digits: int, *, negative: bool = False) -> bytes:
        """Return identifier and value, each low byte first, two digits a byte."""
        text = str(digits).zfill(self.form.count("X"))
        value = bytearray(int(pair, 16) for pair in reversed(pairs(text)))
        value[-1] |= 0x80 if negative else 0
        return bytes(int(pair, 16) for pair in reversed(pairs(self.identifier))) + bytes(value)

    def value(self, digits: int) -> float:
        """Return what the digits are worth."""
        return float(Fraction(digits, 10 ** len(self.form.partition(".")[2])))


def pairs(text: str) -> list[str]:
    return [text[at : at + 2] for at in range(0, len(text), 2)]


ENERGY, POWER, SMALL = "XXXXXX.XX", "XX.XXXX", "XX.XX"
TABLE = (
    Item(1997, "9010", ENERGY, "energy"),
    Item(1997, "9011", ENERGY, "energy", "sharp"),
    Item(1997, "9014", ENERGY, "energy", "valley"),
    Item(1997, "9015", ENERGY, "energy", "tariff_5"),
    Item(1997, "9020", ENERGY, "energy_export"),
    Item(1997, "9110", ENERGY, "reactive_energy"),
    Item(1997, "9120", ENERGY, "reactive_energy_export"),
    Item(1997, "9130", ENERGY, "reactive_energy", "quadrant_1"),
    Item(1997, "9140", ENERGY, "reactive_energy", "quadrant_4"),
    Item(1997, "9150", ENERGY, "reactive_energy", "quadrant_2"),
    Item(1997, "9160", ENERGY, "reactive_energy", "quadrant_3"),
    Item(1997, "B611", "XXXX", "voltage", "a"),
    Item(1997, "B613", "XXXX", "voltage", "c"),
    Item(1997, "B622", SMALL, "current", "b"),
    Item(1997, "B630", POWER, "power"),
    Item(1997, "B633", POWER, "power", "c"),
    Item(1997, "B640", SMALL, "reactive_power"),
    Item(2007, "00010000", ENERGY, "energy"),
    Item(2007, "00010300", ENERGY, "energy", "flat"),
    Item(2007, "00020100", ENERGY, "energy_export", "sharp"),
    Item(2007, "00060000", ENERGY, "reactive_energy", "quadrant_2"),
    Item(2007, "00290000", ENERGY, "energy", "b"),
    Item(2007, "003E0000", ENERGY, "energy_export", "c"),
    Item(2007, "02010100", "XXX.X", "voltage", "a"),
    Item(2007, "02020200", "XXX.XXX", "current", "b", signed=True),
    Item(2007, "02030000", POWER, "power", signed=True),
    Item(2007, "02040300", POWER, "reactive_power", "c", signed=True),
    Item(2007, "02050000", POWER, "apparent_power"),
    Item(2007, "02800001", "XXX.XXX", "current", "neutral", signed=True),
    Item(2007, "02800003", POWER, "power", "minute_mean", signed=True),
)
REPLY = {1997: (0x81, 0xA1), 2007: (0x91, 0xB1)}


@given(
    st.sampled_from(TABLE),
    st.integers(0, 799_999),
    st.booleans(),
    st.integers(0, 999_999_999_998),
    st.integers(0, 1),
    st.integers(0, 4),
)
def test_what_an_encoder_of_the_standard_writes_is_read(
    item: Item, digits: int, negative: bool, meter: int, follows: int, awake: int
) -> None:
    digits %= 8 * 10 ** (len(item.form.replace(".", "")) - 1)
    negative = negative and item.signed
    data = item.data(digits, negative=negative)
    frame = dlt645_frame(f"{meter:012d}", REPLY[item.version][follows], data)
    (arrival,) = heard(b"\xfe" * awake + frame)
    value = -item.value(digits) if negative else item.value(digits)
    assert arrival.device == f"dlt645:{meter:012d}"
    (read,) = arrival.measured
    assert (read.channel, read.quantity) == (item.channel, item.quantity)
    assert read.value == pytest.approx(value)


@pytest.mark.parametrize(
    ("identifier", "body", "found"),
    [
        ("901F", "00010000 00020000 00030000 00040000 00050000 AA",
         {"/energy": 1.0, "sharp/energy": 2.0, "peak/energy": 3.0, "flat/energy": 4.0,
          "valley/energy": 5.0}),
        ("901F", "00010000AA 00020000AA", {"/energy": 1.0, "sharp/energy": 2.0}),
        ("B61F", "2002 2102 1902", {"a/voltage": 220, "b/voltage": 221, "c/voltage": 219}),
        ("B62F", "5012AA 0000AA 0100AA",
         {"a/current": 12.5, "b/current": 0.0, "c/current": 0.01}),
        ("B63F", "005001 000001 002500 002500",
         {"/power": 1.5, "a/power": 1.0, "b/power": 0.25, "c/power": 0.25}),
        ("B65F", "0010 9809", {"/power_factor": 1.0, "a/power_factor": 0.998}),
    ],
)  # fmt: skip
def test_blocks_of_1997(identifier: str, body: str, found: dict[str, float]) -> None:
    data = bytes.fromhex(identifier)[::-1] + bytes.fromhex(body)
    (arrival,) = heard(dlt645_frame("000000004711", 0x81, data))
    assert {f"{m.channel}/{m.quantity}": m.value for m in arrival.measured} == pytest.approx(found)
    assert not arrival.rejected


@pytest.mark.parametrize("identifier", ["9410", "9810", "951F", "A010", "B010", "A410"])
def test_past_registers_and_maxima_of_1997_are_no_readings(identifier: str) -> None:
    data = bytes.fromhex(identifier)[::-1] + bytes.fromhex("26080000")
    (arrival,) = heard(dlt645_frame("000000004711", 0x81, data))
    assert not arrival.measured
    assert [r.reason for r in arrival.rejected] == [RejectReason.NOT_LIVE]


@pytest.mark.parametrize(("control", "identifier"), [(0x82, "901F"), (0x92, "0001FF00")])
def test_a_follow_up_without_its_beginning_has_no_place(control: int, identifier: str) -> None:
    data = bytes.fromhex(identifier)[::-1] + bytes.fromhex("0010000000200000")
    (arrival,) = heard(dlt645_frame("000000004711", control, data))
    assert not arrival.measured
    assert arrival.rejected


@pytest.mark.parametrize("control", [0xC1, 0xD1])
def test_an_error_reply_is_told(control: int) -> None:
    (arrival,) = heard(dlt645_frame("000000004711", control, b"\x02"))
    assert [r.reason for r in arrival.rejected] == [RejectReason.DEVICE_ERROR]


def test_a_reply_under_the_wildcard_is_that_of_the_only_meter_of_its_line() -> None:
    data = bytes.fromhex("0000010026080000")
    (arrival,) = heard(dlt645_frame("aaaaaaaaaaaa", 0x91, data), "school/line-3")
    assert arrival.device == "dlt645:school/line-3"
    (short,) = heard(dlt645_frame("aaaaaaaa4711", 0x91, data))
    assert short.device == "dlt645:000000004711"


def test_a_register_with_a_byte_too_many_is_none() -> None:
    (arrival,) = heard(dlt645_frame("000000004711", 0x91, bytes.fromhex("000001002608000001")))
    assert not arrival.measured
    assert [r.reason for r in arrival.rejected] == [RejectReason.WRONG_SHAPE]


def test_litres_wait_since_nobody_proves_their_decimals() -> None:
    body = bytes.fromhex("901f00 4770010029 0000000029 00000000000000 0000")
    (arrival,) = heard(cjt188_frame("00000000081234", 0x10, body))
    assert not arrival.measured
    assert [r.reason for r in arrival.rejected] == [RejectReason.UNKNOWN_UNIT]


def test_a_heat_meter_that_writes_its_units_first() -> None:
    body = "901f00 0500001000 0500501200 1700340000 3517500000 2c03560000 655000 254800"
    (arrival,) = heard(cjt188_frame("00000000099321", 0x20, bytes.fromhex(body)))
    assert {f"{m.channel}/{m.quantity}": m.value for m in arrival.measured} == pytest.approx(
        {"/heat_energy": 1250.0, "/heat_power": 34.0, "/heat_flow": 0.5017,
         "/heat_volume": 56.03, "supply/temperature": 50.65, "return/temperature": 48.25}
    )  # fmt: skip


def test_frames_as_numbers_and_with_prefixes_are_found() -> None:
    for text in (
        json.dumps({"port": 1, "bytes": list(GOOD[0])}),
        " ".join(f"0x{byte:02X}," for byte in GOOD[0]),
        json.dumps({"rx": ", ".join(f"0x{byte:02x}" for byte in GOOD[0])}),
    ):
        assert [m.value for a in heard(text.encode()) for m in a.measured] == [8.26]


def test_a_meter_of_cold_counts_cold() -> None:
    body = "901f000000100005005012000500341200170000175035000356002c120700180700"
    frame = cjt188_frame("00000000099321", 0x21, bytes.fromhex(body))
    (arrival,) = heard(frame)
    assert ("cooling_energy", 1250.0) in [(m.quantity, m.value) for m in arrival.measured]


@given(st.binary(max_size=300))
def test_no_bytes_raise(data: bytes) -> None:
    for item in octets(data):
        for frame in (*dlt645.frames(item), *cjt188.frames(item)):
            if isinstance(frame, dlt645.Frame):
                list(dlt645.values(frame))
            elif isinstance(frame, cjt188.Frame):
                list(cjt188.values(frame))
    reasons = [refusal.reason for arrival in heard(data) for refusal in arrival.rejected]
    assert RejectReason.DRIVER_FAULT not in reasons


@given(
    st.integers(0, 0xFFFFFFFF),
    st.binary(max_size=60),
    st.sampled_from([0x91, 0xB1, 0x92, 0xD1, 0x81, 0xA1, 0xC1]),
)
def test_any_reply_with_a_valid_checksum_is_judged(number: int, body: bytes, control: int) -> None:
    frame = dlt645_frame("000000000001", control, number.to_bytes(4, "little") + body)
    for arrival in heard(frame):
        assert all(reading.device == "dlt645:000000000001" for reading in (arrival,)) or not (
            arrival.measured
        )


@given(st.sampled_from(GOOD), st.data())
def test_a_flipped_bit_never_makes_a_reading_of_a_spoiled_frame(
    frame: bytes, data: st.DataObject
) -> None:
    bit = data.draw(st.integers(0, len(frame) * 8 - 1))
    spoiled = bytearray(frame)
    spoiled[bit // 8] ^= 1 << bit % 8
    assert not any(arrival.measured for arrival in heard(bytes(spoiled)))


@pytest.mark.parametrize("frame", GOOD, ids=["total", "block", "water", "1997"])
def test_a_frame_cut_at_any_byte_gives_no_reading(frame: bytes) -> None:
    for cut in range(len(frame)):
        assert not any(arrival.measured for arrival in heard(frame[:cut]))
        assert not any(arrival.measured for arrival in heard(frame[:cut].hex().encode()))


def test_a_spoiled_frame_is_refused_once_and_the_good_one_beside_it_is_read() -> None:
    spoiled = bytearray(GOOD[0])
    spoiled[-2] ^= 0xFF
    arrivals = heard(bytes(spoiled) + GOOD[2])
    assert [r.reason for a in arrivals for r in a.rejected] == [RejectReason.BAD_CHECKSUM]
    assert [a.device for a in arrivals if a.measured] == ["cjt188:00000000081234"]


def test_bcd_is_strict() -> None:
    found = next(iter(dlt645.values(dlt645.Frame("1", 0x91, bytes.fromhex("000001000a000000")))))
    assert isinstance(found, Rejected)
    assert found.reason is RejectReason.NOT_BCD
