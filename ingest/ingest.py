"""The loop: receive, decode, make durable, and only then acknowledge."""

import json
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from caretaker.clock import Clock
from caretaker.errors import StorageError
from caretaker.faultpoints import reach
from caretaker.vocabulary import Arrival
from caretaker.worker import Worker
from ingest.decoder import Decoder
from ingest.gate import Gate, Look, Standing, flooded
from ingest.transport.port import Message, Transport
from storage.port import Stored

_MAX_OUTSTANDING = 2
"""One commit under way, one decoded beside it; what comes meanwhile becomes one batch, since a
commit for forty messages costs nearly as much as one for four hundred."""

_BATCH = 1_000
_RETRY_S = 1.0
_RESUME_SHARE = 9.0  # pauses nine times as long as a step took
_CROWD = 100  # so many of unknown or busy senders in one batch are no crowd
_LARGE = 32 * 1024
"""A message of more bytes is put behind, whoever sent it: taking it apart lasts milliseconds."""
_LATER_SLICE = 250
_LATER_S = 0.02  # so long at most a slice is gathered
_SLICE_S = 0.005  # so long at most a slice is decoded before the next look at who is calm
_MAX_LATER = 20_000
_MAX_LATER_BYTES = 32 * 1024 * 1024


@dataclass(slots=True)
class _Chunk:
    """Messages received together, acknowledged together, in the order of arrival."""

    messages: Sequence[Message]
    waiting: int = 0


@dataclass(slots=True)
class _Part:
    """Arrivals given to the journal in one go, and the chunks that wait for them."""

    arrivals: list[Arrival]
    chunks: Counter[int]


class Sink(Protocol):
    """What makes arrivals durable; the journal is one."""

    def submit(self, arrivals: Sequence[Arrival], done: "DoneProtocol") -> None:
        """Queue arrivals; call `done` once they are durable or refused."""
        ...


