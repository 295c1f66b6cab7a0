"""Home Assistant discovery configs: who the device is, which entities, which topics and units.

Abbreviations, `~`, single entities and device-based discovery (`cmps`) by
home-assistant.io/integrations/mqtt, device classes by home-assistant.io/integrations/sensor.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import msgspec

from caretaker.quantities import QUANTITIES, Kind
from caretaker.vocabulary import Rejected, RejectReason
from ingest.codecs.ha_template import MAX_LENGTH, Template, UnknownTemplateError
from ingest.codecs.keys import Key, identify
from ingest.codecs.port import MAX_NAME, usable_name
from ingest.units import UnknownUnitError, factor_offset

_FULL = {
    "stat_t": "state_topic",
    "unit_of_meas": "unit_of_measurement",
    "dev_cla": "device_class",
    "stat_cla": "state_class",
    "val_tpl": "value_template",
    "stat_val_tpl": "value_template",
    "uniq_id": "unique_id",
    "dev": "device",
    "avty": "availability",
    "avty_t": "availability_topic",
    "avty_tpl": "availability_template",
    "pl_avail": "payload_available",
    "pl_not_avail": "payload_not_available",
    "pl_on": "payload_on",
    "pl_off": "payload_off",
    "ids": "identifiers",
    "cns": "connections",
    "mdl": "model",
    "mf": "manufacturer",
    "sn": "serial_number",
    "cmps": "components",
    "p": "platform",
    "t": "topic",
    "obj_id": "object_id",
    "def_ent_id": "default_entity_id",
    "ent_cat": "entity_category",
    "lrst_t": "last_reset_topic",
    "lrst_val_tpl": "last_reset_value_template",
    "curr_temp_t": "current_temperature_topic",
    "curr_temp_tpl": "current_temperature_template",
    "temp_unit": "temperature_unit",
    "stat_on": "state_on",
    "stat_off": "state_off",
}
_SENSOR = {
    "temperature": "temperature",
    "humidity": "humidity",
    "atmospheric_pressure": "pressure",
    "pressure": "pressure",
    "carbon_dioxide": "co2",
    "illuminance": "illuminance",
    "battery": "battery",
    "energy": "energy",
    "power": "power",
    "reactive_energy": "reactive_energy",
    "reactive_power": "reactive_power",
    "apparent_power": "apparent_power",
    "voltage": "voltage",
    "current": "current",
    "power_factor": "power_factor",
    "frequency": "frequency",
    "water": "volume",
    "volume": "volume",
    "gas": "gas_volume",
    "volume_flow_rate": "flow",
    "moisture": "soil_moisture",
    "pm25": "pm2_5",
    "pm10": "pm10",
    "pm1": "pm1",
    "volatile_organic_compounds_parts": "voc",
    "sound_pressure": "sound_level",
    "temperature_delta": "temperature_difference",
}
_BINARY = {
    "door": "door",
    "garage_door": "door",
    "opening": "door",
    "window": "door",
    "moisture": "leak",
    "motion": "occupancy",
    "occupancy": "occupancy",
    "presence": "occupancy",
    "smoke": "smoke",
    "gas": "gas_alarm",
    "tamper": "tamper",
    "battery": "battery_low",
    "plug": "mains",
    "power": "mains",
    "problem": "fault",
}
_KINDS = {"sensor", "binary_sensor", "switch", "climate"}
_OTHERS = {"energy_storage", "energy_distance", "volume_storage", "monetary", "duration", "speed"}
_OTHERS |= {"distance", "weight", "signal_strength", "data_rate", "data_size", "timestamp", "date"}
_OTHERS |= {"irradiance", "precipitation", "precipitation_intensity", "wind_speed", "aqi", "enum"}
_OTHERS |= {"carbon_monoxide", "nitrogen_dioxide", "nitrogen_monoxide", "nitrous_oxide", "ozone"}
_OTHERS |= {"sulphur_dioxide", "blood_glucose_concentration", "conductivity", "ph", "area"}
_OTHERS |= {"connectivity", "running", "update", "battery_charging", "safety", "vibration"}
"""Device classes of things that are no quantity of ours, whatever the unit: a charge is a level."""
MAX_PARTS = 300
_RESETS = ("last_reset_value_template", "last_reset_topic", "last_reset")
_PERIOD = re.compile(
    r"today|yesterday|daily|monthly|yearly|heute|gestern|[_.](?:day|week|month|year)(?![a-z])",
    re.IGNORECASE,
)
_COMPONENT = re.compile(r"^(binary_)?sensor[-_]")
_REFINED = re.compile(r"(?:heat|gas|cooling|battery|device)_|\w+_export")
_CODE = re.compile(r"[^0-9A-Za-z]+")


class Entity(msgspec.Struct, array_like=True, frozen=True):
    """One point that a config describes; `on` and `off` are its words where it is a state."""

    topic: str
    quantity: str
    unit: str
    channel: str = ""
    template: str = ""
    on: str = ""
    off: str = ""


class Watch(msgspec.Struct, array_like=True, frozen=True):
    """An availability topic: its words, and the template that finds them."""

    online: str = "online"
    offline: str = "offline"
    template: str = ""


@dataclass(slots=True)
class Described:
    """What one config message says."""

    device: str
    model: str = ""
    entities: dict[str, Entity] = field(default_factory=dict)
    watches: dict[str, Watch] = field(default_factory=dict)
    refused: list[Rejected] = field(default_factory=list)


def expand(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config with full key names and whole topics.

    >>> expand({"~": "a/b", "stat_t": "~/state", "unit_of_meas": "W"})["state_topic"]
    'a/b/state'
    """
    base = config.get("~", "")
    found: dict[str, Any] = {}
    for key, value in config.items():
        name = _FULL.get(key, key)
        topic = isinstance(value, str) and isinstance(base, str) and name.endswith("topic")
        found[name] = _whole(value, base) if topic else value
    return found


