"""Sparkplug B: what births teach, gaps, deaths, restarts, hostile births."""

import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.clock import ManualClock
from caretaker.vocabulary import Arrival, RejectReason
from ingest.codecs.sparkplug_payload import Payload, number
from ingest.decoder import Decoder
from ingest.driver import load_drivers
from ingest.ingest import Ingest
from ingest.metering import intervals
from ingest.replay import Resumer
from ingest.transport.memory import MemoryTransport
from ingest.transport.port import Message
from storage import dialect, quarantine
from storage.connection import open_reader
from storage.journal import Journal
from tests.faults.oracle import until

NOW_MS = 1_788_220_860_000
AT_MS = 1_788_220_800_000
DRIVERS = load_drivers()


def payload(*metrics: dict[str, Any], seq: int | None = 0, at_ms: int = AT_MS) -> bytes:
    body = Payload(timestamp=at_ms)
    if seq is not None:
        body.seq = seq
    for metric in metrics:
        unit = metric.pop("unit", "")
        item = body.metrics.add(datatype=metric.pop("datatype", 10), **metric)
        if unit:
            item.properties.keys.append("engUnit")
            item.properties.values.add(type=12, string_value=unit)
    return bytes(body.SerializeToString())


def birth(*, seq: int = 0, bd: int = 1, unit: str = "kWh") -> bytes:
    return payload(
        {"name": "bdSeq", "datatype": 4, "long_value": bd},
        {"name": "Total Energy", "alias": 7, "double_value": 100.0, "unit": unit},
        {"name": "Firmware", "alias": 8, "datatype": 12, "string_value": "1.0"},
        seq=seq,
    )


def data(value: float, *, alias: int = 7, seq: int = 1, at_ms: int = AT_MS + 1000) -> bytes:
    return payload({"alias": alias, "double_value": value}, seq=seq, at_ms=at_ms)


class Line:
    """A decoder, and messages that come one after another."""

    def __init__(self) -> None:
        self.decoder = Decoder(DRIVERS, clock=ManualClock(NOW_MS))
        self.memory: dict[str, bytes] = {}
        self.now_ms = NOW_MS

    def hear(self, topic: str, body: bytes, *, at_ms: int = 0) -> tuple[Arrival, ...]:
        self.now_ms += 100
        arrivals = self.decoder.decode(Message(f"spBv1.0/{topic}", body, at_ms or self.now_ms))
        for arrival in arrivals:
            self.memory.update(arrival.knowledge)
        return arrivals

    def restart(self) -> None:
        self.decoder = Decoder(DRIVERS, clock=ManualClock(NOW_MS))
        self.decoder.remember(self.memory)


@pytest.fixture
def line() -> Line:
    return Line()


def reasons(arrivals: tuple[Arrival, ...]) -> list[RejectReason]:
    return [refusal.reason for arrival in arrivals for refusal in arrival.rejected]


def test_data_is_read_by_what_its_birth_taught(line: Line) -> None:
    (born,) = line.hear("g/NBIRTH/n", birth())
    assert [(m.quantity, m.value, m.at_ms) for m in born.measured] == [("energy", 100.0, AT_MS)]
    assert born.available is True
    (read,) = line.hear("g/NDATA/n", data(101.5))
    assert [(m.quantity, m.value, m.at_ms) for m in read.measured] == [
        ("energy", 101.5, AT_MS + 1000)
    ]
    assert not read.rejected
    assert not read.replies


def test_members_of_a_template_are_read_below_its_name(line: Line) -> None:
    def panel(value: float, **more: Any) -> bytes:
        body = Payload(timestamp=AT_MS, seq=more.pop("seq", 0))
        metric = body.metrics.add(datatype=19, alias=3, **more)
        inner = metric.template_value.metrics.add(name="Energy", datatype=10, double_value=value)
        if "name" in more:
            inner.properties.keys.append("Engineering Units")
            inner.properties.values.add(type=12, string_value="Wh")
            model = body.metrics.add(name="_types_/panel", datatype=19)
            model.template_value.is_definition = True
            model.template_value.metrics.add(name="Energy", datatype=10, double_value=9.0)
        return bytes(body.SerializeToString())

    (born,) = line.hear("g/NBIRTH/n", panel(1500.0, name="Panel 1"))
    assert [(m.quantity, m.value) for m in born.measured] == [("energy", 1.5)]
    (read,) = line.hear("g/NDATA/n", panel(2500.0, seq=1))
    assert [(m.channel, m.value) for m in read.measured] == [(born.measured[0].channel, 2.5)]
    assert not read.rejected


