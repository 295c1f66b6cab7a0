"""The session: one thread that connects, reads in gulps, answers in one write, and comes back."""

import contextlib
import random
import ssl
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Sequence

from caretaker.clock import Clock, SystemClock
from ingest.broker.port import Address
from ingest.transport.gathered import packets
from ingest.transport.gathered.link import Link
from ingest.transport.gathered.packets import Kind
from ingest.transport.gathered.splitter import Control, ProtocolError, Splitter
from ingest.transport.port import Message, OnEvent

_GATHER_S = 0.001
"""So long the socket rests after a read: what comes meanwhile is one read, at both ends."""

_LITTLE = 64 * 1024
"""Bytes of one read that show a crowd: it is read on at once, or the broker would hold what calm
devices send behind it."""

_MOST = 1024 * 1024  # of one turn, so that answers and pings get theirs
_KEEPALIVE_S = 30.0
_ANSWER_S = 10.0
_LEAVE_S = 2.0
_BACKOFF_S = (1.0, 10.0)
_STEADY_S = 1.0  # a session that lasted so long starts the backoff anew
_HELD = 100_000
_HELD_BYTES = 64 * 1024 * 1024
"""More than this in hand and the socket is read no more: the broker queues, nothing is dropped."""
_BATCH_BYTES = 8 * 1024 * 1024
_MAX_UNCONFIRMED = 1_000
_MAX_BACKLOG = 8 * 1024 * 1024
_SUBSCRIBE_ID = 1


def _ignore(event: str, detail: str) -> None:
    del event, detail


class _Connection:
    """What is known of the connection that stands now."""

    def __init__(self, link: Link, generation: int) -> None:
        self.link = link
        self.generation = generation
        self.splitter = Splitter(generation)
        self.asked_s: float | None = time.monotonic()
        """Since when we wait for an answer."""


