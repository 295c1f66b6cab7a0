"""A device with a valid login that does its worst, as a process of its own.

Run: python -m tests.faults.hostile PORT USER PASSWORD MODE COUNT RATE_HZ
It prints how many messages the broker acknowledged. MODE is one of `MODES`.
"""

import contextlib
import json
import random
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable

INJECTIONS = (
    "'; DROP TABLE reading; --",
    "=cmd|'/c calc'!A1",
    "<script>alert(1)</script>",
    "{{ 7*7 }}${jndi:ldap://x}",
    "\r\nadmin,x=y value=1 1\n",
    "../../etc/passwd",
    "冰箱🧊\u202e",
    "x" * 300,
)


def _names(number: int, _rng: random.Random) -> tuple[str, bytes]:
    return f"caretaker/1/bad/dev-{number}/readings", b'{"readings": {"temperature_c": 4.5}}'


def _large(number: int, rng: random.Random) -> tuple[str, bytes]:
    body = json.dumps({"readings": {"temperature_c": number}, "pad": "x" * 1_000_000})
    return "caretaker/1/bad/large/readings", body.encode()[: 1_000_000 + rng.randrange(99)]


def _fast(number: int, _rng: random.Random) -> tuple[str, bytes]:
    body = f'{{"readings": {{"temperature_c": {number % 40}, "energy_kwh": {number}}}}}'
    return "caretaker/1/bad/fast/readings", body.encode()


def _nan(number: int, rng: random.Random) -> tuple[str, bytes]:
    value = rng.choice(("NaN", "Infinity", "1e999", "null", "true", '"4,5"', "[" * 40))
    body = f'{{"readings": {{"temperature_c": {value}, "n": {number}}}}}'
    return "caretaker/1/bad/nan/readings", body.encode()


def _injection(number: int, rng: random.Random) -> tuple[str, bytes]:
    text = rng.choice(INJECTIONS)
    body = json.dumps({"readings": {text: number, "temperature_c": 4.0}, "model": text})
    name = "".join(c for c in text if c.isprintable() and c not in "/#+")
    return f"tele/{name[:60]}{number % 500}/SENSOR", body.encode()


def _nested(number: int, rng: random.Random) -> tuple[str, bytes]:
    opening = rng.choice((b"[", b'{"a":', b'{"readings":[', b"[[[[["))
    return f"caretaker/1/bad/nested-{number % 50}/readings", opening * 3_000


def _huge(number: int, rng: random.Random) -> tuple[str, bytes]:
    value = rng.choice(
        ("9" * 400, "-" + "9" * 400, "1e400", "1e-400", "1" + "0" * 30, "0." + "3" * 400)
    )
    body = f'{{"readings": {{"temperature_c": {value}, "energy_kwh": {value}}}, "seq": {value}}}'
    return f"caretaker/1/bad/huge-{number % 50}/readings", body.encode()


def _keys(number: int, _rng: random.Random) -> tuple[str, bytes]:
    keys = ",".join(f'"k{index}":1' for index in range(100_000))
    return f"tele/keys-{number % 3}/SENSOR", f"{{{keys}}}".encode()[:1_000_000] + b":0}"


def _twice(number: int, rng: random.Random) -> tuple[str, bytes]:
    name = rng.choice(("temperature_c", "energy_kwh"))
    body = f'{{"readings": {{"{name}": 1, "{name}": {number}}}, "readings": {{"{name}": 2}}}}'
    return "caretaker/1/bad/twice/readings", body.encode()


def _bytes(number: int, rng: random.Random) -> tuple[str, bytes]:
    topic = rng.choice(
        ("caretaker/1/bad/b/readings", "tele/b/SENSOR", "spBv1.0/s/DDATA/e/b", "zigbee2mqtt/b")
    )
    return topic, rng.randbytes(rng.randrange(200)) + bytes([number % 256])


def _topics(number: int, _rng: random.Random) -> tuple[str, bytes]:
    return f"tele/{number}/{'x' * 60_000}/SENSOR", b'{"ENERGY": {"Total": 1.5}}'


def _channels(number: int, _rng: random.Random) -> tuple[str, bytes]:
    body = f'{{"readings": {{"ch{number}.temperature_c": 4.5, "ch{number}.energy_kwh": {number}}}}}'
    return "caretaker/1/bad/channels/readings", body.encode()


def _times(number: int, rng: random.Random) -> tuple[str, bytes]:
    at = rng.choice(
        (0, 1, -1, 4_102_444_800_000, 2**63, 10**18, 1_500_000_000_000 + number * 900_000)
    )
    return (
        "caretaker/1/bad/times/readings",
        f'{{"at": {at}, "readings": {{"temperature_c": 4.5}}}}'.encode(),
    )


def _mimic(number: int, _rng: random.Random) -> tuple[str, bytes]:
    """Say to be the fridge, by the topics of other dialects."""
    probe = f'{{"Id": "good/fridge", "Temperature": {number % 40}}}'
    body = f'{{"Time": "2026-09-01T08:00:00", "DS18B20": {probe}}}'
    topic = ("tele/fridge/SENSOR", "tele/good/fridge/SENSOR", "zigbee2mqtt/fridge")[number % 3]
    return topic, body.encode()


