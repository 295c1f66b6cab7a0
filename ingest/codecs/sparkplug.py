"""Sparkplug B: births teach names, aliases and units; data carries aliases and means nothing alone.

What a birth taught is knowledge that survives a restart. A gap in the sequence or an unknown alias
asks the edge node for a rebirth; data that could not be understood is held with NO_MEANING and
read again after the birth. A death makes the node and its devices unavailable.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import msgspec

from caretaker.quantities import QUANTITIES
from caretaker.vocabulary import Arrival, Rejected, RejectReason
from ingest.codecs import sparkplug_payload as wire
from ingest.codecs.keys import Key, identify
from ingest.codecs.models import Models
from ingest.codecs.parsed import Parsed
from ingest.codecs.port import Heard, Memory, Route, arrive, bad_name, refuse, usable_name
from ingest.codecs.values import Value, readings
from ingest.driver import Driver

_UNITS = {"engunit", "engunits", "engineeringunit", "engineeringunits", "unit", "units", "uom"}
_UNITS |= {"unitofmeasure", "unitofmeasurement", "eu"}
_LETTERS = re.compile(r"[^A-Za-z]")
_NO_READINGS = ("node control/", "device control/", "properties/", "node info/", "device info/")
_MAX_METRICS = 3_000
_MAX_KNOWN_BYTES = 200 * 1024
_MAX_NODES = 2_000
_MAX_DEVICES = 500
_ASK_AGAIN_MS = 60_000
_BIRTHS = {"NBIRTH", "DBIRTH"}
_KINDS = {*_BIRTHS, "NDATA", "DDATA", "NDEATH", "DDEATH"}


class _Birth(msgspec.Struct):
    """What a birth taught: names by alias, and (datatype, unit) by name."""

    bd_seq: int | None = None
    aliases: dict[str, str] = {}
    metrics: dict[str, tuple[int, str]] = {}
    cut: bool = False


@dataclass(slots=True)
class _Node:
    """What is followed of an edge node between messages; a restart may forget it."""

    seq: int | None = None
    seen_ms: int = 0
    asked_ms: int = -_ASK_AGAIN_MS


@dataclass(slots=True)
class _Reading:
    """What one payload gave."""

    values: list[Value | Rejected] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    unitless: list[str] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)

    def waiting(self) -> None:
        """Add what waits for a person: names without a unit; names alone if nothing was read."""
        if self.unitless:
            detail = ", ".join(sorted(self.unitless))[:200]
            self.values.append(Rejected(RejectReason.UNIT_MISSING, detail))
        if self.unexplained and not self.values and not self.unknown:
            detail = f"no model names {', '.join(self.unexplained[:12])}"[:200]
            self.values.append(Rejected(RejectReason.NO_MEANING, detail))


class Sparkplug:
    """Follows edge nodes and their devices through birth, data and death."""

    def __init__(self, driver: Driver, memory: Memory) -> None:
        self._driver = driver
        self._memory = memory
        self._models = Models(driver)
        self._nodes: dict[str, _Node] = {}
        self._births = Parsed(memory, msgspec.json.Decoder(_Birth).decode)

    def explains(self, key: str, value: bytes) -> Iterable[str]:
        """Return the end of the topics of a node's or a device's data."""
        del value
        return (f"/{key.partition(':')[2].partition('/')[2]}",)

    def decode(self, heard: Heard, route: Route) -> Sequence[Arrival] | None:
        """Return what a message of a node or device became; None for other kinds."""
        kind = route.names["kind"]
        if kind not in _KINDS:
            return None if kind not in {"NCMD", "DCMD"} else (refuse(heard, self._driver),)
        node = f"{route.names['group']}/{route.names['node']}"
        name = f"{node}/{route.names['device']}" if "device" in route.names else node
        if not usable_name(name):
            return (bad_name(heard, self._driver, name),)
        payload = wire.parse(heard.message.payload)
        if isinstance(payload, Rejected):
            return (refuse(heard, self._driver, payload),)
        if kind.endswith("DEATH"):
            return self._death(heard, payload, node, name)
        if kind in _BIRTHS:
            return (self._birth(heard, payload, node, name),)
        return (self._data(heard, payload, node, name),)

    def _birth(self, heard: Heard, payload: Any, node: str, name: str) -> Arrival:
        self._follow(heard, payload, node, birth=True)
        birth = _learn(payload)
        read = self._read(payload, birth, name)
        if birth.cut:
            detail = f"a birth of {len(payload.metrics)} metrics: {len(birth.metrics)} are kept"
            read.values.append(Rejected(RejectReason.TOO_LARGE, detail))
        knowledge = ((f"sparkplug:{name}", msgspec.json.encode(birth)),)
        return self._arrival(heard, name, read, available=True, knowledge=knowledge)

    def _data(self, heard: Heard, payload: Any, node: str, name: str) -> Arrival:
        gap = self._follow(heard, payload, node, birth=False)
        birth = self._known(name)
        read = self._read(payload, birth, name)
        unknown = read.unknown if birth is None or not birth.cut else []
        if unknown:
            detail = f"{name}: {', '.join(unknown[:8])} not born"
            read.values.append(Rejected(RejectReason.NO_MEANING, detail))
        replies = self._ask(heard, node) if gap or unknown else ()
        return self._arrival(heard, name, read, replies=replies)

    def _death(self, heard: Heard, payload: Any, node: str, name: str) -> Sequence[Arrival]:
        """Return who is gone: the device, or the node with all its devices."""
        names = [name]
        if name == node:
            birth = self._known(node)
            died = next((_whole(m) for m in payload.metrics if m.name == "bdSeq"), None)
            if birth and died is not None and birth.bd_seq is not None and died != birth.bd_seq:
                return (refuse(heard, self._driver),)  # the will of a session before this one
            prefix = f"sparkplug:{node}/"
            names += [key[len("sparkplug:") :] for key in self._memory if key.startswith(prefix)]
            self._nodes.pop(node, None)
        return [
            arrive(heard, self._driver, device=f"sparkplug:{gone}", available=False)
            for gone in names[:_MAX_DEVICES]
        ]

    def _arrival(
        self,
        heard: Heard,
        name: str,
        read: _Reading,
        *,
        available: bool | None = None,
        knowledge: tuple[tuple[str, bytes], ...] = (),
        replies: tuple[tuple[str, bytes], ...] = (),
    ) -> Arrival:
        measured, refused = readings(read.values, received_ms=heard.message.received_ms)
        return arrive(
            heard,
            self._driver,
            device=f"sparkplug:{name}",
            measured=measured,
            rejected=refused,
            available=available,
            knowledge=knowledge,
            replies=replies,
        )

    def _known(self, name: str) -> _Birth | None:
        return self._births.get(f"sparkplug:{name}")

    def _follow(self, heard: Heard, payload: Any, node: str, *, birth: bool) -> bool:
        """Follow the sequence (0..255, shared by a node and its devices); return whether it broke.

        A message that was held and is read again is older than what was seen: it breaks nothing.
        """
        if not payload.HasField("seq") or heard.message.retained:
            return False
        state = self._nodes.get(node)
        if state is None:
            if len(self._nodes) >= _MAX_NODES:
                self._nodes.clear()
            state = self._nodes[node] = _Node()
        if heard.message.received_ms < state.seen_ms:
            return False
        seq, before = int(payload.seq) & 0xFF, state.seq
        state.seq, state.seen_ms = seq, heard.message.received_ms
        return not birth and before is not None and seq not in {before, (before + 1) & 0xFF}

    def _ask(self, heard: Heard, node: str) -> tuple[tuple[str, bytes], ...]:
        """Return the request for a rebirth, at most once a minute and node."""
        state = self._nodes.setdefault(node, _Node())
        now_ms = heard.message.received_ms
        if now_ms - state.asked_ms < _ASK_AGAIN_MS or not self._driver.options.get("rebirth", True):
            return ()
        state.asked_ms = now_ms
        group, _, edge = node.partition("/")
        return ((f"spBv1.0/{group}/NCMD/{edge}", wire.rebirth(now_ms)),)

    def _read(self, payload: Any, birth: _Birth | None, name: str) -> _Reading:
        read = _Reading()
        known = birth or _Birth()
        for label, metric in islice(wire.metrics(payload.metrics, known.aliases), _MAX_METRICS):
            if not label:
                if metric.HasField("alias"):
                    read.unknown.append(f"alias {metric.alias}")
            elif not _aside(label):
                datatype, unit = known.metrics.get(label, (metric.datatype, ""))
                unit = next(_units(metric), unit)
                value = wire.number(metric, datatype)
                if value is None or isinstance(value, str):
                    continue
                if _bad(metric):
                    read.values.append(Rejected(RejectReason.DEVICE_ERROR, f"{label}: its quality"))
                    continue
                key = self._models.key(label, name) or identify(label, unit)
                if isinstance(key, Key) and _needs_unit(key) and not (key.unit or unit):
                    (read.unknown if birth is None else read.unitless).append(label)
                elif isinstance(key, Key):
                    at_ms = int(metric.timestamp or payload.timestamp) or None
                    told = Value(key.quantity, value, key.unit or unit, key.channel, at_ms)
                    read.values.append(told)
                elif key is None and not isinstance(value, bool):
                    read.unexplained.append(label)
        read.waiting()
        return read


def _needs_unit(key: Key) -> bool:
    return QUANTITIES[key.quantity].unit != "1"


def _whole(metric: Any) -> int | None:
    value = wire.number(metric, 8)
    return int(value) if isinstance(value, int) else None


def _aside(label: str) -> bool:
    return label == "bdSeq" or label.lower().startswith(_NO_READINGS)


def _units(metric: Any) -> Iterator[str]:
    for key, value in zip(metric.properties.keys, metric.properties.values, strict=False):
        if _LETTERS.sub("", key).lower() in _UNITS and value.string_value:
            yield value.string_value[:16]


def _bad(metric: Any) -> bool:
    """Return whether a metric's property Quality says bad (0) or stale (500): no reading of now."""
    for key, value in zip(metric.properties.keys, metric.properties.values, strict=False):
        if key.lower() == "quality" and (which := value.WhichOneof("value")) is not None:
            told = getattr(value, which)
            return told in {0, 500} and not isinstance(told, bool | str)
    return False


def _learn(payload: Any) -> _Birth:
    """Return what a birth teaches, bounded: quantities first, then the aliases of the rest."""
    birth = _Birth()
    size = 0
    for whole, metric in wire.metrics(payload.metrics, {}):
        label = whole[:128]
        if label == "bdSeq":
            birth.bd_seq = _whole(metric)
        unit = next(_units(metric), "")
        size += len(label) + len(unit) + 40
        if len(birth.metrics) >= _MAX_METRICS or size > _MAX_KNOWN_BYTES:
            birth.cut = True
            break
        birth.metrics[label] = (int(metric.datatype), unit)
        if metric.HasField("alias"):
            birth.aliases[str(metric.alias)] = label
    for metric in payload.metrics if not birth.cut else ():
        if metric.WhichOneof("value") == "template_value" and metric.HasField("alias"):
            birth.aliases[str(metric.alias)] = metric.name[:128]
    return birth
