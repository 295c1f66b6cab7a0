"""Telemetry platforms: an envelope says who and when, a model file or the names say what.

One codec for the shapes that platforms share, each platform a driver file whose options say where
things stand: `items` (a list, or an object whose keys are devices), `device`, `time` and `object`
inside an item, `own` (what the gateway measures itself), `name`, `value` and perhaps `unit` where a
message holds one value whose name is data, or a list of such. An `object` that is a list is one
part each, if `each` says so. `device` may be several paths, joined by a slash, each looked up in
the part, the item and the message. `units` are those that a platform documents for its names.
Paths are keys with dots between.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from caretaker.errors import ConfigurationError
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
from ingest.extract import first

_OPTIONS = {"items", "device", "time", "object", "own", "name", "value", "unit", "each", "units"}
_MAX_PARTS = 2_000
_MAX_DEVICES = 500


@dataclass(frozen=True, slots=True)
class Part:
    """What one device said at one time: a decoded object, and words that tell its model."""

    device: str
    decoded: Any
    time: object = None
    labels: tuple[str, ...] = ()


@dataclass(slots=True)
class _Said:
    values: list[Value | Rejected] = field(default_factory=list)
    refused: dict[Rejected, None] = field(default_factory=dict)  # each kind once, in order
    model: str = ""


def speak(heard: Heard, driver: Driver, models: Models, parts: Iterator[Part]) -> Sequence[Arrival]:
    """Return one arrival a device of what the parts say; a device beyond bounds is refused."""
    devices: dict[str, _Said] = {}
    refused: list[Arrival] = []
    for count, part in enumerate(parts):
        if count >= _MAX_PARTS or (part.device not in devices and len(devices) >= _MAX_DEVICES):
            detail = f"more than {_MAX_DEVICES} devices or {_MAX_PARTS} parts"
            refused.append(refuse(heard, driver, Rejected(RejectReason.TOO_LARGE, detail)))
            break
        if not usable_name(part.device):
            refused.append(bad_name(heard, driver, part.device))
            continue
        said = devices.setdefault(part.device, _Said())
        _read(said, models, part)
    return [*(_arrival(heard, driver, name, said) for name, said in devices.items()), *refused]


def _read(said: _Said, models: Models, part: Part) -> None:
    at = None if part.time is None else moment(part.time)
    if isinstance(at, Rejected):
        said.refused.setdefault(at)
        return
    found, model = models.read(part.decoded, *part.labels, part.device)
    said.model = model or said.model
    if not found and (names := _numbers(part.decoded)):
        detail = f"no model names {', '.join(names)}"[:200]
        found = [Rejected(RejectReason.NO_MEANING, detail)]
    for item in found:
        if isinstance(item, Value) and item.at_ms is None and at is not None:
            said.values.append(
                Value(item.quantity, item.number, item.unit, item.channel, at, item.ordinal)
            )
        elif isinstance(item, Value):
            said.values.append(item)
        else:
            said.refused.setdefault(item)


def _numbers(decoded: Any) -> list[str]:
    """Return the names of numbers that nothing explained."""
    if not isinstance(decoded, dict):
        return []
    return [
        str(key)
        for key, value in decoded.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    ][:12]


def _arrival(heard: Heard, driver: Driver, name: str, said: _Said) -> Arrival:
    everything = [*said.values, *said.refused]
    measured, refused = readings(everything, received_ms=heard.message.received_ms)
    key = driver.device.format(device=name)
    return arrive(heard, driver, device=key, measured=measured, rejected=refused, model=said.model)


class Telemetry:
    """Reads a platform's envelope by the options of its driver file."""

    def __init__(self, driver: Driver, memory: Memory) -> None:
        del memory
        if unknown := set(driver.options) - _OPTIONS:
            raise ConfigurationError(
                file=driver.file,
                key=f"options.{min(unknown)}",
                problem="is unknown",
                remedy=f"Use some of {', '.join(sorted(_OPTIONS))}.",
            )
        self._driver = driver
        self._models = Models(driver, implied=driver.options.get("units"))
        self._paths = {
            key: tuple(text.split(".")) if text else ()
            for key, text in driver.options.items()
            if isinstance(text, str)
        }
        named = driver.options.get("device", ())
        self._device = tuple(
            tuple(tuple(path.split(".")) for path in text.split("|"))
            for text in ([named] if isinstance(named, str) else named)
        )
        self._each = bool(driver.options.get("each"))

    def may_read(self, shape: Shape, *, anywhere: bool) -> bool:
        """Return whether a payload has the keys that the driver says every one `holds`."""
        if shape == LIST:
            return all(path[0].isdigit() for path in self._driver.holds)
        return anywhere or all(path[0] in shape for path in self._driver.holds)

    def decode(self, heard: Heard, route: Route) -> Sequence[Arrival] | None:
        """Return what each device of the envelope said; None when the envelope is another."""
        payload = heard.json
        if isinstance(payload, Rejected):
            known = "any" not in route.names
            return (refuse(heard, self._driver, payload),) if known else None
        if any(first(payload, path) is None for path in self._driver.holds):
            return None
        named = route.names.get("device") or route.names.get("any") or self._driver.name
        return speak(heard, self._driver, self._models, self._parts(payload, named))

    def _at(self, item: Any, key: str) -> Any:
        path = self._paths.get(key)
        return first(item, path) if path else None

    def _parts(self, payload: Any, named: str) -> Iterator[Part]:
        at = self._at(payload, "time")
        if (own := self._at(payload, "own")) is not None:
            yield Part(named, own, at)
        items = self._at(payload, "items") if "items" in self._paths else payload
        if isinstance(items, dict) and "items" in self._paths and not self._each:
            for device, item in items.items():
                yield from self._part(item, payload, str(device))
        elif isinstance(items, list):
            for item in items:
                yield from self._part(item, payload, named)
        elif items is not None:
            yield from self._part(items, payload, named)

    def _part(self, item: Any, payload: Any, named: str) -> Iterator[Part]:
        decoded = self._at(item, "object") if "object" in self._paths else item
        at = self._at(item, "time")
        at = self._at(payload, "time") if at is None else at
        if "value" in self._paths:
            decoded = self._pairs(decoded)
        if self._each and isinstance(decoded, list):
            for one in decoded:
                yield Part(self._name((one, item, payload)) or named, one, at)
        else:
            yield Part(self._name((decoded, item, payload)) or named, decoded, at)

    def _pairs(self, item: Any) -> Any:
        """Return {name: value} of an item that names its value, or of a list of such."""
        pairs = {
            name: self._told(one)
            for one in (item if isinstance(item, list) else [item])
            if isinstance(name := self._at(one, "name"), str)
        }
        return pairs or item

    def _told(self, item: Any) -> Any:
        """Return a value, with its unit where the platform gives one."""
        value, unit = self._at(item, "value"), self._at(item, "unit")
        return {"value": value, "unit": unit} if isinstance(unit, str) and unit else value

    def _name(self, holders: Sequence[Any]) -> str:
        """Return the name of a device by the paths of the driver, or nothing."""
        words: list[str] = []
        for paths in self._device:
            found = (first(holder, path) for path in paths for holder in holders)
            word = next((w for w in found if isinstance(w, str | int) and w != ""), None)
            if word is None and not words:
                return ""
            words += [] if word is None else [str(word)]
        return "/".join(words)