def _whole(topic: str, base: str) -> str:
    if topic.startswith("~"):
        return base + topic[1:]
    return topic[:-1] + base if topic.endswith("~") else topic


def entities_of(config: Mapping[str, Any], *, component: str, topic: str) -> Described | Rejected:
    """Return what a config describes; an entity that is no reading is passed over."""
    whole = expand(config)
    device = whole.get("device")
    device = expand(device) if isinstance(device, Mapping) else {}
    name = _identity(device, whole, topic)
    if not usable_name(name):
        return Rejected(RejectReason.BAD_NAME, name[:60])
    made = device.get("manufacturer"), device.get("model")
    model = " ".join(part for part in made if isinstance(part, str))[:MAX_NAME]
    described = Described(name, model)
    described.watches |= _watches(whole)
    parts = whole.get("components")
    if component == "device" and isinstance(parts, Mapping) and len(parts) > MAX_PARTS:
        detail = f"{len(parts)} parts, the first {MAX_PARTS} are read"
        described.refused.append(Rejected(RejectReason.TOO_LARGE, detail))
    for uid, label, kind, entity in _components(whole, component, topic):
        described.watches |= _watches(entity)
        found = _entity(entity, kind=kind, own=_own(uid, name) or label)
        if isinstance(found, Rejected):
            described.refused.append(found)
        elif found is not None:
            described.entities[uid] = found
    return described


def _identity(device: Mapping[str, Any], whole: Mapping[str, Any], topic: str) -> str:
    """Return the device's stable id: its first identifier, a connection, or the entity's own."""
    identifiers = device.get("identifiers")
    first = identifiers[0] if isinstance(identifiers, list) and identifiers else identifiers
    if isinstance(first, list) and first:
        first = first[-1]
    if isinstance(first, str | int) and str(first):
        return str(first)
    connections = device.get("connections")
    if isinstance(connections, list) and connections and isinstance(connections[0], list):
        return str(connections[0][-1])
    return str(whole.get("unique_id") or topic.rpartition("/config")[0].partition("/")[2])