def _homeassistant(number: int, _rng: random.Random) -> tuple[str, bytes]:
    body = json.dumps(
        {
            "unique_id": f"u{number}",
            "state_topic": f"bad/{number}/state",
            "device_class": "temperature",
            "unit_of_measurement": "°C",
            "value_template": "{{ value_json.t }}",
            "device": {"identifiers": [f"d{number}"], "name": "x" * 300},
        }
    )
    return f"homeassistant/sensor/d{number}/t/config", body.encode()


def _homie(number: int, _rng: random.Random) -> tuple[str, bytes]:
    body = json.dumps(
        {
            "homie": "5.0",
            "version": number,
            "name": f"n{number}",
            "nodes": {
                "p": {
                    "properties": {"t": {"datatype": "float", "unit": "°C", "name": "temperature"}}
                }
            },
        }
    )
    return f"homie/5/dev{number}/$description", body.encode()


def _births(number: int, _rng: random.Random) -> tuple[str, bytes]:
    name = f"t{number}".encode()
    metric = b"\x0a" + bytes([len(name)]) + name + b"\x10\x05\x20\x09\x65\x00\x00\x90\x40"
    birth = b"\x08\x80\xe8\x92\xa7\xf9\x33\x12" + bytes([len(metric)]) + metric + b"\x18\x00"
    return f"spBv1.0/bad/NBIRTH/e{number}", birth


def _flapping(number: int, _rng: random.Random) -> tuple[str, bytes]:
    return f"tele/flap-{number // 2 % 500}/LWT", b"Offline" if number % 2 else b"Online"


MODES: dict[str, Callable[[int, random.Random], tuple[str, bytes]]] = {
    "names": _names,
    "large": _large,
    "fast": _fast,
    "nan": _nan,
    "injection": _injection,
    "nested": _nested,
    "huge": _huge,
    "keys": _keys,
    "twice": _twice,
    "bytes": _bytes,
    "topics": _topics,
    "channels": _channels,
    "times": _times,
    "mimic": _mimic,
    "homeassistant": _homeassistant,
    "homie": _homie,
    "births": _births,
    "flapping": _flapping,
    "reconnecting": _names,
}

RECONNECTING = frozenset({"reconnecting"})
"""Those that leave without a word after each hundred, and come again under another client id."""


def _length(size: int) -> bytes:
    found = bytearray()
    while True:
        size, digit = divmod(size, 128)
        found.append(digit | (0x80 if size else 0))
        if not size:
            return bytes(found)


def _text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("!H", len(raw)) + raw


def _connect(user: str, password: str) -> bytes:
    body = _text("MQTT") + bytes((4, 0xC2)) + struct.pack("!H", 0)
    body += _text(f"hostile-{user}-{time.monotonic_ns()}") + _text(user) + _text(password)
    return b"\x10" + _length(len(body)) + body


def _publish(topic: str, payload: bytes, number: int, *, retain: bool = False) -> bytes:
    body = _text(topic) + struct.pack("!H", number % 65_535 + 1) + payload
    return bytes([0x32 | retain]) + _length(len(body)) + body


class Flood:
    """Publishes with QoS 1 as fast as told, counting what the broker acknowledged.

    A broker that hangs up is connected to anew, under another client id.
    """

    def __init__(self, port: int, user: str, password: str) -> None:
        self.acknowledged = self.hung_up = 0
        self._login = port, user, password
        self._open()

    def _open(self) -> None:
        port, user, password = self._login
        self._sent = self._confirmed = 0
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.sendall(_connect(user, password))
        answer = self._socket.recv(4)
        if len(answer) < 4 or answer[3]:
            raise ConnectionError(f"refused: {answer!r}")
        self._reader = threading.Thread(target=self._read, args=(self._socket,), daemon=True)
        self._reader.start()

    def _read(self, connection: socket.socket) -> None:
        rest = 0
        with contextlib.suppress(OSError):
            while data := connection.recv(65_536):
                rest += len(data)
                self._confirmed += rest // 4
                self.acknowledged, rest = self.acknowledged + rest // 4, rest % 4

    def _reopen(self) -> None:
        with contextlib.suppress(OSError):  # what only closes it leaves the reader waiting
            self._socket.shutdown(socket.SHUT_RDWR)
        self._reader.join()
        self._socket.close()
        self._open()

    def run(self, mode: str, count: int, rate_hz: float, *, retain: bool = False) -> int:
        """Send `count` messages and return how many were acknowledged."""
        make, rng = MODES[mode], random.Random(7)
        began = time.monotonic()
        for start in range(0, count, 100):
            ahead = start / rate_hz - (time.monotonic() - began)
            if ahead > 0:
                time.sleep(ahead)
            some = range(start, min(count, start + 100))
            packets = b"".join(_publish(*make(n, rng), n, retain=retain) for n in some)
            try:
                self._socket.sendall(packets)
                self._sent += len(some)
                while self._sent - self._confirmed > 20_000 and self._reader.is_alive():
                    time.sleep(0.001)
            except OSError:
                self._reader.join()
            if not self._reader.is_alive() or mode in RECONNECTING:
                self.hung_up += 1
                self._reopen()
        deadline = time.monotonic() + 60
        while (
            self._confirmed < self._sent and self._reader.is_alive() and time.monotonic() < deadline
        ):
            time.sleep(0.01)
        return self.acknowledged


if __name__ == "__main__":
    port_, user_, password_, mode_, count_, rate_ = sys.argv[1:7]
    print(Flood(int(port_), user_, password_).run(mode_, int(count_), float(rate_)))
