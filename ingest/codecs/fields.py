"""The codec of most drivers: JSON or a plain value, and a table of fields in the driver file."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from caretaker.errors import ConfigurationError
from caretaker.vocabulary import Arrival, Measured, Rejected, RejectReason
from ingest.codecs.port import Heard, Memory, Route, arrive, bad_name, refuse, usable_name
from ingest.driver import Driver
from ingest.extract import IDS, NESTED, first, measure
from ingest.plan import compile_fields
from ingest.times import instant, settle

_MAX_TEXT = 128
_MAX_REMEMBERED = 10_000
_LISTED = re.compile(r"[-+]?\d+(\.\d+)?([,;] ?[-+]?\d+(\.\d+)?)+")


class Fields:
    """Reads a payload by the `[[field]]` table of a driver.

    Where the topic holds `{key}` the payload is that key's value: an object, a number or a word.
    With the option `key`, a pattern, a key that does not fit is left to other dialects. With
    `alias_at`, paths, a message whose topic names the device tells by what other name it goes: one
    that gives only that name is the same device's.
    """

    def __init__(self, driver: Driver, memory: Memory) -> None:
        self._driver, self._memory = driver, memory
        self._aliases = tuple(
            tuple(str(path).split(".")) for path in driver.options.get("alias_at", ())
        )
        self._plan = compile_fields(driver.fields)
        self._key = _key(driver)
        self._last: dict[str, tuple[int, tuple[tuple[str, str, float], ...]]] = {}

    def explains(self, key: str, value: bytes) -> Iterable[str]:
        """Return nothing: by another name of a device no message means more."""
        del key, value
        return ()

    def decode(self, heard: Heard, route: Route) -> Sequence[Arrival] | None:
        """Return the one device a message speaks of; None when it is not of this dialect."""
        driver = self._driver
        key = route.names.get("key")
        if key is not None and self._key and not self._key.fullmatch(key):
            return None
        payload = heard.json if key is None else plain(heard)
        if driver.holds and (
            isinstance(payload, Rejected)
            or any(first(payload, path) is None for path in driver.holds)
        ):
            return None
        if isinstance(payload, Rejected):
            return None if route.anywhere else (refuse(heard, driver, payload),)
        if key is not None:
            payload = _nested(key, payload)
        elif type(payload) not in NESTED:
            return (refuse(heard, driver, Rejected(RejectReason.WRONG_SHAPE, "no object")),)
        return (self._read(heard, route, payload),)

    def _read(self, heard: Heard, route: Route, payload: Any) -> Arrival:
        driver, received_ms = self._driver, heard.message.received_ms
        name = self._name(route, payload) if "{device}" in driver.device else "-"
        if not usable_name(name):
            return bad_name(heard, driver, name)
        knowledge: tuple[tuple[str, bytes], ...] = ()
        if self._aliases:
            name, knowledge = self._known(name, route, payload)
        model, named = first(payload, driver.model_at), first(payload, driver.channel_at)
        device_ms = _time(driver, payload)
        for path in driver.unwrap:
            inner = first(payload, path)
            if isinstance(inner, dict):
                payload = inner
        at_ms, quality = settle(device_ms, received_ms)
        found, refused = measure(
            self._plan,
            payload,
            at_ms=at_ms,
            quality=quality,
            received_ms=received_ms,
            channel=str(named) if isinstance(named, IDS) else "",
        )
        device = driver.device.format(device=name)
        if driver.repeat_s and found and self._repeated(device, found, received_ms):
            found = []
        if not found:
            # What holds no reading makes no device of a topic that only looks like ours.
            return refuse(heard, driver, *refused)
        return arrive(
            heard,
            driver,
            device=device,
            measured=found,
            rejected=refused,
            model=str(model) if isinstance(model, IDS) else "",
            knowledge=knowledge,
        )

    def _known(
        self, name: str, route: Route, payload: Any
    ) -> tuple[str, tuple[tuple[str, bytes], ...]]:
        """Return a device's name by its topic, and what this message says of its other name."""
        key = f"fields:{self._driver.name}:"
        if route.anywhere:
            told = self._memory.get(key + name)
            return (told.decode() if told else name), ()
        other = next((first(payload, path) for path in self._aliases if first(payload, path)), "")
        if not isinstance(other, str) or other == name or not usable_name(other):
            return name, ()
        return name, ((key + other, name.encode()),)

    def _name(self, route: Route, payload: Any) -> str:
        named = route.names.get("device", "")
        if self._driver.topic_first and named and not route.anywhere:
            return named
        return native_id(self._driver, payload) or named

    def _repeated(self, device: str, found: Sequence[Measured], received_ms: int) -> bool:
        """Return whether a radio sent this before, moments ago; the first of them counts."""
        values = tuple((m.channel, m.quantity, m.value) for m in found)
        last_ms, last = self._last.get(device, (0, ()))
        if values == last and 0 <= received_ms - last_ms < self._driver.repeat_s * 1000:
            return True
        if len(self._last) >= _MAX_REMEMBERED:
            self._last.clear()
        self._last[device] = (received_ms, values)
        return False


def _key(driver: Driver) -> re.Pattern[str] | None:
    told = driver.options.get("key")
    try:
        return re.compile(told) if told else None
    except (re.error, TypeError) as error:
        raise ConfigurationError(
            file=driver.file,
            key="options.key",
            problem=str(error),
            remedy="Write a regular expression that the topic's {key} must fit.",
        ) from error


def native_id(driver: Driver, payload: Any) -> str:
    """Return the name that a payload gives its device, or nothing."""
    parts: list[str] = []
    for paths in driver.device_at:
        for path in paths:
            part = first(payload, path)
            if isinstance(part, IDS) and part != "":
                parts.append(str(part))
                break
        else:
            if not parts:
                return ""
    name = "/".join(parts)
    for character in driver.device_drops:
        name = name.replace(character, "")
    return name


def _time(driver: Driver, payload: Any) -> int | None:
    """Return the device's own time [ms UTC], or None where it tells no instant."""
    for path in driver.time_at:
        raw = first(payload, path)
        if raw is not None:
            device_ms = instant(raw)
            if not isinstance(device_ms, Rejected):
                return device_ms
    return None


def plain(heard: Heard) -> Any | Rejected:
    """Return a payload that need not be JSON: a word, or numbers with commas between."""
    payload = heard.json
    if isinstance(payload, Rejected) and payload.reason is RejectReason.NOT_JSON:
        text = heard.message.payload[: _MAX_TEXT + 1].decode("utf-8", "replace").strip()
        if 0 < len(text) <= _MAX_TEXT and text.isprintable() and text[0] not in '{["':
            return re.split("[,;] ?", text) if _LISTED.fullmatch(text) else text
    return payload


def _nested(key: str, payload: Any) -> Any:
    """Return the value under the levels of a topic's key.

    >>> _nested("emeter/0/power", 12.5)
    {'emeter': {'0': {'power': 12.5}}}
    """
    for level in reversed(key.split("/")):
        payload = {level: payload}
    return payload
