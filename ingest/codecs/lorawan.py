"""LoRaWAN network servers: ChirpStack v3 and v4, The Things Stack v3, ThingPark; decoded objects.

The envelope says who (DevEUI) and when (the gateway's time); what the object's keys mean is said
by their names, by a model file that extends `lorawan`, or by the normalised payload of The Things
Stack. The same device through two servers is one device, by its DevEUI.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from caretaker.vocabulary import Arrival, Rejected, RejectReason
from ingest.codecs.models import Models
from ingest.codecs.port import (
    LIST,
    Heard,
    Memory,
    Route,
    Shape,
    arrive,
    bad_name,
    refuse,
    usable_name,
)
from ingest.codecs.values import Value, moment, readings
from ingest.driver import Driver
from ingest.strict_json import parse

_EUI = re.compile(r"[0-9a-fA-F]{16}")
_MAX_EUI = 64  # no longer text is one, in hex or in base64
_MAX_UPLINKS = 100
_WRAPPERS = ("result", "payload", "uplink", "body")
_ENVELOPES = (
    {"end_device_ids", "uplink_message"},
    {"DevEUI_uplink"},
    {"deviceInfo"},
    {"devEUI", "fPort"},
    *({wrapper} for wrapper in _WRAPPERS),
)
# Units that LoRaWAN codecs document for bare names: Cayenne LPP (name_channel), its ChirpStack
# form (temperatureSensor: {channel: value}), and what no vendor writes in another unit.
_IMPLIED = {
    **dict.fromkeys(("temperature", "Temperature", "temperature_#", "temperatureSensor_#"), "C"),
    **dict.fromkeys(("any temperature", "any device_temperature"), "C?"),
    **dict.fromkeys(("any temperature_setpoint", "any dew_point"), "C?"),
    **dict.fromkeys(("any pm1", "any pm2_5", "any pm10"), "ug/m3"),
    "any sound_level": "dB",
    "any pressure": "air?",
    "any battery_voltage": "V|mV",
    **dict.fromkeys(("any humidity", "percentage_#"), "%"),
    **dict.fromkeys(("concentration_#", "any co2"), "ppm"),
    **dict.fromkeys(
        ("illuminance", "Illuminance", "illumination", "illuminance_#", "luminosity_#"), "lx"
    ),
    **dict.fromkeys(("illuminanceSensor_#",), "lx"),
    **dict.fromkeys(("barometer_#", "barometric_pressure_#"), "hPa"),
    **dict.fromkeys(("voltage_#",), "V"),
    **dict.fromkeys(("current_#",), "A"),
    **dict.fromkeys(("power_#",), "W"),
    **dict.fromkeys(("energy_#",), "kWh"),
    **dict.fromkeys(("frequency_#",), "Hz"),
}
# The Things Stack's normalised payload: part and key, with the unit of its schema.
_NORMALISED = {
    ("air", "temperature"): ("temperature", "C", ""),
    ("air", "relativeHumidity"): ("humidity", "%", ""),
    ("air", "pressure"): ("pressure", "hPa", ""),
    ("air", "co2"): ("co2", "ppm", ""),
    ("air", "lightIntensity"): ("illuminance", "lx", ""),
    ("soil", "temperature"): ("temperature", "C", "soil"),
    ("soil", "moisture"): ("soil_moisture", "%", ""),
    ("water", "temperature"): ("temperature", "C", "water"),
    ("water", "leak"): ("leak", "1", ""),
    ("action", "contactState"): ("door", "1", ""),
}
_DEEPER = {("action", "motion"), ("metering", "water")}
_PARTS = {part for part, _ in (*_NORMALISED, *_DEEPER)}


class _Uplink(NamedTuple):
    """One uplink, whatever server sent it."""

    device: str
    at: object
    decoded: Any
    labels: tuple[str, ...]
    normalised: Any = None
    raw: bool = False


class LoRaWan:
    """Reads uplinks of LoRaWAN network servers."""

    def __init__(self, driver: Driver, memory: Memory) -> None:
        del memory
        self._driver = driver
        self._models = Models(driver, implied=_IMPLIED)

    def may_read(self, shape: Shape, *, anywhere: bool) -> bool:
        """Return whether an object has the keys of an envelope, or what holds one; or a list."""
        keys = set(shape)
        return anywhere or shape == LIST or any(keys >= some for some in _ENVELOPES)

    def decode(self, heard: Heard, route: Route) -> Sequence[Arrival] | None:
        """Return one arrival an uplink; None when the payload is no uplink of a server."""
        named = route.names.get("device", "")
        if isinstance(heard.json, Rejected):
            return (refuse(heard, self._driver, heard.json),) if named else None
        uplinks = list(_uplinks(heard.json, named))[:_MAX_UPLINKS]
        if not uplinks:
            if not named:
                return None
            return (refuse(heard, self._driver, Rejected(RejectReason.WRONG_SHAPE, "no uplink")),)
        return [self._arrival(heard, uplink) for uplink in uplinks]

    def _arrival(self, heard: Heard, uplink: _Uplink) -> Arrival:
        if not usable_name(uplink.device):
            return bad_name(heard, self._driver, uplink.device)
        key = self._driver.device.format(device=uplink.device)
        at = moment(uplink.at) if uplink.at else None
        decoded, own = _parted(uplink.decoded)
        said, model = self._models.read(decoded, *uplink.labels, key)
        if uplink.normalised or own:
            normalised = [*_normalised(uplink.normalised), *_normalised(own)]
            said = [*normalised, *(item for item in said if not _same(item, normalised))]
            said = [item for item in said if not _unit_known(item, said)]
        if not said and uplink.raw and not uplink.decoded:
            detail = "no decoded object: give the device profile its codec"
            said = [Rejected(RejectReason.WRONG_SHAPE, detail)]
        measured, refused = readings(
            said,
            received_ms=heard.message.received_ms,
            at_ms=None if isinstance(at, Rejected) else at,
        )
        return arrive(
            heard,
            self._driver,
            device=key,
            measured=measured,
            rejected=refused,
            model=next((label for label in uplink.labels if label), model),
        )


def _same(item: Value | Rejected, normalised: Sequence[Value | Rejected]) -> bool:
    """Return whether the names of a decoded object say what its normalised payload says too."""
    return isinstance(item, Value) and any(
        isinstance(other, Value)
        and (item.quantity, str(item.number)) == (other.quantity, str(other.number))
        for other in normalised
    )


def _unit_known(item: Value | Rejected, said: Sequence[Value | Rejected]) -> bool:
    """Return whether a missing unit is made up for by the normalised payload."""
    if not isinstance(item, Rejected) or item.reason is not RejectReason.UNIT_MISSING:
        return False
    quantities = {value.quantity for value in said if isinstance(value, Value)}
    names = item.detail.lower().split(", ")
    return all(any(quantity.split("_")[0] in name for quantity in quantities) for name in names)


def _uplinks(payload: Any, named: str) -> Iterator[_Uplink]:
    """Yield the uplinks of a payload; the topic names the device where the payload does not."""
    for item in payload if isinstance(payload, list) else [payload]:
        body = item
        for _ in range(3):
            if not isinstance(body, dict) or _is_envelope(body):
                break
            body = next((body[key] for key in _WRAPPERS if isinstance(body.get(key), dict)), None)
        if not isinstance(body, dict):
            if named and isinstance(item, dict):
                yield _Uplink(_eui(named), None, item, ())
            continue
        if isinstance(body.get("end_device_ids"), dict):
            yield from _things_stack(body)
        elif isinstance(body.get("DevEUI_uplink"), dict):
            yield _thingpark(body["DevEUI_uplink"])
        else:
            yield _chirpstack(body, named)


def _is_envelope(body: Mapping[str, Any]) -> bool:
    if isinstance(body.get("end_device_ids"), dict):
        return isinstance(body.get("uplink_message"), dict)
    if isinstance(body.get("DevEUI_uplink"), dict):
        return True
    return isinstance(body.get("deviceInfo"), dict) or ("devEUI" in body and "fPort" in body)


def _text(*items: object) -> tuple[str, ...]:
    return tuple(item for item in items if isinstance(item, str))


def _things_stack(body: Mapping[str, Any]) -> Iterator[_Uplink]:
    ids, message = body["end_device_ids"], body.get("uplink_message")
    message = message if isinstance(message, dict) else {}
    application = ids.get("application_ids")
    own = ids.get("device_id", "")
    eui = ids.get("dev_eui", "")
    name = (
        f"{application.get('application_id', '')}/{own}" if isinstance(application, dict) else own
    )
    version = message.get("version_ids")
    version = version if isinstance(version, dict) else {}
    settings = message.get("settings")
    settings = settings if isinstance(settings, dict) else {}
    model = " ".join(_text(version.get("brand_id"), version.get("model_id")))
    yield _Uplink(
        device=_eui(eui) if isinstance(eui, str) and _EUI.fullmatch(eui) else str(name).strip("/"),
        at=_first_time(
            settings.get("time"),
            _of_gateway(message.get("rx_metadata")),
            message.get("received_at"),
            body.get("received_at"),
        ),
        decoded=message.get("decoded_payload"),
        labels=_text(model, own),
        normalised=message.get("normalized_payload"),
        raw=bool(message.get("frm_payload")),
    )


def _first_time(*items: object) -> object:
    """Return the first that is a time; year 1 stands for none in protobuf JSON."""
    return next((i for i in items if isinstance(i, str) and i and not i.startswith("0001")), None)


def _of_gateway(metadata: object) -> object:
    if isinstance(metadata, list):
        for item in metadata:
            if isinstance(item, dict) and isinstance(item.get("time"), str):
                return item["time"]
    return None


def _thingpark(body: Mapping[str, Any]) -> _Uplink:
    """Return an uplink of Actility's ThingPark, whose driver's object stands in `payload`."""
    driver = body.get("driverCfg")
    application = driver.get("app") if isinstance(driver, dict) else None
    model = application.get("mId") if isinstance(application, dict) else None
    customer = body.get("CustomerData")
    name = customer.get("name") if isinstance(customer, dict) else None
    return _Uplink(
        device=_eui(str(body.get("DevEUI", ""))),
        at=_first_time(body.get("Time")),
        decoded=body.get("payload"),
        labels=_text(model, name),
        raw=bool(body.get("payload_hex")),
    )


def _chirpstack(body: Mapping[str, Any], named: str) -> _Uplink:
    info = body.get("deviceInfo")
    info = info if isinstance(info, dict) else {}
    decoded = body.get("object", body.get("objectJSON"))
    if isinstance(decoded, str):
        decoded = parse(decoded.encode("utf-8", "replace")) if decoded.strip() else None
        decoded = None if isinstance(decoded, Rejected) else decoded
    eui = info.get("devEui") or body.get("devEUI") or named
    return _Uplink(
        device=_eui(str(eui)),
        at=_first_time(body.get("time"), _of_gateway(body.get("rxInfo")), body.get("publishedAt")),
        decoded=decoded,
        labels=_text(
            info.get("deviceProfileName", body.get("deviceProfileName")),
            info.get("deviceName", body.get("deviceName")),
            *_tags(info.get("tags", body.get("tags"))),
        ),
        raw=bool(body.get("data")),
    )


def _tags(tags: object) -> tuple[object, ...]:
    """Return the tags that name a model."""
    if not isinstance(tags, dict):
        return ()
    return tuple(tags.get(key) for key in ("model", "device_model", "type", "vendor"))


def _eui(text: str) -> str:
    """Return a DevEUI in small hex; protobuf JSON of ChirpStack v3 writes it in base64.

    >>> _eui("AgICAgICAgI="), _eui("24E124136B000001")
    ('0202020202020202', '24e124136b000001')
    """
    return _known_eui(text) if len(text) <= _MAX_EUI else text


@lru_cache(maxsize=4_096)
def _known_eui(text: str) -> str:
    if _EUI.fullmatch(text):
        return text.lower()
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return text
    return raw.hex() if len(raw) == 8 else text


def _parted(decoded: Any) -> tuple[Any, Any]:
    """Return an object without its normalised parts, and those: some codecs write them themselves.

    >>> _parted({"air": {"temperature": 21.5, "place": "in"}, "battery": 3.6, "tvoc": 100})
    ({'air': {'place': 'in'}, 'tvoc': 100}, {'air': {'temperature': 21.5}, 'battery': 3.6})
    >>> _parted({"battery": 88})
    ({'battery': 88}, {})
    """
    if not isinstance(decoded, Mapping):
        return decoded, {}
    rest: dict[str, Any] = {}
    own: dict[str, Any] = {}
    for part, held in decoded.items():
        if part not in _PARTS or not isinstance(held, Mapping):
            rest[part] = held
            continue
        known = {key for key in held if (part, key) in _NORMALISED or (part, key) in _DEEPER}
        if known:
            own[part] = {key: held[key] for key in known}
        if left := {key: raw for key, raw in held.items() if key not in known}:
            rest[part] = left
    if own and isinstance(rest.get("battery"), int | float):
        own["battery"] = rest.pop("battery")
    return rest, own


def _normalised(payload: object) -> Iterator[Value | Rejected]:
    """Yield the measurements of The Things Stack's normalised payload."""
    for item in payload if isinstance(payload, list) else [payload]:
        if not isinstance(item, dict):
            continue
        at = moment(item["time"]) if isinstance(item.get("time"), str) else None
        at_ms = None if isinstance(at, Rejected) else at
        for part, held in item.items():
            if part == "battery" and isinstance(held, int | float):
                yield Value("battery_voltage", held, "V", "", at_ms)
            if not isinstance(held, dict):
                continue
            for key, raw in held.items():
                if (part, key) in _NORMALISED:
                    quantity, unit, channel = _NORMALISED[part, key]
                    raw = raw.get("current") if isinstance(raw, Mapping) else raw  # noqa: PLW2901
                    yield Value(quantity, raw, unit, channel, at_ms)
            motion = held.get("motion")
            if part == "action" and isinstance(motion, dict) and "detected" in motion:
                yield Value("occupancy", motion["detected"], "1", "", at_ms)
            metered = held.get("water")
            if part == "metering" and isinstance(metered, dict) and "total" in metered:
                yield Value("volume", metered["total"], "L", "", at_ms)
