"""Shelly components that were added: asked for, learned, apart from the device that hears them."""

import json

from caretaker.clock import ManualClock
from caretaker.vocabulary import Arrival, RejectReason
from ingest.decoder import Decoder
from ingest.driver import load_drivers
from ingest.transport.port import Message

NOW_MS = 1_788_220_900_000
ADDRESS = "f8:44:77:00:00:0a"
DRIVERS = load_drivers()


def sensor(number: int, object_id: int, value: float) -> dict[str, object]:
    return {
        "key": f"bthomesensor:{number}",
        "status": {"id": number, "value": value, "last_updated_ts": 1_788_220_800},
        "config": {"id": number, "addr": ADDRESS, "obj_id": object_id, "idx": 0},
    }


class Line:
    """A decoder, and messages that come one after another."""

    def __init__(self) -> None:
        self.decoder = Decoder(DRIVERS, clock=ManualClock(NOW_MS))
        self.now_ms = NOW_MS

    def say(self, topic: str, payload: object, *, later_ms: int = 1_000) -> tuple[Arrival, ...]:
        self.now_ms += later_ms
        return self.decoder.decode(Message(topic, json.dumps(payload).encode(), self.now_ms))

    def answer(self, *items: dict[str, object], offset: int = 0, total: int = 0) -> list[Arrival]:
        result = {"components": list(items), "offset": offset, "total": total or len(items)}
        told = {"id": 1, "src": "shellyblugwg3-1", "dst": "caretaker/shelly", "result": result}
        return list(self.say("caretaker/shelly/rpc", told))


def test_a_component_that_is_not_known_is_asked_for_once_a_day() -> None:
    line = Line()
    status = {"value": 4.5, "last_updated_ts": 1_788_220_800}
    (first,) = line.say("shellyblugwg3-1/status/bthomesensor:206", status)
    assert [r.reason for r in first.rejected] == [RejectReason.UNIT_MISSING]
    ((topic, body),) = first.replies
    assert topic == "shellyblugwg3-1/rpc"
    assert json.loads(body)["method"] == "Shelly.GetComponents"
    (again,) = line.say("shellyblugwg3-1/status/bthomesensor:206", status)
    assert not again.replies
    (tomorrow,) = line.say("shellyblugwg3-1/status/bthomesensor:206", status, later_ms=86_400_000)
    assert tomorrow.replies


def test_a_list_that_comes_in_parts_is_asked_for_to_its_end() -> None:
    line = Line()
    (arrival,) = line.answer(sensor(204, 1, 97), total=2)
    ((topic, body),) = arrival.replies
    assert (topic, json.loads(body)["params"]["offset"]) == ("shellyblugwg3-1/rpc", 1)
    (rest,) = line.answer(sensor(206, 69, 17.5), offset=1, total=2)
    assert not rest.replies
    assert {m.quantity: m.value for m in rest.measured} == {"temperature": 17.5}


def test_a_bluetooth_sensor_is_one_device_whichever_gateway_hears_it() -> None:
    line = Line()
    (arrival,) = line.answer(sensor(204, 1, 97), sensor(206, 69, 17.5))
    assert arrival.device == "shelly:F8447700000A"
    assert {m.quantity: m.value for m in arrival.measured} == {"battery": 97, "temperature": 17.5}
    partial = {
        "src": "shellyblugwg3-1",
        "dst": "x",
        "method": "NotifyStatus",
        "params": {
            "ts": 1_788_220_901.5,
            "bthomesensor:206": {"value": 18.0, "last_updated_ts": 1_788_220_860},
            "bthomedevice:200": {"rssi": -60, "battery": 96},
        },
    }
    gateway, own = line.say("shellyblugwg3-1/events/rpc", partial)
    assert gateway.device == "shelly:shellyblugwg3-1"
    assert (own.device, own.measured[0].at_ms) == ("shelly:F8447700000A", 1_788_220_860_000)


def test_what_an_input_counts_is_asked_for_and_needs_a_medium() -> None:
    line = Line()
    status = {"id": 2, "counts": {"total": 15, "xtotal": 1.5}, "freq": 1, "xfreq": None}
    (first,) = line.say("uni/status/input:2", status)
    assert [r.reason for r in first.rejected] == [RejectReason.UNIT_MISSING]
    ((topic, body),) = first.replies
    asked = json.loads(body)
    assert (topic, asked["method"], asked["params"]) == ("uni/rpc", "Input.GetConfig", {"id": 2})
    config = {"id": 2, "name": None, "type": "count", "xcounts": {"expr": "x", "unit": "m3"}}
    answer = {"id": 1, "src": "uni", "dst": "caretaker/shelly", "result": config}
    line.say("caretaker/shelly/rpc", answer)
    (nobody,) = line.say("uni/status/input:2", status)
    assert not nobody.measured  # cubic metres of what?
    line.say("caretaker/shelly/rpc", answer | {"result": config | {"name": "Gas meter"}})
    (known,) = line.say("uni/status/input:2", status)
    assert {(m.channel, m.quantity): m.value for m in known.measured} == {("2", "gas_volume"): 1.5}
    for plain in ({"id": 0, "state": False}, {"id": 1, "percent": 5.5}):
        (silent,) = line.say(f"uni/status/input:{plain['id']}", plain)
        assert not silent.measured
        assert not silent.rejected


def test_a_configuration_that_says_nothing_makes_no_reading() -> None:
    line = Line()
    count = sensor(210, 61, 5)  # a count has no unit
    odd: list[dict[str, object]] = [
        {"key": "text:200", "status": {"value": "x"}, "config": {"id": 200}},
        {"key": "number:200", "status": {"value": 5}, "config": {"id": 200, "meta": None}},
        {"key": 5},
        {"key": "number:201", "config": []},
    ]
    for item in (count, *odd):
        for arrival in line.answer(item):
            assert not arrival.measured
            assert not [r for r in arrival.rejected if r.reason is RejectReason.DRIVER_FAULT]
    (held,) = line.say("shellyblugwg3-1/status/bthomesensor:210", {"value": 6})
    assert not held.measured
    assert not held.rejected