def _components(
    whole: Mapping[str, Any], component: str, topic: str
) -> Iterator[tuple[str, str, str, Mapping[str, Any]]]:
    """Yield (unique id, object id, kind, config) of each entity; parts share common keys."""
    if component != "device":
        path = topic.partition("/")[2].rpartition("/")[0]
        uid = str(whole.get("unique_id") or path)
        yield uid[-MAX_NAME:], path.rpartition("/")[2], component, whole
        return
    parts = whole.get("components")
    shared = {key: whole[key] for key in ("state_topic", "~") if key in whole}
    for key, part in list(parts.items())[:MAX_PARTS] if isinstance(parts, Mapping) else ():
        if isinstance(part, Mapping):
            full = expand({**shared, **part})
            kind = str(full.get("platform", ""))
            if len(part) > 1:  # a platform alone takes the part back
                yield str(full.get("unique_id") or key)[-MAX_NAME:], str(key), kind, full


def _watches(config: Mapping[str, Any]) -> dict[str, Watch]:
    """Return the availability topics of a config."""
    found: dict[str, Watch] = {}
    items: Any = config.get("availability")
    items = items if isinstance(items, list) else [items] if isinstance(items, Mapping) else []
    if isinstance(config.get("availability_topic"), str):
        single = {**config, "topic": config["availability_topic"]}
        items = [*items, {**single, "value_template": config.get("availability_template", "")}]
    base = config.get("~", "")
    for item in items[:8]:
        if not isinstance(item, Mapping):
            continue
        full = expand({"~": base, **item})
        template = str(full.get("value_template") or "")
        if not isinstance(full.get("topic"), str) or not _understood(template):
            continue
        online = full.get("payload_available", "online")
        offline = full.get("payload_not_available", "offline")
        found[full["topic"][:MAX_NAME]] = Watch(str(online), str(offline), template)
    return found


def _understood(template: str) -> bool:
    return len(template) <= MAX_LENGTH and _parses(template)


@lru_cache(maxsize=1_000)
def _parses(template: str) -> bool:
    try:
        Template(template)
    except UnknownTemplateError:
        return False
    return True


def _entity(config: Mapping[str, Any], *, kind: str, own: str) -> Entity | Rejected | None:
    if kind == "climate":
        config = _measured_by_climate(config)
        kind = "sensor"
    topic = config.get("state_topic")
    if kind not in _KINDS or not isinstance(topic, str) or not topic:
        return None
    template = str(config.get("value_template") or "")
    unit = config.get("unit_of_measurement")
    unit = unit if isinstance(unit, str) else ""
    label = str(config.get("name") or config.get("object_id") or "")
    key = _meaning(config, kind=kind, unit=unit, names=(own, label))
    if key is None:
        return None
    counts = QUANTITIES[key.quantity].kind is Kind.COUNTER
    if counts and _PERIOD.search(f"{template} .{topic.rpartition('/')[2]}"):
        return None  # the amount of a period, whatever its name says
    if not _understood(template):
        return Rejected(RejectReason.WRONG_SHAPE, f"template not understood: {template[:80]}")
    on, off = _words(config) if QUANTITIES[key.quantity].kind is Kind.STATE else ("", "")
    return Entity(topic, key.quantity, key.unit, key.channel, template, on, off)


