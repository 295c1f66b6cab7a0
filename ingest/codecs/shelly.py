"""Shelly Gen 2 and later, with what a device says of the components that were added to it.

A virtual number (`number:200`) and a value of a Bluetooth sensor (`bthomesensor:200`) are published
bare, and what an input counts or measures (`xcounts`, `xfreq`, `xpercent`) is in a unit of its
owner's; what they are stands in the configuration (shelly-api-docs.shelly.cloud: Virtual, BTHome,
Input). Answers to Shelly.GetComponents, Shelly.GetConfig, Number.GetConfig, BTHomeSensor.GetConfig
and Input.GetConfig teach it, on whatever topic; a device whose components are not known yet is
asked for them. A Bluetooth sensor is a device of its own, by its address, whichever gateway hears
it.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from caretaker.clock import HOUR_MS
from caretaker.errors import ConfigurationError
from caretaker.quantities import QUANTITIES, Kind
from caretaker.vocabulary import Arrival, Rejected, RejectReason
from ingest.codecs.fields import Fields, plain
from ingest.codecs.keys import Key, identify
from ingest.codecs.port import Heard, Memory, Route, arrive, refuse, usable_name
from ingest.codecs.values import Value, readings
from ingest.driver import Driver

_PREFIX = "shelly:c:"
_ADDED = re.compile(r"(?:number|bthomesensor|input):\d{1,4}")
_SCALED = ("xcounts", "xfreq", "xpercent")
_VOLUMES = {"volume", "flow"}
_ADDRESS = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}", re.IGNORECASE)
_SOURCE = "caretaker/shelly"
_EVENTS = "/events/rpc"
_MAX_COMPONENTS = 200
_MAX_ASKED = 10_000
_PAUSE_MS = 1_000  # between two questions of ours, whoever they go to
_DAY_MS = 24 * HOUR_MS


class Shelly:
    """Reads components by the driver's table, and those that were added by their configuration."""

    def __init__(self, driver: Driver, memory: Memory) -> None:
        self._driver, self._memory = driver, memory
        self._plain = Fields(driver, memory)
        self._objects = _objects(driver)
        self._asked: dict[str, int] = {}
        self._asked_ms = 0

    def decode(self, heard: Heard, route: Route) -> Sequence[Arrival] | None:
        """Return the device a message speaks of, and the Bluetooth sensors it heard."""
        key = route.names.get("key")
        if key is not None:
            return self._component(heard, route, key)
        told = heard.json
        if not route.anywhere and not heard.message.topic.endswith(_EVENTS):
            if not isinstance(told, dict) or "src" not in told:
                return None
            if "method" in told:
                return (refuse(heard, self._driver),)  # a question, ours or another's
            # An answer: its topic is the asker's.
            route = Route(self._driver, {"device": heard.message.topic}, anywhere=True)
        return self._frame(heard, route, told)

    def _component(self, heard: Heard, route: Route, key: str) -> Sequence[Arrival] | None:
        """Return what the status of one component says."""
        added: Mapping[str, Any] = {}
        if _ADDED.fullmatch(key) and not isinstance(payload := plain(heard), Rejected):
            added = _added({key: payload})
        if not added:
            return self._plain.decode(heard, route)
        return self._with_added(heard, route, added, ())

    def _frame(self, heard: Heard, route: Route, told: Any) -> Sequence[Arrival] | None:
        """Return what a notification or an answer says of several components."""
        body = told.get("params", told.get("result")) if isinstance(told, dict) else None
        if not isinstance(body, dict):
            return self._plain.decode(heard, route)
        items = body.get("components")
        if isinstance(items, list):
            body = _statuses(items)
            part = "params" if "params" in told else "result"
            heard = Heard(heard.message, {**told, part: body})
        learned = self._learned(told, items, body)
        added = _added(body)
        if not added and not learned:
            return self._plain.decode(heard, route)
        return self._with_added(heard, route, added, learned, following=_following(told))

    def _with_added(
        self,
        heard: Heard,
        route: Route,
        added: Mapping[str, Any],
        learned: tuple[tuple[str, bytes], ...],
        *,
        following: int = 0,
    ) -> Sequence[Arrival]:
        """Return what the table reads, with what the added components say."""
        arrivals = [] if "key" in route.names else list(self._plain.decode(heard, route) or ())
        device = self._device(heard, route)
        own: list[Value | Rejected] = []
        apart: dict[str, list[Value | Rejected]] = {}
        unknown: list[str] = []
        known = self._known(heard, device, learned)
        for name, status in added.items():
            meaning = known.get(name)
            if meaning is None:
                unknown.append(name)
            elif meaning[0] and isinstance(status, dict):
                quantity, unit, channel, address = meaning
                raw = status.get("value")
                if raw is None or (isinstance(raw, bool) and not _state(quantity)):
                    continue
                value = Value(quantity, raw, unit, channel, _updated(status))
                (apart.setdefault(address, []) if address else own).append(value)
        if unknown:
            own.append(Rejected(RejectReason.UNIT_MISSING, ", ".join(sorted(unknown))[:200]))
        replies = self._ask(heard, route, device, unknown) if unknown else ()
        if following and device:
            replies = (_question(device, following),)
        first = self._merged(heard, device, arrivals, own)
        sensors = [self._said(heard, *item) for item in apart.items()]
        if sensors and not first.device and not first.rejected:
            first, *sensors = sensors  # the gateway itself said nothing
        first = replace(
            first, knowledge=(*first.knowledge, *learned), replies=(*first.replies, *replies)
        )
        return [first, *sensors]

    def _merged(
        self, heard: Heard, device: str, arrivals: list[Arrival], own: list[Value | Rejected]
    ) -> Arrival:
        """Return the arrival of the table with a device's own added values."""
        measured, refused = readings(own, received_ms=heard.message.received_ms)
        extra = self._arrival(heard, device if measured else "", measured, refused)
        if not arrivals:
            return extra
        base = arrivals[0]
        if not base.device:
            return replace(extra, rejected=(*base.rejected, *extra.rejected))
        return replace(
            base,
            measured=(*base.measured, *extra.measured),
            rejected=(*base.rejected, *extra.rejected),
        )

    def _arrival(self, heard: Heard, name: str, measured: Any, refused: Any) -> Arrival:
        key = self._driver.device.format(device=name) if name else ""
        return arrive(heard, self._driver, device=key, measured=measured, rejected=refused)

    def _said(self, heard: Heard, address: str, values: list[Value | Rejected]) -> Arrival:
        measured, refused = readings(values, received_ms=heard.message.received_ms)
        return self._arrival(heard, address if measured else "", measured, refused)

    def _device(self, heard: Heard, route: Route) -> str:
        """Return the device's name: its topic, or the one its source is known by."""
        if not route.anywhere:
            return route.names.get("device", "")
        source = str(heard.json.get("src", "")) if isinstance(heard.json, dict) else ""
        told = self._memory.get(f"fields:{self._driver.name}:{source}")
        name = told.decode() if told else source
        return name if usable_name(name) else ""

    def _known(
        self, heard: Heard, device: str, learned: tuple[tuple[str, bytes], ...]
    ) -> dict[str, list[str]]:
        """Return what was told of the components of a device, by its topic or by its source."""
        source = str(heard.json.get("src", "")) if isinstance(heard.json, dict) else ""
        known: dict[str, list[str]] = {}
        for name in (source, device):
            if raw := self._memory.get(_PREFIX + name):
                known |= json.loads(raw)
        for _, raw in learned:
            known |= json.loads(raw)
        return known

    def _learned(
        self, told: Mapping[str, Any], items: Any, body: Mapping[str, Any]
    ) -> tuple[tuple[str, bytes], ...]:
        """Return what an answer says of components, added to what is known."""
        source = told.get("src")
        if not isinstance(source, str) or "result" not in told or not usable_name(source):
            return ()
        found: dict[str, list[str]] = {}
        for name, config, role in _configurations(items, body):
            if name.startswith("input:"):
                for part in _SCALED:
                    found[f"{name}.{part}"] = _scaled(name, config, part)
            else:
                found[name] = self._meaning(name, config, role)
        if not found:
            return ()
        alias = self._memory.get(f"fields:{self._driver.name}:{source}")
        key = _PREFIX + (alias.decode() if alias else source)
        known = json.loads(self._memory.get(key, b"{}")) | found
        if len(known) > _MAX_COMPONENTS:
            return ()
        return ((key, json.dumps(known, sort_keys=True).encode()),)

    def _meaning(self, name: str, config: Mapping[str, Any], role: str) -> list[str]:
        """Return [quantity, unit, channel, address] of a component; no quantity: no reading."""
        kind, _, number = name.partition(":")
        if kind == "bthomesensor":
            quantity, named = self._objects.get(str(config.get("obj_id")), ("", ""))
            address = str(config.get("addr", ""))
            if not _ADDRESS.fullmatch(address):
                return ["", "", "", ""]
            index = config.get("idx")
            channel = str(index) if isinstance(index, int) and index else ""
            return [quantity, named, channel, address.replace(":", "").upper()]
        ui = config.get("meta")
        ui = ui.get("ui") if isinstance(ui, Mapping) else None
        unit = ui.get("unit") if isinstance(ui, Mapping) else None
        if not isinstance(unit, str) or not unit:
            return ["", "", "", ""]
        for word in (role, str(config.get("name") or "")):
            if word and isinstance(key := identify(word, unit), Key) and not _state(key.quantity):
                return [key.quantity, key.unit, number, ""]
        return ["", "", "", ""]

    def _ask(
        self, heard: Heard, route: Route, device: str, unknown: list[str]
    ) -> tuple[tuple[str, bytes], ...]:
        """Return the question for a device's components, at most once a day."""
        now_ms = heard.message.received_ms
        if not self._driver.options.get("ask", True) or route.anywhere or not device:
            return ()
        which = next((name for name in unknown if name.startswith("input:")), "").partition(".")[0]
        subject = f"{device} {which}"
        if now_ms - self._asked.get(subject, -_DAY_MS) < _DAY_MS:
            return ()
        if 0 <= now_ms - self._asked_ms < _PAUSE_MS:
            return ()  # with the next message of this device
        if len(self._asked) >= _MAX_ASKED:
            self._asked.clear()
        self._asked[subject] = self._asked_ms = now_ms
        if which:
            number = {"id": int(which.partition(":")[2])}
            return (_request(device, "Input.GetConfig", number),)
        return (_question(device, 0),)


