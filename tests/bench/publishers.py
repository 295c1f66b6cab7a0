"""Publishes as fast as the broker acknowledges, from a process of its own.

Run: python -m tests.bench.publishers PORT USER PASSWORD NAME COUNT RATE_HZ
"""

import json
import sys
import time

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

_INFLIGHT = 500


def main(port: str, user: str, password: str, name: str, count: str, rate_hz: str) -> None:
    """Publish `count` numbered messages with QoS 1 and wait for the last PUBACK."""
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2, client_id=name.replace("/", "-"), protocol=mqtt.MQTTv311
    )
    client.username_pw_set(user, password)
    client.max_inflight_messages_set(_INFLIGHT)
    client.max_queued_messages_set(0)
    client.connect("127.0.0.1", int(port))
    client.loop_start()
    topic = f"caretaker/1/{name}/readings"  # name: site/device
    start_ms = int(time.time() * 1000)
    pause = 1 / float(rate_hz) if float(rate_hz) else 0.0
    began = time.monotonic()
    waiting = []
    for number in range(int(count)):
        body = {"at": start_ms + number, "readings": {"power_w": number, "energy_kwh": number}}
        waiting.append(client.publish(topic, json.dumps(body), qos=1))
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
    main(*sys.argv[1:7])
