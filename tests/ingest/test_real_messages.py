"""Real messages of real devices: understood or refused with a reason, and never misread."""

import json
from pathlib import Path

import pytest

from caretaker.clock import ManualClock
from ingest.decoder import Decoder
from ingest.driver import load_drivers
from ingest.transport.port import Message

NOW_MS = 1_795_525_200_000
FAMILIES = {
    "01_zigbee2mqtt": "zigbee2mqtt/x",
    "02_tasmota": "tele/x/SENSOR",
    "03_shelly": "",
    "04_wmbusmeters": "wmbusmeters/x",
}
NOT_LIVE = ("_today", "_yesterday", "_target", "_historic")


@pytest.mark.parametrize("family", FAMILIES)
def test_real_messages_of_a_family(family: str, payloads: Path) -> None:
    decoder = Decoder(load_drivers(), clock=ManualClock(NOW_MS))
    understood = total = 0
    for line in (payloads / f"{family}.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        topic = row["topic"] or FAMILIES[family]
        if not topic:
            continue
        raw = row["payload"] if isinstance(row["payload"], str) else json.dumps(row["payload"])
        (arrival,) = decoder.decode(Message(topic, raw.encode(), NOW_MS))
        assert arrival.driver or arrival.rejected
        expected = [e for e in row["expect"] or [] if isinstance(e["value"], int | float)]
        live = {e["value"] for e in expected if not e["quantity"].endswith(NOT_LIVE)}
        stale = {e["value"] for e in expected} - live
        registers = {m.value for m in arrival.measured if m.quantity in {"energy", "volume"}}
        assert not registers & stale - live - {0, 1}, (topic, registers & stale)
        total += bool(expected)
        understood += bool(expected) and bool(arrival.measured)
    assert total > 10
    # The rest are gas and heat meters and vendor sub-protocols: kept, not understood yet.
    assert understood / total > 0.65, f"{understood} of {total} understood"


@pytest.mark.parametrize("number", range(5, 11))
def test_dialects_without_a_driver_are_kept_and_break_nothing(number: int, payloads: Path) -> None:
    decoder = Decoder(load_drivers(), clock=ManualClock(NOW_MS))
    (path,) = payloads.glob(f"{number:02}_*.jsonl")
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        raw = row["payload"] if isinstance(row["payload"], str) else json.dumps(row["payload"])
        for arrival in decoder.decode(Message(row["topic"] or "unknown/x", raw.encode(), NOW_MS)):
            assert arrival.driver or arrival.rejected
