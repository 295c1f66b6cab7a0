"""Two ids, one device: what the second one sent is taken over by the first, and goes on there."""

import sqlite3
from collections.abc import Iterator
from itertools import groupby

from caretaker.quantities import QUANTITIES, Kind
from caretaker.vocabulary import Arrival, Device, Measured, quality_of
from ingest.decoder import Decoder
from storage import aliases, devices, meter_events
from storage.aliases import Alias
from storage.journal import Journal
from storage.meter_events import EventKind, MeterEvent

_SLICE = 2_000


def use_aliases(journal: Journal, decoder: Decoder) -> None:
    """Let the decoder call each device as people say."""
    known = journal.call(aliases.listing)
    decoder.set_aliases({alias.key: alias.device for alias in known})


def join(
    journal: Journal, decoder: Decoder, *, heard: int, device: int, author: str, now_ms: int
) -> Alias:
    """Make a heard device one with an adopted one: from now on, and with all it sent so far.

    Where both have the same register, the meter was exchanged when the new one first spoke.
    Asked again, it takes over what is not there yet. Raises KeyError and AliasError.
    """

    def work(connection: sqlite3.Connection) -> Alias:
        alias = aliases.join(connection, heard, device, author=author, now_ms=now_ms)
        for event in _swaps(connection, heard, device, alias):
            meter_events.record(connection, event, now_ms=now_ms)
        return alias

    alias = journal.call(work)
    use_aliases(journal, decoder)
    with journal.reader() as connection:
        found = devices.find(connection, heard)
        payload = devices.last_payload(connection, heard)
        rows = connection.execute(
            "SELECT r.at_ms, p.channel, p.quantity, r.value, r.quality, r.ordinal FROM reading AS r"
            " JOIN point AS p ON p.id = r.point WHERE p.device = ? ORDER BY r.at_ms",
            (heard,),
        ).fetchall()
    assert found is not None
    arrivals = list(_again(rows, found, payload, alias.device))
    for start in range(0, len(arrivals), _SLICE):
        journal.append(arrivals[start : start + _SLICE])
    return alias


def _again(
    rows: list[tuple[int, str, str, float, int, int]], found: Device, payload: bytes, key: str
) -> Iterator[Arrival]:
    for at_ms, group in groupby(rows, key=lambda row: row[0]):
        yield Arrival(
            topic=found.last_topic,
            payload=payload,
            received_ms=at_ms,
            device=key,
            driver=found.driver,
            measured=tuple(
                Measured(channel, quantity, at_ms, value, quality_of(quality), ordinal)
                for _, channel, quantity, value, quality, ordinal in group
            ),
            model=found.model,
        )


def _swaps(
    connection: sqlite3.Connection, heard: int, device: int, alias: Alias
) -> Iterator[MeterEvent]:
    """Yield an exchange for each register that both have: nothing is subtracted across them."""
    ours = {(p.channel, p.quantity): p.id for p in devices.points(connection, device)}
    for point in devices.points(connection, heard):
        old = ours.get((point.channel, point.quantity))
        if old is None or QUANTITIES[point.quantity].kind is not Kind.COUNTER:
            continue
        first = connection.execute(
            "SELECT at_ms, value FROM reading WHERE point = ? ORDER BY at_ms LIMIT 1", (point.id,)
        ).fetchone()
        if first is None:
            continue
        before = connection.execute(
            "SELECT value FROM reading WHERE point = ? AND at_ms < ? ORDER BY at_ms DESC LIMIT 1",
            (old, first[0]),
        ).fetchone()
        if before is not None:
            yield MeterEvent(
                device=device,
                kind=EventKind.SWAP,
                at_ms=first[0],
                author=alias.author,
                quantity=point.quantity,
                channel=point.channel,
                final=before[0],
                initial=first[1],
                old_serial=alias.device,
                new_serial=alias.key,
            )
