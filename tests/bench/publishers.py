"""Publishes as fast as the broker acknowledges, from a process of its own.

Run: python -m tests.bench.publishers PORT USER PASSWORD NAME COUNT RATE_HZ [FOLDER]
With FOLDER the messages are those of real devices in it, in turn, and a last one that says so.
"""

import itertools
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from tests.corpus.score import messages

_INFLIGHT = 500


def numbered(name: str, count: int) -> Iterator[tuple[str, str | bytes]]:
    """Yield `count` native messages of two readings; `name` is site/device."""
    start_ms = int(time.time() * 1000)
    for number in range(count):
        body = {"at": start_ms + number, "readings": {"power_w": number, "energy_kwh": number}}
        yield f"caretaker/1/{name}/readings", json.dumps(body)


def real(folder: Path, name: str, count: int) -> Iterator[tuple[str, str | bytes]]:
    """Yield `count` messages of real devices in turn, then a native one as the end."""
    rows = [
        (found.topic, found.payload)
        for path in sorted(folder.glob("*.jsonl"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines())
        for found in messages(json.loads(line), number, int(time.time() * 1000))
        if found.topic and "\0" not in found.topic and not set(found.topic) & set("+# ")
    ]
    yield from itertools.islice(itertools.cycle(rows), count)
    yield f"caretaker/1/{name}-end/readings", json.dumps({"readings": {"co2_ppm": 1}})


def main(
    port: str, user: str, password: str, name: str, count: str, rate_hz: str, folder: str = ""
) -> None:
    """Publish `count` numbered messages with QoS 1 and wait for the last PUBACK."""
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2, client_id=name.replace("/", "-"), protocol=mqtt.MQTTv311
    )
    client.username_pw_set(user, password)
    client.max_inflight_messages_set(_INFLIGHT)
    client.max_queued_messages_set(0)
    client.connect("127.0.0.1", int(port))
    client.loop_start()
    sending = real(Path(folder), name, int(count)) if folder else numbered(name, int(count))
    pause = 1 / float(rate_hz) if float(rate_hz) else 0.0
    began = time.monotonic()
    waiting = []
    for number, (topic, body) in enumerate(sending):
        waiting.append(client.publish(topic, body, qos=1))
        if pause:
            ahead = began + (number + 1) * pause - time.monotonic()
            if ahead > 0:
                time.sleep(ahead)
        elif len(waiting) >= _INFLIGHT:
            waiting.pop(0).wait_for_publish(60)
    for info in waiting:
        info.wait_for_publish(60)
    client.disconnect()
    client.loop_stop()


if __name__ == "__main__":
    main(*sys.argv[1:8])
