"""Decode held messages again, after a driver was mended."""

from collections.abc import Sequence

from msgspec.structs import replace

from caretaker.vocabulary import RejectReason
from ingest.decoder import Decoder
from ingest.transport.port import Message
from storage import quarantine
from storage.journal import Journal

_MOST = 10_000
_STEP = 100
_LOOKED_AT = 1_000

AWAITING = (RejectReason.NO_MEANING, RejectReason.NO_DRIVER, RejectReason.UNIT_MISSING)
"""Why messages are held that a later descriptor message may explain."""
_SOUGHT = tuple(reason.value for reason in AWAITING)


class Resumer:
    """Uses what was held until its descriptor came, a little at a time.

    `begin` starts from the newest held message, `step` reads on and says whether more is left. Only
    those are decoded that what was learned since may explain, by their topics; the first time all
    are, since what was learned before the start may have found no time to be used.
    """

    def __init__(self, journal: Journal, decoder: Decoder) -> None:
        self._journal = journal
        self._decoder = decoder
        self._parts = frozenset(("",))
        self._before = 0
        self._begun = self._left = False

    def begin(self) -> None:
        """Start over: something new was learned."""
        parts = self._decoder.explained()
        if self._begun:
            self._parts = parts
        self._begun, self._left, self._before = True, bool(self._parts), 0

    @property
    def pending(self) -> bool:
        """Whether there is something left to look at."""
        return self._left

    def step(self) -> int:
        """Look at some held messages; return how many are used now. Raises StorageError."""
        if not self._left:
            return 0
        with self._journal.reader() as connection:
            held = quarantine.topics(
                connection, reasons=_SOUGHT, before=self._before, limit=_LOOKED_AT
            )
        self._left = len(held) == _LOOKED_AT
        ids: list[int] = []
        for number, topic in held:
            self._before = number
            if any(part in topic for part in self._parts):
                ids.append(number)
                if len(ids) == _STEP:
                    self._left = True
                    break
        return replay(self._journal, self._decoder, ids=ids)[0] if ids else 0


def replay(
    journal: Journal, decoder: Decoder, *, ids: Sequence[int] = (), reason: str = ""
) -> tuple[int, int]:
    """Return (usable now, still refused) of the held messages named, or of all of one reason.

    Each is judged as of when it was received; one counts as usable when it holds readings and is
    no longer refused for the reason it is held for, or when a driver knows it and refuses nothing.
    A reading that is stored already is absorbed, so that a replay can be repeated.
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
        known = not refusals and all(arrival.driver for arrival in arrivals)
        if (kept.reason, kept.detail) in refusals or not (measured or known):
            refused += 1
        else:
            usable.append((kept.id, measured))
    if usable:
        if again := [arrival for _, arrivals in usable for arrival in arrivals]:
            journal.append(again)
        journal.call(
            lambda connection: quarantine.mark(
                connection, [number for number, _ in usable], state="replayed"
            )
        )
    return len(usable), refused
