"""Runs the payload corpus through the real decoder and counts what came out right.

What counts, by the corpus' own README:

* an expectation is **extracted** when a reading has its quantity, its value in the canonical unit,
  its channel (where a message holds several of the quantity) and its instant: the device's own
  time where that is an instant, the time of receipt where it is local, relative or missing;
* a value whose unit nobody names is right when it is **held** as `unit-missing`, or read by a
  documented unit of the family;
* a **sentinel** is right when no reading carries it;
* a **false live** reading is one that equals a history, a statistic or a day counter and that no
  live expectation asks for, any reading of a message that is a descriptor, and a link quality;
* a **collision** is two different values of one device, channel and quantity in one message;
* `status` of a last will is right as availability, `status` of a meter as `fault` (0 for OK).
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from caretaker.clock import ManualClock
from caretaker.quantities import QUANTITIES, Kind
from caretaker.vocabulary import Arrival, Measured, Quality, RejectReason
from ingest.codecs.availability import available
from ingest.decoder import Decoder
from ingest.driver import load_drivers
from ingest.transport.port import Message
from tests.corpus import names

RECEIVED_MS = 1_795_525_200_000
_EARLIEST_MS = 1_577_836_800_000
_RECEIPT_KINDS = {
    "local_no_zone",
    "epoch_s_start_of_minute",
    "dsmr_local_with_dst_flag",
}
_HELD = {RejectReason.UNIT_MISSING, RejectReason.UNKNOWN_UNIT, RejectReason.NO_MEANING}


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that is not right: where, what was expected, what came out."""

    kind: str
    row: int
    device: str
    what: str


@dataclass(slots=True)
class Score:
    """The counts of one family."""

    family: str
    messages: int = 0
    undecoded: int = 0
    expected: int = 0
    extracted: int = 0
    held: int = 0
    sentinels: int = 0
    refused: int = 0
    stale: int = 0
    false_live: int = 0
    collisions: int = 0
    extra: int = 0
    notes: list[Note] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def share(self) -> float:
        """Share of the expectations that came out right [0..1]."""
        return (self.extracted + self.held) / self.expected if self.expected else 1.0


def run(folder: Path) -> list[Score]:
    """Return the score of each file of the corpus, in order."""
    return [_file(path) for path in sorted(folder.glob("*.jsonl"))]


def frames(folder: Path) -> Score:
    """Return the score of all meter frames of the corpus whose checksum is right."""
    score = Score("frames")
    for path in sorted(folder.glob("*.jsonl")):
        _file(path, score, lambda row: row.get("frame_checksum_ok") is True)
    return score


def _file(
    path: Path,
    score: Score | None = None,
    wanted: Callable[[dict[str, Any]], bool] = lambda _row: True,
) -> Score:
    score = score or Score(path.stem)
    decoder = Decoder(load_drivers(), clock=ManualClock(RECEIVED_MS))
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if wanted(row := json.loads(line)):
                _row(score, decoder, number, row)
    return score


def messages(row: dict[str, Any], number: int, received_ms: int) -> Iterator[Message]:
    """Yield a row as it comes over MQTT; a topic that is up to the user gives no hint."""
    payload = row["payload"]
    if isinstance(payload, dict) and set(payload) == {"hex"}:
        raw = bytes.fromhex(payload["hex"])
    elif isinstance(payload, str):
        raw = payload.encode()
    else:
        raw = json.dumps(payload, ensure_ascii=False).encode()
    topic = row["topic"] or f"school/gateway/{number}"
    if row["topic"] is None and row["family"] == "lorawan" and isinstance(payload, dict):
        topic = f"application/1/device/{number:016x}/event/up"
        name = row["device"] or "device"
        info = {"devEui": f"{number:016x}", "deviceName": name, "deviceProfileName": name}
        uplink = {"deviceInfo": info, "fPort": row.get("f_port") or 1, "object": payload}
        raw = json.dumps(uplink, ensure_ascii=False).encode()
    yield Message(topic, raw, received_ms)


def _instant(row: dict[str, Any]) -> int | None:
    """Return the device's own instant [ms], or None where it tells none."""
    text = row.get("timestamp")
    if not text or row.get("timestamp_kind") in _RECEIPT_KINDS:
        return None
    try:
        at = datetime.fromisoformat(str(text).strip().replace(" ", "T"))
    except ValueError:
        return None
    return None if at.tzinfo is None else round(at.timestamp() * 1000)


