"""Dialects whose key names say it all: words, then the unit, as in `flow_temperature_c`.

The words tell the quantity, the channel, and whether it is the live register or something about
the past. All words stand in the driver file's `[options]`; what they do not settle is no reading.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from caretaker.errors import ConfigurationError
from caretaker.quantities import QUANTITIES, Kind
from caretaker.vocabulary import Arrival, Measured, Quality, Rejected, RejectReason
from ingest.codecs.fields import native_id
from ingest.codecs.port import Heard, Memory, Route, arrive, bad_name, refuse, usable_name
from ingest.driver import Driver
from ingest.extract import first, number
from ingest.quality import doubt, judge
from ingest.recent import Recent, brief
from ingest.times import instant, settle
from ingest.units import UnknownUnitError, factor_offset

_KNOWN = 500
_TABLES = ("suffix", "medium", "instead", "channel")
_LISTS = ("past", "filler")
# What a status word can say of a medium beyond a fault, and the parts that take it back.
_ALARMS = {"water": ("leak", ("LEAK", "BURST")), "smoke": ("smoke", ("SMOKE",))}
_NOT_NOW = {"PREV", "PREVIOUS", "WAS", "OR", "NO", "NOT"}


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a key says: quantity, channel and scale to the canonical unit."""

    what: str
    """The words and the quantity: the same value in a second unit is read once."""
    quantity: str
    channel: str
    factor: float
    offset: float


