"""Publishes a living campus over MQTT: every device on a connection and login of its own."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import aiomqtt
import structlog

from caretaker.clock import Clock
from ingest.broker.port import Address
from simulators.campus import Campus, Emission

_STEP_S = 0.25
_BACKOFF_S = (0.5, 1.0, 2.0, 5.0)

log = structlog.get_logger()


class _Device:
    """Sends what is queued, in order, each message until the broker has taken it."""

    def __init__(self, name: str, address: Address) -> None:
        self.queue: asyncio.Queue[Emission] = asyncio.Queue()
        self._name = name
        self._address = address
        self._sending: Emission | None = None

    async def run(self) -> None:
        """Connect, send, and connect again when the connection breaks."""
        tries = 0
        while True:
            try:
                async with self._client() as client:
                    tries = 0
                    await self._send(client)
            except aiomqtt.MqttError as error:
                log.debug("device waits for the broker", device=self._name, reason=str(error))
                await asyncio.sleep(_BACKOFF_S[min(tries, len(_BACKOFF_S) - 1)])
                tries += 1

    def _client(self) -> aiomqtt.Client:
        address = self._address
        return aiomqtt.Client(
            address.host,
            address.port,
            username=address.username or None,
            password=address.password or None,
            identifier=f"sim-{self._name}",
            tls_params=aiomqtt.TLSParameters(ca_certs=address.ca_file or None)
            if address.tls
            else None,
            timeout=10,
        )

    async def _send(self, client: aiomqtt.Client) -> None:
        while True:
            if self._sending is None:
                self._sending = await self.queue.get()
            sending = self._sending
            await client.publish(
                sending.topic, sending.payload, qos=sending.qos, retain=sending.retain
            )
            self._sending = None
            self.queue.task_done()


async def publish_live(
    campus: Campus,
    *,
    clock: Clock,
    addresses: Mapping[str, Address],
    stop: asyncio.Event,
    save: Callable[[dict[str, Any]], None],
) -> None:
    """Let the campus live by the clock and publish what it sends, until `stop` is set.

    `addresses` says where each device connects. `save` gets the campus's state when all it sent
    has reached the broker: after a crash it goes on from there and repeats at most one step.
    """
    devices = {name: _Device(name, address) for name, address in addresses.items()}
    tasks = [asyncio.create_task(device.run()) for device in devices.values()]
    try:
        while not stop.is_set():
            emissions = campus.advance(clock.now_ms())
            for emission in emissions:
                devices[emission.device].queue.put_nowait(emission)
            if not await _drained(devices, stop):
                return
            if emissions:
                # At once: devices without a clock of their own must not repeat themselves later.
                save(campus.state())
            await _wait(stop, _STEP_S)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _drained(devices: Mapping[str, _Device], stop: asyncio.Event) -> bool:
    """Wait until all is sent; return False when told to stop before that."""

    async def joined() -> None:
        await asyncio.gather(*(device.queue.join() for device in devices.values()))

    sending = asyncio.create_task(joined())
    stopped = asyncio.create_task(_set(stop))
    await asyncio.wait((sending, stopped), return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    # What is under way gets a moment; the rest is sent again after the next start.
    done, _ = await asyncio.wait((sending,), timeout=3)
    sending.cancel()
    return bool(done)


async def _set(stop: asyncio.Event) -> None:
    await stop.wait()


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
