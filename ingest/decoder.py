"""From a message to arrivals: drivers that know the topic are asked, the most specific first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from msgspec.structs import replace

from caretaker.clock import Clock
from caretaker.errors import ConfigurationError
from caretaker.vocabulary import Arrival, DeviceRole, Rejected, RejectReason
from ingest.codecs import CODECS, availability
from ingest.codecs.port import (
    CALLED,
    LIST,
    Choosy,
    Codec,
    Heard,
    Meaning,
    Route,
    Shape,
    Teacher,
    is_object,
)
from ingest.driver import Driver
from ingest.extract import first
from ingest.routing import Router
from ingest.strict_json import MAX_BYTES
from ingest.transport.port import Message
from ingest.vetting import Vetting

_READINGS = Meaning.READINGS
_EVERYTHING = frozenset(("",))
_MAX_NEWS = 500
_MAX_TOPIC = 1_024
_MAX_KNOWN = 20_000
_MAX_KNOWN_BYTES = 256 * 1024
_MAX_KNOWN_TOTAL = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a newly heard device looks like, for the inbox."""

    driver: str
    role: DeviceRole
    name: str
    interval_s: int = 300


class Decoder:
    """Turns messages into arrivals; what it cannot use it refuses with a reason.

    Raises ConfigurationError when a driver names an unknown codec or options it cannot use.
    """

    def __init__(self, drivers: tuple[Driver, ...], *, clock: Clock) -> None:
        self.drivers = drivers
        self._clock = clock
        self._memory: dict[str, bytes] = {}
        self._vetting = Vetting(self._memory)
        self._known_bytes = 0
        self._said: Mapping[str, str] = {}
        self._renamed: Mapping[str, str] = {}
        self._aliases: Mapping[str, str] = {}
        self._news: set[str] = set()
        self._dialects = {driver.name: self._codec(driver) for driver in drivers}
        self._teachers = {driver.codec: self._dialects[driver.name] for driver in drivers}
        self._readers = self._with(())

    def set_mappings(self, mappings: Sequence[Driver]) -> None:
        """Let a person's mappings be asked before every dialect from now on.

        May be called while another thread decodes: each message sees the old set or the new one.
        """
        self._readers = self._with(mappings)

    def _with(self, mappings: Sequence[Driver]) -> tuple[Mapping[str, Codec], Router]:
        codecs = self._dialects | {driver.name: self._codec(driver) for driver in mappings}
        choosy = {name: codec for name, codec in codecs.items() if isinstance(codec, Choosy)}

        def may_read(driver: Driver, shape: Shape, anywhere: bool) -> bool:  # noqa: FBT001
            if anywhere and not _may_look_like(shape, driver):
                return False
            codec = choosy.get(driver.name)
            return codec is None or codec.may_read(shape, anywhere=anywhere)

        return codecs, Router(self.drivers, first=mappings, may_read=may_read)

    def _codec(self, driver: Driver) -> Codec:
        factory = CODECS.get(driver.codec)
        if factory is None:
            raise ConfigurationError(
                file=driver.file,
                key="codec",
                problem=f"{driver.codec!r} is unknown",
                remedy=f"Use one of {', '.join(sorted(CODECS))}.",
            )
        return factory(driver, self._memory)

    def set_aliases(self, aliases: Mapping[str, str]) -> None:
        """Call devices by other keys from now on: a person said that two ids are one device."""
        self._said = dict(aliases)
        self._call()

    def _call(self) -> None:
        """Put together what dialects learned of new names and what people said, which wins.

        Whom people joined to a device is found under its new name, too.
        """
        learned = {key: self._said.get(first, first) for key, first in self._renamed.items()}
        self._aliases = learned | dict(self._said)

    def remember(self, known: Mapping[str, bytes]) -> None:
        """Take what earlier messages taught, as the journal kept it."""
        self._memory.update(known)
        self._known_bytes = sum(map(len, self._memory.values()))
        self._rename({key: value for key, value in known.items() if key.startswith(CALLED)})

    def decode(self, message: Message) -> tuple[Arrival, ...]:
        """Return what a message became, one arrival a device; never empty, never raises."""
        size = len(message.payload)
        if size > MAX_BYTES:  # whatever the dialect; a receiver may have kept a part of it only
            detail = f"{size} bytes, at most {MAX_BYTES}"
            return (_refused(message, Rejected(RejectReason.TOO_LARGE, detail)),)
        if len(message.topic) > _MAX_TOPIC:  # no device has it, and each look at it takes long
            detail = f"a topic of {len(message.topic)} characters, at most {_MAX_TOPIC}"
            return (_refused(message, Rejected(RejectReason.BAD_NAME, detail)),)
        route: Route | None = None
        added: tuple[Arrival, ...] = ()
        codecs, router = self._readers
        heard = Heard(message)
        try:
            for route in chain(router.named(message.topic), router.unnamed(heard)):
                arrivals = self._by(heard, route, codecs)
                if arrivals is not None:
                    if not route.adds:
                        return self._vetted(_joined(arrivals, added) if added else arrivals)
                    added = arrivals
        except Exception as error:
            detail = f"{type(error).__name__}: {error}"[:160]
            driver = route.driver.name if route else ""
            return (_refused(message, Rejected(RejectReason.DRIVER_FAULT, detail), driver=driver),)
        return self._vetted(added) or (_refused(message, Rejected(RejectReason.NO_DRIVER)),)

    def _vetted(self, arrivals: tuple[Arrival, ...]) -> tuple[Arrival, ...]:
        """Return arrivals in the light of what the same devices sent before."""
        if self._aliases:
            called = self._aliases.get
            arrivals = tuple(
                [
                    replace(a, device=key) if (key := called(a.device)) is not None else a
                    for a in arrivals
                ]
            )
        if len(arrivals) == 1:
            (arrival,) = arrivals
            found = self._vetting.vet(arrival)
            return arrivals if found is arrival else (self._noted(arrival, found),)
        vetted = tuple([self._vetting.vet(arrival) for arrival in arrivals])
        if vetted == arrivals:  # of the same objects, so this looks at none of their fields
            return vetted
        return tuple([self._noted(*pair) for pair in zip(arrivals, vetted, strict=True)])

    def _noted(self, arrival: Arrival, found: Arrival) -> Arrival:
        """Remember what vetting found out."""
        news = found.knowledge[len(arrival.knowledge) :]
        if not news:
            return found
        known = self._learn(replace(found, knowledge=news)).knowledge
        return replace(found, knowledge=(*arrival.knowledge, *known))

    def _by(
        self, heard: Heard, route: Route, codecs: Mapping[str, Codec]
    ) -> tuple[Arrival, ...] | None:
        meaning = route.meaning
        if meaning is not _READINGS:
            if meaning is Meaning.STATUS:
                return (_refused(heard.message, driver=route.driver.name),)
            return tuple(availability.decode(heard, route))
        if route.anywhere and not _looks_like(heard, route.driver):
            return None
        arrivals = codecs[route.driver.name].decode(heard, route)
        if arrivals is None:
            return None
        if len(arrivals) == 1:  # as nearly always
            (one,) = arrivals
            if one.knowledge:
                return (self._learn(one),)
            return None if route.anywhere and not (one.measured or one.rejected) else (one,)
        if route.anywhere and not any(a.measured or a.rejected or a.knowledge for a in arrivals):
            return None
        if not arrivals:
            return (_refused(heard.message, driver=route.driver.name),)
        return tuple([self._learn(a) if a.knowledge else a for a in arrivals])

    def routes(self, topic: str) -> tuple[Route, ...]:
        """Return what a topic may mean, the most specific template first."""
        return self._readers[1].routes(topic)

    def _learn(self, arrival: Arrival) -> Arrival:
        """Add an arrival's knowledge to the memory; what is known already needs no writing."""
        memory, news = self._memory, []
        renamed: dict[str, bytes] = {}
        for key, value in arrival.knowledge:
            if memory.get(key, b"") == value:
                continue
            if not value:
                self._known_bytes -= len(memory.pop(key))
            elif self._no_room(key, value):
                refusal = Rejected(RejectReason.TOO_LARGE, f"no room to remember {key[:60]}")
                arrival = replace(arrival, rejected=(*arrival.rejected, refusal))
                continue
            else:
                self._known_bytes += len(value) - len(memory.get(key, b""))
                memory[key] = value
            news.append((key, value))
            if key.startswith(CALLED):
                renamed[key] = value
            elif len(self._news) <= _MAX_NEWS:
                self._news.add(key)
        if renamed:
            self._rename(renamed)
        return replace(arrival, knowledge=tuple(news))

    def _rename(self, learned: Mapping[str, bytes]) -> None:
        names = {key.removeprefix(CALLED): value.decode() for key, value in learned.items()}
        known = {**self._renamed, **names}
        self._renamed = {key: first for key, first in known.items() if first}
        self._call()

    def explained(self) -> frozenset[str]:
        """Return parts of the topics of messages that mean more since this was asked last.

        An empty part is in every topic.
        """
        news, self._news = self._news, set()
        parts: set[str] = set()
        for key in news:
            teacher = self._teachers.get(key.partition(":")[0])
            if len(news) > _MAX_NEWS or not (teacher is None or isinstance(teacher, Teacher)):
                return _EVERYTHING
            if teacher is not None:
                parts.update(teacher.explains(key, self._memory.get(key, b"")))
        return frozenset(parts)

    def _no_room(self, key: str, value: bytes) -> bool:
        grown = self._known_bytes + len(value) - len(self._memory.get(key, b""))
        many = key not in self._memory and len(self._memory) >= _MAX_KNOWN
        return many or len(value) > _MAX_KNOWN_BYTES or grown > _MAX_KNOWN_TOTAL

    def suggest(self, key: str, quantities: set[str], channels: set[str]) -> Suggestion:
        """Return what a heard device looks like, by its quantities and the names it uses."""
        now = next((new for new, first in self._renamed.items() if first == key), key)
        family, _, name = now.partition(":")
        if channels & {"air", "food", "evaporator"} and "temperature" in quantities:
            role = DeviceRole.FREEZER if "freez" in name.lower() else DeviceRole.FRIDGE
        elif quantities & {"energy", "power"}:
            role = DeviceRole.ELECTRICITY
        elif quantities & {"volume", "flow"}:
            role = DeviceRole.WATER
        elif "temperature" in quantities or "co2" in quantities:
            role = DeviceRole.ROOM
        elif "door" in quantities:
            role = DeviceRole.DOOR
        else:
            role = DeviceRole.OTHER
        # A mapping's name is a person's own; a topic ends in what tells devices apart.
        short = name if family == "mapped" else name.rpartition("/")[2] or name
        if short.isdigit():  # of Acurite-Tower/A/77 the number alone says nothing
            short = name.replace("/", " ")
        return Suggestion(driver=family, role=role, name=short)


