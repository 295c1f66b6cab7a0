"""Messages for the ingest bench: Caretaker's own grammar, or the payload corpus as if sent now."""

import itertools
import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.corpus.score import RECEIVED_MS, messages

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "payloads"
DEVICES = 200
_METERS_SINCE_MS = 1_700_000_000_000
_SPAN_MS = 480_000  # so far back the repetitions of a message are spread: within what is no delay
_ISO = re.compile(rb"(20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:?\d\d)")
_UNIX = re.compile(  # under a name that speaks of time: a meter's number may look the same
    rb'("(?:t|ts|at|\w*(?:[Tt]ime|TIME|[Ss]tamp|[Ss]een|[Dd]ate|_ts|_at)\w*)"\s*:\s*)'
    rb"(1[4-9]\d{8}(?:\d{3})?)(?![\d])"
)
_FRACTION = re.compile(rb"((?<=[:,\[ ])-?\d+\.\d*)(\d)(?=[,}\]\s])")

Sent = tuple[str, bytes]


def native(count: int, *, site: str, devices: int = DEVICES) -> list[Sent]:
    """Return messages of two readings each, of so many devices in turn, each at its own instant.

    Registers grow as they do in life, through all calls: by 3.6 kW.
    """
    start_ms = int(time.time() * 1000) - count // devices - 1
    shown_kwh = (start_ms - _METERS_SINCE_MS) / 1e6
    return [
        (
            f"caretaker/1/{site}/d{number % devices}/readings",
            json.dumps(
                {
                    "at": start_ms + number // devices,
                    "readings": {
                        "power_w": number % 3000,
                        "energy_kwh": shown_kwh + number // devices / 1e6,
                    },
                }
            ).encode(),
        )
        for number in range(count)
    ]


@dataclass(slots=True)
class Mixed:
    """Messages made from the corpus, and what of it could not be published, by why."""

    sent: list[Sent] = field(default_factory=list)
    rows: int = 0
    retimed: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


def mixed(count: int, *, folder: Path = FOLDER, spaces: bool = True) -> Mixed:
    """Return the corpus' messages in turn until there are `count`.

    Times inside are moved to just now, each repetition to instants of its own, and the last digit
    of fractions turns, as with devices that live: the corpus' years would all be late, and what is
    equal and received in one gulp would be absorbed as a duplicate.
    """
    made = Mixed()
    rows: list[Sent] = []
    for path in sorted(folder.glob("*.jsonl")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
            for message in messages(json.loads(line), number, RECEIVED_MS):
                made.rows += 1
                why = _unpublishable(message.topic, spaces=spaces)
                if why:
                    made.left_out[why] += 1
                else:
                    # A topic that is up to the user: each device has its own, of one dialect.
                    topic = message.topic.replace("school/gateway", f"school/{path.stem}")
                    rows.append((topic, message.payload))
    turn: defaultdict[str, Iterator[int]] = defaultdict(itertools.count)
    often = Counter(topic for topic, _ in rows)
    rounds = -(-count // len(rows))
    now_ms = int(time.time() * 1000)
    for topic, payload in itertools.islice(itertools.cycle(rows), count):
        step_ms = min(1000, _SPAN_MS // (often[topic] * rounds))
        number = next(turn[topic])
        moved = retimed(payload, now_ms - (often[topic] * rounds - number) * step_ms)
        made.retimed += moved != payload
        made.sent.append((topic, turned(moved, number)))
    return made


def _unpublishable(topic: str, *, spaces: bool) -> str:
    if topic.startswith("$"):
        return "topic begins with $"
    if "+" in topic or "#" in topic:
        return "topic holds a wildcard"
    if not spaces and " " in topic:
        return "topic holds a space"
    return ""


def turned(payload: bytes, number: int) -> bytes:
    """Return a payload with the last digit of each JSON number's fraction turned by so much.

    >>> turned(b'{"a": 4.56, "v": "1.2", "n": 7}', 5)
    b'{"a": 4.51, "v": "1.2", "n": 7}'
    """
    return _FRACTION.sub(lambda m: m[1] + b"%d" % ((int(m[2]) + number) % 10), payload)


def retimed(payload: bytes, at_ms: int) -> bytes:
    """Return a payload whose latest written instant is `at_ms`, the others as far before it.

    >>> retimed(b'{"t":"2026-01-01T00:00:10Z","u":"2026-01-01T00:00:00Z"}', 1_788_220_800_000)
    b'{"t":"2026-09-01T00:00:00Z","u":"2026-08-31T23:59:50Z"}'
    >>> retimed(b'{"ts":1700000000,"v":1700}', 1_788_220_800_000)
    b'{"ts":1788220800,"v":1700}'
    """
    written = [_iso_ms(match) for match in _ISO.finditer(payload)]
    counted = [_unix_ms(match) for match in _UNIX.finditer(payload)]
    if not written and not counted:
        return payload
    by_ms = at_ms - max(*written, *counted, 0)

    def iso(match: re.Match[bytes]) -> bytes:
        if not _iso_ms(match):
            return match[0]
        moved = datetime.fromisoformat(match[1].decode()).replace(tzinfo=UTC).timestamp()
        text = datetime.fromtimestamp(moved + by_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return text.replace("T", chr(match[1][10])).encode() + (match[2] or b"") + match[3]

    def unix(match: re.Match[bytes]) -> bytes:
        moved = _unix_ms(match) + by_ms
        return match[1] + b"%d" % (moved if len(match[2]) > 10 else moved // 1000)

    return _UNIX.sub(unix, _ISO.sub(iso, payload))


def _iso_ms(match: re.Match[bytes]) -> int:
    try:
        return round(datetime.fromisoformat((match[1] + match[3]).decode()).timestamp() * 1000)
    except ValueError:
        return 0  # no such date: it stays


def _unix_ms(match: re.Match[bytes]) -> int:
    return int(match[2]) * (1 if len(match[2]) > 10 else 1000)
