"""Caretaker's own grammar, version 1: several quantities a message, batches, boot and sequence.

`caretaker/1/{site}/{device}/readings`, documented for people who program a meter in docs/mqtt.md.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from caretaker.quantities import QUANTITIES, Kind
from caretaker.vocabulary import Arrival, Measured, Quality, Rejected, RejectReason
from ingest.codecs.port import Heard, Memory, Route, arrive, refuse
from ingest.driver import Driver
from ingest.extract import number
from ingest.quality import judge
from ingest.times import instant, settle
from ingest.units import UnknownUnitError, factor_offset

NAME = re.compile(r"[a-z0-9_-]{1,32}")
_KNOWN = frozenset({"at", "boot", "seq", "readings", "batch", "model"})
_MAX_BATCH = 5_000
_MAX_KEY = 128
_MAX_TOPICS = 20_000
_GOOD = Quality.GOOD


class Native:
    """Reads Caretaker's own grammar."""

    def __init__(self, driver: Driver, memory: Memory) -> None:
        del memory
        self._driver = driver
        self._devices: dict[str, str] = {}

    def decode(self, heard: Heard, route: Route) -> Sequence[Arrival]:
        """Return the one device a message speaks of."""
        payload = heard.json
        if isinstance(payload, Rejected):
            return (refuse(heard, self._driver, payload),)
        topic = heard.message.topic
        device = self._devices.get(topic) or self._device(topic, route)
        if not device:
            refusal = Rejected(RejectReason.BAD_NAME, "site and device are 1..32 of a-z 0-9 _ -")
            return (refuse(heard, self._driver, refusal),)
        found, refused, boot, sequence = read(payload, received_ms=heard.message.received_ms)
        model = payload.get("model", "") if isinstance(payload, dict) else ""
        return (
            arrive(
                heard,
                self._driver,
                device=device,
                measured=found,
                rejected=refused,
                boot=boot,
                sequence=sequence,
                model=str(model),
            ),
        )

    def _device(self, topic: str, route: Route) -> str:
        """Return the key of a topic's device, nothing when a name cannot be one; it is kept."""
        site, device = route.names["site"], route.names["device"]
        if NAME.fullmatch(site) is None or NAME.fullmatch(device) is None:
            return ""
        if len(self._devices) >= _MAX_TOPICS:
            self._devices.clear()
        self._devices[topic] = f"native:{site}/{device}"
        return self._devices[topic]


@lru_cache(maxsize=4_096)
def parse_key(key: str) -> tuple[str, str, float, float, bool] | Rejected:
    """Return (channel, quantity, factor, offset, is a state) of `[channel.]quantity_unit`.

    >>> parse_key("air.temperature_c")
    ('air', 'temperature', 1.0, 0.0, False)
    >>> parse_key("power_w")[1:3]
    ('power', 0.001)
    >>> parse_key("power").reason.value
    'unknown-unit'
    """
    channel, _, name = key.rpartition(".")
    if channel and NAME.fullmatch(channel) is None:
        return Rejected(RejectReason.BAD_NAME, f"channel {channel[:40]!r}")
    if name in QUANTITIES:
        if QUANTITIES[name].unit == "1":
            return channel, name, 1.0, 0.0, QUANTITIES[name].kind is Kind.STATE
        return Rejected(RejectReason.UNKNOWN_UNIT, f"{name} needs its unit, as in {name}_...")
    quantity, _, unit = name.rpartition("_")
    if quantity not in QUANTITIES:
        return Rejected(RejectReason.UNKNOWN_QUANTITY, name[:60])
    try:
        factor, offset = factor_offset(quantity, unit)
    except UnknownUnitError as error:
        return Rejected(RejectReason.UNKNOWN_UNIT, str(error))
    return channel, quantity, factor, offset, QUANTITIES[quantity].kind is Kind.STATE


def read(
    payload: Any,
    *,
    received_ms: int,
) -> tuple[list[Measured], list[Rejected], str, tuple[int, ...]]:
    """Return (readings, refusals, boot, sequence numbers) of a native message or batch."""
    if isinstance(payload, list):
        payload = {"batch": payload}
    if not isinstance(payload, dict):
        return [], [Rejected(RejectReason.WRONG_SHAPE, "neither an object nor a list")], "", ()
    refused: list[Rejected] = []
    if not payload.keys() <= _KNOWN:
        unknown = min(payload.keys() - _KNOWN)
        refused.append(Rejected(RejectReason.WRONG_SHAPE, f"unknown key {unknown[:40]!r}"))
    boot = payload.get("boot", "")
    if not isinstance(boot, str) and type(boot) is not int:
        return [], [Rejected(RejectReason.WRONG_TYPE, "boot is neither text nor a number")], "", ()
    parts = payload.get("batch", [payload])
    if not isinstance(parts, list) or not parts or len(parts) > _MAX_BATCH:
        return (
            [],
            [Rejected(RejectReason.WRONG_SHAPE, f"a batch has 1..{_MAX_BATCH} parts")],
            "",
            (),
        )
    found: list[Measured] = []
    sequence: list[int] = []
    for part in parts:
        seq = _part(part, received_ms=received_ms, found=found, refused=refused)
        if seq is not None:
            sequence.append(seq)
    return found, refused, str(boot), tuple(sequence)


def _part(
    part: Any,
    *,
    received_ms: int,
    found: list[Measured],
    refused: list[Rejected],
) -> int | None:
    readings = part.get("readings") if type(part) is dict else None
    if type(readings) is not dict:
        refused.append(Rejected(RejectReason.WRONG_SHAPE, "no readings"))
        return None
    seq = part.get("seq")
    if seq is not None and (type(seq) is not int or not 0 <= seq < 2**62):
        refused.append(Rejected(RejectReason.WRONG_TYPE, "seq is no whole number"))
        return None
    device_ms: int | None = None
    if "at" in part:
        at = instant(part["at"])
        if isinstance(at, Rejected):
            refused.append(at)
            return None
        device_ms = at
    at_ms, quality = settle(device_ms, received_ms)
    for key, raw in readings.items():
        if raw is None:
            continue
        item = _reading(key, raw, at_ms, quality, seq or 0)
        if isinstance(item, Rejected):
            refused.append(item)
        else:
            found.append(item)
    return seq


def _reading(key: str, raw: Any, at_ms: int, quality: Quality, ordinal: int) -> Measured | Rejected:
    if len(key) > _MAX_KEY:  # no such key exists, and none may fill the cache of keys
        return Rejected(RejectReason.BAD_NAME, key[:60])
    parsed = parse_key(key)
    if isinstance(parsed, Rejected):
        return parsed
    channel, quantity, factor, offset, state = parsed
    value = number(raw, state=state)
    if isinstance(value, Rejected) or isinstance(raw, str):
        return Rejected(RejectReason.WRONG_TYPE, f"{key[:40]}: {str(raw)[:40]!r} is no number")
    canonical = value * factor + offset
    verdict = judge(quantity, value, canonical)
    if verdict is not _GOOD:
        if isinstance(verdict, Rejected):
            return verdict
        quality |= verdict
    return Measured(channel, quantity, at_ms, canonical, quality, ordinal)
