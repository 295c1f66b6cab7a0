"""Meter frames as lines and gateways carry them: in parts, in noise, in every spelling, in sets."""

import base64
import json
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.clock import ManualClock
from caretaker.vocabulary import Arrival, RejectReason
from ingest.decoder import Decoder
from ingest.driver import load_drivers
from ingest.transport.port import Message
from tests.ingest.test_meter_frames import GOOD, cjt188_frame, dlt645_frame

NOW_MS = 1_795_525_200_000
DRIVERS = load_drivers()
METER = "000000004711"
REGISTERS = "".join(f"{n:02d}100000" for n in range(1, 6))  # 10.01 kWh to 10.05 kWh
CHANNELS = ("", "sharp", "peak", "flat", "valley")
EXPECTED = {f"{name}/energy": 10 + n / 100 for n, name in enumerate(CHANNELS, 1)}


def decoder() -> Decoder:
    return Decoder(DRIVERS, clock=ManualClock(NOW_MS))


DECODER = decoder()


def hear(*payloads: bytes, by: Decoder | None = None, after_ms: int = 1_000) -> list[Arrival]:
    by = by or decoder()
    return [
        arrival
        for index, payload in enumerate(payloads)
        for arrival in by.decode(Message("line/1", payload, NOW_MS + index * after_ms))
    ]


def read(arrivals: list[Arrival]) -> dict[str, float]:
    found = [(f"{m.channel}/{m.quantity}", m.value) for a in arrivals for m in a.measured]
    assert len(found) == len(dict(found)), "an item was read twice"
    return dict(found)


def refusals(arrivals: list[Arrival]) -> list[RejectReason]:
    return [r.reason for a in arrivals for r in a.rejected]


def parts(version: int, body: bytes, cuts: list[int]) -> list[bytes]:
    """Return the frames of one reply cut at these bytes, as a meter sends them one by one."""
    first, more, last = (0xB1, 0xB2, 0x92) if version == 2007 else (0xA1, 0xA2, 0x82)
    name = bytes.fromhex("00ff0100" if version == 2007 else "1f90")
    edges = [0, *cuts, len(body)]
    frames: list[bytes] = []
    for index, (start, end) in enumerate(pairwise(edges)):
        control = first if not index else more if end < len(body) else last
        sequence = bytes([index]) if index and version == 2007 else b""
        frames.append(dlt645_frame(METER, control, name + body[start:end] + sequence))
    return frames


@given(
    st.sampled_from([1997, 2007]),
    st.sets(st.integers(1, 19), min_size=1, max_size=4),
    st.booleans(),
)
def test_a_reply_in_parts_is_read_whole_wherever_it_is_cut(
    version: int, cuts: set[int], in_one_message: bool
) -> None:
    frames = parts(version, bytes.fromhex(REGISTERS), sorted(cuts))
    payloads = [b"\xfe".join(frames)] if in_one_message else frames
    assert read(hear(*payloads)) == pytest.approx(EXPECTED)


def test_a_reply_in_parts_is_not_joined_over_a_gap_or_after_a_minute() -> None:
    frames = parts(2007, bytes.fromhex(REGISTERS), [8, 12])
    gap = hear(frames[0], frames[2])
    assert read(gap) == pytest.approx(dict(list(EXPECTED.items())[:2]))
    assert refusals(gap) == [RejectReason.WRONG_SHAPE]
    late = hear(frames[0], frames[1], after_ms=120_000)
    assert len(read(late)) == 2
    assert refusals(late) == [RejectReason.WRONG_SHAPE]


def test_two_meters_on_one_line_do_not_mix_their_parts() -> None:
    mine = parts(2007, bytes.fromhex(REGISTERS), [8])
    other = bytearray(parts(2007, bytes.fromhex("77" * 20), [8])[1])
    other[1] ^= 1
    other[-2] ^= (
        1 if other[-2] ^ 1 == sum(other[:-2]) & 0xFF else other[-2] ^ (sum(other[:-2]) & 0xFF)
    )
    arrivals = hear(mine[0], bytes(other), mine[1])
    assert read(arrivals) == pytest.approx(EXPECTED)
    assert refusals(arrivals) == [RejectReason.WRONG_SHAPE]


def test_sets_of_blocks_of_1997() -> None:
    values = "2002 2102 1902 AA 5012 0000 0100 AA 005001 000001 002500 002500 AA"
    values += "5000 2000 1000 2000 AA 9809 9909 0010 9509 AA"
    arrivals = hear(dlt645_frame(METER, 0x81, bytes.fromhex("ffb6" + values)))
    found = read(arrivals)
    assert len(found) == 3 + 3 + 4 + 4 + 4
    assert found["b/voltage"] == 221
    assert found["c/power_factor"] == pytest.approx(0.995)
    both = hear(dlt645_frame(METER, 0x81, bytes.fromhex("ff90 01100000 02100000AA 03100000AA")))
    assert read(both) == pytest.approx(
        {"/energy": 10.01, "sharp/energy": 10.02, "/energy_export": 10.03}
    )
    unmarked = hear(dlt645_frame(METER, 0x81, bytes.fromhex("ffb6 2002 2102 1902 5012 0000 0100")))
    assert not read(unmarked)
    assert refusals(unmarked) == [RejectReason.WRONG_SHAPE]