def _row(score: Score, decoder: Decoder, number: int, row: dict[str, Any]) -> None:
    device_ms = _instant(row)
    received_ms = RECEIVED_MS
    if device_ms is not None and device_ms >= _EARLIEST_MS:
        received_ms = device_ms + 1_000
    arrivals = [
        arrival
        for message in messages(row, number, received_ms)
        for arrival in decoder.decode(message)
    ]
    score.messages += 1
    for arrival in arrivals:
        for refusal in arrival.rejected:
            score.reasons[refusal.reason.value] += 1
    _Row(score, number, row, arrivals, device_ms, received_ms).judge()


@dataclass(slots=True)
class _Row:
    score: Score
    number: int
    row: dict[str, Any]
    arrivals: Sequence[Arrival]
    device_ms: int | None
    received_ms: int
    free: list[tuple[str, Measured]] = field(default_factory=list)

    def judge(self) -> None:
        score = self.score
        names.correct(self.row)
        self.free = [(a.device, m) for a in self.arrivals for m in a.measured]
        readings = list(self.free)
        expectations: list[dict[str, Any]] = self.row["expect"] or []
        if self.row.get("kind"):
            self._false(readings, "a descriptor is no reading")
            return
        self._collide(readings)
        sentinels = [e for e in expectations if e.get("sentinel")]
        stale = [e for e in expectations if names.is_stale(e) and not e.get("sentinel")]
        wanted = [e for e in expectations if e not in sentinels and e not in stale]
        for expected in wanted:
            self._want(expected, readings)
        for expected in sentinels:
            score.sentinels += 1
            emitted = self._claim(expected, any_time=True)
            score.refused += emitted is None
            if emitted is not None:
                self._note("sentinel read", expected)
        score.stale += len(stale)
        for expected in stale:
            if self._claim(expected, any_time=True) is not None:
                score.false_live += 1
                self._note("false live", expected)
        if wanted and not readings and not any(a.available is not None for a in self.arrivals):
            score.undecoded += 1
        score.extra += sum(
            QUANTITIES[m.quantity].kind is Kind.COUNTER and m.value != 0 for _, m in self.free
        )
        for device, m in self.free:
            if QUANTITIES[m.quantity].kind is Kind.COUNTER and m.value != 0:
                self._say("extra", f"{device} {m.channel}/{m.quantity} = {m.value:g}")

    def _want(self, expected: dict[str, Any], readings: list[tuple[str, Measured]]) -> None:
        score = self.score
        if not isinstance(expected["value"], int | float | str | bool):
            return
        score.expected += 1
        if expected["quantity"] == "status":
            if self._status(expected):
                score.extracted += 1
            else:
                self._note("missed", expected)
            return
        again = self._repeated(expected, readings)
        if self._claim(expected) is not None or self._twin(expected, readings) or again:
            score.extracted += 1
        elif expected.get("unit") is None and self._held():
            score.held += 1
        else:
            self._note("missed", expected)

    def _held(self) -> bool:
        return any(r.reason in _HELD for a in self.arrivals for r in a.rejected)

    def _status(self, expected: dict[str, Any]) -> bool:
        word = str(expected["value"])
        if available(word) is not None:
            return any(a.available is available(word) for a in self.arrivals)
        well = word.lower() in {"ok", "no error"}
        for index, (_, m) in enumerate(self.free):
            if m.quantity == "fault" and (word == "" or m.value == float(not well)):
                del self.free[index]
                return True
        return word == ""

    def _claim(self, expected: dict[str, Any], *, any_time: bool = False) -> Measured | None:
        """Return the reading that is this expectation, and take it."""
        stem = expected["quantity"]
        for suffix in names.STALE:
            stem = stem.removesuffix(suffix)
        for exact in (True, False):
            for index, (device, m) in enumerate(self.free):
                if m.quantity not in names.quantities(stem):
                    continue
                value = names.canonical(expected, m.quantity)
                if value is None or not _same(value, m.value):
                    continue
                timed = any_time or names.instant(expected["channel"]) is not None
                if not timed and not self._in_time(m):
                    continue
                if self._channel(expected, device, m, exact=exact):
                    del self.free[index]
                    return m
        return None

    def _twin(self, expected: dict[str, Any], readings: list[tuple[str, Measured]]) -> bool:
        """Return whether the value was read in the other unit the message gives it in."""
        others = [
            e
            for e in self.row["expect"]
            if e["quantity"] == expected["quantity"]
            and e["channel"] == expected["channel"]
            and e["unit"] != expected["unit"]
        ]
        if not others or expected["unit"] is None:
            return False
        for device, m in readings:
            if m.quantity in names.quantities(expected["quantity"]):
                value = names.canonical(expected, m.quantity)
                if value is None or not self._channel(expected, device, m, exact=False):
                    continue
                allowed = names.resolution(expected, m.quantity) + max(
                    names.resolution(e, m.quantity) for e in others
                )
                if abs(value - m.value) <= allowed:
                    return True
        return False

    def _in_time(self, m: Measured) -> bool:
        if self.device_ms is None:
            return m.at_ms == self.received_ms or not m.quality & Quality.NO_CLOCK
        if self.device_ms < _EARLIEST_MS:
            return m.at_ms == self.received_ms
        senml = isinstance(self.row["payload"], list)
        return abs(m.at_ms - self.device_ms) <= 1_000 or senml

    def _channel(self, expected: dict[str, Any], device: str, m: Measured, *, exact: bool) -> bool:
        """Return whether the channel fits; where an id stands, it is better than a position."""
        at_ms = names.instant(expected["channel"])
        if at_ms is not None:  # the corpus tells values of several times apart by the time
            return m.at_ms == at_ms
        wanted = names.channel(expected["channel"])
        got = names.channel(m.channel)
        if wanted == got:
            return True
        if exact:
            return False
        if expected["channel"] is None or self._only_one(expected):
            return True
        if expected["channel"] in {str(key) for key in expected.get("path") or ()}:
            return True  # it repeats the key; what we call it is ours, collisions are counted
        if wanted in {part.lower() for part in device.replace(":", "/").split("/")}:
            return True
        if wanted == device.partition(":")[2].lower() or wanted in m.channel.lower().split("/"):
            return True
        text = json.dumps(self.row["payload"])
        return len(m.channel) >= 6 and m.channel in text and m.channel not in wanted

    def _only_one(self, expected: dict[str, Any]) -> bool:
        """Return whether the message holds one value of the quantity: nothing to confuse."""
        same = [e for e in self.row["expect"] if e["quantity"] == expected["quantity"]]
        return len(same) == 1

    def _repeated(self, expected: dict[str, Any], readings: list[tuple[str, Measured]]) -> bool:
        """Return whether a LoRaWAN object says this twice, in a log and beside it: one reading."""
        if self.row["family"] != "lorawan" or not isinstance(expected["value"], int | float):
            return False
        same = ("quantity", "value", "unit")
        twice = sum(all(e[k] == expected[k] for k in same) for e in self.row["expect"]) > 1
        return twice and any(
            m.quantity in names.quantities(expected["quantity"])
            and _same(names.canonical(expected, m.quantity) or 0.0, m.value)
            for _, m in readings
        )

    def _collide(self, readings: list[tuple[str, Measured]]) -> None:
        seen: dict[tuple[str, str, str, int, int], set[float]] = defaultdict(set)
        for device, m in readings:
            seen[device, m.channel, m.quantity, m.at_ms, m.ordinal].add(m.value)
        for (device, name, quantity, *_), values in seen.items():
            if len(values) > 1:
                self.score.collisions += 1
                self._say("collision", f"{device} {name}/{quantity} = {sorted(values)}")

    def _false(self, readings: list[tuple[str, Measured]], why: str) -> None:
        self.score.false_live += len(readings)
        for device, m in readings:
            self._say("false live", f"{device} {m.channel}/{m.quantity} = {m.value:g}: {why}")

    def _note(self, kind: str, expected: dict[str, Any]) -> None:
        at = expected.get("path") or expected.get("needle") or expected.get("frame")
        self._say(
            kind,
            f"{at} {expected['quantity']} = {expected['value']} {expected.get('unit')}"
            f" channel {expected['channel']}; {self._outcome()}",
        )

    def _outcome(self) -> str:
        drivers = {a.driver or "none" for a in self.arrivals}
        refused = {r.reason.value for a in self.arrivals for r in a.rejected}
        return f"driver {'/'.join(sorted(drivers))} {' '.join(sorted(refused))}"

    def _say(self, kind: str, what: str) -> None:
        self.score.notes.append(Note(kind, self.number, str(self.row["device"]), what))


def _same(expected: float, got: float) -> bool:
    return abs(expected - got) <= 1e-9 + 1e-9 * abs(expected)
