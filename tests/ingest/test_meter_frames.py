"""Meter frames: every valid one is read, no spoiled one is, and no bytes raise."""

import json
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
        if "another unit" in row["notes"]:
            continue  # a litre register: read, by its unit byte, without an expectation
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
        ("01010000", "521300" + "0508010926", {"maximum/demand": 0.1352}),
    ],
)
def test_registers_by_the_table_of_the_standard(
    identifier: str, body: str, found: dict[str, float]
) -> None:
    data = bytes.fromhex(identifier)[::-1] + bytes.fromhex(body)
    (arrival,) = heard(dlt645_frame("000000004711", 0x91, data))
    read = {f"{m.channel}/{m.quantity}": m.value for m in arrival.measured}
    assert {name: read.get(name) for name in found} == pytest.approx(found)


@pytest.mark.parametrize("identifier", ["00010001", "0001000C", "05010001", "06000001", "0001FF01"])
def test_past_registers_are_no_readings(identifier: str) -> None:
    data = bytes.fromhex(identifier)[::-1] + bytes.fromhex("26080000")
    (arrival,) = heard(dlt645_frame("000000004711", 0x91, data))
    assert not arrival.measured
    assert [r.reason for r in arrival.rejected] == [RejectReason.NOT_LIVE]


@given(st.binary(max_size=300))
def test_no_bytes_raise(data: bytes) -> None:
    for item in octets(data):
        for frame in (*dlt645.frames(item), *cjt188.frames(item)):
            if isinstance(frame, dlt645.Frame):
                list(dlt645.values(frame))
            elif isinstance(frame, cjt188.Frame):
                list(cjt188.values(frame))
    assert heard(data)[0].driver in {"meter_frames", ""} or heard(data)[0].rejected


@given(
    st.integers(0, 0xFFFFFFFF), st.binary(max_size=60), st.sampled_from([0x91, 0xB1, 0x92, 0xD1])
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


@pytest.mark.parametrize("frame", GOOD, ids=["total", "block", "water"])
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