@pytest.mark.parametrize(
    ("identifier", "body", "reasons"),
    [
        ("04000101", "26112604", []),  # date and weekday
        ("04000102", "304512", []),
        ("04000306", "010000", []),  # ratio of the current transformer
        ("0280000A", "00100000", []),
        ("02800020", "00500000", []),
        ("000B0000", "00100000", [RejectReason.NOT_LIVE]),  # used in this period
        ("01010000", "0050002611261045", [RejectReason.NOT_LIVE]),
        ("05060101", "00100000", [RejectReason.NOT_LIVE]),
        ("06010001", "00100000", [RejectReason.NOT_LIVE]),
    ],
)
def test_what_is_known_and_no_reading(
    identifier: str, body: str, reasons: list[RejectReason]
) -> None:
    data = bytes.fromhex(identifier)[::-1] + bytes.fromhex(body)
    arrivals = hear(dlt645_frame(METER, 0x91, data), by=DECODER)
    assert not read(arrivals)
    assert refusals(arrivals) == reasons


SPELLINGS: dict[str, Callable[[bytes], bytes]] = {
    "base64": base64.b64encode,
    "base64 without padding": lambda frame: base64.b64encode(frame).rstrip(b"="),
    "base64 for addresses": base64.urlsafe_b64encode,
    "base64 in JSON": lambda frame: json.dumps(
        {"d": base64.urlsafe_b64encode(frame).decode()}
    ).encode(),
    "base64 in PHP's JSON": lambda frame: (
        json.dumps({"d": base64.b64encode(frame).decode()}).replace("/", "\\/").encode()
    ),
    "Java's bytes": lambda frame: json.dumps(
        [byte - 256 if byte > 127 else byte for byte in frame]
    ).encode(),
    "hex pairs": lambda frame: json.dumps({"rx": [f"{byte:02x}" for byte in frame]}).encode(),
    "escapes": lambda frame: "".join(f"\\x{byte:02x}" for byte in frame).encode(),
    "a log line": lambda frame: b"[rx] COM3: " + frame.hex(" ").upper().encode() + b" <EOF>",
    "JSON in JSON": lambda frame: json.dumps(
        {"msg": json.dumps({"resp": frame.hex(" ")})}
    ).encode(),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("frame", GOOD, ids=["total", "block", "water", "1997"])
def test_a_frame_is_found_in_every_spelling(spelling: str, frame: bytes) -> None:
    plain = read(hear(frame, by=DECODER))
    assert plain
    assert read(hear(SPELLINGS[spelling](frame), by=DECODER)) == plain


@given(st.binary(max_size=30), st.sampled_from(GOOD), st.binary(max_size=30))
def test_noise_before_and_after_hides_no_frame(before: bytes, frame: bytes, after: bytes) -> None:
    found = read(hear(before + frame + after, by=DECODER))
    assert found == read(hear(frame, by=DECODER))


@pytest.mark.parametrize("frame", GOOD, ids=["total", "block", "water", "1997"])
def test_a_frame_cut_off_before_a_good_one_hides_it_not(frame: bytes) -> None:
    for cut in range(1, len(frame)):
        assert read(hear(frame[:cut] + frame, by=DECODER)) == read(hear(frame, by=DECODER))


@given(
    st.integers(0, 99_999_998),
    st.sampled_from([0x10, 0x11, 0x12, 0x13, 0x19, 0x30, 0x39]),
    st.integers(0, 99_999_999_999_999),
    st.sampled_from(["901f", "1f90"]),
)
def test_a_water_or_gas_meter_is_read_as_its_standard_writes(
    count: int, kind: int, meter: int, name: str
) -> None:
    register = bytes.fromhex(f"{count:08d}")[::-1] + b"\x2c"
    body = bytes.fromhex(name + "07") + register + bytes(5) + bytes(9)
    arrivals = hear(cjt188_frame(f"{meter:014d}", kind, body), by=DECODER)
    quantity = "gas_volume" if kind >> 4 == 3 else "volume"
    assert read(arrivals) == {f"/{quantity}": pytest.approx(count / 100)}
    assert arrivals[0].device == f"cjt188:{meter:014d}"


@pytest.mark.parametrize(
    ("identifier", "reasons"),
    [
        ("810a", []),
        ("0381", []),  # some send the bytes swapped
        ("d120", [RejectReason.NOT_LIVE]),
        ("20d1", [RejectReason.NOT_LIVE]),
        ("1234", [RejectReason.UNKNOWN_QUANTITY]),
    ],
)
def test_what_a_water_meter_says_besides_its_register(
    identifier: str, reasons: list[RejectReason]
) -> None:
    body = bytes.fromhex(identifier + "00" + "0012340000")
    arrivals = hear(cjt188_frame("00000000081234", 0x10, body), by=DECODER)
    assert not read(arrivals)
    assert refusals(arrivals) == reasons