class Resume(Protocol):
    """Looks at held messages again, a step at a time."""

    @property
    def pending(self) -> bool:
        """Whether there is something left to look at."""
        ...

    def begin(self) -> None:
        """Start over: something new was learned."""
        ...

    def step(self) -> int:
        """Look at some held messages; return how many are used now. Raises StorageError."""
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

    After messages that taught what others mean the `resumer` looks at what was held for want of
    it: a step at a time between batches, for at most a tenth of the time.

    When a commit fails the batch is kept and tried again, and no more is read: the broker queues.
    """

    def __init__(
        self,
        transport: Transport,
        decoder: Decoder,
        journal: Sink,
        *,
        clock: Clock,
        resumer: Resume | None = None,
        gate: Gate | None = None,
        commands: Mapping[str, Callable[[Message], None]] | None = None,
    ) -> None:
        self.counters: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()
        self.failing = ""
        self.last_message_ms = 0
        self._transport = transport
        self._decoder = decoder
        self._journal = journal
        self._clock = clock
        self._gate = gate
        self._commands = dict(commands or {})
        self._finished: deque[tuple[_Part, Stored | None, BaseException | None]] = deque()
        self._chunks: dict[int, _Chunk] = {}
        self._next_chunk = 0
        self._later: deque[tuple[int, Arrival | Message, Look | None]] = deque()
        self._later_bytes = 0
        self._later_s = 0.0
        self._uncounted: Counter[int] = Counter()
        self._outstanding = 0
        self._resumer = resumer
        self._learned = False
        self._resume_s = 0.0
        self._stopping = threading.Event()
        self._anew = threading.Event()
        self.worker = Worker("ingest", self._run, stopping=self._stopping)

    def start(self) -> None:
        """Connect and begin."""
        self._stopping.clear()
        self._transport.start()
        self._anew.clear()
        self.worker.start()

    def stop(self) -> None:
        """Finish what was read, acknowledge it, and disconnect keeping the session."""
        self._stopping.set()
        self.worker.join()
        self._transport.stop()

    @property
    def alive(self) -> bool:
        """Whether the loop runs."""
        return self.worker.alive

    def connect_anew(self) -> None:
        """Have the connection made anew: what was not acknowledged comes again."""
        self._anew.set()

    def _run(self) -> None:
        try:
            self._work()
        except BaseException:
            self._anew.set()  # what was taken and not given to the journal must come again
            raise

    def _begin_anew(self) -> None:
        self._anew.clear()
        self._transport.stop()
        self._chunks, self._finished, self._outstanding = {}, deque(), 0
        self._later, self._later_bytes = deque(), 0
        self._uncounted.clear()
        if self._gate is not None:
            self._gate.counted()  # those come again, and are counted then
        self._transport.start()

    def _work(self) -> None:
        while not (self._stopping.is_set() and self._outstanding == 0):
            if self._anew.is_set():
                self._begin_anew()
            self._settle()
            self._submit_later()
            if self._stopping.is_set() or self._outstanding >= _MAX_OUTSTANDING:
                time.sleep(0.001)
                continue
            self._use_what_was_learned()
            # While commits are under way, look often: acknowledgements wait for this thread.
            busy = self._outstanding or self._later or self._uncounted
            wait_s = 0.002 if busy else 0.1
            messages = self._transport.receive(limit=_BATCH, timeout_s=wait_s)
            if messages:
                self._take(messages)

    def _use_what_was_learned(self) -> None:
        resumer, began_s = self._resumer, time.monotonic()
        if resumer is None or self._outstanding or began_s < self._resume_s:
            return
        if self._learned and not resumer.pending:
            self._learned = False
            resumer.begin()
        if not resumer.pending:
            return
        try:
            self.counters["resumed"] += resumer.step()
        except StorageError:
            self._learned = True  # held messages stay held; tried again
        ended_s = time.monotonic()
        self._resume_s = ended_s + _RESUME_SHARE * (ended_s - began_s)

    def _take(self, messages: Sequence[Message]) -> None:
        """Decode what calm devices sent and commit it first; put the crowd behind it."""
        gate = self._gate
        number, chunk = self._next_chunk, _Chunk(messages)
        self._next_chunk += 1
        self._chunks[number] = chunk
        prompt: list[Arrival] = []
        if self._commands:
            messages = [message for message in messages if not self._obey(message)]
        if gate is None:
            for message in messages:
                prompt += self._decoder.decode(message)
        else:
            self._take_in_turn(gate, number, messages, into=prompt)
            if gate.counting:  # durable with the next slice, acknowledged then
                chunk.waiting += 1
                self._uncounted[number] += 1
        reach("ingest.decoded", when=bool(prompt))
        self.last_message_ms = chunk.messages[-1].received_ms
        self.counters["received"] += len(chunk.messages)
        if prompt or not chunk.waiting:
            chunk.waiting += 1
            self._submit(_Part(prompt, Counter({number: 1})))

    def _obey(self, message: Message) -> bool:
        command = self._commands.get(message.topic)
        if command is None:
            return False
        command(message)  # somebody pressed a button
        return True

    def _take_in_turn(
        self, gate: Gate, number: int, messages: Sequence[Message], *, into: list[Arrival]
    ) -> None:
        crowd: list[tuple[Message, Look | None]] = []
        large = False
        for message in messages:
            if not gate.heard(message.topic):
                crowd.append((message, None))
                large = large or len(message.payload) > _LARGE
                continue
            look = gate.look(message)
            if look.standing is Standing.REFUSED:
                self._admit(number, message, look, into=into)
            elif len(message.payload) > _LARGE:
                crowd.append((message, look))
                large = True
            elif look.standing is Standing.BUSY:
                crowd.append((message, look))
            else:
                self._admit(number, message, look, into=into)
        few = len(crowd) <= _CROWD and not large and not self._later
        for message, seen in crowd:
            if few:
                self._admit(number, message, seen, into=into)
            else:
                self._postpone(number, message, seen)

    def _admit(
        self, number: int, message: Message, look: Look | None, *, into: list[Arrival]
    ) -> None:
        """Decode a message within its sender's share; what is beyond it goes behind all others."""
        gate = self._gate
        assert gate is not None
        look = look or gate.look(message)
        if look.standing is Standing.REFUSED:
            kept = gate.refuse(message)
            if kept is not None:
                self._postpone(number, kept)
            return
        for arrival in gate.admit(self._decoder.decode(message), payer=look.payer):
            if flooded(arrival):
                self._postpone(number, arrival)
            else:
                into.append(arrival)

    def _postpone(self, number: int, what: Arrival | Message, look: Look | None = None) -> None:
        self._chunks[number].waiting += 1
        self._later.append((number, what, look))
        self._later_bytes += len(what.payload)

    def _submit_later(self) -> None:
        """Give the journal a slice of what was put behind when nothing better waits for it."""
        while self._later or self._uncounted:
            stopping = self._stopping.is_set()
            if not (stopping or self._is_time_for_later()):
                return
            self._submit(self._slice())
            if not stopping:
                return

    def _is_time_for_later(self) -> bool:
        if len(self._later) > _MAX_LATER or self._later_bytes > _MAX_LATER_BYTES:
            return True
        if self._outstanding:
            return False
        # A commit for a handful costs as much as one for hundreds.
        return len(self._later) >= _LATER_SLICE or time.monotonic() >= self._later_s

    def _slice(self) -> _Part:
        part = _Part([], Counter())
        began_s = time.monotonic()
        for _ in range(len(self._later)):
            if len(part.arrivals) >= _LATER_SLICE or time.monotonic() - began_s > _SLICE_S:
                break
            number, what, look = self._later.popleft()
            self._later_bytes -= len(what.payload)
            part.chunks[number] += 1
            if isinstance(what, Arrival):
                part.arrivals.append(what)
            else:
                self._admit(number, what, look, into=part.arrivals)
        if self._gate is not None:
            part.arrivals += self._gate.counted()
        part.chunks.update(self._uncounted)
        self._uncounted.clear()
        self._later_s = time.monotonic() + _LATER_S
        return part

    def _submit(self, part: _Part) -> None:
        for arrival in part.arrivals:
            self.counters["readings"] += len(arrival.measured)
            for refusal in arrival.rejected:
                self.rejected[refusal.reason.value] += arrival.repeats
        self._outstanding += 1
        self._hand_over(part)

    def _hand_over(self, part: _Part) -> None:
        finished = self._finished

        def done(stored: Stored | None, error: BaseException | None) -> None:
            finished.append((part, stored, error))

        try:
            self._journal.submit(part.arrivals, done)
        except StorageError as error:
            finished.append((part, None, error))

    def _settle(self) -> None:
        while self._finished:
            part, stored, error = self._finished.popleft()
            if stored is None:
                self.failing = str(error)
                if self._stopping.is_set():
                    self._outstanding -= 1
                    continue  # not acknowledged: it comes again after the restart
                time.sleep(_RETRY_S)
                self._hand_over(part)
                continue
            self._outstanding -= 1
            self.failing = ""
            self._acknowledge(part)
            self.counters["stored"] += len(stored.readings)
            self.counters["duplicates"] += stored.duplicates
            self.counters["nothing_to_read"] += stored.nothing_to_read
            for arrival in part.arrivals:
                self._learned = self._learned or bool(arrival.knowledge)
                for topic, body in arrival.replies:
                    self._transport.publish(topic, body, qos=0)
            for device, boot, contiguous in stored.acks:
                self._confirm(device, boot, contiguous)

    def _acknowledge(self, part: _Part) -> None:
        """Acknowledge whole chunks from the oldest on: MQTT 3.1.1 wants the order of arrival."""
        for number, count in part.chunks.items():
            self._chunks[number].waiting -= count
        for number in list(self._chunks):
            if self._chunks[number].waiting:
                return
            self._transport.acknowledge(self._chunks.pop(number).messages)
            reach("ingest.acknowledged")

    def _confirm(self, device: str, boot: str, contiguous: int) -> None:
        family, _, name = device.partition(":")
        if family == "native":
            body = json.dumps({"boot": boot, "seq": contiguous}).encode()
            self._transport.publish(f"caretaker/1/{name}/ack", body, qos=0)
