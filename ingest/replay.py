"""Decode held messages again, after a driver was mended."""

from collections.abc import Sequence
from dataclasses import replace

from caretaker.vocabulary import RejectReason
from ingest.decoder import Decoder
from ingest.transport.port import Message
from storage import quarantine
from storage.journal import Journal

_MOST = 5_000


AWAITING = (RejectReason.NO_MEANING, RejectReason.NO_DRIVER, RejectReason.UNIT_MISSING)
"""Why messages are held that a later descriptor message may explain."""


def resume(journal: Journal, decoder: Decoder) -> int:
    """Use what was held until its descriptor came; return how many messages are used now."""
    return sum(replay(journal, decoder, reason=reason.value)[0] for reason in AWAITING)


def replay(
    journal: Journal, decoder: Decoder, *, ids: Sequence[int] = (), reason: str = ""
) -> tuple[int, int]:
    """Return (usable now, still refused) of the held messages named, or of all of one reason.

    Each is judged as of when it was received; one counts as usable when it holds readings and is
    no longer refused for the reason it is held for. A reading that is stored already is absorbed,
    so that a replay can be repeated.
    """
    with journal.reader() as connection:
        held = (
            [kept for number in ids if (kept := quarantine.find(connection, number))]
            if ids
            else quarantine.listing(connection, reason=reason, limit=_MOST)
        )
    usable, refused = [], 0
    for kept in held:
        arrivals = decoder.decode(
            Message(topic=kept.topic, payload=kept.payload, received_ms=kept.first_ms)
        )
        refusals = {(r.reason, r.detail[:200]) for arrival in arrivals for r in arrival.rejected}
        measured = [replace(a, rejected=(), replies=()) for a in arrivals if a.measured]
        if (kept.reason, kept.detail) in refusals or not measured:
            refused += 1
        else:
            usable.append((kept.id, measured))
    if usable:
        journal.append([arrival for _, arrivals in usable for arrival in arrivals])
        journal.call(
            lambda connection: quarantine.mark(
                connection, [number for number, _ in usable], state="replayed"
            )
        )
    return len(usable), refused
