"""Tasmota, with the script of a smart-meter reader where its owner published it.

The names in a reader's messages are its owner's own; units stand in the script (`>M`), a line a
value: `1,77070100010800ff@1000,Total consumption,kWh,Total_in,4` is meter, decoder, label, unit and
name. Published once (retained) on `tele/<topic>/DESCRIPTOR` it tells what the names mean; the OBIS
code in it, or else the label, says which quantity and phase (docs: Smart-Meter-Interface).
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from caretaker.quantities import QUANTITIES
from caretaker.vocabulary import Arrival, Rejected, RejectReason
from ingest.codecs.fields import Fields
from ingest.codecs.keys import Key, identify
from ingest.codecs.port import Heard, Memory, Route, arrive, bad_name, refuse, usable_name
from ingest.driver import Driver, Field
from ingest.units import UnknownUnitError, factor_offset

_PREFIX = "tasmota:script:"
_TOPIC = "/DESCRIPTOR"
_HEX = re.compile(r"7707([0-9a-fA-F]{12})")
_ASCII = re.compile(r"(?:\d-\d:)?(\d{1,3})\.(\d)\.(\d)")
_NAMED = re.compile(r"(\d{1,3})_(\d)_(\d)")
_PAST = range(1, 102)  # F of a billing period or of so many days before; 255 or 0 is now
_MAX_SCRIPT = 32 * 1024
_MAX_READERS = 500
_UNITS = {"cbm": "m3", "m^3": "m3", "m³": "m3", "grad": "C", "pf": "1", "pu": "1", "%%": "%"}
_FED_IN = re.compile(r"einspeis|rückspeis|lieferung|feed", re.IGNORECASE)
_EXPORTED = {"energy": "energy_export", "power": "power_export"}
_MEDIA = {
    "gas": "gas_volume", "wasser": "volume", "water": "volume", "h2o": "volume", "h20": "volume",
}  # fmt: skip
_PHASES = {0: "", 20: "a", 40: "b", 60: "c"}
_OBIS = {
    (1, 8): "energy",
    (2, 8): "energy_export",
    (3, 8): "reactive_energy",
    (4, 8): "reactive_energy_export",
    (1, 7): "power",
    (15, 7): "power",
    (16, 7): "power",
    (2, 7): "power_export",
    (3, 7): "reactive_power",
    (9, 7): "apparent_power",
    (11, 7): "current",
    (12, 7): "voltage",
    (13, 7): "power_factor",
    (14, 7): "frequency",
}
"""(C, D) of IEC 62056-61 for the sum; a phase adds 20, 40 or 60 to C."""


class Tasmota:
    """Reads Tasmota by its table, and a meter reader by its script where that was heard."""

    def __init__(self, driver: Driver, memory: Memory) -> None:
        self._driver, self._memory = driver, memory
        self._plain = Fields(driver, memory)
        self._readers: dict[str, tuple[bytes, Fields]] = {}

    def explains(self, key: str, value: bytes) -> Iterable[str]:
        """Return the name of a meter reader, of which its topic is made."""
        del value
        return (key.removeprefix(_PREFIX),)

    def decode(self, heard: Heard, route: Route) -> Sequence[Arrival] | None:
        """Return the one device a message speaks of; a script teaches and holds no reading."""
        name = route.names.get("device", "")
        if heard.message.topic.endswith(_TOPIC):
            return (self._script(heard, name),)
        told = self._memory.get(f"{_PREFIX}{name}") if name else None
        if told is None:
            return self._plain.decode(heard, route)
        known = self._readers.get(name)
        if known is None or known[0] is not told:
            if len(self._readers) >= _MAX_READERS:
                self._readers.clear()
            table = (*fields(json.loads(told)), *self._driver.fields)
            known = (told, Fields(replace(self._driver, fields=table), self._memory))
            self._readers[name] = known
        return known[1].decode(heard, route)

    def _script(self, heard: Heard, name: str) -> Arrival:
        if not usable_name(name):
            return bad_name(heard, self._driver, name)
        payload = heard.message.payload
        if len(payload) > _MAX_SCRIPT:
            return refuse(heard, self._driver, Rejected(RejectReason.TOO_LARGE, "a script"))
        told = read_script(payload.decode("utf-8", "replace"))
        value = json.dumps(told, sort_keys=True).encode() if told else b""
        return arrive(heard, self._driver, device="", knowledge=((f"{_PREFIX}{name}", value),))


def read_script(text: str) -> dict[str, dict[str, list[str]]]:
    """Return group -> name -> [quantity, unit, channel] of a reader's script.

    >>> read_script(">M 1\\n+1,3,s,0,9600,SML\\n1,77070100020800ff@1000,Feed,kWh,Out,4\\n#")
    {'SML': {'Out': ['energy_export', 'kWh', '']}}
    """
    groups: dict[str, str] = {}
    found: dict[str, dict[str, list[str]]] = {}
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("+"):
            parts = line[1:].split(",")
            if len(parts) > 5:
                groups[parts[0]] = parts[5]
        elif line[:1].isdigit():
            parts = line.rsplit(",", 4)
            if len(parts) < 5 or "," not in parts[0]:
                continue
            meter, _, decoder = parts[0].partition(",")
            group = groups.get(meter, "")
            meaning = _meaning(decoder, group, label=parts[1], unit=parts[2], name=parts[3])
            if group and meaning is not None:
                found.setdefault(group, {})[parts[3]] = meaning
    return found


def _meaning(decoder: str, group: str, *, label: str, unit: str, name: str) -> list[str] | None:
    """Return quantity, unit and channel of a line, or None where it leaves one open."""
    unit = _UNITS.get(unit.strip().lower(), unit.strip())
    if (code := _HEX.match(decoder)) and int(code[1][-2:], 16) in _PAST:
        return None
    found = _by_obis(decoder) or _by_obis(name, _NAMED)
    if found is None or not _fits(found[0], unit):
        found = _by_words(f"{group} {label} {name}".lower(), label, name, unit)
    if found is None or not _fits(found[0], unit):
        return None
    return [found[0], unit, found[1]]


def _by_obis(decoder: str, written: re.Pattern[str] = _ASCII) -> tuple[str, str] | None:
    code = decoder.partition("@")[0]
    if match := _HEX.match(code):
        _, _, c, d, e, _ = bytes.fromhex(match[1])
    elif match := written.match(code):
        c, d, e = (int(part) for part in match.groups())
    else:
        return None
    for shift, phase in _PHASES.items():
        quantity = _OBIS.get((c - shift, d))
        if quantity is not None and (not shift or c - shift in {1, 2, 3, 9, 11, 12, 13, 16, 15}):
            return quantity, phase or (f"t{e}" if d == 8 and 1 <= e <= 8 else "")
    return None


def _by_words(words: str, label: str, name: str, unit: str) -> tuple[str, str] | None:
    if unit == "m3":
        media = {quantity for word, quantity in _MEDIA.items() if word in words}
        return (media.pop(), "") if len(media) == 1 else None
    for told in (label, name):
        key = identify(told, unit)
        if isinstance(key, Rejected) and key.reason is RejectReason.NOT_LIVE:
            return None
        if isinstance(key, Key):
            if _FED_IN.search(f"{label} {name}") is None:
                return key.quantity, key.channel
            left = [part for part in key.channel.split("_") if not _FED_IN.search(part)]
            return _EXPORTED.get(key.quantity, key.quantity), "_".join(left)
    return None


def _fits(quantity: str, unit: str) -> bool:
    try:
        factor_offset(quantity, unit)
    except UnknownUnitError:
        return False
    return True


def fields(told: Mapping[str, Mapping[str, Any]]) -> list[Field]:
    """Return what a script says as rows of a field table."""
    rows = []
    for group, entries in told.items():
        for name, (quantity, unit, channel) in entries.items():
            if quantity in QUANTITIES and _fits(quantity, unit):
                factor, offset = factor_offset(quantity, unit)
                rows.append(
                    Field(
                        path=(group, name),
                        quantity=quantity,
                        unit=unit,
                        channel=channel,
                        factor=factor,
                        offset=offset,
                    )
                )
    return rows
