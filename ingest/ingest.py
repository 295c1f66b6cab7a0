"""The loop: receive, decode, make durable, and only then acknowledge."""

import json
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence

from caretaker.clock import Clock
from caretaker.errors import StorageError
from caretaker.faultpoints import reach
from caretaker.interpreter import press
from caretaker.vocabulary import Arrival
from caretaker.worker import Worker
from ingest.crowd import CROWD, LARGE, SLICE, Crowd, sorted_out
from ingest.decoder import Decoder
from ingest.gate import Gate, Look, Standing, flooded
from ingest.sink import Chunk, Part, Resume, Sink
from ingest.transport.port import Message, Transport
from storage.port import Stored

_MAX_OUTSTANDING = 2  # one commit under way, one that waits to follow it at once
_ENOUGH = 1_000
"""So many arrivals are worth a commit of their own; fewer gather while there is more to decode,
since a commit for forty messages costs nearly as much as one for four hundred."""

_ENOUGH_BYTES = 4 * 1024 * 1024
_GATHER_S = 0.05  # so long at most what was decoded waits for more
_REST_HZ, _REST_S = 2_000, 0.02  # at such rates it rests as long as a commit took, at most so long
_BATCH = 1_000
_GULP = 64  # decoded before the next look at who is calm, and at what has been committed
_PRESSED_S = 0.1  # so long there was always more to decode
_RETRY_S = 1.0
_RESUME_SHARE = 9.0  # pauses nine times as long as a step took
_RESUME_PATIENCE_S = 10.0  # so long it waits for a moment in which there is nothing else to do
_SLICE_S = 0.005  # so long at most a slice is decoded before the next look at who is calm


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
        self._finished: deque[tuple[Part, Stored | None, BaseException | None]] = deque()
        self._chunks: dict[int, Chunk] = {}
        self._next_chunk = 0
        self._prompt: deque[tuple[int, Message, Look | None]] = deque()
        self._ready, self._ready_s = Part(), 0.0
        self._submitted_s = self._rested_s = self._drained_s = self._handed_s = 0.0
        self._thick = False  # whether what was handed over last came at such a rate
        self._behind_crowd = False
        self._crowd = Crowd()
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
        self._prompt.clear()
        self._ready, self._behind_crowd = Part(), False
        self._crowd.clear()
        self._uncounted.clear()
        if self._gate is not None:
            self._gate.counted()  # those come again, and are counted then
        self._transport.start()

    def _work(self) -> None:
        while not (self._stopping.is_set() and self._idle):
            if self._anew.is_set():
                self._begin_anew()
            self._settle()
            if self._full:
                time.sleep(0.001)
                continue
            came = self._receive() if len(self._prompt) < _GULP else 0
            if self._prompt:
                self._decode_some()
            drained = came < _GULP and not self._prompt
            if drained:
                self._drained_s = time.monotonic()
            press(pressed=time.monotonic() - self._drained_s > _PRESSED_S)
            self._submit_ready(drained=drained)
            self._submit_crowd()
            self._use_what_was_learned(at_once=drained and not self._outstanding)
        press(pressed=False)

    @property
    def _idle(self) -> bool:
        return not (self._outstanding or self._prompt or self._ready.chunks)

    @property
    def _full(self) -> bool:
        """Whether nothing more may be taken in hand: the broker queues."""
        return self._outstanding >= _MAX_OUTSTANDING and (self._enough or self._crowd.too_long)

    @property
    def _enough(self) -> bool:
        """Whether what was decoded is worth a commit that waits for the one under way."""
        return len(self._ready.arrivals) >= _ENOUGH or self._ready.size >= _ENOUGH_BYTES

    def _receive(self) -> int:
        """Take in what has come, and wait for something when there is nothing to do."""
        if self._stopping.is_set():
            time.sleep(0.001)
            return 0
        wait_s = 0.1
        if self._prompt:
            wait_s = 0.0
        elif self._ready.chunks and not self._outstanding:
            wait_s = min(max(0.0, self._rested_s - time.monotonic()), 0.002)
        elif self._outstanding or self._crowd or self._uncounted:
            wait_s = 0.002  # look often: acknowledgements wait for this thread
        messages = self._transport.receive(limit=_BATCH, timeout_s=wait_s)
        if messages:
            self._take(messages)
        return len(messages)

    def _submit_ready(self, *, drained: bool) -> None:
        """Give the journal what was decoded: all there is, or enough of it, or what has waited."""
        if not self._ready.chunks or self._outstanding >= _MAX_OUTSTANDING:
            return
        now_s = time.monotonic()
        waited = (drained and now_s >= self._rested_s) or now_s >= self._ready_s + _GATHER_S
        free = waited and (not self._outstanding or self._behind_crowd)
        if free or self._enough or self._stopping.is_set():
            part, self._ready = self._ready, Part()
            self._submit(part)

    def _use_what_was_learned(self, *, at_once: bool) -> None:
        resumer, began_s = self._resumer, time.monotonic()
        due_s = self._resume_s if at_once else self._resume_s + _RESUME_PATIENCE_S
        if resumer is None or began_s < due_s:
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
        """Put what calm devices sent before what a crowd sent."""
        gate, prompt = self._gate, self._prompt
        number, chunk = self._next_chunk, Chunk(messages)
        self._next_chunk += 1
        self._chunks[number] = chunk
        self.last_message_ms = messages[-1].received_ms
        self.counters["received"] += len(messages)
        if self._commands:
            messages = [message for message in messages if not self._obey(message)]
        before = len(prompt)
        if gate is None:
            prompt.extend([(number, message, None) for message in messages])
        else:
            calm, crowd, few = sorted_out(gate, messages)
            prompt.extend([(number, message, look) for message, look in calm])
            if few and not self._crowd:
                prompt.extend([(number, message, look) for message, look in crowd])
            else:
                for message, look in crowd:
                    self._postpone(number, message, look)
        chunk.waiting += len(prompt) - before
        if not chunk.waiting:  # acknowledged in its turn all the same
            chunk.waiting = self._ready.chunks[number] = 1

    def _decode_some(self) -> None:
        """Decode some of what goes first, and let some of the crowd come along: it must not starve.

        What goes first is three of four.
        """
        ready, prompt = self._ready, self._prompt
        if not ready.chunks:
            self._ready_s = time.monotonic()
        count = min(_GULP, len(prompt))
        before = len(ready.arrivals)
        for _ in range(count):
            number, message, look = prompt.popleft()
            ready.chunks[number] += 1
            ready.size += len(message.payload)
            self._admit(number, message, look, into=ready.arrivals)
        for _ in range(min(count // CROWD, len(self._crowd))):
            if self._crowd.first_bytes > LARGE:
                if self._crowd.due:
                    self._crowd.sliced()
                    self._take_later(ready)
                break
            self._take_later(ready)
        reach("ingest.decoded", when=len(ready.arrivals) > before)

    def _obey(self, message: Message) -> bool:
        command = self._commands.get(message.topic)
        if command is None:
            return False
        command(message)  # somebody pressed a button
        return True

    def _admit(
        self, number: int, message: Message, look: Look | None, *, into: list[Arrival]
    ) -> None:
        """Decode a message within its sender's share; what is beyond it goes behind all others."""
        gate = self._gate
        if gate is None:
            into += self._decoder.decode(message)
            return
        look = look or gate.look(message)
        if look.standing is Standing.REFUSED:
            kept = gate.refuse(message)
            if kept is not None:
                self._postpone(number, kept)
            elif not self._uncounted[number]:  # durable with the next slice, acknowledged then
                self._uncounted[number] = 1
                self._chunks[number].waiting += 1
            return
        for arrival in gate.admit(self._decoder.decode(message), payer=look.payer):
            if flooded(arrival):
                self._postpone(number, arrival)
            else:
                into.append(arrival)

    def _postpone(self, number: int, what: Arrival | Message, look: Look | None = None) -> None:
        self._chunks[number].waiting += 1
        self._crowd.put(number, what, look)

    def _submit_crowd(self) -> None:
        """Give the journal a slice of what was put behind when nothing better waits for it."""
        while self._crowd or self._uncounted:
            stopping = self._stopping.is_set()
            better = self._outstanding or self._prompt or self._ready.chunks
            free = not better and self._crowd.due
            if not (stopping or free or self._crowd.too_long):
                return
            self._submit(self._slice())
            if not stopping:
                return

    def _slice(self) -> Part:
        part = Part(behind=True)
        began_s = time.monotonic()
        for _ in range(len(self._crowd)):
            if len(part.arrivals) >= SLICE or time.monotonic() - began_s > _SLICE_S:
                break
            self._take_later(part)
        if self._gate is not None:
            part.arrivals += self._gate.counted()
        part.chunks.update(self._uncounted)
        self._uncounted.clear()
        self._crowd.sliced()
        return part

    def _take_later(self, part: Part) -> None:
        """Decode the first of the crowd into a part."""
        number, what, look = self._crowd.take()
        part.chunks[number] += 1
        part.size += len(what.payload)
        if isinstance(what, Arrival):
            part.arrivals.append(what)
        else:
            self._admit(number, what, look, into=part.arrivals)

    def _submit(self, part: Part) -> None:
        self.counters["readings"] += sum(len(arrival.measured) for arrival in part.arrivals)
        for arrival in part.arrivals:
            for refusal in arrival.rejected:
                self.rejected[refusal.reason.value] += arrival.repeats
        before_s, self._handed_s = self._handed_s, (now_s := time.monotonic())
        self._thick = len(part.arrivals) > _REST_HZ * (now_s - before_s)
        if not self._outstanding:
            self._submitted_s = now_s
        self._outstanding += 1
        self._behind_crowd = part.behind
        self._hand_over(part)

    def _hand_over(self, part: Part) -> None:
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
            now_s = time.monotonic()
            self._rested_s = now_s + self._thick * min(now_s - self._submitted_s, _REST_S)
            self._submitted_s = now_s
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

    def _acknowledge(self, part: Part) -> None:
        """Acknowledge whole chunks from the oldest on: MQTT 3.1.1 wants the order of arrival."""
        for number, count in part.chunks.items():
            self._chunks[number].waiting -= count
        done: list[Message] = []
        for number, chunk in list(self._chunks.items()):
            if chunk.waiting:
                break
            done += chunk.messages
            del self._chunks[number]
        if done:
            self._transport.acknowledge(done)
            reach("ingest.acknowledged")

    def _confirm(self, device: str, boot: str, contiguous: int) -> None:
        family, _, name = device.partition(":")
        if family == "native":
            body = json.dumps({"boot": boot, "seq": contiguous}).encode()
            self._transport.publish(f"caretaker/1/{name}/ack", body, qos=0)
