"""Publishes messages made beforehand with QoS 1, in large writes: far cheaper than what it feeds.

Packets are encoded before the start; so many may be under way as the window says. It prints
`ready`, begins at the first line on its standard input, and prints what it took.
Run: python -m tests.bench.publishers PORT USER PASSWORD FILE RATE_HZ
"""

import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from ingest.transport.gathered import packets

_WINDOW = 250  # of each: the corpus repeats only after what two have under way
_AT_ONCE = 100
_HEAD = struct.Struct(">HI")


def write(path: Path, messages: Iterable[tuple[str, bytes]]) -> None:
    """Write messages for a publisher process."""
    with path.open("wb") as file:
        for topic, payload in messages:
            name = topic.encode()
            file.write(_HEAD.pack(len(name), len(payload)) + name + payload)


def read(path: Path) -> list[tuple[str, bytes]]:
    """Return what `write` wrote."""
    data, at, found = path.read_bytes(), 0, []
    while at < len(data):
        name, size = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        found.append((data[at : at + name].decode(), data[at + name : at + name + size]))
        at += name + size
    return found


def start(
    port: int, messages: Sequence[tuple[str, bytes]], number: int, folder: Path, rate_hz: float = 0
) -> list[subprocess.Popen[bytes]]:
    """Return publishers that share the messages by device and wait for `go`."""
    processes = []
    topics = {topic: n % number for n, topic in enumerate(dict.fromkeys(t for t, _ in messages))}
    for n in range(number):
        path = folder / f"messages-{n}"
        write(path, [message for message in messages if topics[message[0]] == n])
        command = [sys.executable, "-m", "tests.bench.publishers", str(port), "bench", "secret"]
        processes.append(
            subprocess.Popen(
                [*command, str(path), str(rate_hz / number)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        )
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
    return processes


def go(processes: Iterable[subprocess.Popen[bytes]]) -> None:
    """Let waiting publishers begin."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()


class Probe:
    """One publisher in this process, for a message now and then."""

    def __init__(self, port: int) -> None:
        self._link = _connected("probe", port, "bench", "secret")

    def publish(self, topic: str, payload: bytes) -> None:
        """Send at QoS 1 and wait for the PUBACK."""
        self._link.sendall(packets.publish(topic, payload, packet_id=1))
        assert self._link.recv(4)[0] == packets.Kind.PUBACK << 4

    def close(self) -> None:
        """Disconnect."""
        self._link.sendall(packets.DISCONNECT)
        self._link.close()


def _connected(name: str, port: int, user: str, password: str) -> socket.socket:
    link = socket.create_connection(("127.0.0.1", port), timeout=60)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    link.sendall(packets.connect(name, keepalive_s=600, username=user, password=password))
    assert link.recv(4)[3] == 0, "the broker refused"
    return link


def main(port: str, user: str, password: str, path: str, rate_hz: str) -> None:
    """Publish the messages of a file and wait for the last PUBACK."""
    waiting = [
        packets.publish(topic, payload, packet_id=number % 0xFFFF + 1)
        for number, (topic, payload) in enumerate(read(Path(path)))
    ]
    link = _connected(Path(path).name, int(port), user, password)
    print("ready", flush=True)
    sys.stdin.readline()
    rate, began = float(rate_hz), time.monotonic()
    sent = confirmed = 0  # confirmations are counted in bytes: four each
    while confirmed < 4 * len(waiting):
        room = min(_AT_ONCE, _WINDOW - (sent - confirmed // 4), len(waiting) - sent)
        if rate and sent < len(waiting):
            due = int((time.monotonic() - began) * rate) + 1 - sent
            if due <= 0:
                time.sleep(0.001)
                continue
            room = min(room, due)
        if room > 0:
            link.sendall(b"".join(waiting[sent : sent + room]))
            sent += room
        if room <= 0 or confirmed < 4 * (sent - _WINDOW // 2):
            confirmed += len(link.recv(65536))
    print(f"{time.monotonic() - began:.3f}", flush=True)
    link.sendall(packets.DISCONNECT)


if __name__ == "__main__":
    main(*sys.argv[1:6])
