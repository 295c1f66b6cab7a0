"""A meter whose true consumption is known in whole counts, and what a book-keeper would write.

Written without a look at the arithmetic under test: the simulation labels each reading it sends,
and the expected amounts follow from the labels and the counts by fractions alone.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from hypothesis import strategies as st

from caretaker.clock import HOUR_MS, MINUTE_MS, QUARTER_MS
from storage.port import Swap

MODULUS = 100_000
GAP_MS = 45 * MINUTE_MS


@dataclass
class Truth:
    """What was sent, what was recorded, and what really passed the meter [counts]."""

    sent: list[tuple[int, float]] = field(default_factory=list)
    swaps: list[Swap] = field(default_factory=list)
    believed: list[tuple[int, int, bool]] = field(default_factory=list)
    """(instant, true counts so far, whether what passed before it is unknown)."""

    def amounts(self, edges_ms: Sequence[int]) -> tuple[list[Fraction], list[Fraction]]:
        """Return (amount, estimated part) between edges [counts], exactly."""
        amount = [Fraction(0)] * (len(edges_ms) - 1)
        estimated = list(amount)
        for (start, before, _), (end, after, unknown) in zip(
            self.believed, self.believed[1:], strict=False
        ):
            if unknown:
                continue
            for index, (low, high) in enumerate(itertools.pairwise(edges_ms)):
                inside = min(end, high) - max(start, low)
                if inside > 0:
                    share = Fraction((after - before) * inside, end - start)
                    amount[index] += share
                    if end - start > GAP_MS:
                        estimated[index] += share
        return amount, estimated

    @property
    def passed(self) -> int:
        """True consumption from the first to the last reading [counts]."""
        return self.believed[-1][1] - self.believed[0][1]

    @property
    def unknown(self) -> int:
        """What passed where no register tells of it [counts]."""
        return sum(
            after - before
            for (_, before, _), (_, after, lost) in zip(
                self.believed, self.believed[1:], strict=False
            )
            if lost
        )


@st.composite
def truths(draw: st.DrawFn, *, start_ms: int, parts: int = 12) -> Truth:
    """A history of plain runs with one strange thing between each two."""
    truth = Truth()
    at_ms = start_ms + draw(st.integers(0, QUARTER_MS))
    total, offset = 0, draw(st.sampled_from([0, 5_000, 90_400, 99_700]))

    def shown() -> float:
        return float((total + offset) % MODULUS)

    def run(count: int) -> None:
        nonlocal at_ms, total
        for _ in range(count):
            at_ms += draw(st.integers(20_000, 14 * MINUTE_MS))
            total += draw(st.integers(0, 60))
            truth.sent.append((at_ms, shown()))
            truth.believed.append((at_ms, total, False))

    run(4)
    for _ in range(draw(st.integers(1, parts))):
        what = draw(st.sampled_from(["nothing", "gap", "zero", "spike", "reset", "swap"]))
        if what == "gap":
            at_ms += draw(st.integers(GAP_MS, 40 * HOUR_MS))
            total += draw(st.integers(0, 900))
        elif what in {"zero", "spike"} and (total + offset) % MODULUS > 200:
            for _ in range(draw(st.integers(1, 2))):
                at_ms += draw(st.integers(1_000, 5 * MINUTE_MS))
                high = float(MODULUS * draw(st.integers(1, 9))) + shown()
                truth.sent.append((at_ms, 0.0 if what == "zero" else high))
        elif what == "reset" and 2_000 < (total + offset) % MODULUS < 80_000:
            at_ms += draw(st.integers(60_000, 10 * MINUTE_MS))
            total += draw(st.integers(0, 60))
            offset = draw(st.integers(0, 20)) - total
            truth.sent.append((at_ms, shown()))
            truth.believed.append((at_ms, total, True))
        elif what == "swap":
            at_ms += draw(st.integers(60_000, 5 * HOUR_MS))
            total += draw(st.integers(0, 300))
            final = shown()
            offset = draw(st.integers(0, 90_000)) - total
            truth.swaps.append(Swap(at_ms, final, shown()))
            truth.believed.append((at_ms, total, False))
        run(draw(st.integers(5, 12)))
    return truth
