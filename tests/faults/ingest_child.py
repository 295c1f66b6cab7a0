"""Ingest alone, as a process that can be killed: broker -> decoder -> journal.

Run: python -m tests.faults.ingest_child JOURNAL PORT PASSWORD [gate] [RECEIVER]
With `gate` no device may send faster than its share, as in the running application; RECEIVER is
one of those of ingest/transport/choose.py.
"""

import signal
import sys
import threading
from pathlib import Path
from zoneinfo import ZoneInfo

from caretaker.clock import SystemClock
from caretaker.interpreter import settle
from ingest.broker.port import Address
from ingest.decoder import Decoder
from ingest.driver import load_drivers
from ingest.gate import Gate
from ingest.ingest import Ingest
from ingest.metering import intervals
from ingest.transport.choose import DEFAULT, RECEIVERS, mqtt_transport
from storage.journal import Journal


def main(path: str, port: str, password: str, *options: str) -> None:
    """Store what arrives until a signal comes."""
    clock = SystemClock()
    journal = Journal(Path(path), zone=ZoneInfo("Asia/Shanghai"), arithmetic=intervals, clock=clock)
    journal.open()
    transport = mqtt_transport(
        Address("127.0.0.1", int(port), "caretaker", password),
        client_id="caretaker",
        receiver=next((name for name in RECEIVERS if name in options), DEFAULT),
    )
    ingest = Ingest(
        transport,
        Decoder(load_drivers(), clock=clock),
        journal,
        clock=clock,
        gate=Gate(journal.knows) if "gate" in options else None,
    )
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    settle()
    ingest.start()
    ended.wait()
    ingest.stop()
    journal.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
