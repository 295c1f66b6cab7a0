"""Zigbee2MQTT, with what the bridge says of its devices where that was heard.

zigbee2mqtt/bridge/devices (retained) lists each device with `definition.exposes`: property, unit,
and access, a sum of 1 (published), 2 (can be set) and 4 (can be asked for); by
zigbee2mqtt.io/guide/usage/exposes. What can be set is a setting. Without the list a property is
read by the table of the driver file alone. A bridge may be set to publish one value a topic,
zigbee2mqtt/<device>/<property>.

Topics are made of names that a person may change; the list also names the address of each device,
which stays. Whoever is renamed remains the device it was first known as, and a new one that takes
over a name is another device.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from msgspec import structs

from caretaker.quantities import QUANTITIES, Kind
from caretaker.vocabulary import Arrival, Rejected, RejectReason
from ingest.codecs.fields import Fields, plain
from ingest.codecs.keys import Key, identify
from ingest.codecs.port import (
    CALLED,
    MAX_NAME,
    Heard,
    Memory,
    Route,
    arrive,
    refuse,
    usable_name,
)
from ingest.driver import Driver, Field
from ingest.plan import Leaf, State, compile_fields
from ingest.units import UnknownUnitError, factor_offset

_PREFIX = "zigbee2mqtt:x:"
_FIRST, _OWNER = "zigbee2mqtt:first:", "zigbee2mqtt:owner:"
"""The name an address was first known by, and the address whose first name one is."""
_ADDRESS = re.compile(r"0x[0-9a-f]{16}")
_TOPIC = "/bridge/devices"
_MAX_DEVICES = 1_000
_MAX_PROPERTIES = 300
_MAX_DEPTH = 4
_MAX_CHANNEL = 64
_PUBLISHED, _SET = 1, 2
_SETTABLE = {"relay", "temperature_setpoint"}
"""Quantities that are told as they are set."""
_NOT_NOW = {"last", "session", "start", "hour", "real", "single", "once", "surplus", "available"}
_NOT_NOW |= {"warn", "leakage", "pulse", "valve", "motor", "load", "reference", "curve", "smoke"}
_NOT_NOW |= {"limit", "input", "boost", "correction", "balance", "statistics", "orp", "rain"}
_NOT_NOW |= {"chill", "humidex"}
"""Words of past amounts, subscriptions and of the device itself, beside those of all dialects."""


class Zigbee2Mqtt:
    """Reads messages by the table, and each device by its own exposes once they were heard."""

    def __init__(self, driver: Driver, memory: Memory) -> None:
        self._driver, self._memory = driver, memory
        self._plain = Fields(driver, memory)
        self._table = compile_fields(driver.fields)
        self._own: dict[str, tuple[bytes, frozenset[str], Fields]] = {}

    def explains(self, key: str, value: bytes) -> Iterable[str]:
        """Return the name of a device, of which its topic is made."""
        del value
        return (key.removeprefix(_PREFIX),) if key.startswith(_PREFIX) else ()

    def decode(self, heard: Heard, route: Route) -> Sequence[Arrival] | None:
        """Return the one device a message speaks of; the list of devices teaches."""
        if heard.message.topic.endswith(_TOPIC):
            return (self._devices(heard),)
        name = route.names.get("device", "")
        if not route.anywhere and isinstance(single := self._single(heard, name), Heard):
            heard, name = single, name.rpartition("/")[0]
            route = structs.replace(route, names={"device": name})
        told = self._memory.get(_PREFIX + name)
        if told is None:
            return self._plain.decode(heard, route)
        known = self._own.get(name)
        if known is None or known[0] is not told:
            if len(self._own) >= _MAX_DEVICES:
                self._own.clear()
            rows, settings = _rows(told)
            table = replace(self._driver, fields=(*rows, *self._driver.fields))
            known = self._own[name] = (told, settings, Fields(table, self._memory))
        payload = heard.json
        if known[1] and isinstance(payload, dict) and not known[1].isdisjoint(payload):
            heard = Heard(heard.message, {k: v for k, v in payload.items() if k not in known[1]})
        return known[2].decode(heard, route)

    def _single(self, heard: Heard, name: str) -> Heard | None:
        """Return a property on a topic of its own (`output: attribute`) as an object of one."""
        device, _, key = name.rpartition("/")
        if not device or self._table.step(key) is None:
            return None
        value = plain(heard)
        if isinstance(value, Rejected | dict | list):
            return None
        return Heard(heard.message, {key: value})

    def _devices(self, heard: Heard) -> Arrival:
        """Return what the list taught; a device without exposes is read by the table."""
        if isinstance(heard.json, Rejected):
            return refuse(heard, self._driver, heard.json)
        if not isinstance(heard.json, list):
            return refuse(heard, self._driver, Rejected(RejectReason.WRONG_SHAPE, "no list"))
        news: list[tuple[str, bytes]] = []
        names = _Names(self._memory)
        for item in heard.json[:_MAX_DEVICES]:
            name = item.get("friendly_name") if isinstance(item, Mapping) else None
            definition = item.get("definition") if isinstance(item, Mapping) else None
            if not isinstance(name, str) or not usable_name(name):
                continue
            names.meet(str(item.get("ieee_address")), name)
            exposes = definition.get("exposes") if isinstance(definition, Mapping) else None
            told = read_exposes(exposes, self._table)
            if told["is"] or told["not"]:
                news.append((_PREFIX + name, json.dumps(told, sort_keys=True).encode()))
        return arrive(heard, self._driver, device="", knowledge=(*news, *names.news.items()))


class _Names:
    """Who is called what now, and what each was called first."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.news: dict[str, bytes] = {}

    def _known(self, key: str) -> bytes:
        return self.news.get(key, self._memory.get(key, b""))

    def meet(self, address: str, name: str) -> None:
        """Take note of a device's name; one without a Zigbee address (a group) has only that."""
        if not _ADDRESS.fullmatch(address):
            return
        first = self._known(_FIRST + address).decode()
        if not first:
            owner = self._known(_OWNER + name).decode()
            first = name if owner in {"", address} else address
            self.news[_FIRST + address] = first.encode()
            self.news[_OWNER + first] = address.encode()
        called = CALLED + "zigbee2mqtt:" + name
        if first != name:
            self.news[called] = b"zigbee2mqtt:" + first.encode()
        elif self._known(called):
            self.news[called] = b""


