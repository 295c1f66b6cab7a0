"""What an experiment found, against a reference outside the system (I4, I5, I6)."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field


@dataclass(slots=True)
class Result:
    """Incidents by what became of them; `missed` and `false` must be 0.

    `late` are those later than what is promised, each experiment by its own promise: 60 s after
    the restart (F2, F4), after the disk is well (F3), after the lease (F24) and for what is
    critical in a storm (F23); T + 60 s for silence (F21); one sample after its delay (F17, F25);
    5 min for the second channel, 15 min for the first when it is well (F22); 15 s for health (I8).
    `worst_s` is the longest of these times.
    """

    name: str
    title: str
    expected: int = 0
    delivered: int = 0
    duplicate: int = 0
    late: int = 0
    missed: int = 0
    false: int = 0
    worst_s: float = 0.0
    messages: int = 0
    note: str = ""
    duplicates_allowed: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether it may be published as passed."""
        return (
            not (self.missed or self.false or self.late or self.problems)
            and self.expected > 0
            and self.duplicate <= self.duplicates_allowed
        )

    def count(self, expected: Iterable[str], told: Mapping[str, int]) -> None:
        """Add what was expected and how often each was told of."""
        wanted = set(expected)
        self.expected += len(wanted)
        self.delivered += len(wanted & set(told))
        self.missed += len(wanted - set(told))
        self.false += len(set(told) - wanted)
        self.duplicate += sum(count - 1 for count in told.values())

    def due(self, took_s: float, *, within_s: float) -> None:
        """Add one that took so long, against what is promised [s]."""
        self.worst_s = round(max(self.worst_s, took_s), 1)
        self.late += took_s > within_s

    def row(self) -> dict[str, object]:
        """Return it for a line of JSON."""
        return {**asdict(self), "passed": self.passed}


COLUMNS = ("name", "title", "expected", "delivered", "duplicate", "late", "missed", "false",
           "worst_s", "messages", "passed")  # fmt: skip


def table(results: Iterable[Result]) -> str:
    """Return all results as one table."""
    rows = [[str(result.row()[name]) for name in COLUMNS] for result in results]
    widths = [max(len(name), *(len(row[i]) for row in rows)) for i, name in enumerate(COLUMNS)]
    lines = ["  ".join(name.ljust(width) for name, width in zip(COLUMNS, widths, strict=True))]
    lines += ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(lines)
