"""The second choice: mosquitto from PATH, limits raised, its queue saved each second."""

import contextlib
import os
import pwd
import re
import shutil
import signal
import subprocess
from collections import deque
from pathlib import Path

from caretaker.errors import BrokerError
from ingest.broker.port import Address, Login
from ingest.broker.supervise import Child

_REFUSED = re.compile(r"not authori[sz]ed|Denied PUBLISH|bad user", re.IGNORECASE)


class MosquittoBroker:
    """A mosquitto on loopback with users of its own, its queues in `data_dir`."""

    kind = "mosquitto"
    survives_kill = False
    """Its queue is saved each second: a `kill -9` may cost that second.

    Saving on each change would rewrite the whole queue for each message: 198 messages a second.
    """

    def __init__(
        self, *, data_dir: Path, port: int, logins: tuple[Login, ...], host: str = "127.0.0.1"
    ) -> None:
        binary = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
        if binary is None:
            raise BrokerError("mosquitto is not on PATH: install the package `mosquitto`")
        self._data_dir = data_dir
        self._port = port
        self._host = host
        self._logins = logins
        self._notices: deque[str] = deque(maxlen=20)
        self._config = data_dir / "mosquitto.conf"
        self._child = Child(
            [binary, "-v", "-c", str(self._config)],
            port=port,
            pid_file=data_dir / "broker.pid",
            on_line=self._on_line,
        )

    def start(self) -> None:
        """Start and return when it accepts connections."""
        self._data_dir.mkdir(parents=True, exist_ok=True)
        self._write()
        self._child.start()

    def _write(self) -> None:
        store = self._data_dir / "store"
        store.mkdir(exist_ok=True)
        user = pwd.getpwuid(os.geteuid()).pw_name
        self._config.write_text(
            f"listener {self._port} {self._host}\n"
            f"user {user}\n"
            "allow_anonymous false\n"
            f"password_file {self._data_dir / 'passwords'}\n"
            f"acl_file {self._data_dir / 'acl'}\n"
            f"persistence true\npersistence_location {store}/\n"
            "autosave_interval 1\nautosave_on_changes false\n"
            "max_queued_messages 0\nmax_inflight_messages 20000\n"
            "message_size_limit 4194304\n"
            "log_dest stderr\nlog_type error\nlog_type warning\nlog_type notice\n",
            encoding="utf-8",
        )
        passwords = self._data_dir / "passwords"
        passwords.write_text(
            "".join(f"{login.username}:{login.password}\n" for login in self._logins),
            encoding="utf-8",
        )
        passwords.chmod(0o600)
        tool = shutil.which("mosquitto_passwd") or "mosquitto_passwd"
        subprocess.run([tool, "-U", str(passwords)], check=True, capture_output=True)  # noqa: S603  (no shell)
        lines = []
        for login in self._logins:
            lines.append(f"user {login.username}")
            lines += [f"topic readwrite {topic}" for topic in login.topics or ("#",)]
        acl = self._data_dir / "acl"
        acl.write_text("\n".join(lines) + "\n", encoding="utf-8")
        acl.chmod(0o600)

    def _on_line(self, line: str) -> None:
        if _REFUSED.search(line):
            self._notices.append(
                f"{line[-160:]} -> a device came with a wrong name or password, or published"
                " outside its own topics"
            )

    def address(self, username: str) -> Address:
        """Return where that user connects."""
        for login in self._logins:
            if login.username == username:
                return Address("127.0.0.1", self._port, login.username, login.password)
        raise KeyError(username)

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self._child.pid != 0

    @property
    def pid(self) -> int:
        """The process id, 0 when it does not run."""
        return self._child.pid

    @property
    def restarts(self) -> int:
        """How often it had to be started again."""
        return self._child.restarts

    @property
    def notices(self) -> tuple[str, ...]:
        """Refusals from its log with the remedy, newest last."""
        return tuple(self._notices)

    def set_logins(self, logins: tuple[Login, ...]) -> None:
        """Replace the users; those that stay are not disconnected."""
        self._logins = logins
        self._write()
        with contextlib.suppress(ProcessLookupError):
            self._child.signal(signal.SIGHUP)

    def stop(self) -> None:
        """Stop it; what was queued stays on disk."""
        self._child.stop()
