"""Checksummed meter frames of DL/T 645, DL/T 698.45 and CJ/T 188, passed through by a gateway."""

from collections.abc import Iterator, Sequence

from caretaker.vocabulary import Arrival, Rejected
from ingest.codecs import cjt188, dlt645, dlt698
from ingest.codecs.follow_up import FollowUps
from ingest.codecs.octets import framed, octets
from ingest.codecs.port import Heard, Memory, Route, arrive, bad_name, refuse, usable_name
from ingest.codecs.values import Value, readings
from ingest.driver import Driver

_MAX_FRAMES = 200
_NAMELESS = "dlt645:any"


class MeterFrames:
    """Finds frames in raw bytes, hex text or a gateway's JSON, on any topic, by their checksum."""

    def __init__(self, driver: Driver, memory: Memory) -> None:
        del memory
        self._driver = driver
        self._follow_ups = FollowUps()

    def decode(self, heard: Heard, route: Route) -> Sequence[Arrival] | None:
        """Return one arrival a meter; None when the payload holds no frame."""
        del route
        meters: dict[str, list[Value | Rejected]] = {}
        spoiled: list[Rejected] = []
        count = 0
        if not framed(heard.message.payload):
            return None
        told = None if isinstance(heard.json, Rejected) else heard.json
        for data in octets(heard.message.payload, told):
            for item in self._found(data, heard):
                count += 1
                if count > _MAX_FRAMES:
                    break
                if isinstance(item, Rejected):
                    spoiled.append(item)
                else:
                    key = item[0]
                    if key == _NAMELESS:  # the only meter of its line: the line is its name
                        key = f"dlt645:{heard.message.topic}"
                    meters.setdefault(key, []).extend(item[1])
        if not count:
            return None
        arrivals = [self._arrival(heard, key, said) for key, said in meters.items()]
        if spoiled:
            arrivals.append(refuse(heard, self._driver, *dict.fromkeys(spoiled)))
        return arrivals

    def _arrival(self, heard: Heard, key: str, said: list[Value | Rejected]) -> Arrival:
        if not said:  # a request or a clock: known, and no reading
            return refuse(heard, self._driver)
        if not usable_name(key):
            return bad_name(heard, self._driver, key)
        measured, refused = readings(said, received_ms=heard.message.received_ms)
        return arrive(heard, self._driver, device=key, measured=measured, rejected=refused)

    def _found(
        self, data: bytes, heard: Heard
    ) -> Iterator[tuple[str, list[Value | Rejected]] | Rejected]:
        """Yield (device key, what it says) of each frame, and the refusal of a spoiled one."""
        if b"\x68" not in data or b"\x16" not in data:
            return  # neither standard's frame begins or ends otherwise
        message = heard.message
        # A frame of one standard inside an address of the other would fail its checksum there.
        electric = list(dlt645.frames(data))
        for frame in electric:
            if isinstance(frame, Rejected):
                yield frame
            else:
                said = self._follow_ups.values(frame, message.topic, message.received_ms)
                yield f"dlt645:{frame.meter}", said
        objects = list(dlt698.frames(data))
        for answer in objects:
            if isinstance(answer, Rejected):
                yield answer
            else:
                yield f"dlt645:{answer.meter}", list(dlt698.values(answer))
        for water in cjt188.frames(data):
            if isinstance(water, Rejected):
                if not electric and not objects:
                    yield water
            else:
                yield f"cjt188:{water.meter}", list(cjt188.values(water))
