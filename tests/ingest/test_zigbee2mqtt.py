"""Zigbee2MQTT: endpoints by the table, units and settings by the bridge's list of devices."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.clock import ManualClock
from caretaker.vocabulary import Arrival, Quality, RejectReason
from ingest.decoder import Decoder
from ingest.driver import load_drivers
from ingest.transport.port import Message

NOW_MS = 1_795_525_200_000
DRIVERS = load_drivers()
LIST = "zigbee2mqtt/bridge/devices"


class Line:
    """A decoder, and messages that come one after another."""

    def __init__(self) -> None:
        self.decoder = Decoder(DRIVERS, clock=ManualClock(NOW_MS))
        self.memory: dict[str, bytes] = {}

    def hear(self, topic: str, body: object, *, retained: bool = False) -> Arrival:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        (arrival,) = self.decoder.decode(Message(topic, raw, NOW_MS, retained=retained))
        self.memory.update(arrival.knowledge)
        return arrival

    def restart(self) -> None:
        self.decoder = Decoder(DRIVERS, clock=ManualClock(NOW_MS))
        self.decoder.remember({key: value for key, value in self.memory.items() if value})


@pytest.fixture
def line() -> Line:
    return Line()


def exposed(name: str, unit: str = "", access: int = 1, **more: Any) -> dict[str, Any]:
    kind = {"type": "numeric", "name": name, "property": name, "access": access}
    return {**kind, **({"unit": unit} if unit else {}), **more}


def listed(name: str, *exposes: dict[str, Any]) -> dict[str, Any]:
    return {"ieee_address": "0x1", "friendly_name": name, "definition": {"exposes": exposes}}


def found(arrival: Arrival) -> dict[str, float]:
    return {f"{m.channel}/{m.quantity}": m.value for m in arrival.measured}


def test_the_exposes_name_the_unit_also_after_a_restart(line: Line) -> None:
    before = line.hear("zigbee2mqtt/meter 1", {"water_consumed": 1500, "voltage": 3.1})
    assert {r.reason for r in before.rejected} == {RejectReason.UNIT_MISSING}
    line.hear(
        LIST,
        [listed("meter 1", exposed("water_consumed", "L"), exposed("voltage", "V"))],
        retained=True,
    )
    line.restart()
    after = line.hear("zigbee2mqtt/meter 1", {"water_consumed": 1500, "voltage": 3.1})
    assert found(after) == {"/volume": 1.5, "/voltage": 3.1}
    assert not after.rejected
    assert not after.measured[0].quality & Quality.RETAINED


def test_what_can_be_set_is_no_reading(line: Line) -> None:
    state = {"temperature_2": 30.0, "humidity": 40, "occupied_heating_setpoint": 21}
    assert "2/temperature" in found(line.hear("zigbee2mqtt/valve", state))
    line.hear(
        LIST,
        [
            listed(
                "valve",
                exposed("temperature_2", "°C", access=7),
                exposed("humidity", "%", access=5),
                exposed("occupied_heating_setpoint", "°C", access=7),
                exposed("energy_per_session", "kWh"),
            )
        ],
    )
    told = found(line.hear("zigbee2mqtt/valve", state | {"energy_per_session": 3}))
    assert told == {"/humidity": 40.0, "/temperature_setpoint": 21.0}


def test_two_properties_of_one_quantity_stay_two_points(line: Line) -> None:
    exposes = (exposed("boiler_water_temperature", "°C"), exposed("flue_temperature", "°F"))
    line.hear(LIST, [listed("boiler", *exposes)])
    told = line.hear("zigbee2mqtt/boiler", {"boiler_water_temperature": 60, "flue_temperature": 50})
    assert len(found(told)) == 2
    assert sorted(m.value for m in told.measured) == pytest.approx([10.0, 60.0])


@pytest.mark.parametrize(
    ("message", "gives", "held"),
    [
        ({"battery": 90, "voltage": 2950}, {"/battery_voltage": 2.95}, False),
        ({"battery": 90, "voltage": 2.95}, {"/battery_voltage": 2.95}, False),
        ({"battery": 90, "voltage": 230}, {}, True),  # neither can be a sensor's battery
        ({"battery": 90, "power": 5, "voltage": 230}, {"/voltage": 230.0}, False),
        ({"pressure": 1013}, {"/pressure": 1013.0}, False),
        ({"pressure": 101.3}, {"/pressure": 1013.0}, False),
        ({"pressure": 3.5}, {}, True),
        ({"power_factor": 0.9}, {"/power_factor": 0.9}, False),
        ({"power_factor": 90}, {"/power_factor": 0.9}, False),
    ],
)
def test_numbers_that_only_one_unit_can_have(
    line: Line, message: dict[str, Any], gives: dict[str, float], held: bool
) -> None:
    told = line.hear("zigbee2mqtt/x", message)
    read = {k: v for k, v in found(told).items() if k not in {"/battery", "/power"}}
    assert read == pytest.approx(gives)
    assert (RejectReason.UNIT_MISSING in {r.reason for r in told.rejected}) is held


def test_one_value_a_topic_is_the_same_device(line: Line) -> None:
    whole = line.hear("zigbee2mqtt/hall/door 2", {"contact": False})
    alone = line.hear("zigbee2mqtt/hall/door 2/contact", b"false")
    assert whole.device == alone.device == "zigbee2mqtt:hall/door 2"
    assert found(whole) == found(alone) == {"/door": 1.0}


A, B = "0x00158d0001a2b3c4", "0x00158d0005f6e7d8"


def named(**names: str) -> list[dict[str, Any]]:
    addresses = {"a": A, "b": B}
    return [
        {**listed(name, exposed("co2", "ppm")), "ieee_address": addresses[which]}
        for which, name in names.items()
    ]


def device(line: Line, name: str) -> str:
    return line.hear(f"zigbee2mqtt/{name}", {"co2": 500}).device


def test_a_renamed_device_stays_the_device_it_was(line: Line) -> None:
    line.hear(LIST, named(a=A))
    assert device(line, A) == f"zigbee2mqtt:{A}"
    line.hear(LIST, named(a="hall"))
    assert device(line, "hall") == f"zigbee2mqtt:{A}"
    assert line.decoder.suggest(f"zigbee2mqtt:{A}", {"co2"}, set()).name == "hall"
    gone = line.hear("zigbee2mqtt/hall/availability", b"offline")
    assert (gone.device, gone.available) == (f"zigbee2mqtt:{A}", False)
    line.hear(LIST, named(a="room 101"))
    line.restart()
    assert device(line, "room 101") == f"zigbee2mqtt:{A}"
    line.hear(LIST, named(a=A))
    assert device(line, A) == f"zigbee2mqtt:{A}"


def test_a_new_device_that_takes_a_name_over_is_another(line: Line) -> None:
    assert device(line, "hall") == "zigbee2mqtt:hall"  # heard before the list
    line.hear(LIST, named(a="hall"))
    assert device(line, "hall") == "zigbee2mqtt:hall"
    line.hear(LIST, named(a="old", b="hall"))
    assert device(line, "old") == "zigbee2mqtt:hall"
    assert device(line, "hall") == f"zigbee2mqtt:{B}"


def test_two_devices_may_change_names(line: Line) -> None:
    line.hear(LIST, named(a="left", b="right"))
    line.hear(LIST, named(a="right", b="left"))
    assert device(line, "right") == "zigbee2mqtt:left"
    assert device(line, "left") == "zigbee2mqtt:right"
    line.hear(LIST, named(a="left", b="right"))
    line.restart()
    assert device(line, "right") == "zigbee2mqtt:right"


def test_what_a_person_joined_is_found_under_a_new_name(line: Line) -> None:
    line.hear(LIST, named(a="hall"))
    line.decoder.set_aliases({"zigbee2mqtt:hall": "zigbee2mqtt:first"})
    line.hear(LIST, named(a="room 101"))
    assert device(line, "room 101") == "zigbee2mqtt:first"


def test_a_hostile_list_is_bounded(line: Line) -> None:
    many = [listed(f"d{n}", exposed("co2", "ppm")) for n in range(1_200)]
    deep: dict[str, Any] = exposed("temperature", "°C")
    for _ in range(5):
        deep = {"type": "x", "features": [deep]}
    wide = listed("wide", *(exposed(f"power_{n}", "W") for n in range(5_000)))
    arrival = line.hear(LIST, [listed("deep", deep), wide, *many])
    assert len(arrival.knowledge) <= 1_000
    assert max(len(value) for _, value in arrival.knowledge) < 64 * 1024
    assert found(line.hear("zigbee2mqtt/d5", {"co2": 500})) == {"/co2": 500.0}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(
                    ("friendly_name", "definition", "exposes", "features", "property", "access")
                )
                | st.sampled_from(("unit", "type", "name", "category")),
                inner,
                max_size=5,
            )
        ),
        max_leaves=20,
    )
)
def test_no_list_raises(body: Any) -> None:
    line = Line()
    for payload in (body, [body], [listed("x", *(body if isinstance(body, list) else [body]))]):
        reasons = {r.reason for r in line.hear(LIST, payload).rejected}
        assert RejectReason.DRIVER_FAULT not in reasons
