"""Messages decoded and normalised per second and core, by family of the payload corpus.

One process, one thread, no store, processor time: what a message costs from bytes to readings in
canonical units. The corpus' own messages in turn, for --seconds. Prints figures, asserts none.
Run: python -m tests.bench.decode [--seconds 1.0] [--folder ../shared/payloads] [--out FILE]
"""

import argparse
import itertools
import json
import time
from pathlib import Path

from caretaker.clock import ManualClock
from ingest.decoder import Decoder
from ingest.driver import load_drivers
from ingest.transport.port import Message
from tests.corpus.score import RECEIVED_MS, messages

_FOLDER = Path(__file__).resolve().parents[3] / "shared" / "payloads"


def family(path: Path) -> list[Message]:
    """Return the messages of a family that the decoder makes something of."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    decoder = Decoder(load_drivers(), clock=ManualClock(RECEIVED_MS))
    made = [m for n, row in enumerate(rows) for m in messages(row, n, RECEIVED_MS)]
    return [m for m in made if any(a.measured for a in decoder.decode(m))]


def rate(sent: list[Message], seconds: float) -> tuple[float, float]:
    """Return (messages, readings) decoded a second."""
    decoder = Decoder(load_drivers(), clock=ManualClock(RECEIVED_MS))
    for message in sent:
        decoder.decode(message)
    done = readings = 0
    began = time.process_time()
    for message in itertools.cycle(sent):
        for arrival in decoder.decode(message):
            readings += len(arrival.measured)
        done += 1
        if done % 256 == 0 and time.process_time() - began >= seconds:
            break
    took = time.process_time() - began
    return done / took, readings / took


def main() -> None:
    """Measure each family and all of them mixed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--folder", type=Path, default=_FOLDER)
    parser.add_argument("--out", type=Path)
    wanted = parser.parse_args()
    found: dict[str, dict[str, float]] = {}
    mixed: list[Message] = []
    for path in sorted(wanted.folder.glob("*.jsonl")):
        sent = family(path)
        if not sent:
            continue
        mixed += sent
        decoded, readings = rate(sent, wanted.seconds)
        size = sum(len(m.payload) for m in sent) / len(sent)
        found[path.stem] = {"messages_s": decoded, "readings_s": readings, "bytes": size}
    decoded, readings = rate(mixed, wanted.seconds * 2)
    size = sum(len(m.payload) for m in mixed) / len(mixed)
    found["mixed"] = {"messages_s": decoded, "readings_s": readings, "bytes": size}
    for name, row in found.items():
        print(
            f"{name:26} {row['messages_s']:9,.0f} messages/s {row['readings_s']:10,.0f} readings/s"
            f" {row['bytes']:7.0f} bytes a message"
        )
    if wanted.out:
        wanted.out.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
