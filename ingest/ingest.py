"""The loop: receive, decode, make durable, and only then acknowledge."""

import json
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Protocol

from caretaker.clock import Clock
from caretaker.errors import StorageError
from caretaker.vocabulary import Arrival
from ingest.decoder import Decoder
from ingest.transport.port import Message, Transport
from storage.port import Stored

_MAX_OUTSTANDING = 8
_BATCH = 1_000
_RETRY_S = 1.0
_LEARN_S = 3.0


class Sink(Protocol):
    """What makes arrivals durable; the journal is one."""

    def submit(self, arrivals: Sequence[Arrival], done: "DoneProtocol") -> None:
        """Queue arrivals; call `done` once they are durable or refused."""
        ...


class DoneProtocol(Protocol):
    """Called with what was stored, or with why nothing was."""

    def __call__(self, stored: Stored | None, error: BaseException | None) -> None:
        """Take the outcome; called in the writer's thread."""
        ...


class Ingest:
    """Moves messages from a transport into the journal; nothing is acknowledged before it is safe.

    A message is acknowledged when all its arrivals are durable; what a codec wants to reply is
    published then, never before.

    After messages that taught what others mean, `on_learned` is called, at most once in a few
    seconds and never while commits are under way, so that what was held for want of it is used.

    When a commit fails the batch is kept and tried again, and no more is read: the broker queues.
    """

    def __init__(
        self,
        transport: Transport,
        decoder: Decoder,
        journal: Sink,
        *,
        clock: Clock,
        on_learned: Callable[[], object] | None = None,
    ) -> None:
        self.counters: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()
        self.failing = ""
        self.last_message_ms = 0
        self._transport = transport
        self._decoder = decoder
        self._journal = journal
        self._clock = clock
        self._finished: deque[
            tuple[Sequence[Message], Sequence[Arrival], Stored | None, BaseException | None]
        ] = deque()
        self._outstanding = 0
        self._on_learned = on_learned
        self._learned = False
        self._learned_s = -_LEARN_S
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Connect and begin."""
        self._stopping.clear()
        self._transport.start()
        self._thread = threading.Thread(target=self._run, name="ingest", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish what was read, acknowledge it, and disconnect keeping the session."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._transport.stop()

    @property
    def alive(self) -> bool:
        """Whether the loop runs."""
        return self._thread is not None and self._thread.is_alive()

    def _run(self) -> None:
        while not (self._stopping.is_set() and self._outstanding == 0):
            self._settle()
            if self._stopping.is_set() or self._outstanding >= _MAX_OUTSTANDING:
                time.sleep(0.001)
                continue
            self._use_what_was_learned()
            # While commits are under way, look often: acknowledgements wait for this thread.
            wait_s = 0.002 if self._outstanding else 0.1
            messages = self._transport.receive(limit=_BATCH, timeout_s=wait_s)
            if messages:
                self._take(messages)

    def _use_what_was_learned(self) -> None:
        now_s = time.monotonic()
        if not self._learned or self._outstanding or now_s - self._learned_s < _LEARN_S:
            return
        self._learned, self._learned_s = False, now_s
        if self._on_learned is not None:
            try:
                self._on_learned()
            except StorageError:
                self._learned = True  # held messages stay held; tried again

    def _take(self, messages: Sequence[Message]) -> None:
        decode = self._decoder.decode
        arrivals = [arrival for message in messages for arrival in decode(message)]
        self.last_message_ms = messages[-1].received_ms
        self.counters["received"] += len(messages)
        for arrival in arrivals:
            self.counters["readings"] += len(arrival.measured)
            for refusal in arrival.rejected:
                self.rejected[refusal.reason.value] += 1
        self._submit(messages, arrivals)

    def _submit(self, messages: Sequence[Message], arrivals: Sequence[Arrival]) -> None:
        def done(stored: Stored | None, error: BaseException | None) -> None:
            self._finished.append((messages, arrivals, stored, error))

        self._outstanding += 1
        try:
            self._journal.submit(arrivals, done)
        except StorageError as error:
            self._finished.append((messages, arrivals, None, error))

    def _settle(self) -> None:
        while self._finished:
            messages, arrivals, stored, error = self._finished.popleft()
            self._outstanding -= 1
            if stored is None:
                self.failing = str(error)
                if self._stopping.is_set():
                    continue  # not acknowledged: it comes again after the restart
                time.sleep(_RETRY_S)
                self._submit(messages, arrivals)
                continue
            self.failing = ""
            self._transport.acknowledge(messages)
            self.counters["stored"] += len(stored.readings)
            self.counters["duplicates"] += stored.duplicates
            for arrival in arrivals:
                self._learned = self._learned or bool(arrival.knowledge)
                for topic, body in arrival.replies:
                    self._transport.publish(topic, body, qos=0)
            for device, boot, contiguous in stored.acks:
                self._confirm(device, boot, contiguous)

    def _confirm(self, device: str, boot: str, contiguous: int) -> None:
        family, _, name = device.partition(":")
        if family == "native":
            body = json.dumps({"boot": boot, "seq": contiguous}).encode()
            self._transport.publish(f"caretaker/1/{name}/ack", body, qos=0)
