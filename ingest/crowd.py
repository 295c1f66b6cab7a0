"""The crowd: what busy and unknown senders sent, in order, behind what calm ones send."""

import time
from collections import deque
from collections.abc import Sequence

from caretaker.vocabulary import Arrival
from ingest.gate import Gate, Look, Standing
from ingest.transport.port import Message

SLICE = 250
"""So many arrivals at most are committed at once for the crowd: the others wait that long."""

CROWD = 4
"""One in so many of unknown or busy senders is no crowd, nor holds up the others."""

LARGE = 32 * 1024
"""A message of more bytes is put behind, whoever sent it: taking it apart lasts milliseconds."""

_GATHER_S = 0.02  # so long at most a slice is gathered
_MOST = 20_000
_MOST_BYTES = 32 * 1024 * 1024

Waiting = tuple[int, Arrival | Message, Look | None]
"""(number of its chunk, what waits, what its topic told)."""


Looked = list[tuple[Message, Look | None]]


def sorted_out(gate: Gate, messages: Sequence[Message]) -> tuple[Looked, Looked, bool]:
    """Return what goes first, what is of the crowd, and whether that is too little to be one."""
    prompt: Looked = []
    crowd: Looked = []
    large = False
    heard, look_at = gate.heard, gate.look
    for message in messages:
        size = len(message.payload)
        if not heard(message.topic):
            crowd.append((message, None))
            large = large or size > LARGE
            continue
        look = look_at(message)
        if look.standing is Standing.REFUSED:
            prompt.append((message, look))
        elif size > LARGE or look.standing is Standing.BUSY:
            crowd.append((message, look))
            large = large or size > LARGE
        else:
            prompt.append((message, look))
    return prompt, crowd, len(crowd) * CROWD <= len(messages) and not large


class Crowd:
    """A queue that says when its next slice is due: a commit for a handful costs as much as many.

    >>> crowd = Crowd()
    >>> crowd.put(7, Message("t", b"{}", 0))
    >>> len(crowd), crowd.due, crowd.take()[0], len(crowd)
    (1, True, 7, 0)
    """

    def __init__(self) -> None:
        self._queue: deque[Waiting] = deque()
        self._size = 0
        self._due_s = 0.0

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def too_long(self) -> bool:
        """Whether no more of it can be held in memory."""
        return len(self._queue) > _MOST or self._size > _MOST_BYTES

    @property
    def due(self) -> bool:
        """Whether there is enough for a slice, or the last was long enough ago."""
        return len(self._queue) >= SLICE or time.monotonic() >= self._due_s

    @property
    def first_bytes(self) -> int:
        """How long the payload of the first is."""
        return len(self._queue[0][1].payload)

    def put(self, number: int, what: Arrival | Message, look: Look | None = None) -> None:
        """Let something wait at the end."""
        self._queue.append((number, what, look))
        self._size += len(what.payload)

    def take(self) -> Waiting:
        """Return the first."""
        found = self._queue.popleft()
        self._size -= len(found[1].payload)
        return found

    def sliced(self) -> None:
        """Begin to gather the next slice."""
        self._due_s = time.monotonic() + _GATHER_S

    def clear(self) -> None:
        """Forget all of it: it comes again."""
        self._queue.clear()
        self._size = 0
