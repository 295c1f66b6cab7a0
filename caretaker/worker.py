"""Threads that begin anew: an error nobody foresaw must not end a part of Caretaker for good."""

import threading
import time
from collections.abc import Callable

import structlog

_PAUSE_S = 1.0
_SHOWN_S = 60.0

log = structlog.get_logger()


class Worker:
    """Runs `work` in a thread until it returns; when an error ends it, it begins anew a second on.

    `problem` says what ended it for a minute after, so that health tells of it.
    """

    def __init__(
        self, name: str, work: Callable[[], None], *, stopping: threading.Event | None = None
    ) -> None:
        self.name = name
        self.restarts = 0
        self._work = work
        self._stopping = stopping or threading.Event()
        self._error = ""
        self._failed_s = 0.0
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()

    def join(self, timeout_s: float | None = None) -> None:
        """Wait for its end; `work` must have been told to return."""
        if self._thread is not None:
            self._thread.join(timeout_s)
            if not self._thread.is_alive():
                self._thread = None

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def problem(self) -> str:
        """What is wrong: it ended, or an error ended it within the last minute."""
        if not self.alive:
            return self._error or "stopped"
        return self._error if time.monotonic() - self._failed_s < _SHOWN_S else ""

    def _run(self) -> None:
        while True:
            try:
                self._work()
            except BaseException as error:  # also what is no Exception: nobody else would hear it
                self._error = f"{type(error).__name__}: {error}"
                self._failed_s = time.monotonic()
                self.restarts += 1
                log.exception("a task failed and begins anew", task=self.name)
            else:
                return
            if self._stopping.wait(_PAUSE_S):
                return


class Periodic(Worker):
    """Does `turn` again and again, so long after its last end, until it is stopped.

    The first turn is `first_s` after the start, as long as the others unless told otherwise.
    """

    def __init__(
        self,
        name: str,
        turn: Callable[[], object],
        *,
        every_s: float,
        first_s: float | None = None,
    ) -> None:
        self._turn = turn
        self._every_s = every_s
        self._first_s = every_s if first_s is None else first_s
        self._ended = threading.Event()
        super().__init__(name, self._turns, stopping=self._ended)

    def start(self) -> None:
        """Begin; also after a stop."""
        self._ended.clear()
        super().start()

    def stop(self, timeout_s: float | None = None) -> None:
        """Wait for the end of the turn under way; no other begins."""
        self._ended.set()
        self.join(timeout_s)

    @property
    def ending(self) -> bool:
        """Whether a long turn must end now."""
        return self._ended.is_set()

    def pause(self, for_s: float) -> bool:
        """Let others work in the middle of a long turn; return whether it must end now."""
        return self._ended.wait(for_s)

    def _turns(self) -> None:
        wait_s = self._first_s
        while not self._ended.wait(wait_s):
            self._turn()
            wait_s = self._every_s
