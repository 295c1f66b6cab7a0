"""What changes, pushed to every open page within a second (server-sent events)."""

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from starlette.requests import Request

from api.guard import Parts, RefusedError, Viewer
from caretaker.clock import Clock
from caretaker.vocabulary import Quality
from storage.journal import Journal
from storage.port import Stored

router = APIRouter(tags=["live"])

_PUMP_S = 0.25
_HEARTBEAT_S = 10.0
_QUEUE = 64
_MOST_PAGES = 100
_LONGEST_S = 3600.0
_NOT_SHOWN = int(Quality.SUSPECT | Quality.RETAINED)


def frame(event: str, data: object) -> bytes:
    """Return one server-sent event.

    >>> frame("inbox", {"id": 3})
    b'event: inbox\\ndata: {"id":3}\\n\\n'
    """
    body = json.dumps(data, separators=(",", ":"))
    return f"event: {event}\ndata: {body}\n\n".encode()


class LiveHub:
    """Gathers what commits change and hands it to the open pages, at most four times a second.

    A page that does not keep up is cut off; it connects again and reads what it missed.
    """

    def __init__(self, journal: Journal, *, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._lock = threading.Lock()
        self._readings: dict[int, tuple[int, float, int]] = {}
        self._heard: set[int] = set()
        self._quarantined = False
        self._pages: set[asyncio.Queue[bytes | None]] = set()
        self._event = 0

    def committed(self, stored: Stored) -> None:
        """Take what a commit changed; called in the writer's thread."""
        if not self._pages:
            return  # a page reads what there is when it opens
        with self._lock:
            found = self._readings
            for reading in stored.readings:
                quality, known = int(reading.quality), found.get(reading.point)
                if not (quality & _NOT_SHOWN or (known and known[0] > reading.at_ms)):
                    found[reading.point] = (reading.at_ms, reading.value, quality)
            self._heard.update(stored.new_devices)
            self._quarantined |= bool(stored.quarantined)

    async def run(self) -> None:
        """Hand out what was gathered until cancelled."""
        unsubscribe = self._journal.subscribe(self.committed)
        self._event = self._newest_event()
        beat = 0.0
        try:
            while True:
                await asyncio.sleep(_PUMP_S)
                frames = self._gather()
                beat += _PUMP_S
                if beat >= _HEARTBEAT_S:
                    beat = 0.0
                    frames.append(self.heartbeat())
                if frames:
                    self._send(b"".join(frames))
        finally:
            unsubscribe()
            self._send(None)

    def heartbeat(self) -> bytes:
        """Return the server's time as an event."""
        return frame("heartbeat", {"now_ms": self._clock.now_ms()})

    def open(self) -> asyncio.Queue[bytes | None]:
        """Return a queue that gets every event from now on, ended by None."""
        if len(self._pages) >= _MOST_PAGES:
            raise RefusedError(503, "too_many_pages", "Too many pages are open.", "Close some.")
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(_QUEUE)
        queue.put_nowait(self.heartbeat())
        self._pages.add(queue)
        return queue

    def close(self, queue: asyncio.Queue[bytes | None]) -> None:
        """Forget a page."""
        self._pages.discard(queue)

    def _newest_event(self) -> int:
        with self._journal.reader() as connection:
            row = connection.execute("SELECT max(id) FROM incident_event").fetchone()
        return int(row[0] or 0)

    def _gather(self) -> list[bytes]:
        with self._lock:
            readings, self._readings = self._readings, {}
            heard, self._heard = self._heard, set()
            quarantined, self._quarantined = self._quarantined, False
        frames = []
        if readings:
            rows = [
                {"point": point, "at_ms": at_ms, "value": value, "quality": quality}
                for point, (at_ms, value, quality) in readings.items()
            ]
            frames.append(frame("reading", rows))
        with self._journal.reader() as connection:
            changed = connection.execute(
                "SELECT incident, max(id) FROM incident_event WHERE id > ? GROUP BY incident",
                (self._event,),
            ).fetchall()
        for incident, event in changed:
            self._event = max(self._event, event)
            frames.append(frame("incident", {"id": incident}))
        frames += [frame("inbox", {"id": device}) for device in sorted(heard)]
        if quarantined:
            frames.append(frame("quarantine", {}))
        return frames

    def _send(self, data: bytes | None) -> None:
        for queue in tuple(self._pages):
            try:
                queue.put_nowait(data)
            except asyncio.QueueFull:
                self._pages.discard(queue)
                with contextlib.suppress(asyncio.QueueEmpty):
                    while True:
                        queue.get_nowait()
                queue.put_nowait(None)


@router.get(
    "/live",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def live(request: Request, parts: Parts, role: Viewer) -> StreamingResponse:
    """Stream changes: reading, incident, inbox, quarantine, heartbeat (every 10 s).

    It ends after an hour, so that a session that has ended stops seeing; the page reconnects.
    """
    del parts, role
    hub: LiveHub = request.app.state.hub
    queue = hub.open()

    async def events() -> AsyncIterator[bytes]:
        until = asyncio.get_running_loop().time() + _LONGEST_S
        try:
            while asyncio.get_running_loop().time() < until:
                data = await queue.get()
                if data is None:
                    return
                yield data
        finally:
            hub.close(queue)

    return StreamingResponse(
        events(),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
