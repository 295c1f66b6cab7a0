"""A device that floods takes from itself: the others go first, and nothing is lost or hidden."""

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from caretaker.clock import ManualClock
from caretaker.vocabulary import Arrival
from ingest.catch_up import CatchUp
from ingest.crowd import sorted_out
from ingest.decoder import Decoder
from ingest.driver import load_drivers
from ingest.gate import STRANGERS_KEPT_HZ, Gate, Standing
from ingest.ingest import Ingest
from ingest.metering import intervals
from ingest.sink import DoneProtocol
from ingest.transport.memory import MemoryTransport
from ingest.transport.port import Message
from storage import quarantine, tally
from storage.journal import Journal
from tests.faults.oracle import until

NOW_MS = 1_795_525_200_000


def message(device: str, number: int) -> Message:
    body = json.dumps({"readings": {"co2_ppm": number}, "at": NOW_MS + number}).encode()
    return Message(f"caretaker/1/s/{device}/readings", body, NOW_MS)


class Journaled:
    """A journal behind a sink that notes the order in which arrivals reach it."""

    def __init__(self, folder: Path, clock: ManualClock) -> None:
        zone = ZoneInfo("Asia/Shanghai")
        self.journal = Journal(folder / "j.sqlite3", zone=zone, arithmetic=intervals, clock=clock)
        self.order: list[Arrival] = []

    def submit(self, arrivals: Sequence[Arrival], done: DoneProtocol) -> None:
        self.order += arrivals
        self.journal.submit(arrivals, done)


@pytest.fixture
def store(tmp_path: Path) -> Journaled:
    return Journaled(tmp_path, ManualClock(NOW_MS))


def test_the_calm_go_first_and_the_flood_is_used_when_it_is_over(store: Journaled) -> None:
    clock, transport = ManualClock(NOW_MS), MemoryTransport()
    decoder = Decoder(load_drivers(), clock=clock)
    journal = store.journal
    journal.open()
    try:
        for device in ("mad", "calm"):
            journal.append(decoder.decode(message(device, 0)))
        gate = Gate(journal.knows, device_hz=10, burst=100)
        ingest = Ingest(transport, decoder, store, clock=clock, gate=gate)
        for number in range(1, 901):
            transport.deliver(message("mad", number))
        for number in range(1, 51):
            transport.deliver(message("calm", number))
        ingest.start()
        until(lambda: transport.pending == 0, within_s=30)
        ingest.stop()

        assert ingest.counters["received"] == 950
        assert gate.flooding == {"native:s/mad": 800}
        assert ingest.rejected == {"flood": 800}
        last_calm = max(i for i, a in enumerate(store.order) if a.device == "native:s/calm")
        held = [i for i, a in enumerate(store.order) if a.rejected]
        assert last_calm < held[0], "the flood came before somebody else's reading"

        catch_up = CatchUp(journal, decoder, gate, clock=clock)
        assert catch_up.step() == 0  # it still owes
        clock.advance(60_000)
        assert [catch_up.step() for _ in range(5)] == [200, 200, 200, 200, 0]
        assert gate.flooding == {}
        with journal.reader() as connection:
            assert quarantine.counts(connection) == {}
            per_point = dict(
                connection.execute("SELECT point, count(*) FROM reading GROUP BY point").fetchall()
            )
        assert sorted(per_point.values()) == [51, 901]
    finally:
        journal.close()


def test_a_calm_device_is_committed_before_a_crowd_that_came_first(store: Journaled) -> None:
    clock, transport = ManualClock(NOW_MS), MemoryTransport()
    decoder = Decoder(load_drivers(), clock=clock)
    journal = store.journal
    journal.open()
    try:
        for device in ("mad", "calm"):
            journal.append(decoder.decode(message(device, 0)))
        topics = {f"caretaker/1/s/{name}/readings": f"native:s/{name}" for name in ("mad", "calm")}
        gate = Gate(journal.knows, topics=topics, burst=1_000)
        ingest = Ingest(transport, decoder, store, clock=clock, gate=gate)
        for number in range(1, 401):
            transport.deliver(message("mad", number))
        for number in range(300):
            transport.deliver(message(f"new-{number}", number))
        for number in range(1, 6):
            transport.deliver(message("calm", number))
        ingest.start()
        until(lambda: transport.pending == 0, within_s=30)
        ingest.stop()
        devices = [arrival.device for arrival in store.order]
        # Of the busy one a tenth of its burst counts as calm.
        calm = [i for i, name in enumerate(devices) if name == "native:s/calm"]
        assert len(calm) == 5
        assert calm[0] >= 100
        assert calm[-1] < 105 + 105 // 4  # one in four of the crowd comes along
        assert devices.count("native:s/mad") == 400
        assert sum(name.startswith("native:s/new") for name in devices) == 300
        assert not ingest.rejected
    finally:
        journal.close()


def test_a_large_message_is_read_after_the_short_ones_that_came_with_it() -> None:
    topics = {f"caretaker/1/s/{name}/readings": f"native:s/{name}" for name in ("big", "calm")}
    gate = Gate(lambda _key: True, topics=topics)
    large = Message("caretaker/1/s/big/readings", b" " * 100_000, NOW_MS)
    calm = message("calm", 1)
    prompt, crowd, few = sorted_out(gate, [large, calm, large])
    assert [told.topic for told, _ in prompt] == [calm.topic]
    assert [told.topic for told, _ in crowd] == [large.topic] * 2
    assert not few


class Counting(MemoryTransport):
    """Knows how often it was connected."""

    connections = 0

    def start(self) -> None:
        self.connections += 1
        super().start()


