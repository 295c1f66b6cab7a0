"""InfluxDB line protocol in a message: `measurement,tag=x field=1.5,other=2i 1788220800000000000`.

The device is named by its tags. A field's name says quantity and unit as in `power_w`; a field that
is only called `value` takes the measurement's name, and a tag `unit` says the unit. What names no
unit is held.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from caretaker.quantities import QUANTITIES, Kind
from caretaker.vocabulary import Arrival, Measured, Rejected, RejectReason
from ingest.codecs.keys import Key, identify, of_gas
from ingest.codecs.port import (
    NO_JSON,
    SCALAR,
    Heard,
    Memory,
    Route,
    Shape,
    arrive,
    bad_name,
    refuse,
    usable_name,
)
from ingest.codecs.values import Value, readings
from ingest.driver import Driver
from ingest.times import instant

_LINE = re.compile(
    r"(?P<head>(?:[^\s,\\#{\[]|\\.)(?:[^\s\\]|\\.)*) "
    r"(?P<fields>(?:[^\s\"\\]|\\.|\"(?:[^\"\\]|\\.)*\")+)"
    r"(?: (?P<time>-?\d+))?"
)
_FIELD = re.compile(r"((?:[^,=\\]|\\.)+)=(\"(?:[^\"\\]|\\.)*\"|[-+.0-9eE]+[iu]?|[tTfF]\w*)(?:,|$)")
_MAX_LINES = 5_000
_UNIT_TAGS = ("unit", "units", "uom")
_CHANNEL_TAGS = ("phase", "channel", "probe", "circuit", "line", "port")
_PHASES = {"l1": "a", "l2": "b", "l3": "c", "1": "a", "2": "b", "3": "c"}
_PHASES |= {"a": "a", "b": "b", "c": "c"}


class LineProtocol:
    """Reads lines of InfluxDB's line protocol."""

    def __init__(self, driver: Driver, memory: Memory) -> None:
        del memory
        self._driver = driver
        self._tags: Sequence[str] = driver.options.get("device_tags", ())
        self._plain = frozenset(driver.options.get("plain_fields", ()))

    def may_read(self, shape: Shape, *, anywhere: bool) -> bool:
        """Return whether a payload is neither an object nor a list."""
        del anywhere
        return shape in (SCALAR, NO_JSON)

    def decode(self, heard: Heard, route: Route) -> Sequence[Arrival] | None:
        """Return an arrival for each device the lines name; None when these are no lines."""
        message, driver = heard.message, self._driver
        if message.payload[:1] in {b"{", b"[", b"<", b"/", b""} or b"=" not in message.payload:
            return None
        text = message.payload.decode("utf-8", "replace")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        matches = [_LINE.fullmatch(line) for line in lines if not line.startswith("#")]
        if not matches or len(matches) > _MAX_LINES or not all(matches):
            return None
        values: dict[str, list[Value | Rejected]] = {}
        for match in matches:
            assert match is not None
            for device, value in self._line(match, route):
                values.setdefault(device, []).append(value)
        arrivals: list[Arrival] = []
        for device, told in values.items():
            if not usable_name(device):
                arrivals.append(bad_name(heard, driver, device))
                continue
            found, refused = readings(told, received_ms=message.received_ms)
            arrivals.append(self._arrival(heard, device, found, refused))
        return arrivals or None

    def _arrival(
        self, heard: Heard, device: str, found: list[Measured], refused: list[Rejected]
    ) -> Arrival:
        if not found:
            return refuse(heard, self._driver, *refused)
        name = self._driver.device.format(device=device)
        return arrive(heard, self._driver, device=name, measured=found, rejected=refused)

    def _line(self, match: re.Match[str], route: Route) -> Iterator[tuple[str, Value | Rejected]]:
        measurement, *pairs = re.split(r"(?<!\\),", match["head"])
        tags = {_plain(k): _plain(v) for k, _, v in (pair.partition("=") for pair in pairs) if v}
        named = [tags[tag] for tag in self._tags if tag in tags]
        device = named[0] if named else route.names.get("device", "")
        at_ms = instant(int(match["time"])) if match["time"] else None
        for key, raw in _FIELD.findall(match["fields"]):
            name = _plain(key)
            if raw.startswith('"') or raw[0] in "tTfF":
                continue  # texts and truths are no measured values
            told = _plain(measurement) if name in self._plain else name
            unit = next((tags[tag] for tag in _UNIT_TAGS if tag in tags), "")
            meaning = identify(told, unit)
            if meaning is None and told == name:  # water,meter=1 total_m3=4
                meaning = identify(f"{_plain(measurement)}_{name}", unit)
            if isinstance(at_ms, Rejected):
                yield device, at_ms
            elif isinstance(meaning, Rejected):
                yield device, meaning
            elif meaning is not None:
                yield (
                    device,
                    _value(
                        _apart(of_gas(meaning, [_plain(measurement)]), tags),
                        raw.rstrip("iu"),
                        at_ms,
                    ),
                )


def _apart(key: Key, tags: Mapping[str, str]) -> Key:
    """Return the meaning with the tag that tells values of one device apart as its channel."""
    tag = next((tag for tag in _CHANNEL_TAGS if tag in tags), "")
    if not tag:
        return key
    told = _PHASES.get(tags[tag].lower(), tags[tag]) if tag == "phase" else tags[tag]
    return replace(key, channel=f"{key.channel}/{told}" if key.channel else told)


def _value(key: Key, raw: str, at_ms: int | None) -> Value | Rejected:
    quantity = QUANTITIES[key.quantity]
    if not key.unit and quantity.unit != "1" and quantity.kind is not Kind.STATE:
        return Rejected(RejectReason.UNIT_MISSING, f"{key.quantity}: nothing says the unit")
    return Value(key.quantity, raw, key.unit, key.channel, at_ms)


def _plain(text: str) -> str:
    r"""Return a name without its escapes.

    >>> _plain(r"Room\ 1\,\ west")
    'Room 1, west'
    """
    return re.sub(r"\\(.)", r"\1", text)
