"""Homie 3, 4 and 5 (homieiot.github.io): attributes or one `$description` say what values mean.

    homie/<device>/$state, $nodes, <node>/$properties, <node>/<property>/$unit, $datatype  (3, 4)
    homie/5/<device>/$state, $description                                                  (5)
    homie[/5]/<device>/<node>/<property>                                                   a value

The unit is the property's; a value that came before it is held and read once it is heard.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from caretaker.quantities import QUANTITIES
from caretaker.vocabulary import Arrival, Rejected, RejectReason
from ingest.codecs.keys import Key, identify
from ingest.codecs.parsed import Parsed
from ingest.codecs.port import Heard, Memory, Route, arrive, bad_name, refuse, usable_name
from ingest.codecs.values import Value, readings
from ingest.driver import Driver

_MAX_PROPERTIES = 500
_AVAILABLE = {"ready": True, "alert": True, "lost": False, "disconnected": False}
_READ = {"$unit", "$datatype", "$name", "$settable"}
_STATS = {
    "battery": ("battery", "%"),
    "cputemp": ("device_temperature", "C"),
    "supply": ("voltage", "V"),
}
"""Statistics of the convention up to version 4, with the units it names."""
_SETPOINT = "temperature_setpoint"
_ARRAY = re.compile(r"_\d+$")


class _Property(msgspec.Struct):
    """What a property's attributes say."""

    datatype: str = ""
    unit: str = ""
    name: str = ""
    settable: str = ""


class _Device(msgspec.Struct):
    """What a device's descriptor says; `whole` once nothing more is to come."""

    name: str = ""
    whole: bool = False
    properties: dict[str, _Property] = {}


class Homie:
    """Learns properties from attributes or descriptions and reads their values."""

    def __init__(self, driver: Driver, memory: Memory) -> None:
        self._driver = driver
        self._memory = memory
        self._devices = Parsed(memory, msgspec.json.Decoder(_Device).decode)

    def explains(self, key: str, value: bytes) -> Iterable[str]:
        """Return what the topics of a device's values hold."""
        del value
        return (f"/{key.partition(':')[2]}/",)

    def decode(self, heard: Heard, route: Route) -> Sequence[Arrival] | None:
        """Return what an attribute taught or a value said."""
        levels = route.names["rest"].split("/")
        if levels[0] == "5" and len(levels) > 1:
            levels = levels[1:]
        name, rest = levels[0], levels[1:]
        if not usable_name(name):
            return (bad_name(heard, self._driver, name),)
        if not rest or not all(rest):
            return None
        if rest[0] == "$state":
            return (self._state(heard, name),)
        if rest[0] == "$description":
            return (self._description(heard, name),)
        if len(rest) == 3 and rest[2] in _READ and not rest[0].startswith("$"):
            return (self._attribute(heard, name, "/".join(rest[:2]), rest[2]),)
        if len(rest) == 2 and rest[0] == "$stats" and rest[1] in _STATS:
            return (self._statistic(heard, name, rest[1]),)
        if rest == ["$name"]:
            return (self._named(heard, name),)
        if len(rest) == 2 and not any(level.startswith("$") for level in rest):
            return (self._value(heard, name, "/".join(rest)),)
        return (refuse(heard, self._driver),)  # settings, targets, alerts, logs: known, no reading

    def _known(self, name: str) -> _Device:
        raw = self._memory.get(f"homie:{name}")
        return msgspec.json.decode(raw, type=_Device) if raw else _Device()

    def _taught(self, heard: Heard, name: str, device: _Device | None, **more: Any) -> Arrival:
        value = b"" if device is None else msgspec.json.encode(device)
        return arrive(
            heard,
            self._driver,
            device=self._driver.device.format(device=name) if more else "",
            knowledge=((f"homie:{name}", value),),
            **more,
        )

    def _state(self, heard: Heard, name: str) -> Arrival:
        word = heard.message.payload[:32].decode("utf-8", "replace").strip()
        device = self._known(name)
        device.whole = device.whole or word == "ready"
        return self._taught(heard, name, device, available=_AVAILABLE.get(word))

    def _named(self, heard: Heard, name: str) -> Arrival:
        device = self._known(name)
        device.name = heard.message.payload[:128].decode("utf-8", "replace")
        return self._taught(heard, name, device)

    def _attribute(self, heard: Heard, name: str, path: str, attribute: str) -> Arrival:
        device = self._known(name)
        if path not in device.properties and len(device.properties) >= _MAX_PROPERTIES:
            detail = f"more than {_MAX_PROPERTIES} properties"
            return refuse(heard, self._driver, Rejected(RejectReason.TOO_LARGE, detail))
        described = device.properties.setdefault(path, _Property())
        text = heard.message.payload[:64].decode("utf-8", "replace").strip()
        setattr(described, attribute[1:], text)
        return self._taught(heard, name, device)

    def _description(self, heard: Heard, name: str) -> Arrival:
        if not heard.message.payload.strip():
            return self._taught(heard, name, None)  # the device is taken back
        if isinstance(heard.json, Rejected):
            return refuse(heard, self._driver, heard.json)
        nodes = heard.json.get("nodes", {}) if isinstance(heard.json, Mapping) else None
        if not isinstance(nodes, Mapping):
            return refuse(heard, self._driver, Rejected(RejectReason.WRONG_SHAPE, "no nodes"))
        device = _Device(name=str(heard.json.get("name", ""))[:128], whole=True)
        dropped = 0
        for node, held in nodes.items():
            properties = held.get("properties") if isinstance(held, Mapping) else None
            for key, item in properties.items() if isinstance(properties, Mapping) else ():
                if not isinstance(item, Mapping):
                    continue
                if len(device.properties) >= _MAX_PROPERTIES:
                    dropped += 1
                    continue
                device.properties[f"{node}/{key}"[:128]] = _Property(
                    *(
                        str(item.get(part, ""))[:64]
                        for part in ("datatype", "unit", "name", "settable")
                    )
                )
        refused = (
            [Rejected(RejectReason.TOO_LARGE, f"{dropped} properties of {name} have no room")]
            if dropped
            else []
        )
        knowledge = ((f"homie:{name}", msgspec.json.encode(device)),)
        return arrive(heard, self._driver, device="", rejected=refused, knowledge=knowledge)

    def _statistic(self, heard: Heard, name: str, which: str) -> Arrival:
        quantity, unit = _STATS[which]
        text = heard.message.payload[:64].decode("utf-8", "replace").strip()
        value = Value(quantity, text, unit, "stats")
        measured, refused = readings([value], received_ms=heard.message.received_ms)
        key = self._driver.device.format(device=name)
        return arrive(heard, self._driver, device=key, measured=measured, rejected=refused)

    def _value(self, heard: Heard, name: str, path: str) -> Arrival:
        device = self._devices.get(f"homie:{name}") or _Device()
        said = _said(device, path, heard.message.payload)
        measured, refused = readings([said] if said else [], received_ms=heard.message.received_ms)
        key = self._driver.device.format(device=name)
        return arrive(
            heard, self._driver, device=key, measured=measured, rejected=refused, model=device.name
        )


