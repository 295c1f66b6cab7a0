"""What a transport promises; every one passes tests/contract/test_transport.py."""

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct


class Message(Struct, frozen=True, gc=False):
    """One message as received: `receipt` is handed back to acknowledge it."""

    topic: str
    payload: bytes
    received_ms: int
    qos: int = 1
    retained: bool = False
    redelivered: bool = False
    receipt: int = 0


class Transport(Protocol):
    """Receives messages at least once: unacknowledged ones come again after a restart.

    `receive` blocks up to `timeout_s` and returns a gathered batch in arrival order (empty on
    timeout). `acknowledge` takes messages in arrival order, after they are durable. Both are
    called from one thread. It reconnects by itself and subscribes again.
    """

    def start(self) -> None:
        """Connect in the background and subscribe; returns at once."""
        ...

    def receive(self, *, limit: int, timeout_s: float) -> Sequence[Message]:
        """Return up to `limit` messages."""
        ...

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Tell the broker that these are safe."""
        ...

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        """Send a message, best effort, never blocking the caller."""
        ...

    @property
    def connected(self) -> bool:
        """Whether the broker answers now."""
        ...

    def stop(self) -> None:
        """Disconnect cleanly, keeping the session at the broker."""
        ...


OnEvent = Callable[[str, str], None]
"""(event, detail): connected, disconnected, session_lost, refused."""