class Deaf(Journaled):
    """A journal that does not answer on the first connection: what it is given stays in hand."""

    transport: Counting

    def submit(self, arrivals: Sequence[Arrival], done: DoneProtocol) -> None:
        if self.transport.connections > 1:
            super().submit(arrivals, done)


def test_a_flood_in_hand_comes_again_on_a_new_connection(tmp_path: Path) -> None:
    clock, transport = ManualClock(NOW_MS), Counting()
    store = Deaf(tmp_path, clock)
    store.transport = transport
    journal, decoder = store.journal, Decoder(load_drivers(), clock=clock)
    journal.open()
    try:
        gate = Gate(journal.knows, strangers_hz=10, burst=20)
        ingest = Ingest(transport, decoder, store, clock=clock, gate=gate)
        for number in range(3_000):
            transport.deliver(message(f"new-{number}", number))
        ingest.start()
        until(lambda: ingest.counters["received"] >= 1_000, within_s=30)
        ingest.connect_anew()
        until(lambda: transport.pending == 0, within_s=30)
        ingest.stop()
        assert ingest.worker.restarts == 0
        with journal.reader() as connection:
            assert sum(row.count for row in tally.listing(connection)) == 3_000
    finally:
        journal.close()


def sort(gate: Gate, decoder: Decoder, incoming: Message) -> tuple[bool, list[Arrival]]:
    """Return whether a message was decoded, and what it became, none when it is only counted."""
    look = gate.look(incoming)
    if look.standing is Standing.REFUSED:
        kept = gate.refuse(incoming)
        return False, [] if kept is None else [kept]
    return True, gate.admit(decoder.decode(incoming), payer=look.payer)


def test_names_made_up_by_the_thousand_share_one_bucket() -> None:
    gate = Gate(lambda _key: False, strangers_hz=10, burst=20)
    decoder = Decoder(load_drivers(), clock=ManualClock(NOW_MS))
    decoded = held = 0
    for number in range(20_000):
        seen, arrivals = sort(gate, decoder, message(f"dev-{number}", number))
        decoded += seen
        held += sum(bool(arrival.rejected) for arrival in arrivals)
    counted = gate.counted()
    assert [arrival.device for arrival in counted] == [""]
    assert held + counted[0].repeats == 20_000 - 20
    assert (
        counted[0].repeats == 20_000 - 40 - 10 * STRANGERS_KEPT_HZ
    )  # so many and no more are kept raw
    assert decoded == 40  # the share, and a few glances to find known devices among them
    assert gate.flooding == {"": 20_000 - 20}
    assert gate.counted() == []
    assert len(gate._owner) == len(gate._shares) == 0


def test_a_known_device_on_a_new_topic_is_found_while_strangers_flood() -> None:
    gate = Gate(lambda key: key == "native:s/calm", strangers_hz=100, burst=100)
    decoder = Decoder(load_drivers(), clock=ManualClock(NOW_MS))
    passed = 0
    for number in range(20_000):
        at_ms = NOW_MS + number // 10
        name = "calm" if number % 100 == 0 else f"dev-{number}"
        topic = f"caretaker/1/s/{name}/readings"
        _, arrivals = sort(gate, decoder, Message(topic, b'{"readings":{"co2_ppm":1}}', at_ms))
        passed += name == "calm" and any(not arrival.rejected for arrival in arrivals)
    assert passed > 150


def test_a_gateway_is_no_flood_for_its_many_devices() -> None:
    gate = Gate(lambda _key: True, device_hz=1, burst=10)
    for round_ in range(10):
        at_ms = NOW_MS + round_ * 1000
        arrivals = [Arrival("gateway/telemetry", b"{}", at_ms, device=f"x:{n}") for n in range(100)]
        look = gate.look(Message("gateway/telemetry", b"{}", at_ms))
        assert look.standing is not Standing.REFUSED
        assert not any(a.rejected for a in gate.admit(arrivals, payer=look.payer))
    assert threading.active_count() < 50


def test_a_topic_that_devices_share_is_no_way_round_the_gate() -> None:
    gate = Gate(lambda _key: True, device_hz=1, burst=10)
    arrivals = [Arrival("gateway/telemetry", b"{}", NOW_MS, device=f"x:{n}") for n in range(2)]
    looks = []
    for _ in range(1_000):
        look = gate.look(Message("gateway/telemetry", b"{}", NOW_MS))
        looks.append(look.standing)
        if look.standing is not Standing.REFUSED:
            gate.admit(arrivals, payer=look.payer)
    assert looks.count(Standing.REFUSED) > 800


def test_a_long_message_takes_the_share_of_many() -> None:
    gate = Gate(lambda _key: True, topics={"t": "x:1"}, device_hz=1, burst=1_000)
    long = Message("t", b"x" * 1_000_000, NOW_MS)
    assert [gate.look(long).standing for _ in range(6)] == [Standing.BUSY] * 4 + [
        Standing.REFUSED
    ] * 2
    assert gate.look(Message("t", b"{}", NOW_MS)).standing is Standing.BUSY


def test_a_device_is_calm_until_it_has_used_a_tenth_of_its_burst() -> None:
    gate = Gate(lambda _key: True, topics={"t": "x:1"}, device_hz=1, burst=100)
    short = Message("t", b"{}", NOW_MS)
    assert [gate.look(short).standing for _ in range(10)] == [Standing.CALM] * 10
    assert gate.look(short).standing is Standing.BUSY
    assert gate.look(Message("t", b"{}", NOW_MS + 60_000)).standing is Standing.CALM
