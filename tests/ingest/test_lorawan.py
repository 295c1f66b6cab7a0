"""Uplinks of LoRaWAN servers: units by name, model or document, logs in their own time."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.clock import ManualClock
from caretaker.vocabulary import Arrival, Measured, RejectReason
from ingest.codecs.keys import Key, identify
from ingest.codecs.objects import read_object
from ingest.decoder import Decoder
from ingest.driver import load_drivers
from ingest.transport.port import Message
from ingest.units import UnknownUnitError, factor_offset

NOW_MS = 1_795_525_200_000
DECODER = Decoder(load_drivers(), clock=ManualClock(NOW_MS))
TOPIC = "application/1/device/0102030405060708/event/up"
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ("temperature", "value", "unit", "time", "BatV", "history", "name", "current_a")
            )
            | st.text(max_size=8),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)
# Quantities as the corpus names them, where ours differ.
OURS = {
    "energy_active_import": {"energy"},
    "energy_active_export": {"energy_export"},
    "power_active": {"power"},
    "volume_water": {"volume"},
    "flow_water": {"flow"},
    "energy_thermal": {"heat_energy"},
    "power_thermal": {"heat_power"},
    "volume_heat_carrier": {"heat_volume"},
    "flow_heat_carrier": {"heat_flow"},
    "temperature_device": {"device_temperature"},
    "temperature": {"temperature", "dew_point"},
}


def uplink(decoded: Any, profile: str = "", *, topic: str = TOPIC) -> tuple[Arrival, ...]:
    body = {
        "time": "2026-11-24T00:00:00Z",
        "deviceInfo": {"devEui": "0102030405060708", "deviceProfileName": profile},
        "object": decoded,
    }
    return DECODER.decode(Message(topic, json.dumps(body).encode(), NOW_MS))


def same(measured: Measured, quantity: str, value: float, unit: str) -> bool:
    if measured.quantity not in OURS.get(quantity, {quantity}):
        return False
    try:
        factor, offset = factor_offset(measured.quantity, {"Cel": "C"}.get(unit, unit))
    except UnknownUnitError:
        return False
    return measured.value == pytest.approx(value * factor + offset, abs=1e-9)


def test_decoded_objects_of_real_devices(payloads: Path) -> None:
    total, missed = 0, []
    for line in (payloads / "06_lorawan.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["topic"] or "envelope" in row["device"]:
            continue
        measured = [m for a in uplink(row["payload"], row["device"]) for m in a.measured]
        for expected in row["expect"]:
            value, unit = expected["value"], expected["unit"]
            if not isinstance(value, int | float) or unit is None:
                continue
            total += 1
            if not any(same(m, expected["quantity"], value, unit) for m in measured):
                missed.append((row["device"], expected["path"], value))
    # Lowest, highest and peak values of a period are statistics, and the log of a device whose
    # clock says 2018 has no place: both are left out on purpose.
    statistics = [m for m in missed if any(w in str(m) for w in ("min", "max", "peak", "Min"))]
    assert len(missed) < 0.1 * total, missed
    assert len(statistics) >= 7


def test_the_unit_is_never_guessed() -> None:
    (arrival,) = uplink({"battery": 80, "voltage": 3, "temperature": 4.5})
    assert [m.quantity for m in arrival.measured] == ["temperature"]
    assert [(r.reason, r.detail) for r in arrival.rejected] == [
        (RejectReason.UNIT_MISSING, "battery, voltage")
    ]


def test_a_model_is_told_by_the_profile_the_name_or_the_shape() -> None:
    assert "battery" in {
        m.quantity for m in uplink({"battery": 80}, "Milesight EM300-TH")[0].measured
    }
    socket = {"active_power": 20, "power_consumption": 1500, "current": 200}
    found = {m.quantity: m.value for m in uplink(socket)[0].measured}
    assert found == pytest.approx({"energy": 1.5, "current": 0.2, "power": 0.02})


def test_a_log_has_its_own_times_and_a_time_that_cannot_be_is_no_reading_of_now() -> None:
    log = [{"volume_l": 10 * n, "time": f"2026-11-24T0{n}:00:00Z"} for n in range(3)]
    (arrival,) = uplink({"log": [*log, {"volume_l": 99, "time": "2018-01-01T00:00:00Z"}]})
    assert [m.value for m in arrival.measured] == pytest.approx([0.0, 0.01, 0.02])
    assert [m.at_ms for m in arrival.measured] == [
        1_795_478_400_000 + n * 3_600_000 for n in range(3)
    ]
    assert [r.reason for r in arrival.rejected] == [RejectReason.BAD_TIME]


def test_values_written_with_their_unit_and_lists_that_number_channels() -> None:
    decoded = {
        "Battery": "3.1V(low battery)",
        "Temperature": "16.5°C",
        "list": [
            {"_name": "Ambient humidity", "_unit": "% rH", "_value": 41.5},
            {"type": "Temperature", "value": 4.5, "unit": "Cel", "channel": 2},
        ],
    }
    (arrival,) = uplink(decoded)
    assert {f"{m.channel}/{m.quantity}": m.value for m in arrival.measured} == {
        "/battery_voltage": 3.1,
        "/temperature": 16.5,
        "ambient/humidity": 41.5,
        "2/temperature": 4.5,
    }


def test_counts_faults_and_words_are_no_readings() -> None:
    decoded = {"motion": 1, "PIR_Sensor_Failure": 1, "illuminance": "dim", "battery_9V": 8530}
    assert uplink(decoded)[0].measured == ()


def test_supply_and_return_beside_an_energy_make_a_heat_meter() -> None:
    decoded = {"energy_kWh": 12, "supply_temp_c": 70.5, "return_temp_c": 50.5}
    found = {(m.channel, m.quantity) for m in uplink(decoded)[0].measured}
    assert found == {("", "heat_energy"), ("supply", "temperature"), ("return", "temperature")}


@pytest.mark.parametrize(
    ("name", "unit", "quantity", "known", "channel"),
    [
        ("BatV", "", "battery_voltage", "V", ""),
        ("TempC2", "", "temperature", "C", "2"),
        ("current_b", "mA", "current", "mA", "b"),
        ("L2_current", "A", "current", "A", "b"),
        ("totalEnergy_kWh", "", "energy", "kWh", ""),
        ("negative_active_energy", "Wh", "energy_export", "Wh", ""),
        ("Q_total", "kvar", "reactive_power", "kvar", "q"),
        ("gas_total_m3", "", "gas_volume", "m3", ""),
        ("A相电压", "V", "voltage", "V", "a"),
        ("正向有功总电能", "kWh", "energy", "kWh", ""),
        ("water_flow", "L/min", "flow", "L/min", ""),
        ("Relative Humidity", "%RH", "humidity", "%", ""),
        ("pm2_5", "ug/m3", "pm2_5", "ug/m3", ""),
        ("targetTemperature", "°C", "temperature_setpoint", "°C", ""),
    ],
)
def test_names(name: str, unit: str, quantity: str, known: str, channel: str) -> None:
    assert identify(name, unit) == Key(quantity, known, channel)


def test_a_register_labelled_with_a_unit_of_power_is_refused() -> None:
    (arrival,) = uplink({"energy_total": {"value": 1500.5, "unit": "kW"}})
    assert not arrival.measured
    assert [r.reason for r in arrival.rejected] == [RejectReason.UNKNOWN_UNIT]


@given(JSON)
def test_no_object_raises(decoded: Any) -> None:
    read_object(decoded)
    for arrival in uplink(decoded):
        assert all(r.reason is not RejectReason.DRIVER_FAULT for r in arrival.rejected)


def test_a_huge_object_is_bounded() -> None:
    (arrival,) = uplink({f"temperature_{n}": 4.5 for n in range(40_000)})
    assert 0 < len(arrival.measured) <= 2_000
    assert [r.reason for r in arrival.rejected] == [RejectReason.TOO_LARGE]