def test_what_no_name_explains_waits_for_a_person(line: Line) -> None:
    body = payload({"name": "Inputs/17", "datatype": 10, "double_value": 4.0})
    (born,) = line.hear("g/NBIRTH/n", body)
    assert not born.measured
    assert reasons((born,)) == [RejectReason.NO_MEANING]


def test_meaning_survives_a_restart(line: Line) -> None:
    line.hear("g/NBIRTH/n", birth())
    line.restart()
    (read,) = line.hear("g/NDATA/n", data(102.0, seq=9))
    assert [m.value for m in read.measured] == [102.0]
    assert not read.replies  # the sequence is followed from here on


def test_data_without_a_birth_is_held_and_one_rebirth_is_asked_for(line: Line) -> None:
    (first,) = line.hear("g/NDATA/n", data(101.0))
    assert reasons((first,)) == [RejectReason.NO_MEANING]
    ((topic, command),) = first.replies
    assert topic == "spBv1.0/g/NCMD/n"
    metric = Payload.FromString(command).metrics[0]
    assert (metric.name, metric.boolean_value) == ("Node Control/Rebirth", True)
    (second,) = line.hear("g/NDATA/n", data(101.1, seq=2))
    assert not second.replies  # not again within a minute
    line.hear("g/NBIRTH/n", birth())
    (again,) = line.hear("g/NDATA/n", data(101.0), at_ms=NOW_MS + 100)
    assert [m.value for m in again.measured] == [101.0]
    assert not again.replies  # an old message that is read again breaks no sequence


def test_a_gap_asks_for_a_rebirth_and_keeps_reading(line: Line) -> None:
    line.hear("g/NBIRTH/n", birth())
    assert not line.hear("g/NDATA/n", data(101.0, seq=1))[0].replies
    assert not line.hear("g/DBIRTH/n/d", birth(seq=2))[
        0
    ].replies  # one sequence for node and device
    (after,) = line.hear("g/NDATA/n", data(103.0, seq=5))
    assert [m.value for m in after.measured] == [103.0]
    assert [topic for topic, _ in after.replies] == ["spBv1.0/g/NCMD/n"]
    line.hear("g/NBIRTH/n", birth())
    for seq in (*range(1, 256), 0, 1):
        assert not line.hear("g/NDATA/n", data(200.0 + seq, seq=seq))[0].replies


def test_an_unknown_alias_is_held_beside_a_known_one(line: Line) -> None:
    line.hear("g/NBIRTH/n", birth())
    body = payload({"alias": 7, "double_value": 5.0}, {"alias": 99, "double_value": 1.0}, seq=1)
    (read,) = line.hear("g/NDATA/n", body)
    assert [m.value for m in read.measured] == [5.0]
    assert reasons((read,)) == [RejectReason.NO_MEANING]
    assert read.replies


def test_a_death_takes_the_devices_with_it_but_not_a_later_session(line: Line) -> None:
    line.hear("g/NBIRTH/n", birth(bd=4))
    line.hear("g/DBIRTH/n/d", birth(seq=1))
    stale = payload({"name": "bdSeq", "datatype": 4, "long_value": 3}, seq=None)
    assert [a.available for a in line.hear("g/NDEATH/n", stale)] == [None]
    will = payload({"name": "bdSeq", "datatype": 4, "long_value": 4}, seq=None)
    gone = line.hear("g/NDEATH/n", will)
    assert {a.device: a.available for a in gone} == {
        "sparkplug:g/n": False,
        "sparkplug:g/n/d": False,
    }
    assert line.hear("g/DDEATH/n/d", payload(seq=2))[0].available is False


def test_data_held_before_its_birth_is_used_after_it(tmp_path: Path) -> None:
    journal = Journal(
        tmp_path / "j.sqlite3",
        zone=ZoneInfo("Asia/Shanghai"),
        arithmetic=intervals,
        clock=ManualClock(NOW_MS),
    )
    journal.open()
    decoder, transport = Decoder(DRIVERS, clock=ManualClock(NOW_MS)), MemoryTransport()
    ingest = Ingest(
        transport,
        decoder,
        journal,
        clock=ManualClock(NOW_MS),
        resumer=Resumer(journal, decoder),
    )
    topic = "spBv1.0/g/{}/n"
    transport.deliver(Message(topic.format("NDATA"), data(101.0), NOW_MS))
    for n in range(250):  # others wait too, more than one step looks at
        transport.deliver(Message(f"unknown/{n}", b"{}", NOW_MS + n))
    ingest.start()
    try:
        until(lambda: len(transport.published) == 1, within_s=10)
        assert journal.points() == []
        transport.deliver(Message(topic.format("NBIRTH"), birth(), NOW_MS + 1000))
        until(lambda: len(values(journal)) == 2, within_s=10)
    finally:
        ingest.stop()
    assert values(journal) == [100.0, 101.0]
    with journal.reader() as connection:
        assert quarantine.counts(connection) == {"no-driver": 250}
    journal.close()


