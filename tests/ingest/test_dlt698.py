"""DL/T 698.45: what an encoder of the standard writes is read, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.clock import ManualClock
from caretaker.vocabulary import Arrival, RejectReason
from ingest.codecs import dlt698
from ingest.decoder import Decoder
from ingest.driver import load_drivers
from ingest.transport.port import Message

NOW_MS = 1_795_525_200_000
DECODER = Decoder(load_drivers(), clock=ManualClock(NOW_MS))
UINT32, INT32, UINT16, INT16, NULL = 0x06, 0x05, 0x12, 0x10, 0x00
SIZES = {UINT32: 4, INT32: 4, UINT16: 2, INT16: 2}


def crc(data: bytes) -> bytes:
    """CRC-16 of ISO/IEC 13239, worked out by its polynomial over all bits at once."""
    bits = [(byte >> n) & 1 for byte in data for n in range(8)]
    register = 0xFFFF
    for bit in bits:
        register = register >> 1 ^ (0x8408 if (register ^ bit) & 1 else 0)
    return (register ^ 0xFFFF).to_bytes(2, "little")


def frame(meter: str, apdu: bytes, control: int = 0xC3) -> bytes:
    address = bytes.fromhex(meter)[::-1]
    size = 2 + 1 + 1 + len(address) + 1 + 2 + len(apdu) + 2
    head = size.to_bytes(2, "little") + bytes([control, len(address) - 1]) + address + b"\x10"
    body = head + crc(head) + apdu
    return b"\x68" + body + crc(body) + b"\x16"


def item(kind: int, number: int) -> bytes:
    if kind == NULL:
        return b"\x00"
    return bytes([kind]) + number.to_bytes(SIZES[kind], "big", signed=kind in {INT32, INT16})


def answer(oad: str, first: bytes, *more: bytes) -> bytes:
    data = bytes([0x01, 1 + len(more)]) + first + b"".join(more) if more else first
    return b"\x85\x01\x00" + bytes.fromhex(oad) + b"\x01" + data + b"\x00\x00"


def hear(*frames: bytes) -> list[Arrival]:
    return list(DECODER.decode(Message("line/1", b"\xfe\xfe".join(frames), NOW_MS)))


def read(arrivals: list[Arrival]) -> dict[str, float]:
    return {f"{m.channel}/{m.quantity}": m.value for a in arrivals for m in a.measured}


TARIFFS = ("", "sharp", "peak", "flat", "valley")
PHASES = ("a", "b", "c")
CASES = [
    ("00100200", UINT32, "energy", TARIFFS, 100, 1.0),
    ("00110400", UINT32, "energy", tuple(f"a_{t}".strip("_") for t in TARIFFS), 10_000, 1.0),
    ("00200200", UINT32, "energy_export", TARIFFS, 100, 1.0),
    ("20000200", UINT16, "voltage", PHASES, 10, 1.0),
    ("20010200", INT32, "current", PHASES, 1_000, 1.0),
    ("20040200", INT32, "power", ("", *PHASES), 10, 1e-3),
    ("20050200", INT32, "reactive_power", ("", *PHASES), 10, 1e-3),
    ("200A0200", INT16, "power_factor", ("", *PHASES), 1_000, 1.0),
]


@given(
    st.sampled_from(CASES),
    st.lists(st.integers(0, 999), min_size=3, max_size=5),
    st.booleans(),
    st.integers(0, 999_999_999_998),
)
def test_what_an_encoder_writes_is_read(
    case: tuple[str, int, str, tuple[str, ...], int, float],
    numbers: list[int],
    negative: bool,
    meter: int,
) -> None:
    oad, kind, quantity, channels, scale, unit = case
    sign = -1 if negative and kind in {INT32, INT16} else 1
    numbers = [sign * number for number in numbers[: len(channels)]]
    arrivals = hear(frame(f"{meter:012d}", answer(oad, *(item(kind, n) for n in numbers))))
    expected = {
        f"{c}/{quantity}": n / scale * unit for c, n in zip(channels, numbers, strict=False)
    }
    assert read(arrivals) == pytest.approx(expected)
    assert arrivals[0].device == f"dlt645:{meter:012d}"  # the number is that of DL/T 645


def test_one_of_an_array_stands_where_its_index_says() -> None:
    assert read(hear(frame("000000004711", answer("00100203", item(UINT32, 12_345))))) == {
        "peak/energy": 123.45
    }
    assert read(hear(frame("000000004711", answer("20000202", item(UINT16, 2_215))))) == {
        "b/voltage": 221.5
    }


def test_several_objects_in_one_answer_one_of_which_is_not_there() -> None:
    objects = [
        bytes.fromhex("00100201") + b"\x01" + item(UINT32, 500),
        bytes.fromhex("200F0200") + b"\x00\x04",
        bytes.fromhex("20000200") + b"\x01\x01\x03" + item(UINT16, 2_200) + b"\x00\x00",
    ]
    apdu = b"\x85\x02\x00\x03" + b"".join(objects) + b"\x00\x00"
    arrivals = hear(frame("000000004711", apdu))
    assert read(arrivals) == {"/energy": 5.0, "a/voltage": 220.0}
    assert [r.reason for a in arrivals for r in a.rejected] == [RejectReason.DEVICE_ERROR]


@pytest.mark.parametrize(
    ("apdu", "reasons"),
    [
        (answer("40000200", bytes.fromhex("1C07EA0B180E3B37")), []),  # its clock
        (answer("40010200", bytes.fromhex("0906000000004711")), []),  # its number
        (answer("10100200", item(UINT32, 5)), [RejectReason.NOT_LIVE]),
        (bytes.fromhex("8503005004020000000000"), [RejectReason.NOT_LIVE]),
        (answer("00100200", b"\x7f"), [RejectReason.WRONG_SHAPE]),
        (answer("00100200", item(UINT32, 5))[:-4], [RejectReason.WRONG_SHAPE]),
        (bytes.fromhex("0501000010020000"), []),  # a request by its service
    ],
)
def test_what_is_no_reading(apdu: bytes, reasons: list[RejectReason]) -> None:
    arrivals = hear(frame("000000004711", apdu))
    assert not read(arrivals)
    assert [r.reason for a in arrivals for r in a.rejected] == reasons


def test_scrambled_and_secured_answers_in_plain_text() -> None:
    plain = answer("00100201", item(UINT32, 500))
    scrambled = bytes((byte + 0x33) & 0xFF for byte in plain)
    assert read(hear(frame("000000004711", scrambled, control=0xCB))) == {"/energy": 5.0}
    secured = b"\x90\x00" + bytes([len(plain)]) + plain + b"\x01\x00\x04\x12\x34\x56\x78"
    assert read(hear(frame("000000004711", secured))) == {"/energy": 5.0}
    part = hear(frame("000000004711", plain, control=0xE3))
    assert [r.reason for a in part for r in a.rejected] == [RejectReason.WRONG_SHAPE]


GOOD = frame("000000004711", answer("00100200", *(item(UINT32, n) for n in (1500, 500, 1000))))


@given(st.integers(0, len(GOOD) * 8 - 1))
def test_a_flipped_bit_never_makes_a_reading(bit: int) -> None:
    spoiled = bytearray(GOOD)
    spoiled[bit // 8] ^= 1 << bit % 8
    assert not read(hear(bytes(spoiled)))


@pytest.mark.parametrize("cut", range(0, len(GOOD), 3))
def test_a_frame_cut_short_gives_no_reading(cut: int) -> None:
    assert not read(hear(GOOD[:cut]))
    assert read(hear(GOOD[:cut], GOOD)) == {
        "/energy": 15.0, "sharp/energy": 5.0, "peak/energy": 10.0
    }  # fmt: skip


@given(st.binary(max_size=120))
def test_no_bytes_raise(apdu: bytes) -> None:
    list(dlt698.values(dlt698.Frame("1", 0xC3, apdu)))
    hear(frame("000000004711", apdu))
