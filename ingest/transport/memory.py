"""A transport in memory, for tests and for filling in history: same promise, no network."""

import threading
from collections import deque
from collections.abc import Sequence

from msgspec.structs import replace

from ingest.transport.port import Message


class MemoryTransport:
    """Delivers what `deliver` was given; what is not acknowledged comes again after a restart."""

    def __init__(self) -> None:
        self.published: list[tuple[str, bytes]] = []
        self._waiting: deque[Message] = deque()
        self._unacknowledged: dict[int, Message] = {}
        self._next = 1
        self._arrived = threading.Condition()
        self._connected = False

    def deliver(self, message: Message) -> None:
        """Queue a message as a broker would."""
        with self._arrived:
            self._waiting.append(message)
            self._arrived.notify_all()

    def start(self) -> None:
        """Deliver again what was never acknowledged, first of all."""
        with self._arrived:
            again = [replace(m, redelivered=True) for m in self._unacknowledged.values()]
            self._unacknowledged.clear()
            self._waiting.extendleft(reversed(again))
            self._connected = True

    def receive(self, *, limit: int, timeout_s: float) -> Sequence[Message]:
        """Return up to `limit` messages in order."""
        with self._arrived:
            if not self._waiting:
                self._arrived.wait(timeout_s)
            batch: list[Message] = []
            while self._waiting and len(batch) < limit:
                message = replace(self._waiting.popleft(), receipt=self._next)
                self._unacknowledged[self._next] = message
                self._next += 1
                batch.append(message)
            return batch

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Forget these: they are safe."""
        with self._arrived:
            for message in messages:
                self._unacknowledged.pop(message.receipt, None)
            self._arrived.notify_all()

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        """Keep what was sent, for a test to look at."""
        del qos, retain
        self.published.append((topic, payload))

    @property
    def pending(self) -> int:
        """How many messages are not acknowledged yet."""
        with self._arrived:
            return len(self._waiting) + len(self._unacknowledged)

    @property
    def connected(self) -> bool:
        """Whether it was started."""
        return self._connected

    def stop(self) -> None:
        """Stop; what is unacknowledged stays."""
        self._connected = False
