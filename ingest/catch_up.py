"""Uses what was put aside in a flood once its device is calm again: late is better than never."""

from caretaker.clock import Clock
from caretaker.worker import Periodic
from ingest.decoder import Decoder
from ingest.gate import Gate
from ingest.replay import replay
from storage import quarantine
from storage.journal import Journal

_EVERY_S = 5.0
_AT_ONCE = 200


class CatchUp:
    """Replays, in slices, the held messages of devices that are within their rate again."""

    def __init__(self, journal: Journal, decoder: Decoder, gate: Gate, *, clock: Clock) -> None:
        self._journal = journal
        self._decoder = decoder
        self._gate = gate
        self._clock = clock
        self.worker = Periodic("catch-up", self.step, every_s=_EVERY_S)

    def step(self) -> int:
        """Use one slice of each calm device; return how many messages became readings."""
        used = 0
        for owner in self._gate.recovered(self._clock.now_ms()):
            with self._journal.reader() as connection:
                held = quarantine.listing(
                    connection, reason="flood", device=owner, limit=_AT_ONCE, oldest=True
                )
            numbers = [kept.id for kept in held if kept.whole]
            if not numbers:
                self._gate.flooding.pop(owner, None)
                continue
            done, refused = replay(self._journal, self._decoder, ids=numbers)
            used += done
            if refused:  # what it sent is of no use besides: leave it to a person
                self._gate.flooding.pop(owner, None)
        return used