def test_what_a_birth_taught_is_on_disk_when_its_batch_is(line: Line, tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite3"
    journal = Journal(
        path, zone=ZoneInfo("Asia/Shanghai"), arithmetic=intervals, clock=ManualClock(NOW_MS)
    )
    journal.open()
    journal.append(line.hear("g/NBIRTH/n", birth()))
    # What another process sees now is what is left after a kill.
    connection = open_reader(path)
    line.memory = dict(dialect.load(connection))
    connection.close()
    line.restart()
    (read,) = line.hear("g/NDATA/n", data(102.0))
    assert [m.value for m in read.measured] == [102.0]
    journal.close()


def values(journal: Journal) -> list[float]:
    return [
        reading.value
        for point in journal.points()
        for reading in journal.history(point.id, start_ms=0, end_ms=2**50)
    ]


def test_null_historical_signed_and_not_finite_values(line: Line) -> None:
    body = payload(
        {"name": "Power kW", "alias": 1, "datatype": 2, "int_value": 0xFFF6, "unit": "kW"},
        {"name": "Voltage", "alias": 2, "is_null": True, "unit": "V"},
        {"name": "Current", "alias": 3, "double_value": float("nan"), "unit": "A"},
        {
            "name": "Frequency",
            "alias": 4,
            "double_value": 50.0,
            "unit": "Hz",
            "is_historical": True,
            "timestamp": AT_MS - 3_600_000,
        },
    )
    (born,) = line.hear("g/DBIRTH/n/d", body)
    assert {m.quantity: (m.value, m.at_ms) for m in born.measured} == {
        "power": (-10.0, AT_MS),
        "frequency": (50.0, AT_MS - 3_600_000),
    }
    assert reasons((born,)) == [RejectReason.OUT_OF_RANGE]


def test_a_hostile_birth_is_bounded_and_counted(line: Line) -> None:
    metrics = [{"name": f"Power {n}", "alias": n, "double_value": 1.0} for n in range(30_000)]
    (born,) = line.hear("g/NBIRTH/n", payload(*metrics))
    assert RejectReason.TOO_LARGE in reasons((born,))
    assert sum(map(len, line.memory.values())) < 256 * 1024
    (read,) = line.hear("g/NDATA/n", data(1.0, alias=29_999))
    assert not read.replies  # what was cut off asks for no rebirth


def test_payloads_of_real_nodes(line: Line, payloads: Path) -> None:
    for row in map(json.loads, (payloads / "07_sparkplug.jsonl").read_text("utf-8").splitlines()):
        if not isinstance(row["payload"], dict):
            continue
        body = bytes.fromhex(row["payload"]["hex"])
        kind = row.get("message_type", "NBIRTH")
        for arrival in line.hear(f"g/{kind}/{row['device'][-9:].strip()}", body):
            assert not arrival.measured  # no unit in any of them: nothing may be guessed
            assert RejectReason.DRIVER_FAULT not in reasons((arrival,))
        read = Payload.FromString(body)
        for metric, expected in zip(
            (m for m in read.metrics if m.name or m.alias),
            row.get("decoded", {}).get("metrics", ()),
            strict=False,
        ):
            assert metric.name == expected.get("name", "")
            if isinstance(expected["value"], int | float | str):
                assert number(metric, metric.datatype) == expected["value"]


@given(st.binary(max_size=400), st.sampled_from(["NBIRTH", "NDATA", "DDATA", "NDEATH", "NCMD"]))
def test_no_bytes_raise(body: bytes, kind: str) -> None:
    line = Line()
    line.hear("g/NBIRTH/n", birth())
    assert RejectReason.DRIVER_FAULT not in reasons(line.hear(f"g/{kind}/n", body))


def test_a_payload_cut_at_any_byte_never_raises(line: Line) -> None:
    body = birth()
    for cut in range(len(body)):
        assert RejectReason.DRIVER_FAULT not in reasons(line.hear("g/NBIRTH/n", body[:cut]))