def _measured_by_climate(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a climate entity measures as if it were a sensor; its set point is none."""
    return {
        "state_topic": config.get("current_temperature_topic"),
        "value_template": config.get("current_temperature_template"),
        "unit_of_measurement": config.get("temperature_unit", ""),
        "device_class": "temperature",
        "name": config.get("name"),
        "object_id": config.get("object_id"),
    }


def _words(config: Mapping[str, Any]) -> tuple[str, str]:
    """Return what an entity says when on and when off."""
    on = config.get("state_on", config.get("payload_on", "ON"))
    off = config.get("state_off", config.get("payload_off", "OFF"))
    return str(on), str(off)


def _own(uid: str, device: str) -> str:
    """Return what a unique id adds to the device's own, empty where it does not begin with it.

    >>> _own("a4cf12000001-sensor-cold_room", "a4:cf:12:00:00:01"), _own("x_power", "y")
    ('cold_room', '')
    """
    plain = _CODE.sub("", device).lower()
    if not plain or not _CODE.sub("", uid).lower().startswith(plain):
        return ""
    count = 0
    for at, letter in enumerate(uid):
        count += letter.isalnum()
        if count == len(plain):
            return _COMPONENT.sub("", uid[at + 1 :].strip("_-. "))
    return ""


def _meaning(
    config: Mapping[str, Any], *, kind: str, unit: str, names: tuple[str, str]
) -> Key | None:
    """Return quantity, unit and channel: by the device class, else by the name and the unit."""
    known = [key for name in names if name and (key := identify(name, unit)) is not None]
    if any(isinstance(key, Rejected) for key in known):
        return None  # today, yesterday, minimum: no reading of now
    named = _surest([name for name in names if name], unit)
    if kind == "switch":
        return Key("relay", "1", _rest(names[0], "switch_relay"))
    if any(config.get(key) for key in _RESETS):
        return None  # the amount of a period
    table = _BINARY if kind == "binary_sensor" else _SENSOR
    told = str(config.get("device_class") or "")
    quantity = table.get(told, "")
    if told in _OTHERS:
        return None
    if kind == "binary_sensor":
        if not quantity:
            return named if named and QUANTITIES[named.quantity].kind is Kind.STATE else None
    elif not quantity or not _fits(quantity, unit):
        # Without a class only a unit makes a reading; a class with another unit is no class.
        return named if named and unit else None
    elif named and _finer(quantity, named.quantity):
        quantity = named.quantity
    channel = named.channel if named and named.quantity == quantity else _rest(names[0], quantity)
    return Key(quantity, "1" if kind == "binary_sensor" else unit, channel)


def _surest(names: list[str], unit: str) -> Key | None:
    """Return what a name says: one whose words tell a quantity goes before one that has a unit."""
    worded = [name for name in names if isinstance(identify(name), Key)]
    keys = [key for name in (*worded, *names) if isinstance(key := identify(name, unit), Key)]
    refined = (key for key in keys if _REFINED.match(key.quantity))
    return keys[0] if worded else next(refined, keys[0] if keys else None)


def _finer(quantity: str, named: str) -> bool:
    """Return whether the name says more: exported energy, battery voltage, heat, a set point."""
    return named != quantity and quantity in {
        "energy": {"energy"},
        "energy_export": {"energy"},
        "heat_energy": {"energy"},
        "heat_power": {"power"},
        "heat_volume": {"volume"},
        "gas_volume": {"volume"},
        "heat_flow": {"flow"},
        "gas_flow": {"flow"},
        "battery_voltage": {"voltage"},
        "temperature_setpoint": {"temperature"},
        "device_temperature": {"temperature"},
        "dew_point": {"temperature"},
        "reactive_energy_export": {"reactive_energy"},
    }.get(named, set())


def _fits(quantity: str, unit: str) -> bool:
    if not unit:
        return True  # waits for a person, as UNIT_MISSING
    try:
        factor_offset(quantity, unit)
    except UnknownUnitError:
        return False
    return True


def _rest(name: str, quantity: str) -> str:
    """Return a short name of an entity whose words do not tell its quantity."""
    words = [word.lower() for word in _CODE.split(name) if word]
    return "_".join(word for word in words if word not in quantity.split("_"))[:64]