def _following(told: Mapping[str, Any]) -> int:
    """Return where the rest of a list begins that our own question gave a part of; else 0."""
    result = told.get("result")
    if told.get("dst") != _SOURCE or not isinstance(result, dict):
        return 0
    offset, total, items = (result.get(key) for key in ("offset", "total", "components"))
    if not isinstance(offset, int) or not isinstance(total, int) or not isinstance(items, list):
        return 0
    return offset + len(items) if items and offset + len(items) < total else 0


def _question(device: str, offset: int) -> tuple[str, bytes]:
    """Return the request for the components that were added to a device, from `offset` on."""
    wanted = {"dynamic_only": True, "include": ["config", "status"], "offset": offset}
    return _request(device, "Shelly.GetComponents", wanted)


def _request(device: str, method: str, params: Mapping[str, Any]) -> tuple[str, bytes]:
    question = {"id": 1, "src": _SOURCE, "method": method, "params": params}
    return f"{device}/rpc", json.dumps(question).encode()


def _added(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the statuses of added components; of an input what its owner scaled, each by name."""
    found: dict[str, Any] = {}
    for name, status in body.items():
        if not _ADDED.fullmatch(name) or not isinstance(status, dict):
            continue
        if not name.startswith("input:"):
            found[name] = status
            continue
        counts = status.get("counts")
        total = counts.get("xtotal") if isinstance(counts, dict) else None
        for part, value in zip(
            _SCALED, (total, status.get("xfreq"), status.get("xpercent")), strict=True
        ):
            if value is not None:
                found[f"{name}.{part}"] = {"value": value}
    return found


def _scaled(name: str, config: Mapping[str, Any], part: str) -> list[str]:
    """Return [quantity, unit, channel, address] of what an input counts, measures or scales.

    Cubic metres and litres are of water or of gas: the input's name must say.
    """
    told = config.get(part)
    unit = told.get("unit") if isinstance(told, Mapping) else None
    label = str(config.get("name") or "")
    if not isinstance(unit, str) or not unit:
        return ["", "", "", ""]
    key = identify(label or part, unit)
    if not isinstance(key, Key) or _state(key.quantity):
        return ["", "", "", ""]
    if key.quantity in _VOLUMES and not isinstance(identify(label), Key):
        return ["", "", "", ""]
    return [key.quantity, key.unit, name.partition(":")[2], ""]


def _state(quantity: str) -> bool:
    return QUANTITIES[quantity].kind is Kind.STATE


def _updated(status: Mapping[str, Any]) -> int | None:
    """Return when a value was updated [ms]: a sensor's last word is repeated long after it."""
    for key in ("last_updated_ts", "last_update_ts"):
        at_s = status.get(key)
        if isinstance(at_s, int | float) and not isinstance(at_s, bool) and 0 < at_s < 1e11:
            return round(at_s * 1000)
    return None


def _statuses(items: list[Any]) -> dict[str, Any]:
    """Return the components of a list as a status names them."""
    return {
        item["key"]: item["status"]
        for item in items
        if isinstance(item, dict) and isinstance(item.get("key"), str) and "status" in item
    }


def _configurations(
    items: Any, body: Mapping[str, Any]
) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """Yield (component, configuration, role) that an answer holds."""
    for item in items if isinstance(items, list) else ():
        name = item.get("key") if isinstance(item, dict) else None
        if isinstance(name, str) and _ADDED.fullmatch(name):
            attributes = item.get("attrs")
            role = attributes.get("role", "") if isinstance(attributes, dict) else ""
            if isinstance(item.get("config"), dict):
                yield name, item["config"], str(role)
    for name, config in body.items():
        if _ADDED.fullmatch(name) and isinstance(config, dict) and _is_config(name, config):
            yield name, config, ""
    number = body.get("id")
    if isinstance(number, int) and "obj_id" in body and "addr" in body:
        yield f"bthomesensor:{number}", body, ""
    elif isinstance(number, int) and {"meta", "min", "max"} <= body.keys():
        yield f"number:{number}", body, ""
    elif isinstance(number, int) and not body.keys().isdisjoint(_SCALED) and "type" in body:
        yield f"input:{number}", body, ""


def _is_config(name: str, told: Mapping[str, Any]) -> bool:
    """Return whether this is a component's configuration, not its status."""
    return "type" in told if name.startswith("input:") else "value" not in told


def _objects(driver: Driver) -> dict[str, tuple[str, str]]:
    """Return quantity and unit by object id, as the driver file says them."""
    found: dict[str, tuple[str, str]] = {}
    for number, text in driver.options.get("bthome", {}).items():
        quantity, _, unit = str(text).partition(" ")
        if quantity not in QUANTITIES:
            raise ConfigurationError(
                file=driver.file,
                key=f"options.bthome.{number}",
                problem=f"{quantity!r} is unknown",
                remedy='Write "quantity unit", as in "temperature C".',
            )
        found[number] = (quantity, unit or "1")
    return found
