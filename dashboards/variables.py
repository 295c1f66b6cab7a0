"""What a reader chooses on top of a board: site, building, device, and more where needed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dashboards.query import BUILDING, DATASOURCE, SITE, device, name
from dashboards.text import Text

ALL = {"text": "All", "value": "$__all"}


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable. `influxql` asks for its values, `choices` lists them, `constant` fixes it."""

    name: str
    label: Text
    influxql: str = ""
    choices: tuple[tuple[str, Text], ...] = ()
    constant: str = ""
    several: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the variable as Grafana keeps it, texts not yet resolved."""
        found: dict[str, Any] = {"name": self.name, "label": self.label, "skipUrlSync": False}
        if self.constant:
            value = {"text": self.constant, "value": self.constant}
            return found | {
                "type": "constant",
                "hide": 2,
                "skipUrlSync": True,
                "query": self.constant,
                "current": value,
                "options": [value | {"selected": True}],
            }
        if self.choices:
            options = [
                {"text": label, "value": value, "selected": place == 0}
                for place, (value, label) in enumerate(self.choices)
            ]
            return found | {
                "type": "custom",
                "hide": 0,
                "query": _choices(self.choices),
                "current": {"text": self.choices[0][1], "value": self.choices[0][0]},
                "options": options,
                "multi": False,
                "includeAll": False,
            }
        return found | {
            "type": "query",
            "hide": 0,
            "datasource": DATASOURCE,
            "query": self.influxql,
            "definition": self.influxql,
            "refresh": 2,
            "sort": 1,
            "regex": "",
            "multi": self.several,
            "includeAll": self.several,
            "allValue": ".*" if self.several else None,
            "current": dict(ALL) if self.several else {},
            "options": [],
        }


def _choices(choices: Sequence[tuple[str, Text]]) -> Text:
    def words(lang: str) -> str:
        # A comma divides choices unless it is escaped.
        return ", ".join(
            f"{label.in_(lang)} : {value}".replace(",", "\\,") for value, label in choices
        )

    return Text(words("zh-CN"), words("en"))


def values(tag: str, *where: str, of: str) -> str:
    """Return the query that lists a tag's values.

    >>> values("site", of="kpi_day")
    'SHOW TAG VALUES FROM "kpi_day" WITH KEY = "site"'
    """
    text = f"SHOW TAG VALUES FROM {name(of)} WITH KEY = {name(tag)}"
    return f"{text} WHERE {' AND '.join(where)}" if where else text


PAGE = Variable("page", Text("校管家网址", "Caretaker's address"), constant="http://127.0.0.1:8420")
ZONE = Variable("zone", Text("时区", "Time zone"), constant="Asia/Shanghai")
ALWAYS_SITE = Variable("site", Text("校区", "Campus"), influxql=values("site", of="rollup_1d"))
ALWAYS = (PAGE, ZONE, ALWAYS_SITE)
"""On every board; `publish` sets page and zone to the site's own."""


def buildings(of: str = "rollup_1d") -> Variable:
    """Return the buildings of the chosen site that stand in a measurement."""
    query = values("building", SITE, of=of)
    return Variable("building", Text("楼", "Building"), influxql=query, several=True)


def meters(quantity: str, label: Text) -> Variable:
    """Return the devices that measure a quantity in the chosen buildings."""
    query = values("name", SITE, BUILDING, f"\"quantity\" = '{quantity}'", of="rollup_1d")
    return Variable("device", label, influxql=query, several=True)


def cold_units() -> Variable:
    """Return the cold-storage units of the chosen buildings."""
    query = values("name", SITE, BUILDING, of="cold_unit")
    return Variable("device", Text("冷藏设备", "Cold unit"), influxql=query, several=True)


DEVICE = device()
"""The condition that goes with `device`."""
