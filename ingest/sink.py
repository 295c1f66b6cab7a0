"""What ingest hands over, to whom, and what looks again at messages that were held."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from caretaker.vocabulary import Arrival
from ingest.transport.port import Message
from storage.port import Stored


@dataclass(slots=True)
class Chunk:
    """Messages received together, acknowledged together, in the order of arrival."""

    messages: Sequence[Message]
    waiting: int = 0


@dataclass(slots=True)
class Part:
    """Arrivals given to the journal in one go, and the chunks that wait for them."""

    arrivals: list[Arrival] = field(default_factory=list)
    chunks: Counter[int] = field(default_factory=Counter)
    size: int = 0
    """Bytes of the payloads received."""
    behind: bool = False
    """Whether these are all from senders that others go before."""


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