class GatheredTransport:
    """A session that outlives connections: fixed client id, clean_session false, QoS 1.

    A message is acknowledged only on the connection it came by; on a new one the broker sends it
    again (MQTT 3.1.1, 4.4). What was received is handed out gathered; acknowledgements of a batch
    go out in one write.
    """

    def __init__(
        self,
        address: Address,
        *,
        client_id: str,
        topics: Sequence[str] = ("#",),
        on_event: OnEvent = _ignore,
        clock: Clock | None = None,
    ) -> None:
        if not client_id:
            raise ValueError("a session needs a fixed client id")
        self._address = address
        self._on_event = on_event
        self._now_ms = (clock or SystemClock()).now_ms
        self._connect = packets.connect(
            client_id,
            keepalive_s=round(_KEEPALIVE_S),
            username=address.username,
            password=address.password,
        )
        self._subscribe = packets.subscribe(_SUBSCRIBE_ID, topics)
        self._inbox: deque[tuple[Sequence[Message], int]] = deque()
        self._arrived = threading.Event()
        # Counters that each one thread alone moves on; what is in hand is their difference.
        self._taken_in = self._handed_out = 0
        self._bytes_in = self._bytes_out = 0
        self._generation = 0
        self._had_session = self._connected = False
        self._connection: _Connection | None = None
        self._sending = threading.Lock()
        self._unconfirmed: OrderedDict[int, bytes] = OrderedDict()
        self._last_id = _SUBSCRIBE_ID
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    # -- the port -----------------------------------------------------------------------------

    def start(self) -> None:
        """Connect in the background and keep connected."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)
        self._thread.start()

    def receive(self, *, limit: int, timeout_s: float) -> Sequence[Message]:
        """Return up to `limit` messages in order of arrival, fewer when they are large."""
        if not self._inbox:
            self._arrived.clear()
            if not self._inbox:
                self._arrived.wait(timeout_s)
        inbox, size = self._inbox, 0
        batch: list[Message] = []
        while inbox and len(batch) < limit and size < _BATCH_BYTES:
            messages, many = inbox[0]
            room = limit - len(batch)
            if len(messages) > room or size + many > _BATCH_BYTES:
                messages, many = self._part(messages, many, room, _BATCH_BYTES - size)
            else:
                inbox.popleft()
            batch += messages
            size += many
        self._handed_out += len(batch)
        self._bytes_out += size
        return batch

    def _part(
        self, messages: Sequence[Message], many: int, room: int, room_bytes: int
    ) -> tuple[Sequence[Message], int]:
        """Return the beginning of the first chunk, at least one message; the rest stays first."""
        count = size = 0
        while count < min(room, len(messages)) and (not count or size < room_bytes):
            size += len(messages[count].payload)
            count += 1
        if count == len(messages):
            self._inbox.popleft()
        else:
            self._inbox[0] = (messages[count:], many - size)
        return messages[:count], size

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Send PUBACK for those of this connection; the others will come again."""
        connection = self._connection
        if connection is None:
            return
        generation = connection.generation
        ids = [m.receipt & 0xFFFF for m in messages if m.qos == 1 and m.receipt >> 16 == generation]
        twice = [
            m.receipt & 0xFFFF for m in messages if m.qos == 2 and m.receipt >> 16 == generation
        ]
        if ids:
            connection.link.queue(packets.answers(Kind.PUBACK, ids))
        if twice:  # nobody asked for QoS 2, but an older session of this id may have
            connection.link.queue(packets.answers(Kind.PUBREC, twice))
        connection.link.wake()

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        """Send a message, best effort: not while disconnected, nor when too much waits."""
        connection = self._connection
        if connection is None or not self._connected or connection.link.backlog > _MAX_BACKLOG:
            return
        with self._sending:
            number = self._free_id() if qos else 0
            if qos and not number:
                return
            packet = packets.publish(topic, payload, packet_id=number, retain=retain)
            if number:
                self._unconfirmed[number] = packet
            connection.link.queue(packet)
        connection.link.wake()

    def _free_id(self) -> int:
        if len(self._unconfirmed) >= _MAX_UNCONFIRMED:
            return 0
        while True:
            self._last_id = self._last_id % 0xFFFF + 1
            if self._last_id != _SUBSCRIBE_ID and self._last_id not in self._unconfirmed:
                return self._last_id

    @property
    def connected(self) -> bool:
        """Whether the broker accepted us and has not gone."""
        return self._connected

    def stop(self) -> None:
        """Send what is queued and disconnect; the broker keeps the session and queues for us."""
        self._stopping.set()
        if (connection := self._connection) is not None:
            connection.link.wake()
        if self._thread is not None:
            self._thread.join(_ANSWER_S)
            self._thread = None
        self._connected = False

    # -- the thread ---------------------------------------------------------------------------

    def _run(self) -> None:
        backoff_s, longest_s = _BACKOFF_S
        while not self._stopping.is_set():
            began_s = time.monotonic()
            why = self._live()
            if self._connected:
                self._connected = False
                self._on_event("disconnected", why)
                if time.monotonic() - began_s > _STEADY_S:
                    backoff_s = _BACKOFF_S[0]
            # Not all at once, after a broker that many wait for.
            self._stopping.wait(backoff_s * random.uniform(0.75, 1.0))  # noqa: S311  (no secret)
            backoff_s = min(2 * backoff_s, longest_s)

    def _live(self) -> str:
        """Live through one connection; return why it ended. Nothing may end this thread."""
        try:
            link = Link(self._address)
        except ssl.SSLError as error:
            self._on_event("refused", f"TLS: {error}"[:200])
            return "TLS"
        except OSError as error:
            return str(error)
        self._generation += 1
        connection = self._connection = _Connection(link, self._generation)
        try:
            link.queue(self._connect)
            while not self._stopping.is_set():
                self._turn(connection)
            self._leave(link)
        except (OSError, ProtocolError, ValueError) as error:
            return str(error) or type(error).__name__
        finally:
            self._connection = None
            link.close()
        return "stopped"

    def _leave(self, link: Link) -> None:
        link.queue(packets.DISCONNECT)
        deadline = time.monotonic() + _LEAVE_S
        while not link.flush() and time.monotonic() < deadline:
            link.wait(0.1, read=False)
        # A socket closed with something unread in it is reset, and what the broker has not read yet
        # is gone with it: the last acknowledgements. So the broker is let hang up first.
        last = memoryview(bytearray(_LITTLE))
        with contextlib.suppress(OSError):
            while time.monotonic() < deadline:
                if link.wait(0.1, read=True):
                    link.read_into(last)

    def _turn(self, connection: _Connection) -> None:
        """Send what is queued, read what has come, and keep the connection alive."""
        link = connection.link
        link.flush()
        full = (
            self._taken_in - self._handed_out > _HELD
            or self._bytes_in - self._bytes_out > _HELD_BYTES
        )
        if link.wait(0.01 if full else 1.0, read=not full):
            self._read(connection)
        self._keep_alive(connection, paused=full)

    def _keep_alive(self, connection: _Connection, *, paused: bool) -> None:
        link, now_s = connection.link, time.monotonic()
        if connection.asked_s is not None:
            if paused:
                connection.asked_s = now_s  # the answer lies unread
            elif now_s - max(connection.asked_s, link.heard_s) > _ANSWER_S:
                raise ProtocolError("the broker does not answer")
        quiet_s = now_s - link.heard_s if connection.asked_s is None else 0.0
        if max(quiet_s, now_s - link.spoke_s) > _KEEPALIVE_S / 2:
            link.queue(packets.PINGREQ)
            link.flush()
            connection.asked_s = connection.asked_s or now_s

    def _read(self, connection: _Connection) -> None:
        """Take in what has come, and rest when it was little."""
        splitter, size, some = connection.splitter, 0, False
        while size < _MOST:
            room = splitter.room
            count = connection.link.read_into(room)
            if not count:
                break
            size += count
            some = self._take(connection, count) or some
            if count < len(room) and not connection.link.tls:
                break
        if some and size < _LITTLE:
            time.sleep(_GATHER_S)

    def _take(self, connection: _Connection, count: int) -> bool:
        """Hand on what became whole by so many bytes; return whether there was a message."""
        messages, controls = connection.splitter.filled(count, self._now_ms())
        for control in controls:
            self._obey(connection, control)
        if messages:
            size = sum([len(message.payload) for message in messages])
            self._taken_in += len(messages)
            self._bytes_in += size
            self._inbox.append((messages, size))
            if not self._arrived.is_set():
                self._arrived.set()
        if connection.splitter.broken:
            raise ProtocolError(connection.splitter.broken)
        return bool(messages)

    def _obey(self, connection: _Connection, control: Control) -> None:
        kind, link = control.kind, connection.link
        if kind is Kind.CONNACK:
            self._accepted(connection, control.body)
        elif kind is Kind.SUBACK:
            self._subscribed(connection, control.body)
        elif kind is Kind.PINGRESP:
            if self._connected:
                connection.asked_s = None
        elif kind is Kind.PUBACK:
            with self._sending:
                self._unconfirmed.pop(control.packet_id, None)
        elif kind is Kind.PUBREL:
            link.queue(packets.answers(Kind.PUBCOMP, [control.packet_id]))

    def _accepted(self, connection: _Connection, body: bytes) -> None:
        if body[1]:
            why = packets.refusal(body[1])
            self._on_event("refused", why)
            raise ProtocolError(why)
        present = bool(body[0] & 1)
        if self._had_session and not present:
            self._on_event("session_lost", "the broker forgot what waited for us")
        self._had_session = True
        # Always subscribe again: a broker that lost the session would stay silent for ever.
        connection.link.queue(self._subscribe)
        with self._sending:
            for packet in self._unconfirmed.values():
                connection.link.queue(packets.again(packet))

    def _subscribed(self, connection: _Connection, body: bytes) -> None:
        # Only now does the broker keep for us what is published.
        if any(code & 0x80 for code in body[2:]):
            why = "the broker does not let us subscribe"
            self._on_event("refused", why)
            raise ProtocolError(why)
        connection.asked_s = None
        self._connected = True
        self._on_event("connected", f"{self._address.host}:{self._address.port}")
