"""Tries a mapping on the last messages of its topic, before anybody depends on it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from caretaker.clock import Clock
from caretaker.config import MappingSettings
from caretaker.vocabulary import Arrival, Rejected
from ingest.codecs.mapped import Mapped
from ingest.codecs.port import Heard
from ingest.decoder import Decoder
from ingest.mapping import driver_from, leaves
from ingest.strict_json import parse
from ingest.transport.port import Message
from ingest.written import likely_decimal, likely_separator, shaped, text_of
from storage import quarantine
from storage.journal import Journal
from storage.quarantine import Kept

_LOOKED_AT = 5_000
_REASONS = ("no-driver", "unit-missing", "wrong-shape", "not-json")
_MENDED = (*_REASONS, "wrong-type", "unknown-unit", "out-of-range")
"""What a better mapping may read; a message may be held for several of them."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One of the last messages, what the mapping makes of it, and what else stands in it."""

    message: Message
    arrivals: tuple[Arrival, ...]
    leaves: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """A topic whose messages nobody understands yet, with the newest and what stands in it.

    `separator` and `decimal` are how a message of text seems to be written: for a person to say.
    """

    topic: str
    count: int
    last_ms: int
    reason: str
    payload: bytes
    leaves: tuple[tuple[str, object], ...]
    separator: str = ""
    decimal: str = "."


def last_messages(journal: Journal, *, limit: int = _LOOKED_AT) -> list[Message]:
    """Return the newest messages at hand: of each device the last, and what is held."""
    with journal.reader() as connection:
        rows = connection.execute(
            "SELECT last_topic, last_payload, last_heard_ms FROM device WHERE last_topic <> ''"
        ).fetchall()
        for reason in _REASONS:
            rows += [
                (kept.topic, kept.payload, kept.last_ms)
                for kept in quarantine.listing(connection, reason=reason, limit=limit)
            ]
    rows.sort(key=lambda row: -row[2])
    return [Message(topic, payload, at_ms) for topic, payload, at_ms in rows]


def attempt(
    journal: Journal, mapping: MappingSettings, *, clock: Clock, most: int = 10
) -> list[Tried]:
    """Return what a mapping makes of the newest messages of its topic; nothing is stored.

    It may be a draft that reads nothing yet: then what stands in them is told alone.
    Raises ConfigurationError when the mapping cannot be one.
    """
    driver = driver_from(mapping, file="page", key="mapping", draft=not mapping.fields)
    decoder, codec = Decoder((driver,), clock=clock), Mapped(driver, {})
    tried: list[Tried] = []
    for message in last_messages(journal):
        if decoder.routes(message.topic):
            arrivals = decoder.decode(message) if mapping.fields else ()
            payload = codec.payload(Heard(message))
            found = () if isinstance(payload, Rejected) else tuple(leaves(payload))
            tried.append(Tried(message, arrivals, found))
            if len(tried) >= most:
                break
    return tried


def held(journal: Journal, mapping: MappingSettings) -> list[int]:
    """Return the held messages of a mapping's topic that it may explain."""
    templates = driver_from(mapping, file="page", key="mapping").topics
    with journal.reader() as connection:
        return [
            kept.id
            for reason in _MENDED
            for kept in quarantine.listing(connection, reason=reason, limit=_LOOKED_AT)
            if kept.whole and any(t.names(kept.topic) is not None for t in templates)
        ]


def waiting(journal: Journal, *, most: int = 50) -> list[Waiting]:
    """Return the topics that wait for a person to say what they mean, the newest first."""
    found: dict[str, Waiting] = {}
    with journal.reader() as connection:
        for reason in _REASONS[:2]:
            for kept in quarantine.listing(connection, reason=reason, limit=_LOOKED_AT):
                before = found.get(kept.topic)
                if before is not None and before.last_ms >= kept.last_ms:
                    found[kept.topic] = _more(before, kept.count)
                    continue
                count = kept.count + (before.count if before else 0)
                found[kept.topic] = _waiting(kept, count)
    return sorted(found.values(), key=lambda item: -item.last_ms)[:most]


def _waiting(kept: Kept, count: int) -> Waiting:
    payload = parse(kept.payload)
    if isinstance(payload, Rejected):
        payload = text_of(kept.payload)
    separator = likely_separator(payload) if isinstance(payload, str) else ""
    found = leaves(shaped(payload, separator=separator))
    return Waiting(
        topic=kept.topic,
        count=count,
        last_ms=kept.last_ms,
        reason=kept.reason,
        payload=kept.payload,
        leaves=tuple(found),
        separator=separator,
        decimal=likely_decimal([value for _, value in found]),
    )


def _more(item: Waiting, count: int) -> Waiting:
    return replace(item, count=item.count + count)


def usable(tried: Sequence[Tried]) -> bool:
    """Return whether at least one message gave a reading, so that the mapping may be kept."""
    return any(arrival.measured for item in tried for arrival in item.arrivals)