def read_exposes(exposes: Any, table: State) -> dict[str, Any]:
    """Return `is`: property -> [quantity, unit, channel], and `not`: properties that are settings.

    `table` is the driver's own: what it says of a property's quantity and channel holds, the unit
    is that of the exposes.
    """
    items = list(_leaves(exposes, 0))[:_MAX_PROPERTIES]
    names = {str(item["property"]) for item in items}
    found: dict[str, list[str]] = {}
    settings: list[str] = []
    taken: set[tuple[str, str]] = set()
    for item in items:
        name, access = str(item["property"])[:MAX_NAME], item.get("access")
        if name in found or not isinstance(access, int) or not access & _PUBLISHED:
            continue
        meaning = _meaning(item, name, names, table)
        if meaning is not None and access & _SET and meaning[0] not in _SETTABLE:
            meaning = None
        if meaning is None:
            if table.step(name) is not None:
                settings.append(name)
        elif item.get("type") == "numeric":
            if (meaning[0], meaning[2]) in taken:
                meaning[2] = name[:_MAX_CHANNEL]
            taken.add((meaning[0], meaning[2]))
            found[name] = meaning
    return {"is": found, "not": sorted(settings)}


def _leaves(exposes: Any, depth: int) -> Iterator[Mapping[str, Any]]:
    """Yield what stands at the root of a message; a composite's parts stand below it."""
    for item in exposes if isinstance(exposes, list) else ():
        if not isinstance(item, Mapping):
            continue
        if "features" in item and "property" not in item and depth < _MAX_DEPTH:
            yield from _leaves(item["features"], depth + 1)
        elif item.get("property"):
            yield item


def _meaning(item: Mapping[str, Any], name: str, names: set[str], table: State) -> list[str] | None:
    """Return quantity, unit and channel of a property; None where it is none of ours."""
    unit = item.get("unit")
    unit = unit if isinstance(unit, str) else ""
    state = table.step(name)
    if state is not None:
        for leaf in state.leaves:
            quantity = leaf.field.quantity
            if _applies(leaf, names) and _fits(quantity, unit):
                return [quantity, unit, leaf.channel]
        return None
    if not unit or item.get("type") != "numeric" or item.get("category") == "config":
        return None
    if not _NOT_NOW.isdisjoint(name.lower().split("_")):
        return None
    key = identify(name, unit)
    if not isinstance(key, Key) or not _fits(key.quantity, unit):
        return None
    return [key.quantity, unit, key.channel]


def _applies(leaf: Leaf, names: set[str]) -> bool:
    """Return whether a row's conditions can hold for a device with these properties."""
    return all(c.at.path[0].format(*leaf.stars) in names for c in leaf.field.when) and not any(
        c.at.path[0].format(*leaf.stars) in names for c in leaf.field.unless if not c.words
    )


def _fits(quantity: str, unit: str) -> bool:
    if QUANTITIES[quantity].kind is Kind.STATE:
        return not unit
    try:
        factor_offset(quantity, unit)
    except UnknownUnitError:
        return False
    return True


def _rows(told: bytes) -> tuple[list[Field], frozenset[str]]:
    """Return what was learned of a device as rows of a field table, and what to pass over."""
    known = json.loads(told)
    rows = []
    for name, (quantity, unit, channel) in known["is"].items():
        factor, offset = factor_offset(quantity, unit)
        rows.append(
            Field(
                path=(name,),
                quantity=quantity,
                unit=unit,
                channel=channel,
                factor=factor,
                offset=offset,
            )
        )
    return rows, frozenset(known["not"])
