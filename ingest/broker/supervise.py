"""A child process that is started, watched, started again when it dies, and stopped by pid."""

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from caretaker.errors import BrokerError

_START_S = 10.0
_BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0)


def free_port() -> int:
    """Return a loopback TCP port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    """Return whether something listens on a loopback port."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


class Child:
    """Runs `command` until `stop`; a crash is followed by a start after a short wait."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        port: int,
        pid_file: Path,
        on_line: Callable[[str], None],
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        self.restarts = 0
        self._command = list(command)
        self._port = port
        self._pid_file = pid_file
        self._on_line = on_line
        self._prepare = prepare
        self._tail: deque[str] = deque(maxlen=20)
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def pid(self) -> int:
        """The child's process id, 0 when it is not running."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else 0

    def start(self) -> None:
        """Start and return when the port answers; BrokerError holds the child's last words."""
        self._end_orphan()
        self._stopping.clear()
        if answers(self._port):
            raise BrokerError(
                f"port {self._port} is taken by another program: stop it, or set broker.port"
            )
        self._spawn()
        deadline = time.monotonic() + _START_S
        while not answers(self._port):
            if not self.pid or time.monotonic() > deadline:
                words = " / ".join(list(self._tail)[-3:])
                self._kill()
                raise BrokerError(f"{self._command[0]} did not start: {words}")
            time.sleep(0.02)
        self._thread = threading.Thread(target=self._watch, name="broker", daemon=True)
        self._thread.start()

    def _spawn(self) -> None:
        self._prepare()
        process = subprocess.Popen(  # noqa: S603  (our own command, no shell)
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C at the terminal is for Caretaker, which stops it last
        )
        self._process = process
        self._pid_file.write_text(str(process.pid), encoding="ascii")
        threading.Thread(target=self._read, args=(process,), name="broker-log", daemon=True).start()

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        for raw in process.stdout:
            line = raw.decode("utf-8", "replace").rstrip()
            self._tail.append(line)
            self._on_line(line)

    def _watch(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            process = self._process
            assert process is not None
            began = time.monotonic()
            process.wait()
            if self._stopping.is_set():
                return
            failures = 0 if time.monotonic() - began > 30 else failures + 1
            if self._stopping.wait(_BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)]):
                return
            self.restarts += 1
            self._spawn()

    def _end_orphan(self) -> None:
        """End the child of a Caretaker that was killed; it would hold the store and the port."""
        with contextlib.suppress(OSError, ValueError):
            pid = int(self._pid_file.read_text(encoding="ascii"))
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if any(os.fsencode(self._command[-1]) == word for word in words):
                os.kill(pid, signal.SIGTERM)
                deadline = time.monotonic() + 5
                while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
                    time.sleep(0.02)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the child, if it runs."""
        if self.pid:
            os.kill(self.pid, number)

    def _kill(self) -> None:
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(8)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._pid_file.unlink(missing_ok=True)

    def stop(self) -> None:
        """Stop the child and wait for its end."""
        self._stopping.set()
        self._kill()
        if self._thread is not None:
            self._thread.join(5)
            self._thread = None