def _described(device: _Device, path: str) -> _Property | None:
    """Return a property; in version 3 lights_0/power is described as lights/power."""
    node, _, own = path.partition("/")
    found = device.properties.get(path)
    return found or device.properties.get(f"{_ARRAY.sub('', node)}/{own}")


def _said(device: _Device, path: str, payload: bytes) -> Value | Rejected | None:
    described = _described(device, path)
    if described is None:
        if device.whole:
            return None  # the description is whole and names no such property
        return Rejected(RejectReason.NO_MEANING, f"{path}: not described yet")
    text = payload[:64].decode("utf-8", "replace").strip()
    if not text or described.datatype in {"string", "color", "datetime", "duration", "json"}:
        return None
    key = _meaning(path, described)
    if not isinstance(key, Key):
        return None
    state = QUANTITIES[key.quantity].unit == "1"
    if not described.unit and not state and not device.whole:
        return Rejected(RejectReason.NO_MEANING, f"{path}: its unit was not heard yet")
    if described.datatype == "boolean" and not state:
        return None
    if text.lower() == "nan":
        return Rejected(RejectReason.NOT_FINITE, path)
    return Value(key.quantity, text, described.unit or key.unit, key.channel)


def _meaning(path: str, described: _Property) -> Key | Rejected | None:
    """Return what a property is: by node and property id, by the property id, by its name."""
    names = (path.replace("/", "_"), path.rpartition("/")[2], described.name)
    for name in names:
        if name and (key := identify(name, described.unit)) is not None:
            return _set(key) if described.settable.lower() == "true" else key
    return None


def _set(key: Key | Rejected) -> Key | Rejected | None:
    """Return what a property is that can be set: a set point or a state, and nothing measured."""
    if not isinstance(key, Key) or QUANTITIES[key.quantity].unit == "1":
        return key
    return replace(key, quantity=_SETPOINT) if "temperature" in key.quantity else None