def _joined(arrivals: tuple[Arrival, ...], added: tuple[Arrival, ...]) -> tuple[Arrival, ...]:
    """Return what a dialect understood with what a mapping adds to its device."""
    head, extra = arrivals[0], added[0]
    if not head.device:
        return added
    if not extra.measured:
        return arrivals
    left = tuple(r for r in head.rejected if r.reason is not RejectReason.UNIT_MISSING)
    both = replace(head, measured=(*head.measured, *extra.measured), rejected=left)
    return (both, *arrivals[1:])


def _looks_like(heard: Heard, driver: Driver) -> bool:
    """Return whether a payload holds what its dialect is known by."""
    payload = heard.json
    flat = payload if type(payload) is dict else {}
    for paths in driver.anywhere:
        for path in paths:
            if (flat.get(path[0]) if len(path) == 1 and flat else first(payload, path)) is None:
                break
        else:
            return True
    return False


def _may_look_like(shape: Shape, driver: Driver) -> bool:
    """Return whether a payload of a shape may hold what its dialect is known by."""
    if shape == LIST:
        return any(all(path[0].isdigit() for path in paths) for paths in driver.anywhere)
    keys = set(shape) if is_object(shape) else set[str]()
    return any(all(path[0] in keys for path in paths) for paths in driver.anywhere)


def _refused(message: Message, *refusals: Rejected, driver: str = "") -> Arrival:
    return Arrival(
        topic=message.topic,
        payload=message.payload,
        received_ms=message.received_ms,
        driver=driver,
        rejected=refusals,
        retained=message.retained,
        qos=message.qos,
    )
