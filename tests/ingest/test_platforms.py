"""Telemetry platforms: who and when by the envelope, units by names or by a person's model file."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.clock import ManualClock
from caretaker.errors import ConfigurationError
from caretaker.vocabulary import Arrival, Quality, RejectReason
from ingest.decoder import Decoder
from ingest.driver import combine, load_drivers, read_driver
from ingest.transport.port import Message

NOW_MS = 1_788_220_860_000
AT_MS = 1_788_220_800_000
MODEL = """
name = "panel"
model = "Our distribution panel"
extends = ["thingsboard", "alink", "iotda", "neuron"]
match = ["hall panel*", "a1zx/*", "panel-*"]
[keys]
EPI = "energy kWh"
Ua = "voltage V a"
cur = "current A"
Noise = ""
"""
TOPICS = (
    "$sys/p/d/thing/pack/post",
    "$thing/up/property/p/d",
    "/p/d/properties/report",
    "/p/d/property/post",
    "tylink/d/thing/property/report",
    "/huawei/v1/devices/d/data/json",
    "v2/gw/report/regular/post",
    "v3/a@t/devices/x/up",
    "application/1/device/24e124136b000001/event/up",
    "v1/devices/me/telemetry",
    "v1/gateway/telemetry",
    "v1/gateway/connect",
    "/sys/p/d/thing/event/property/post",
    "/sys/p/d/thing/event/property/pack/post",
    "/sys/p/d/thing/measurepoint/post/batch",
    "$oc/devices/x/sys/properties/report",
    "$oc/devices/x/sys/gateway/sub_devices/properties/report",
    "gateway/telemetry",
    "device/x/up/y",
    "simple/iot/p/d",
    "/neuron/x",
)


def decoder(*models: str) -> Decoder:
    drivers = load_drivers()
    own = {model.name: model for driver in drivers for model in driver.models}
    extra = [read_driver(text, file=f"{n}.toml") for n, text in enumerate(models)]
    return Decoder(combine([*drivers, *own.values(), *extra]), clock=ManualClock(NOW_MS))


def heard(topic: str, body: Any, *models: str) -> dict[str, dict[str, float]]:
    arrivals = arrive(topic, body, *models)
    return {a.device: {f"{m.channel}/{m.quantity}": m.value for m in a.measured} for a in arrivals}


def arrive(topic: str, body: Any, *models: str) -> tuple[Arrival, ...]:
    return decoder(*models).decode(Message(topic, json.dumps(body).encode(), NOW_MS))


@pytest.mark.parametrize(
    ("topic", "body", "device"),
    [
        (
            "v1/gateway/telemetry",
            {"Hall panel 2": [{"ts": AT_MS, "values": {"EPI": 12.5, "Ua": 221, "Noise": 9}}]},
            "thingsboard:Hall panel 2",
        ),
        (
            "/sys/a1Zx/x/thing/event/property/post",
            {
                "params": {
                    "EPI": {"value": 12.5, "time": AT_MS},
                    "Ua": {"value": 221, "time": AT_MS},
                }
            },
            "alink:a1Zx/x",
        ),
        (
            "$oc/devices/panel-7/sys/properties/report",
            {
                "services": [
                    {
                        "service_id": "e",
                        "properties": {"EPI": 12.5, "Ua": 221},
                        "event_time": "20260901T000000Z",
                    }
                ]
            },
            "iotda:panel-7",
        ),
        (
            "/neuron/x",
            {
                "timestamp": AT_MS,
                "node": "panel-7",
                "group": "g",
                "values": {"EPI": 12.5, "Ua": 221},
            },
            "neuron:panel-7",
        ),
    ],
)
def test_a_persons_model_says_what_the_names_mean(topic: str, body: Any, device: str) -> None:
    assert heard(topic, body, MODEL) == {device: {"/energy": 12.5, "a/voltage": 221.0}}
    assert {m.at_ms for a in arrive(topic, body, MODEL) for m in a.measured} == {AT_MS}
    assert not any(a.measured for a in arrive(topic, body))  # and nothing without it


def test_a_model_of_the_site_goes_before_one_that_is_built_in(tmp_path: Path) -> None:
    text = 'name="em"\nmodel="m"\nextends=["lorawan"]\nmatch=["milesight*"]\n[keys]\n'
    (tmp_path / "a.toml").write_text(text + 'battery = "battery_voltage V"', encoding="utf-8")
    mine = Decoder(load_drivers(tmp_path), clock=ManualClock(NOW_MS))
    uplink = {
        "deviceInfo": {"devEui": "0102030405060708", "deviceProfileName": "Milesight EM300"},
        "object": {"battery": 3, "pressure": 1000},
    }
    topic = "application/1/device/0102030405060708/event/up"
    (arrival,) = mine.decode(Message(topic, json.dumps(uplink).encode(), NOW_MS))
    assert {m.quantity: m.value for m in arrival.measured} == {
        "battery_voltage": 3.0,
        "pressure": 1000.0,
    }


def test_an_array_of_a_model_is_a_channel_a_place() -> None:
    body = {"params": {"measurepoints": {"cur": ["1.5", "2.5"]}, "time": AT_MS}}
    found = heard("/sys/a1Zx/x/thing/measurepoint/post", body, MODEL)
    assert found == {"alink:a1Zx/x": {"0/current": 1.5, "1/current": 2.5}}


def test_a_batch_of_sub_devices_and_of_times() -> None:
    history = [
        {
            "identity": {"productKey": "p", "deviceName": "d1"},
            "properties": [
                {"temp_c": {"value": 4.5, "time": AT_MS}},
                {"temp_c": {"value": 5.5, "time": AT_MS + 1000}},
            ],
        }
    ]
    (arrival,) = arrive("/sys/g/w/thing/event/property/history/post", {"params": history})
    assert [(m.value, m.at_ms) for m in arrival.measured] == [(4.5, AT_MS), (5.5, AT_MS + 1000)]
    batch = {"params": {"properties": {"temp_c": [{"value": 4.5, "time": AT_MS}]}}}
    assert heard("/sys/p/d/thing/event/property/batch/post", batch) == {
        "alink:p/d": {"/temperature": 4.5}
    }


def test_a_clock_that_was_never_set_is_flagged_and_the_receipt_counts() -> None:
    (arrival,) = arrive("v1/devices/me/telemetry", {"ts": 10_000, "values": {"temp_c": 4.5}})
    (reading,) = arrival.measured
    assert (reading.at_ms, bool(reading.quality & Quality.CLOCK)) == (NOW_MS, True)


def test_an_id_in_the_values_names_a_device_that_its_topic_does_not() -> None:
    assert heard("v1/devices/me/telemetry", {"sn": "A7", "temp_c": 4.5}) == {
        "thingsboard:A7": {"/temperature": 4.5}
    }


def test_what_no_model_names_is_held_for_a_person() -> None:
    (arrival,) = arrive("v1/devices/me/telemetry", {"key1": 4, "key2": "x", "key3": {"a": 1}})
    assert [(r.reason, r.detail) for r in arrival.rejected] == [
        (RejectReason.NO_MEANING, "no model names key1")
    ]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('name="x"\nmodel="x"\nextends=["nobody"]\n[keys]\na="energy kWh"', "extends"),
        ('name="x"\nmodel="x"\nextends=["lorawan"]', "keys"),
        ('name="x"\nmodel="x"\nextends=["lorawan"]\n[keys]\na="joy kWh"', "keys.a"),
        ('name="x"\nmodel="x"\nextends=["lorawan"]\n[keys]\na="energy W"', "keys.a"),
        ('name="x"\nmodel="x"\ntopics=["x"]\ncodec="telemetry"\n[options]\nz="a"', "options.z"),
    ],
)
def test_a_wrong_model_file_stops_the_start_and_says_where(text: str, key: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        decoder(text)
    assert error.value.key == key
    assert error.value.remedy


KEYS = [
    "params",
    "properties",
    "services",
    "devices",
    "value",
    "time",
    "ts",
    "values",
    "measurepoints",
    "subDevices",
    "identity",
    "node",
    "group",
    "timestamp",
    "batch",
    "metrics",
    "tags",
    "name",
    "device",
    "temp_c",
    "sub_device_data",
    "header",
    "body",
    "data",
    "serviceData",
    "rw_prot",
    "r_data",
    "value",
    "id",
    "type",
    "device_uid",
    "dir",
    "DevEUI_uplink",
    "DevEUI",
    "payload",
    "end_device_ids",
    "uplink_message",
    "decoded_payload",
    "object",
    "(kWh)",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=25,
)


@given(st.sampled_from(TOPICS), JSON)
def test_no_message_raises(topic: str, body: Any) -> None:
    for arrival in DECODER.decode(Message(topic, json.dumps(body).encode(), NOW_MS)):
        assert RejectReason.DRIVER_FAULT not in {r.reason for r in arrival.rejected}


@given(st.sampled_from(TOPICS), st.binary(max_size=80))
def test_no_bytes_raise(topic: str, body: bytes) -> None:
    for arrival in DECODER.decode(Message(topic, body, NOW_MS)):
        assert RejectReason.DRIVER_FAULT not in {r.reason for r in arrival.rejected}


DECODER = decoder()


def test_a_hostile_gateway_is_bounded_and_counted() -> None:
    body = {f"d{n}": [{"ts": AT_MS, "values": {"temp_c": 4.5}}] for n in range(5_000)}
    arrivals = arrive("v1/gateway/telemetry", body)
    assert len(arrivals) <= 501
    assert [r.reason for a in arrivals for r in a.rejected] == [RejectReason.TOO_LARGE]
