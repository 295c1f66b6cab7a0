"""InfluxQL as the boards speak it: constant names quoted, variables only as escaped regexes."""

from dataclasses import dataclass
from typing import Any

from dashboards.text import Text

DATASOURCE = {"type": "influxdb", "uid": "caretaker-influx"}
"""The datasource by its uid; provisioning and `publish` make it."""

SITE = r'"site" =~ /^${site:regex}$/'
BUILDING = r'"building" =~ /^${building:regex}$/'
TIME = "$timeFilter"


def device(variable: str = "device") -> str:
    """Return the condition that chooses devices by their name on the page."""
    return rf'"name" =~ /^${{{variable}:regex}}$/'


def name(identifier: str) -> str:
    """Return a quoted InfluxQL identifier.

    >>> name("kpi_day")
    '"kpi_day"'
    """
    escaped = identifier.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def text(value: str) -> str:
    """Return a quoted InfluxQL string.

    >>> text("it's")
    "'it\\\\'s'"
    """
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def is_(tag: str, value: str) -> str:
    """Return the condition that a tag has a value."""
    return f"{name(tag)} = {text(value)}"


@dataclass(frozen=True, slots=True)
class Query:
    """One target of a panel; `alias` names its series, `table` asks for rows."""

    influxql: str
    alias: str | Text = ""
    table: bool = False
    hidden: bool = False

    def target(self, letter: str) -> dict[str, Any]:
        """Return the target as Grafana keeps it."""
        return {
            "refId": letter,
            "datasource": DATASOURCE,
            "rawQuery": True,
            "query": self.influxql,
            "resultFormat": "table" if self.table else "time_series",
            "alias": self.alias,
            "hide": self.hidden,
        }


def select(
    what: str,
    *where: str,
    of: str,
    group: str = "",
    fill: str = "",
    after: str = "",
    alias: str | Text = "",
    table: bool = False,
) -> Query:
    """Return `SELECT what FROM of WHERE ... GROUP BY ... fill(...) after`.

    `of` is a measurement's name, or a subquery or regex when it starts with a bracket or slash.

    >>> select('last("value")', TIME, of="kpi_day", group='"site"').influxql
    'SELECT last("value") FROM "kpi_day" WHERE $timeFilter AND "enough" = 1 GROUP BY "site"'
    """
    source = of if of[0] in "(/" else name(of)
    if of.startswith("kpi_") and '"value"' in what and '"enough"' not in what:
        # InfluxDB cannot unset a field: a value computed anew as "not enough data" leaves the old
        # one standing beside enough = 0.
        where = (*where, '"enough" = 1')
    words = [f"SELECT {what} FROM {source}"]
    if where:
        words.append("WHERE " + " AND ".join(where))
    if group:
        words.append(f"GROUP BY {group}")
    if fill:
        words.append(f"fill({fill})")
    if after:
        words.append(after)
    return Query(" ".join(words), alias=alias, table=table)
