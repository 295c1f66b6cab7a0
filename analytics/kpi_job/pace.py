"""How fast a job may go on that nobody waits for, beside readings that come in."""

import threading
import time
from collections.abc import Callable

BUSY_HZ = 500.0
"""So many messages a second are a load under which derived numbers can wait."""

_TURN_S = 0.005
_REST = 9.0  # times as long as it worked: a tenth of the interpreter at most


class Pace:
    """Lets a thread rest after each few milliseconds of work while messages come thick.

    Threads of one interpreter take turns: one that computes without rest takes from each commit
    as much as it took itself. On a calm site nothing is held up.
    """

    def __init__(self, taken: Callable[[], int], ended: threading.Event) -> None:
        """`taken` counts the messages stored so far; `ended` ends a rest at once."""
        self._taken = taken
        self._ended = ended
        self._worked_s = self._since_s = 0.0
        self._before = 0
        self.begin()

    def begin(self) -> None:
        """Begin to work now, in the thread that calls."""
        self._worked_s, self._since_s = time.thread_time(), time.monotonic()
        self._before = self._taken()

    def rest(self) -> None:
        """Rest if it is time to; to be called between small pieces of work."""
        worked_s = time.thread_time() - self._worked_s
        if worked_s < _TURN_S:
            return
        passed_s = time.monotonic() - self._since_s
        if self._taken() - self._before > BUSY_HZ * passed_s:
            self._ended.wait(_REST * worked_s)
        self.begin()
