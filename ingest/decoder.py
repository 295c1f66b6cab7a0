"""From a message to an arrival: the right driver, who the device is, its readings."""

import hashlib
from dataclasses import dataclass
from typing import Any

from caretaker.clock import Clock
from caretaker.vocabulary import (
    Arrival,
    DeviceRole,
    Measured,
    Quality,
    Rejected,
    RejectReason,
)
from ingest import native
from ingest.driver import Driver
from ingest.extract import first, measure
from ingest.strict_json import parse
from ingest.times import instant, settle
from ingest.transport.port import Message

_CACHED_TOPICS = 20_000
_MAX_NAME = 128


@dataclass(frozen=True, slots=True)
class Route:
    """What a topic means: its driver and the names in it; `status` messages hold no readings."""

    driver: Driver | None
    names: dict[str, str]
    status: bool = False


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a newly heard device looks like, for the inbox."""

    driver: str
    role: DeviceRole
    name: str
    interval_s: int = 300


class Decoder:
    """Turns messages into arrivals; what it cannot use it refuses with a reason."""

    def __init__(self, drivers: tuple[Driver, ...], *, clock: Clock) -> None:
        self.drivers = drivers
        self._clock = clock
        self._routes: dict[str, Route] = {}

    def decode(self, message: Message) -> Arrival:
        """Return what a message became; never raises."""
        try:
            return self._decode(message)
        except Exception as error:
            detail = f"{type(error).__name__}: {error}"[:160]
            return self._refused(message, Rejected(RejectReason.DRIVER_FAULT, detail))

    def route(self, topic: str) -> Route:
        """Return what a topic means."""
        found = self._routes.get(topic)
        if found is None:
            found = self._match(topic)
            if len(self._routes) >= _CACHED_TOPICS:
                self._routes.clear()
            self._routes[topic] = found
        return found

    def _match(self, topic: str) -> Route:
        for driver in self.drivers:
            for pattern in driver.status:
                if match := pattern.fullmatch(topic):
                    return Route(driver, match.groupdict(), status=True)
        for driver in self.drivers:
            for pattern in driver.topics:
                if match := pattern.fullmatch(topic):
                    return Route(driver, match.groupdict())
        return Route(None, {})

    def _refused(self, message: Message, refusal: Rejected, *, driver: str = "") -> Arrival:
        return Arrival(
            topic=message.topic,
            payload=message.payload,
            received_ms=message.received_ms,
            driver=driver,
            rejected=(refusal,),
            retained=message.retained,
            qos=message.qos,
        )

    def _decode(self, message: Message) -> Arrival:
        route = self.route(message.topic)
        driver = route.driver
        if driver is None:
            return self._refused(message, Rejected(RejectReason.NO_DRIVER))
        if route.status:
            return Arrival(
                topic=message.topic,
                payload=message.payload,
                received_ms=message.received_ms,
                driver=driver.name,
            )
        payload = parse(message.payload)
        if isinstance(payload, Rejected):
            return self._refused(message, payload, driver=driver.name)
        if driver.codec == "native":
            return self._native(message, route, payload)
        return self._by_fields(message, route, driver, payload)

    def _native(self, message: Message, route: Route, payload: Any) -> Arrival:
        site, device = route.names["site"], route.names["device"]
        if native.NAME.fullmatch(site) is None or native.NAME.fullmatch(device) is None:
            return self._refused(
                message,
                Rejected(RejectReason.BAD_NAME, "site and device are 1..32 of a-z 0-9 _ -"),
                driver="native",
            )
        found, refused, boot, sequence = native.read(payload, received_ms=message.received_ms)
        model = payload.get("model", "") if isinstance(payload, dict) else ""
        return self._arrival(
            message,
            device=f"native:{site}/{device}",
            driver="native",
            found=found,
            refused=refused,
            boot=boot,
            sequence=sequence,
            model=str(model)[:_MAX_NAME],
        )

    def _by_fields(
        self,
        message: Message,
        route: Route,
        driver: Driver,
        payload: Any,
    ) -> Arrival:
        if not isinstance(payload, dict):
            return self._refused(
                message, Rejected(RejectReason.WRONG_SHAPE, "no object"), driver=driver.name
            )
        native_id = first(payload, driver.device_at)
        name = str(native_id) if isinstance(native_id, str | int) else route.names["device"]
        if not name.isprintable() or not 0 < len(name) <= _MAX_NAME:
            return self._refused(
                message, Rejected(RejectReason.BAD_NAME, name[:60]), driver=driver.name
            )
        model = first(payload, driver.model_at)
        for path in driver.unwrap:
            inner = first(payload, path)
            if isinstance(inner, dict):
                payload = inner
        if "component" in route.names:
            payload = {route.names["component"]: payload}
        device_ms = instant(first(payload, driver.time_at)) if driver.time_at else None
        at_ms, quality = settle(
            None if isinstance(device_ms, Rejected) else device_ms, message.received_ms
        )
        found, refused = measure(driver.fields, payload, at_ms=at_ms, quality=quality)
        return self._arrival(
            message,
            device=driver.device.format(device=name),
            driver=driver.name,
            found=found,
            refused=refused,
            model=str(model or "")[:_MAX_NAME],
        )

    def _arrival(
        self,
        message: Message,
        *,
        device: str,
        driver: str,
        found: list[Measured],
        refused: list[Rejected],
        boot: str = "",
        sequence: tuple[int, ...] = (),
        model: str = "",
    ) -> Arrival:
        extra = Quality.RETAINED if message.retained else Quality.GOOD
        if message.qos == 0:
            extra |= Quality.QOS0
        if extra:
            found = [
                Measured(m.channel, m.quantity, m.at_ms, m.value, m.quality | extra, m.ordinal)
                for m in found
            ]
        clockless = bool(found) and not sequence and bool(found[0].quality & Quality.NO_CLOCK)
        return Arrival(
            topic=message.topic,
            payload=message.payload,
            received_ms=message.received_ms,
            device=device,
            driver=driver,
            measured=tuple(found),
            rejected=tuple(refused),
            boot=boot,
            sequence=sequence,
            retained=message.retained,
            qos=message.qos,
            model=model,
            redelivered=message.redelivered,
            digest=digest_of(message.topic, message.payload) if clockless else b"",
        )

    def suggest(self, key: str, quantities: set[str], channels: set[str]) -> Suggestion:
        """Return what a heard device looks like, by its quantities and the names it uses."""
        family, _, name = key.partition(":")
        if channels & {"air", "food", "evaporator"} and "temperature" in quantities:
            role = DeviceRole.FREEZER if "freez" in name.lower() else DeviceRole.FRIDGE
        elif quantities & {"energy", "power"}:
            role = DeviceRole.ELECTRICITY
        elif quantities & {"volume", "flow"}:
            role = DeviceRole.WATER
        elif "temperature" in quantities or "co2" in quantities:
            role = DeviceRole.ROOM
        elif "door" in quantities:
            role = DeviceRole.DOOR
        else:
            role = DeviceRole.OTHER
        return Suggestion(driver=family, role=role, name=name.rpartition("/")[2] or name)


def digest_of(topic: str, payload: bytes) -> bytes:
    """Return 16 bytes that stand for one message (BLAKE2b, RFC 7693)."""
    return hashlib.blake2b(topic.encode() + b"\0" + payload, digest_size=16).digest()
