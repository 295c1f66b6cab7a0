"""A board: lines of panels laid out on Grafana's grid, with variables, links and annotations."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dashboards.annotations import standard_annotations
from dashboards.panels import Json, Panel
from dashboards.text import LANGS, Text, resolve
from dashboards.variables import ALWAYS, Variable

SCHEMA = 39
"""Grafana 11's; later ones read it and bring it up to date themselves."""
_COLUMNS = 24


@dataclass(frozen=True, slots=True)
class Section:
    """A headline with lines of panels; the panels of a line are equally high."""

    title: Text | None
    lines: tuple[tuple[Panel, ...], ...]


@dataclass(frozen=True, slots=True)
class Board:
    """One board in both languages. `name` is its file's and its link's name."""

    name: str
    title: Text
    description: Text
    sections: tuple[Section, ...]
    variables: tuple[Variable, ...]
    since: str = "now-7d"
    until: str = "now"
    refresh: str = "1m"

    def uid(self, lang: str) -> str:
        """Return the board's stable id in links; it is the same on every Grafana.

        >>> Board("water", Text("", ""), Text("", ""), (), ()).uid("en")
        'caretaker-en-water'
        """
        return uid_of(self.name, lang)

    def to_json(self, lang: str) -> Json:
        """Return classic dashboard JSON in one language."""
        board: Json = {
            "uid": self.uid(lang),
            "title": self.title,
            "description": self.description,
            "tags": ["caretaker", tag_of(lang)],
            "schemaVersion": SCHEMA,
            "editable": True,
            "graphTooltip": 1,
            "timezone": "",
            "weekStart": "monday",
            "refresh": self.refresh,
            "time": {"from": self.since, "to": self.until},
            "timepicker": {},
            "fiscalYearStartMonth": 0,
            "links": _links(lang),
            "templating": {"list": [v.to_json() for v in (*ALWAYS, *self.variables)]},
            "annotations": {"list": standard_annotations()},
            "panels": list(self._panels()),
        }
        found = resolve(board, lang)
        assert isinstance(found, dict)
        return found

    def _panels(self) -> Iterator[Json]:
        number, y = 1, 0
        for section in self.sections:
            if section.title is not None:
                yield _headline(section.title, number=number, y=y)
                number, y = number + 1, y + 1
            for line in section.lines:
                x = 0
                for panel in line:
                    yield panel.to_json(number=number, x=x, y=y)
                    number, x = number + 1, x + panel.width
                if x > _COLUMNS or len({panel.height for panel in line}) > 1:
                    raise ValueError(f"{self.name}: a line of panels does not fit the grid")
                y += line[0].height


def uid_of(name: str, lang: str) -> str:
    """Return a board's uid."""
    return f"caretaker-{lang.lower().split('-', maxsplit=1)[0]}-{name}"


def tag_of(lang: str) -> str:
    """Return the tag by which the boards of one language link to each other."""
    return f"caretaker-{lang}"


def _headline(title: Text, *, number: int, y: int) -> Json:
    return {
        "id": number,
        "type": "row",
        "title": title,
        "collapsed": False,
        "gridPos": {"h": 1, "w": _COLUMNS, "x": 0, "y": y},
        "panels": [],
    }


def _links(lang: str) -> list[dict[str, Any]]:
    assert lang in LANGS
    return [
        {
            "type": "dashboards",
            "title": "",
            "tags": [tag_of(lang)],
            "asDropdown": False,
            "includeVars": True,
            "keepTime": False,
            "targetBlank": False,
            "icon": "dashboard",
            "tooltip": "",
            "url": "",
        },
        {
            "type": "link",
            "title": Text("打开校管家", "Open Caretaker"),
            "url": "${page}",
            "tags": [],
            "asDropdown": False,
            "includeVars": False,
            "keepTime": False,
            "targetBlank": True,
            "icon": "external link",
            "tooltip": Text("确认事件、看证据", "Acknowledge incidents, see evidence"),
        },
    ]
