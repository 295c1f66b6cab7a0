"""The decoder never raises, never guesses, and says why it refuses."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.clock import ManualClock
from caretaker.vocabulary import Quality, RejectReason
from ingest.decoder import Decoder
from ingest.driver import load_drivers
from ingest.strict_json import MAX_BYTES
from ingest.transport.port import Message
from tests.ingest.malformed import CORPUS

NOW_MS = 1_788_220_860_000
TOPIC = "caretaker/1/school/fridge-1/readings"
DECODER = Decoder(load_drivers(), clock=ManualClock(NOW_MS))


@pytest.mark.parametrize(("name", "payload"), CORPUS, ids=[name for name, _ in CORPUS])
def test_malformed_is_refused_with_a_reason(name: str, payload: bytes) -> None:
    (arrival,) = DECODER.decode(Message(TOPIC, payload, NOW_MS))
    assert arrival.rejected
    assert arrival.measured == ()
    assert arrival.rejected[0].reason != "driver-fault"


@given(st.binary(max_size=200))
def test_any_bytes_on_any_known_topic_never_raise(payload: bytes) -> None:
    for topic in (TOPIC, "tele/x/SENSOR", "a/events/rpc", "zigbee2mqtt/x", "wmbusmeters/x"):
        (arrival,) = DECODER.decode(Message(topic, payload, NOW_MS))
        assert all(r.reason != "driver-fault" for r in arrival.rejected)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["readings", "at", "seq", "ENERGY", "em:0", "total_m3", "x"]), inner
        )
    ),
    max_leaves=12,
)


@given(_JSON)
def test_any_json_never_raises(value: object) -> None:
    payload = json.dumps(value).encode()
    for topic in (TOPIC, "tele/x/SENSOR", "a/status/em:0", "zigbee2mqtt/x", "wmbusmeters/x"):
        (arrival,) = DECODER.decode(Message(topic, payload, NOW_MS))
        assert all(r.reason != "driver-fault" for r in arrival.rejected)


def test_a_batch_keeps_each_time_and_number() -> None:
    body = {
        "boot": "a1",
        "batch": [
            {"at": 1_788_220_800, "seq": 1, "readings": {"energy_kwh": 1}},
            {"at": 1_788_220_815_000, "seq": 2, "readings": {"energy_kwh": 2}},
        ],
    }
    (arrival,) = DECODER.decode(Message(TOPIC, json.dumps(body).encode(), NOW_MS))
    assert [(m.at_ms, m.value, m.ordinal) for m in arrival.measured] == [
        (1_788_220_800_000, 1.0, 1),
        (1_788_220_815_000, 2.0, 2),
    ]
    assert (arrival.boot, arrival.sequence) == ("a1", (1, 2))


def test_a_good_part_survives_a_bad_one() -> None:
    (arrival,) = DECODER.decode(
        Message(TOPIC, b'{"readings": {"air.temperature_c": 4, "door": "ajar"}}', NOW_MS)
    )
    assert [m.value for m in arrival.measured] == [4.0]
    assert [r.reason for r in arrival.rejected] == ["wrong-type"]


@pytest.mark.parametrize("at", [0, 1e9, (NOW_MS + 600_000) / 1000])
def test_a_clock_out_of_its_window_is_flagged_and_time_of_receipt_used(at: float) -> None:
    body = json.dumps({"at": at, "readings": {"energy_kwh": 1}}).encode()
    (measured,) = DECODER.decode(Message(TOPIC, body, NOW_MS))[0].measured
    assert (measured.at_ms, measured.quality) == (NOW_MS, Quality.CLOCK)


def test_retained_is_marked_and_an_unknown_topic_waits_in_quarantine() -> None:
    (measured,) = DECODER.decode(
        Message(TOPIC, b'{"readings": {"energy_kwh": 1}}', NOW_MS, retained=True)
    )[0].measured
    assert measured.quality & Quality.RETAINED
    (arrival,) = DECODER.decode(Message("home/meter", b"42", NOW_MS))
    assert [r.reason for r in arrival.rejected] == ["no-driver"]


@pytest.mark.parametrize("topic", ["any/{}", "tele/{}/SENSOR", "caretaker/1/a/{}/readings"])
def test_no_dialect_looks_at_a_topic_that_no_device_has(topic: str) -> None:
    (arrival,) = DECODER.decode(Message(topic.format("x" * 60_000), b"{}", NOW_MS))
    assert [refusal.reason for refusal in arrival.rejected] == [RejectReason.BAD_NAME]
    assert "characters" in arrival.rejected[0].detail


@pytest.mark.parametrize("topic", ["any/topic", "tele/plug/SENSOR", "caretaker/1/a/b/readings"])
def test_no_dialect_reads_what_is_too_large(topic: str) -> None:
    line = b"weather temperature=21.5\n"
    payload = line * (MAX_BYTES // len(line) + 1)
    (arrival,) = DECODER.decode(Message(topic, payload, NOW_MS))
    assert [refusal.reason for refusal in arrival.rejected] == [RejectReason.TOO_LARGE]
    assert not arrival.measured
