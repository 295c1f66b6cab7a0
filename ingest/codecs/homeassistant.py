"""Home Assistant MQTT discovery, ESPHome included: a retained config says what a topic means.

The device is the config's first identifier, its points are its entities; quantity and unit come
from the config only. A state that came before its config is held and read once the config is
heard. Topics that another driver reads are never asked here, so a Tasmota plug that also
announces itself stays one device.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from caretaker.vocabulary import Arrival, Rejected, RejectReason
from ingest.codecs.ha_config import Entity, Watch, entities_of
from ingest.codecs.ha_template import Template
from ingest.codecs.parsed import Parsed
from ingest.codecs.port import Heard, Memory, Route, arrive, refuse
from ingest.codecs.values import Value, readings
from ingest.driver import Driver

_MAX_ENTITIES = 300
_NOTHING = {"", "none", "null", "unknown", "unavailable"}
_NOT_FINITE = {"nan", "inf", "-inf", "+inf"}


class _Device(msgspec.Struct):
    """What a device's configs said: its model, and its entities by unique id."""

    model: str = ""
    entities: dict[str, Entity] = {}


class _Config(msgspec.Struct):
    """What one config topic named, so that an empty one takes it back."""

    device: str
    entities: list[str]
    watches: list[str] = []


class HomeAssistant:
    """Learns entities from configs and reads the state topics they name."""

    def __init__(self, driver: Driver, memory: Memory) -> None:
        self._driver = driver
        self._memory = memory
        self._devices = Parsed(memory, msgspec.json.Decoder(_Device).decode)

    def explains(self, key: str, value: bytes) -> Iterable[str]:
        """Return the topics that a config names; a device is about those of its entities."""
        _, kind, name = key.split(":", 2)
        if kind == "d":
            device = msgspec.json.decode(value, type=_Device) if value else _Device()
            return {entity.topic for entity in device.entities.values()}
        return () if kind == "c" else (name,)

    def decode(self, heard: Heard, route: Route) -> Sequence[Arrival] | None:
        """Return what a config taught, or what a described topic said; None for other topics."""
        if "component" in route.names:
            return (self._learn(heard, route.names["component"]),)
        topic = heard.message.topic
        watched = self._memory.get(f"homeassistant:a:{topic}")
        described = self._memory.get(f"homeassistant:t:{topic}")
        if watched is None and described is None:
            if "entity" not in route.names:
                return None
            detail = "no discovery config names this topic"
            return (refuse(heard, self._driver, Rejected(RejectReason.NO_MEANING, detail)),)
        arrivals: list[Arrival] = []
        if described is not None:
            arrivals += self._states(heard, msgspec.json.decode(described, type=list[str]))
        if watched is not None:
            watches = msgspec.json.decode(watched, type=dict[str, Watch])
            arrivals += self._availability(heard, watches)
        return arrivals

    # -- configs ----------------------------------------------------------------------------

    def _learn(self, heard: Heard, component: str) -> Arrival:
        topic = heard.message.topic
        news = dict(self._forget(topic))
        if not heard.message.payload.strip():
            return self._taught(heard, news)
        if isinstance(heard.json, Rejected):
            return refuse(heard, self._driver, heard.json)
        if not isinstance(heard.json, Mapping):
            return refuse(heard, self._driver, Rejected(RejectReason.WRONG_SHAPE, "no object"))
        found = entities_of(heard.json, component=component, topic=topic)
        if isinstance(found, Rejected):
            return refuse(heard, self._driver, found)
        if not (found.entities or found.watches) or not found.device:
            return self._taught(heard, news, *found.refused)
        news |= self._remember(found.device, found.model, found.entities, news)
        news |= self._watch(found.device, found.watches, news)
        kept = self._device(found.device, news).entities
        if lost := len(found.entities.keys() - kept.keys()):
            detail = f"{lost} entities of {found.device} find no room"[:200]
            found.refused.append(Rejected(RejectReason.TOO_LARGE, detail))
        config = _Config(found.device, sorted(found.entities), sorted(found.watches))
        news[f"homeassistant:c:{topic}"] = msgspec.json.encode(config)
        return self._taught(heard, news, *found.refused)

    def _taught(self, heard: Heard, news: Mapping[str, bytes], *refused: Rejected) -> Arrival:
        knowledge = tuple(news.items())
        return arrive(heard, self._driver, device="", rejected=refused, knowledge=knowledge)

    def _get(self, key: str, news: Mapping[str, bytes]) -> bytes:
        return news[key] if key in news else self._memory.get(key, b"")

    def _device(self, name: str, news: Mapping[str, bytes]) -> _Device:
        raw = self._get(f"homeassistant:d:{name}", news)
        return msgspec.json.decode(raw, type=_Device) if raw else _Device()

    def _remember(
        self,
        name: str,
        model: str,
        entities: Mapping[str, Entity],
        news: Mapping[str, bytes],
    ) -> dict[str, bytes]:
        """Return the device with these entities, and the topics that now speak of it."""
        device = self._device(name, news)
        changed: dict[str, bytes] = {}
        for uid, described in entities.items():
            if uid not in device.entities and len(device.entities) >= _MAX_ENTITIES:
                break
            taken = {(e.quantity, e.channel) for u, e in device.entities.items() if u != uid}
            entity = described
            if (entity.quantity, entity.channel) in taken:
                entity = msgspec.structs.replace(described, channel=uid[-64:])
            device.entities[uid] = entity
            key = f"homeassistant:t:{entity.topic}"
            raw = changed.get(key) or self._get(key, news)
            names = msgspec.json.decode(raw, type=list[str]) if raw else []
            changed[key] = msgspec.json.encode(sorted({*names, name}))
        device.model = model or device.model
        changed[f"homeassistant:d:{name}"] = msgspec.json.encode(device)
        return changed

    def _watch(
        self, name: str, watches: Mapping[str, Watch], news: Mapping[str, bytes]
    ) -> dict[str, bytes]:
        changed: dict[str, bytes] = {}
        for topic, watch in watches.items():
            key = f"homeassistant:a:{topic}"
            raw = self._get(key, news)
            held = msgspec.json.decode(raw, type=dict[str, Watch]) if raw else {}
            held[name] = watch
            changed[key] = msgspec.json.encode(held)
        return changed

    def _forget(self, topic: str) -> Iterator[tuple[str, bytes]]:
        """Yield what remains when a config topic's entities are taken back."""
        raw = self._memory.get(f"homeassistant:c:{topic}")
        if raw is None:
            return
        config = msgspec.json.decode(raw, type=_Config)
        device = self._device(config.device, {})
        gone = {uid: device.entities.pop(uid) for uid in config.entities if uid in device.entities}
        left = msgspec.json.encode(device) if device.entities else b""
        yield f"homeassistant:d:{config.device}", left
        yield f"homeassistant:c:{topic}", b""
        still = {entity.topic for entity in device.entities.values()}
        for entity in gone.values():
            if entity.topic not in still:
                yield from self._drop(f"homeassistant:t:{entity.topic}", config.device, list[str])

    def _drop(self, key: str, name: str, kind: Any) -> Iterator[tuple[str, bytes]]:
        raw = self._memory.get(key)
        if raw is not None:
            names = [other for other in msgspec.json.decode(raw, type=kind) if other != name]
            yield key, msgspec.json.encode(names) if names else b""

    # -- states -----------------------------------------------------------------------------

    def _states(self, heard: Heard, names: Sequence[str]) -> Iterator[Arrival]:
        text = heard.message.payload[:65_536].decode("utf-8", "replace").strip()
        for name in names:
            device = self._devices.get(f"homeassistant:d:{name}")
            if device is None:
                continue
            said = [
                value
                for entity in device.entities.values()
                if entity.topic == heard.message.topic
                for value in _said(entity, text, heard)
            ]
            measured, refused = readings(said, received_ms=heard.message.received_ms)
            yield arrive(
                heard,
                self._driver,
                device=self._driver.device.format(device=name),
                measured=measured,
                rejected=refused,
                model=device.model,
            )

    def _availability(self, heard: Heard, watches: Mapping[str, Watch]) -> Iterator[Arrival]:
        text = heard.message.payload[:1_024].decode("utf-8", "replace").strip()
        for name, watch in watches.items():
            word = _render(watch.template, text, heard)
            known = {watch.online: True, watch.offline: False}.get(word or "")
            key = self._driver.device.format(device=name)
            yield arrive(heard, self._driver, device=key, available=known)


@lru_cache(maxsize=4_096)
def _template(text: str) -> Template:
    return Template(text)


def _render(template: str, text: str, heard: Heard) -> str | None:
    if not template:
        return text
    parsed = heard.json if "value_json" in template else None
    return _template(template).render(text, None if isinstance(parsed, Rejected) else parsed)


def _said(entity: Entity, text: str, heard: Heard) -> Iterator[Value | Rejected]:
    word = _render(entity.template, text, heard)
    if word is None or word.lower() in _NOTHING:
        return
    if word.lower() in _NOT_FINITE:
        yield Rejected(RejectReason.NOT_FINITE, f"{entity.quantity}: {word}")
        return
    if not entity.on:
        yield Value(entity.quantity, word, entity.unit, entity.channel)
    elif word in (entity.on, entity.off):
        yield Value(entity.quantity, float(word == entity.on), "1", entity.channel)
    else:
        detail = f"{entity.quantity}: {word[:40]!r} is neither {entity.on!r} nor {entity.off!r}"
        yield Rejected(RejectReason.WRONG_TYPE, detail)
