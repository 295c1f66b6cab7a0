"""Homie 3 to 5: descriptors in any order, states, restarts, and no value without its unit."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.clock import ManualClock
from caretaker.vocabulary import Arrival, RejectReason
from ingest.decoder import Decoder
from ingest.driver import load_drivers
from ingest.transport.port import Message

NOW_MS = 1_795_525_200_000
DRIVERS = load_drivers()
ATTRIBUTES = (
    ("homie/m/$homie", b"4.0.0"),
    ("homie/m/$state", b"ready"),
    ("homie/m/$nodes", b"main"),
    ("homie/m/main/$properties", b"energy"),
    ("homie/m/main/energy/$unit", b"kWh"),
    ("homie/m/main/energy/$datatype", b"float"),
)


class Line:
    """A decoder, and messages that come one after another."""

    def __init__(self) -> None:
        self.decoder = Decoder(DRIVERS, clock=ManualClock(NOW_MS))
        self.memory: dict[str, bytes] = {}

    def hear(self, topic: str, body: bytes) -> Arrival:
        (arrival,) = self.decoder.decode(Message(topic, body, NOW_MS))
        self.memory.update(arrival.knowledge)
        return arrival

    def restart(self) -> None:
        self.decoder = Decoder(DRIVERS, clock=ManualClock(NOW_MS))
        self.decoder.remember(self.memory)


@pytest.fixture
def line() -> Line:
    return Line()


def found(arrival: Arrival) -> dict[str, float]:
    return {f"{m.channel}/{m.quantity}": m.value for m in arrival.measured}


@pytest.mark.parametrize("order", list(itertools.permutations(range(6)))[::53])
def test_attributes_in_any_order(order: tuple[int, ...]) -> None:
    line = Line()
    for at in order:
        line.hear(*ATTRIBUTES[at])
    line.restart()
    assert found(line.hear("homie/m/main/energy", b"12.5")) == {"/energy": 12.5}


def test_a_value_between_its_attributes_is_held(line: Line) -> None:
    line.hear("homie/m/main/energy/$datatype", b"float")
    arrival = line.hear("homie/m/main/energy", b"12.5")
    assert [r.reason for r in arrival.rejected] == [RejectReason.NO_MEANING]
    line.hear("homie/m/main/energy/$unit", b"Wh")
    assert found(line.hear("homie/m/main/energy", b"12.5")) == {"/energy": 0.0125}


def test_a_description_is_the_whole_truth(line: Line) -> None:
    nodes = {
        "cold": {"properties": {"temperature": {"datatype": "float", "unit": "°F"}}},
        "door": {"properties": {"open": {"datatype": "boolean"}}},
        "day": {"properties": {"energy": {"datatype": "float", "unit": "kWh"}}},
    }
    line.hear("homie/5/x/$description", json.dumps({"homie": "5.0", "nodes": nodes}).encode())
    assert found(line.hear("homie/5/x/cold/temperature", b"14")) == pytest.approx(
        {"cold/temperature": -10.0}
    )
    assert found(line.hear("homie/5/x/door/open", b"true")) == {"/door": 1.0}
    assert not found(line.hear("homie/5/x/day/energy", b"3"))  # of a day: no register
    other = line.hear("homie/5/x/cold/other", b"3")
    assert (found(other), other.rejected) == ({}, ())
    nodes["cold"]["properties"]["temperature"]["unit"] = "°C"
    line.hear("homie/5/x/$description", json.dumps({"homie": "5.0", "nodes": nodes}).encode())
    assert found(line.hear("homie/5/x/cold/temperature", b"14")) == {"cold/temperature": 14.0}


@pytest.mark.parametrize(
    ("word", "available"),
    [
        (b"ready", True),
        (b"alert", True),
        (b"lost", False),
        (b"disconnected", False),
        (b"init", None),
        (b"sleeping", None),
    ],
)
def test_states(line: Line, word: bytes, available: bool | None) -> None:
    for topic in ("homie/m/$state", "homie/5/m/$state"):
        arrival = line.hear(topic, word)
        assert (arrival.device, arrival.available) == ("homie:m", available)


def test_settings_targets_and_alerts_are_no_readings(line: Line) -> None:
    for at in ATTRIBUTES:
        line.hear(*at)
    for topic in ("main/energy/set", "main/energy/$target", "$alert/battery", "$stats/uptime"):
        arrival = line.hear(f"homie/m/{topic}", b"5")
        assert (arrival.measured, arrival.rejected) == ((), ())


@given(st.text(max_size=30), st.binary(max_size=60))
def test_no_message_raises(rest: str, body: bytes) -> None:
    arrival = Line().hear(f"homie/{rest or 'x'}", body)
    assert RejectReason.DRIVER_FAULT not in {r.reason for r in arrival.rejected}


def test_a_hostile_description_is_bounded_and_counted(line: Line) -> None:
    properties = {f"p{n}": {"datatype": "float", "unit": "W"} for n in range(10_000)}
    body = json.dumps({"nodes": {"n": {"properties": properties}}}).encode()
    arrival = line.hear("homie/5/x/$description", body)
    assert [r.reason for r in arrival.rejected] == [RejectReason.TOO_LARGE]
    for n in range(1_000):
        line.hear(f"homie/y/n/p{n}/$unit", b"W")
    assert sum(map(len, line.memory.values())) < 200_000
