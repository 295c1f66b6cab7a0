"""Values as the bytes that real devices of five dialects send."""

from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo

import msgspec

from caretaker.clock import from_ms
from simulators.site import SITE, DeviceSpec, Dialect

Values = Mapping[str, float]
"""By native name: energy_kwh, power_kw, volume_m3, temperature_c, air.temperature_c, ..."""

_DECIMALS = {"energy_kwh": 3, "volume_m3": 3, "power_kw": 4, "humidity_pct": 1, "co2_ppm": 0}
_ZONE = ZoneInfo("Asia/Shanghai")


def _json(body: object) -> bytes:
    return msgspec.json.encode(body)


def _native(
    spec: DeviceSpec, values: Values, at_ms: int, boot: str, sequence: int
) -> list[tuple[str, bytes]]:
    readings = {key: round(value, _DECIMALS.get(key, 2)) for key, value in values.items()}
    body = {"at": at_ms, "boot": boot, "seq": sequence, "readings": readings}
    return [(f"caretaker/1/{SITE}/{spec.native or spec.id}/readings", _json(body))]


def _tasmota(
    spec: DeviceSpec, values: Values, at_ms: int, boot: str, sequence: int
) -> list[tuple[str, bytes]]:
    del boot, sequence
    body: dict[str, object] = {
        "Time": from_ms(at_ms).astimezone(_ZONE).strftime("%Y-%m-%dT%H:%M:%S")
    }
    if "energy_kwh" in values:
        power_w = values["power_kw"] * 1000
        body["ENERGY"] = {
            "TotalStartTime": "2026-03-01T08:00:00",
            "Total": round(values["energy_kwh"], 3),
            "Power": round(power_w),
            "ApparentPower": round(power_w / 0.95),
            "Factor": 0.95,
            "Voltage": round(_volts(at_ms, 0)),
            "Current": round(power_w / 0.95 / 228, 3),
        }
    else:
        temperature = round(values["air.temperature_c"], 1)
        body |= {"DS18B20": {"Id": "01131B0A5C4D", "Temperature": temperature}, "TempUnit": "C"}
    return [(f"tele/{spec.native}/SENSOR", _json(body))]


def _volts(at_ms: int, line: int) -> float:
    """Return a mains voltage that never stands still, as none does [V]."""
    return round(228.2 + (at_ms // 60_000 * 7919 + line * 31) % 17 / 10, 1)


def _shelly(
    spec: DeviceSpec, values: Values, at_ms: int, boot: str, sequence: int
) -> list[tuple[str, bytes]]:
    del boot, sequence
    power_w, energy_wh = values["power_kw"] * 1000, values["energy_kwh"] * 1000
    shares = {"a": 0.36, "b": 0.33, "c": 0.31}
    now: dict[str, object] = {"id": 0}
    total: dict[str, object] = {"id": 0}
    for phase, share in shares.items():
        volts = _volts(at_ms, ord(phase))
        now |= {
            f"{phase}_current": round(power_w * share / volts / 0.96, 3),
            f"{phase}_voltage": volts,
            f"{phase}_act_power": round(power_w * share, 1),
            f"{phase}_aprt_power": round(power_w * share / 0.96, 1),
            f"{phase}_pf": 0.96,
            f"{phase}_freq": 50.0,
        }
        total[f"{phase}_total_act_energy"] = round(energy_wh * share, 2)
    now |= {"total_act_power": round(power_w, 1), "total_aprt_power": round(power_w / 0.96, 1)}
    total |= {"total_act": round(energy_wh, 2), "total_act_ret": 0.0}
    return [
        (f"{spec.native}/status/em:0", _json(now)),
        (f"{spec.native}/status/emdata:0", _json(total)),
    ]


def _wmbusmeters(
    spec: DeviceSpec, values: Values, at_ms: int, boot: str, sequence: int
) -> list[tuple[str, bytes]]:
    del boot, sequence
    body = {
        "_": "telegram",
        "media": "cold water",
        "meter": "multical21",
        "name": spec.id,
        "id": spec.native,
        "total_m3": round(values["volume_m3"], 3),
        "flow_temperature_c": 14,
        "external_temperature_c": 19,
        "current_status": "",
        "timestamp": from_ms(at_ms).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return [(f"wmbusmeters/{spec.native}", _json(body))]


def _zigbee(
    spec: DeviceSpec, values: Values, at_ms: int, boot: str, sequence: int
) -> list[tuple[str, bytes]]:
    del boot, sequence
    body: dict[str, object] = {"battery": 88, "linkquality": 116, "voltage": 2995}
    if "door" in values:
        body["contact"] = not values["door"]
    else:
        body |= {
            "temperature": round(values["temperature_c"], 2),
            "humidity": round(values["humidity_pct"], 1),
        }
    body["last_seen"] = from_ms(at_ms).astimezone(_ZONE).isoformat(timespec="seconds")
    return [(f"zigbee2mqtt/{spec.native}", _json(body))]


_ENCODERS: dict[Dialect, Callable[[DeviceSpec, Values, int, str, int], list[tuple[str, bytes]]]] = {
    Dialect.NATIVE: _native,
    Dialect.TASMOTA: _tasmota,
    Dialect.SHELLY: _shelly,
    Dialect.WMBUSMETERS: _wmbusmeters,
    Dialect.ZIGBEE2MQTT: _zigbee,
}


def encode(
    spec: DeviceSpec, values: Values, *, at_ms: int, boot: str, sequence: int
) -> list[tuple[str, bytes]]:
    """Return the (topic, payload) messages a device sends for its values at an instant."""
    return _ENCODERS[spec.dialect](spec, values, at_ms, boot, sequence)
