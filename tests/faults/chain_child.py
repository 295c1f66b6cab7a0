"""The way from a message to its alert, in a process that can be killed; the parent is the broker.

It acknowledges by number what it has made durable, and ends when the parent said all and nothing
waits any more. Where it is told to, it holds until a tracer is attached to it.
"""

import ctypes
import os
import threading
import time
from collections import deque
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from alerting.channels import build_channels
from alerting.engine import Engine
from alerting.lifecycle import Lifecycle
from alerting.notify.deliver import Courier
from alerting.rules import standard_rules
from caretaker.clock import SystemClock
from caretaker.config import ChannelSettings, DeviceSettings, SiteSettings
from ingest.decoder import Decoder
from ingest.driver import load_drivers
from ingest.ingest import Ingest
from ingest.metering import intervals
from ingest.transport.port import Message
from storage import outbox
from storage.devices import apply_file_settings
from storage.journal import Journal

FRIDGES = 2
PHASES = ("open", "live", "close")
HOLD = -1
"""Sent in place of a number: it holds at its phase and waits for a word."""

_SET_PTRACER, _ANYBODY = 0x59616D61, ctypes.c_ulong(-1 & 0xFFFFFFFFFFFFFFFF)


class Pipe:
    """A transport whose broker is the parent."""

    def __init__(self, messages: Connection, acks: Connection) -> None:
        self.connected = True
        self._messages, self._acks = messages, acks
        self._ended = threading.Event()
        self._inbox: deque[Message] = deque()

    def start(self) -> None:
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while (found := self._messages.recv()) is not None:
            number, topic, payload, dup = found
            now_ms = time.time_ns() // 1_000_000
            self._inbox.append(Message(topic, payload, now_ms, 1, False, dup, number))
        self._ended.set()

    def receive(self, *, limit: int, timeout_s: float) -> Sequence[Message]:
        if not self._inbox:
            time.sleep(min(timeout_s, 0.01))
        return [self._inbox.popleft() for _ in range(min(limit, len(self._inbox)))]

    @property
    def drained(self) -> bool:
        return self._ended.is_set() and not self._inbox

    def acknowledge(self, messages: Sequence[Message]) -> None:
        for message in messages:
            self._acks.send(message.receipt)

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        del topic, payload, qos, retain

    def stop(self) -> None:
        self.connected = False


def site(port: int) -> SiteSettings:
    """Fridges, and one receiver that hears of critical ones."""
    options: dict[str, str | int | float | bool] = {
        "url": f"http://127.0.0.1:{port}/", "allow_private": True, "per_min": 1000,
    }  # fmt: skip
    return SiteSettings(
        id="s",
        channels=(ChannelSettings("hook", "webhook", ("critical",), options),),
        devices=tuple(
            DeviceSettings(f"native:s/f{n}", name=f"f{n}", role="fridge", interval_s=300)
            for n in range(FRIDGES)
        ),
    )


def live(path: str, port: int, hold: str, messages: Connection, acks: Connection) -> None:
    """Live until the parent has said all and everything is told; `hold` at one of PHASES."""
    # A Linux that lets only parents trace must let the parent's strace.
    ctypes.CDLL(None).prctl(_SET_PTRACER, _ANYBODY, 0, 0, 0)

    def reached(phase: str) -> None:
        if phase == hold:
            acks.send(HOLD)
            acks.recv()

    settings, clock = site(port), SystemClock()
    journal = Journal(Path(path), zone=settings.zone, arithmetic=intervals, clock=clock)
    reached("open")
    journal.open()
    now_ms = clock.now_ms()
    journal.call(lambda c: apply_file_settings(c, settings.devices, now_ms=now_ms))
    engine = Engine(standard_rules(settings), lifecycle=Lifecycle(settings))
    journal.set_judge(engine)
    channels = build_channels(settings.channels, secrets={}, file="site.toml")
    courier = Courier(journal, channels, site=settings, clock=clock)
    pipe = Pipe(messages, acks)
    ingest = Ingest(pipe, Decoder(load_drivers(), clock=clock), journal, clock=clock)
    courier.start()
    ingest.start()
    reached("live")
    while not pipe.drained or ingest._outstanding or _waiting(journal):
        time.sleep(0.01)
    reached("close")
    ingest.stop()
    courier.stop()
    journal.close()
    os._exit(0)  # what the parent's machinery would still do is no part of the test


def _waiting(journal: Journal) -> bool:
    with journal.reader() as connection:
        return outbox.oldest_waiting_ms(connection) is not None