class Suffix:
    """Reads a flat JSON object by the words of its keys."""

    def __init__(self, driver: Driver, memory: Memory) -> None:
        del memory
        self._driver = driver
        options = driver.options
        for name in (*_TABLES, *_LISTS):
            if not options.get(name):
                raise ConfigurationError(
                    file=driver.file,
                    key=f"options.{name}",
                    problem="is missing",
                    remedy="See the built-in wmbusmeters driver for what belongs there.",
                )
        self._suffix: Mapping[str, Any] = options["suffix"]
        self._instead: Mapping[str, Mapping[str, str]] = options["instead"]
        self._channels: Mapping[str, str] = options["channel"]
        self._past, self._filler = frozenset(options["past"]), frozenset(options["filler"])
        self._media: Mapping[str, str] = options["medium"]
        self._meters: Mapping[str, str] = {
            meter: medium
            for medium, meters in options.get("meters", {}).items()
            for meter in meters.split()
        }
        self._relabel: Mapping[str, Mapping[str, str]] = options.get("relabel", {})
        self._status: Mapping[str, str] = options.get("status", {})
        self._known = Recent[tuple[str, ...], tuple[tuple[str, Meaning | Rejected], ...]](_KNOWN)

    def decode(self, heard: Heard, route: Route) -> Sequence[Arrival] | None:
        """Return the one meter a telegram is from; None when it is no telegram."""
        driver, payload = self._driver, heard.json
        if isinstance(payload, Rejected):
            return None if route.anywhere else (refuse(heard, driver, payload),)
        for path in driver.holds:
            if first(payload, path) is None:
                return None
        name = native_id(driver, payload)
        if not usable_name(name):
            return (bad_name(heard, driver, name),)
        at_ms, quality = settle(self._time(payload), heard.message.received_ms)
        medium = self._medium(payload)
        found: list[Measured] = []
        refused: list[Rejected] = []
        said: set[str] = set()
        for key, meaning in self._meanings(tuple(payload), medium):
            raw = payload[key]
            if raw is None:
                continue
            if isinstance(meaning, Rejected):
                refused.append(meaning)
            elif meaning.what not in said:
                said.add(meaning.what)
                item = _reading(key, raw, meaning, at_ms, quality)
                (found if type(item) is Measured else refused).append(item)  # type: ignore[arg-type]
        self._state(payload, found, medium, at_ms, quality)
        model = first(payload, driver.model_at)
        return (
            arrive(
                heard,
                driver,
                device=driver.device.format(device=name),
                measured=doubt(found),
                rejected=refused,
                model=str(model or ""),
            ),
        )

    def _time(self, payload: Mapping[str, Any]) -> int | None:
        for path in self._driver.time_at:
            raw = first(payload, path)
            if raw is not None and isinstance(told := instant(raw), int):
                return told
        return None

    def _medium(self, payload: Mapping[str, Any]) -> str:
        """Return what flows: as the telegram says, or by the meter behind a radio converter."""
        at = str(self._media.get("at", ""))
        medium = self._media.get(str(payload.get(at, "")).lower())
        meter = first(payload, self._driver.model_at)
        return str(medium or self._meters.get(str(meter), ""))

    def _meanings(
        self, keys: tuple[str, ...], medium: str
    ) -> tuple[tuple[str, Meaning | Rejected], ...]:
        """Return the keys of an object that say something, and what; it is remembered."""
        found = self._known.get((medium, *keys))
        if found is None:
            told = [(key, self.meaning(key, medium)) for key in keys]
            found = tuple((key, meaning) for key, meaning in told if meaning is not None)
            if brief(keys):
                self._known.keep((medium, *keys), found)
        return found

    def meaning(self, key: str, medium: str) -> Meaning | Rejected | None:
        """Return what a key of a meter of a medium says; None for what is no live value."""
        stem, _, unit = key.rpartition("_")
        row = self._suffix.get(unit)
        if row is None or not stem:
            return None
        words = stem.lower().split("_")
        if any(word in self._past for word in words):
            return None
        quantity = str(row.get(medium, row.get("*", "")))
        left = []
        for word in words:
            instead = self._instead.get(word, {}).get(quantity)
            if instead is not None:
                quantity = instead
            elif word not in self._filler and not (word == "flow" and "flow" in quantity):
                left.append(word)
        if not quantity and "*" in row:
            return None  # a unit of many things, and no word says which
        if quantity not in QUANTITIES:
            what = f"{key[:60]} of {medium or 'an unknown medium'}"
            return Rejected(RejectReason.UNKNOWN_QUANTITY, what)
        try:
            unit = self._relabel.get(quantity, {}).get(unit, unit)
            factor, offset = factor_offset(quantity, unit)
        except UnknownUnitError as error:
            return Rejected(RejectReason.UNKNOWN_UNIT, str(error))
        counts = QUANTITIES[quantity].kind is Kind.COUNTER
        name = "_".join(word for word in left if word != "current" or counts)
        return Meaning(
            f"{stem} {quantity}", quantity, self._channels.get(name, name), factor, offset
        )

    def _state(
        self,
        payload: Mapping[str, Any],
        found: list[Measured],
        medium: str,
        at_ms: int,
        quality: Quality,
    ) -> None:
        """Read the words by which a meter says how it is."""
        for key, channel in self._status.items():
            word = payload.get(key)
            if not isinstance(word, str) or not word.strip():
                continue
            words = word.upper().split()
            if words in (["OPEN"], ["CLOSED"]):  # a contact, whose status is what it says
                found.append(Measured(channel, "door", at_ms, float(words[0] == "OPEN"), quality))
                continue
            well = words in (["OK"], ["NO", "ERROR"])
            found.append(Measured(channel, "fault", at_ms, float(not well), quality))
            if channel == "" and medium in _ALARMS:
                quantity, stems = _ALARMS[medium]
                told = any(_tells(item, stems) for item in words)
                if told or well:
                    found.append(Measured("", quantity, at_ms, float(told), quality))


def _reading(
    key: str, raw: object, meaning: Meaning, at_ms: int, quality: Quality
) -> Measured | Rejected:
    value = number(raw)
    if isinstance(value, Rejected):
        return Rejected(value.reason, f"{key[:40]}: {value.detail}")
    canonical = value * meaning.factor + meaning.offset
    verdict = judge(meaning.quantity, value, canonical)
    if isinstance(verdict, Rejected):
        return verdict
    if verdict:
        quality |= verdict
    return Measured(meaning.channel, meaning.quantity, at_ms, canonical, quality)


def _tells(word: str, stems: tuple[str, ...]) -> bool:
    """Return whether a word of a status says one of these, and says it of now.

    >>> _tells("LEAK_FLOW_HIGH", ("LEAK",)), _tells("PREV_LEAKAGE", ("LEAK",))
    (True, False)
    """
    parts = word.split("_")
    return not _NOT_NOW & set(parts) and any(part.startswith(stems) for part in parts)
