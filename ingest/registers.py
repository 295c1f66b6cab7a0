"""Which reading of a register to believe, and what moved since the one before.

A register only grows. Where it does not, the readings that follow decide (rule-book 3.5): it came
back (a momentary zero, a dip), it had been too high for a moment (a spike), it passed its last
digit (rollover), or it began again (reset). Nothing is booked that no reading supports.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from caretaker.clock import DAY_MS, HOUR_MS, MINUTE_MS, QUARTER_MS
from storage.port import Row

LOOK = 3
"""How many readings after a strange one are heard before it is decided."""
CONFIRM_MS = 15 * MINUTE_MS
"""A register that fell is heard at least this long before it is believed."""
SPIKE_MS = 45 * MINUTE_MS
"""A rise that physics allows is a spike only if the register was back so soon."""
RETURN_MS = DAY_MS
"""How long a register that fell may take to come back without its return being booked."""

_DIGIT = 0.0015  # kWh, m3: a step of the last digit of three, and what rounding adds to it
_FLOAT32 = 2.5e-7  # two steps of a float32, as a part of the value
_MOST_NOISE = 1.0

_STAY = 2  # so many readings must stay up after a return, for a spike lasts no longer
_ROLLOVER_AT = 0.9  # of the capacity (rule-book 3.5)


@dataclass(frozen=True, slots=True)
class Dial:
    """The limits of a register: what it shows at most, and what can pass it in an hour."""

    register_max: float = 0.0
    max_rate_h: float = float("inf")

    @property
    def capacity(self) -> float:
        """Return what the register counts before it shows zero again, 0 if not known.

        Nines only, or a power of two less one, are the highest value shown: the capacity is one
        digit more. Any other maximum is taken as the capacity itself.

        >>> [Dial(register_max=m).capacity for m in (99999.0, 100000.0, 65535.0, 65536.0)]
        [100000.0, 100000.0, 65536.0, 65536.0]
        >>> Dial(register_max=838860.7).capacity, Dial(register_max=99999999.9).capacity
        (838860.8, 100000000.0)
        """
        if not self.register_max:
            return 0.0
        shown = (
            f"{Decimal(repr(self.register_max)).normalize():f}"  # 99999999.9 is not ...900000006
        )
        digits = len(shown.partition(".")[2])
        counts = int(shown.replace(".", ""))
        highest = not str(counts).strip("9") or counts & (counts + 1) == 0
        return float(f"{counts + 1 if highest else counts}e-{digits}")

    def possible(self, amount: float, span_ms: int) -> bool:
        """Return whether so much can have passed in a span; a quarter-hour is allowed at least.

        >>> Dial(max_rate_h=100.0).possible(30.0, 1000), Dial(max_rate_h=100.0).possible(20.0, 0)
        (False, True)
        """
        return amount <= self.max_rate_h * max(span_ms, QUARTER_MS) / HOUR_MS


def fallen(
    old: float, new: float, *, dial: Dial | None = None, span_ms: int = 0
) -> tuple[float, str]:
    """Return the amount behind a register that reads less than before, and the reason.

    Rollover needs the old reading in the last tenth of the capacity and an amount that can have
    passed; where the capacity is not known it is the next power of ten. After a reset the amount
    is unknown: nothing is booked, least of all the whole register (rule-book 3.5; T13).

    >>> fallen(99980.0, 15.0), fallen(50000.0, 12.0)
    ((35.0, 'rollover'), (0.0, 'reset'))
    >>> fallen(65530.0, 4.0, dial=Dial(register_max=65535.0))
    (10.0, 'rollover')
    """
    dial = dial or Dial()
    capacity = dial.capacity
    if capacity:
        moved = capacity - old + new
        if _ROLLOVER_AT * capacity < old <= capacity and dial.possible(moved, span_ms):
            return moved, "rollover"
        return 0.0, "reset"
    capacity = 1_000.0
    while capacity <= old:
        capacity *= 10.0
    moved = capacity - old + new
    likely = moved < (1 - _ROLLOVER_AT) * capacity and dial.possible(moved, span_ms)
    if old > _ROLLOVER_AT * capacity and likely:
        return moved, "rollover"
    return 0.0, "reset"


def noise(value: float) -> float:
    """Return how far a register may step back without having moved: it is held where it was.

    Registers that are sent as float32, or added up of several, waver by their last digit. Were
    each step up believed, a register at rest would count.

    >>> noise(100.0), noise(1_000_000.0)
    (0.0015, 0.25)
    """
    return max(_DIGIT, min(_FLOAT32 * value, _MOST_NOISE))


@dataclass(frozen=True, slots=True)
class Decision:
    """The next reading to believe is `tail[index]`; so much moved until then, and why."""

    index: int
    amount: float
    reasons: tuple[str, ...] = ()
    fell: bool = False
    """The register began again: what it showed before is to be remembered."""
    held: bool = False
    """The register is where it was: what it shows now is less by its noise only."""
    heard: bool = True
    """Whether all readings that may change the decision were there."""


def decide(
    anchor: Row,
    tail: Sequence[Row],
    dial: Dial,
    *,
    below: float | None = None,
    below_ms: int = 0,
    final: bool,
) -> Decision | None:
    """Return what follows the believed reading `anchor`, or None while too few were heard.

    `below` is what the register showed before it fell at `below_ms`. `final`: no more will come.

    >>> def moved(*values):
    ...     rows = [(n * 60_000, 0, v) for n, v in enumerate(values)]
    ...     found = decide(rows[0], rows[1:], Dial(), final=True)
    ...     return found.index, found.amount, found.reasons
    >>> moved(10.0, 12.0)
    (0, 2.0, ())
    >>> moved(10.0, 0.0, 0.0, 11.0)
    (2, 1.0, ('held-zero',))
    >>> moved(10.0, 9999.0, 11.0, 12.0)
    (1, 1.0, ('spike',))
    >>> moved(500.0, 3.0, 4.0)
    (0, 0.0, ('reset',))
    >>> moved(10.001, 10.0)
    (0, 0.0, ())
    """
    index = 0
    reasons: set[str] = set()
    while True:
        row = tail[index]
        heard = len(tail) - index > LOOK
        if row[2] >= anchor[2]:
            if not heard and not final:
                return None
            ahead = tail[index + 1 : index + 1 + LOOK]
            found = _risen(anchor, row, ahead, dial, below=below, below_ms=below_ms)
        elif row[2] >= anchor[2] - noise(anchor[2]):
            if not heard and not final:
                return None
            found = Decision(0, 0.0, held=True)
        else:
            ahead = _ahead(tail, index)
            heard = len(tail) - index > LOOK + _STAY and tail[-1][0] > row[0] + CONFIRM_MS
            if not heard and not final:
                return None
            after = index + 1 + len(ahead)
            found = _sunk(anchor, row, ahead, dial, then=tail[after : after + _STAY])
        if isinstance(found, Decision):
            names = tuple(sorted(reasons.union(found.reasons)))
            return Decision(index, found.amount, names, found.fell, found.held, heard)
        skip, name = found
        index += skip
        reasons.add(name)


def _ahead(tail: Sequence[Row], index: int) -> Sequence[Row]:
    """Return what decides on a fall: the next few readings, and all within the time to confirm."""
    end = min(index + 1 + LOOK, len(tail))
    until = tail[index][0] + CONFIRM_MS
    while end < len(tail) and tail[end][0] <= until:
        end += 1
    return tail[index + 1 : end]


def _risen(
    anchor: Row,
    row: Row,
    ahead: Sequence[Row],
    dial: Dial,
    *,
    below: float | None,
    below_ms: int,
) -> Decision | tuple[int, str]:
    amount, span_ms = row[2] - anchor[2], row[0] - anchor[0]
    possible = dial.possible(amount, span_ms)
    came_back = below is not None and (
        row[2] >= below - noise(below)
        and anchor[2] <= below / 2
        and span_ms <= SPIKE_MS
        and row[0] - below_ms <= RETURN_MS
        and dial.possible(row[2] - below, row[0] - below_ms)
    )
    least = row[2] - noise(row[2])
    lower = next((n for n, later in enumerate(ahead) if later[2] < least), None)
    if lower is not None:
        stays = all(later[2] < least for later in ahead[lower:])
        soon = ahead[lower][0] - anchor[0] <= SPIKE_MS
        confirmed = lower < LOOK - 1 or not possible
        back = ahead[lower][2] >= anchor[2] - noise(anchor[2])
        if stays and confirmed and back and (soon or not possible):
            return lower + 1, "spike"
        if not possible and not came_back:
            return 1, "spike"
    if came_back:
        assert below is not None
        return Decision(0, max(0.0, row[2] - below), ("returned",))
    if not possible:
        return Decision(0, 0.0, ("jump",))
    return Decision(0, amount)


def _sunk(
    anchor: Row, row: Row, ahead: Sequence[Row], dial: Dial, *, then: Sequence[Row]
) -> Decision | tuple[int, str]:
    """Decide on a reading below the last; `then` are those after `ahead`, as far as heard."""
    lowest, before, back = row[2], row[2], anchor[2] - noise(anchor[2])
    follow = [*ahead, *then]
    for count, later in enumerate(ahead, start=1):
        if later[2] >= back and any(f[2] < back for f in follow[count : count + _STAY]):
            continue  # it was high for a moment only: that is no return
        if later[2] >= back and dial.possible(later[2] - anchor[2], later[0] - anchor[0]):
            # Climbing back in small steps is a register that began again; a dip ends at once.
            at_once = later[2] - before >= (anchor[2] - lowest) / 2
            if at_once or row[2] > anchor[2] / 2:
                zero = lowest == 0.0
                return count, "held-zero" if zero else "dip"
            break
        if later[2] < back:
            lowest, before = min(lowest, later[2]), later[2]
    amount, reason = fallen(anchor[2], row[2], dial=dial, span_ms=row[0] - anchor[0])
    return Decision(0, amount, (reason,), fell=reason == "reset" and row[2] <= anchor[2] / 2)
