"""What is wrong with Caretaker itself: who watches must say when it cannot."""

from collections.abc import Iterable

# How long a part may be red before people are told [s]: most mend themselves.
_PATIENCE_S = {"disk": 0.0, "clock": 0.0, "alerting": 300.0, "influx": 600.0, "heartbeat": 600.0}
_USUAL_S = 120.0

# Rules have an incident of their own; KPIs can wait for whoever looks at the page.
_ELSEWHERE = frozenset({"rules", "kpis", "broker refusal"})

WATCHING = frozenset(
    {"broker", "broker answers", "ingest", "commit", "disk", "round trip", "threads"}
)
"""Without these no fridge is watched."""

Check = tuple[str, bool, str, str]


class Unwell:
    """Which parts have been red for longer than they may."""

    def __init__(self) -> None:
        self.parts: frozenset[str] = frozenset()
        self._since: dict[str, float] = {}

    def look(self, checks: Iterable[Check], *, now_s: float) -> frozenset[str]:
        """Take the checks as they stand at a monotonic instant [s]; return the parts to tell of.

        >>> unwell = Unwell()
        >>> red = [("ingest", False, "", ""), ("disk", False, "", ""), ("rules", False, "", "")]
        >>> sorted(unwell.look(red, now_s=0.0)), sorted(unwell.look(red, now_s=120.0))
        (['disk'], ['disk', 'ingest'])
        >>> sorted(unwell.look([("ingest", True, "", "")], now_s=121.0))
        []
        """
        red = {name for name, ok, _, _ in checks if not ok} - _ELSEWHERE
        self._since = {name: self._since.get(name, now_s) for name in red}
        self.parts = frozenset(
            name
            for name, since_s in self._since.items()
            if now_s - since_s >= _PATIENCE_S.get(name, _USUAL_S)
        )
        return self.parts
