"""What Grafana does with a board before it asks InfluxDB: variables, time filter, interval.

Written from Grafana's behaviour as documented: `regex` formatting of a variable, its own value
for All, `$timeFilter` and `$__interval` filled in by the InfluxQL backend, relative time of a
panel.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.dashboards.influxdb import Influx

_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_NICE = (1, 5, 10, 15, 30)
_ALL = "$__all"


def board_of(path: Path) -> dict[str, Any]:
    """Return a generated board."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


@dataclass(frozen=True, slots=True)
class Asked:
    """One query as it goes to InfluxDB, with where it stands."""

    where: str
    influxql: str
    panel: dict[str, Any]
    target: dict[str, Any]


@dataclass(slots=True)
class Reader:
    """A person looking at a board at an instant [ms]; `chosen` holds what was picked on top."""

    board: dict[str, Any]
    influx: Influx
    now_ms: int
    midnight_ms: int
    chosen: dict[str, str | list[str]] = field(default_factory=dict)
    offered: dict[str, list[str]] = field(default_factory=dict)

    def settle(self) -> "Reader":
        """Ask for each variable's values in order, as a board does when it opens."""
        for variable in self.board["templating"]["list"]:
            name = variable["name"]
            if variable["type"] == "query":
                series = self.influx.ask(self.fill(variable["query"], 0, self.now_ms, "1m"))
                self.offered[name] = sorted({row[1] for s in series for row in s["values"]})
                first = [_ALL] if variable["includeAll"] else self.offered[name][:1]
                self.chosen.setdefault(name, first if variable["multi"] else first[0])
            else:
                self.chosen.setdefault(name, variable["current"]["value"])
        return self

    def fill(self, text: str, start_ms: int, end_ms: int, interval: str) -> str:
        """Return the text with variables, time filter and interval in place."""
        text = text.replace("$timeFilter", f"time >= {start_ms}ms and time <= {end_ms}ms")
        text = text.replace("$__interval", interval)
        text = text.replace("${__to}", str(end_ms)).replace("${__from}", str(start_ms))
        return re.sub(r"\$\{(\w+)(?::(\w+))?\}", self._variable, text)

    def _variable(self, match: re.Match[str]) -> str:
        name, style = match.group(1), match.group(2)
        value = self.chosen[name]
        variable = next(v for v in self.board["templating"]["list"] if v["name"] == name)
        if value in (_ALL, [_ALL]):
            return str(variable["allValue"])  # never escaped
        if style != "regex":
            assert isinstance(value, str), f"{name} must be used as a regex"
            return value
        many = [value] if isinstance(value, str) else value
        escaped = [re.sub(r"[\\^$*+?.()|\[\]{}/]", r"\\\g<0>", entry) for entry in many]
        return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"

    def range_of(self, relative: str) -> tuple[int, int]:
        """Return [ms] of a range that starts at `now-7d`, `now/d` or, for a panel, `7d`."""
        if relative == "now/d":
            return self.midnight_ms, self.now_ms
        match = re.fullmatch(r"(?:now-)?(\d+)([mhdwy])", relative)
        assert match, relative
        unit = 365 * _MS["d"] if match.group(2) == "y" else _MS[match.group(2)]
        return self.now_ms - int(match.group(1)) * unit, self.now_ms

    def queries(self) -> Iterator[Asked]:
        """Return every query of every panel as it stands."""
        for panel in self.board["panels"]:
            for target in panel.get("targets", []):
                relative = panel.get("timeFrom") or self.board["time"]["from"]
                start_ms, end_ms = self.range_of(relative)
                interval = _interval(end_ms - start_ms, panel)
                yield Asked(
                    f"{self.board['uid']} #{panel['id']} {panel['title']} {target['refId']}",
                    self.fill(target["query"], start_ms, end_ms, interval),
                    panel,
                    target,
                )

    def annotations(self) -> Iterator[tuple[str, str]]:
        """Return (name, query) of every annotation."""
        start_ms, end_ms = self.range_of("90d")
        for annotation in self.board["annotations"]["list"]:
            yield annotation["name"], self.fill(annotation["query"], start_ms, end_ms, "1h")


def _interval(span_ms: int, panel: dict[str, Any]) -> str:
    """Return `$__interval`: the range by the panel's pixels, rounded up, no less than its own."""
    wanted = span_ms / max(panel["gridPos"]["w"] * 55, 1)
    least = re.fullmatch(r"(\d+)([mhd])", panel.get("interval", "1m"))
    assert least
    wanted = max(wanted, int(least.group(1)) * _MS[least.group(2)])
    for unit in ("m", "h", "d"):
        for count in _NICE:
            if count * _MS[unit] >= wanted and (unit != "h" or count < 24):
                return f"{count}{unit}"
    return "30d"
