"""Decode held messages again, after a driver was mended."""

from collections.abc import Sequence

from ingest.decoder import Decoder
from ingest.transport.port import Message
from storage import quarantine
from storage.journal import Journal

_MOST = 10_000


def replay(
    journal: Journal, decoder: Decoder, *, ids: Sequence[int] = (), reason: str = ""
) -> tuple[int, int]:
    """Return (usable now, still refused) of the held messages named, or of all of one reason.

    Each is judged as of when it was received. A reading that is stored already is absorbed, so
    that a replay can be repeated.
    """
    with journal.reader() as connection:
        held = (
            [kept for number in ids if (kept := quarantine.find(connection, number))]
            if ids
            else quarantine.listing(connection, reason=reason, limit=_MOST)
        )
    usable, refused = [], 0
    for kept in held:
        arrival = decoder.decode(
            Message(topic=kept.topic, payload=kept.payload, received_ms=kept.first_ms)
        )
        if arrival.rejected or not arrival.measured:
            refused += 1
        else:
            usable.append((kept.id, arrival))
    if usable:
        journal.append([arrival for _, arrival in usable])
        journal.call(
            lambda connection: quarantine.mark(
                connection, [number for number, _ in usable], state="replayed"
            )
        )
    return len(usable), refused
