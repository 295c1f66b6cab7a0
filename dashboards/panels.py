"""Builders of panels: each says what it shows, in which unit, and what it says when empty."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dashboards import theme
from dashboards.query import DATASOURCE, Query
from dashboards.text import Text

Json = dict[str, Any]
NO_DATA = Text("这段时间没有数据", "No data in this time range")


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel of a board [width of 24 columns, height in grid rows of 30 px].

    `repeat` draws it once for each value of that variable; `time_from` gives it a time range of
    its own, e.g. `90d`; `step` is the least interval of `$__interval`.
    """

    kind: str
    title: Text
    description: Text
    queries: tuple[Query, ...] = ()
    width: int = 8
    height: int = 8
    unit: str | Text = "none"
    decimals: int | None = None
    no_value: Text = NO_DATA
    levels: theme.Steps = ((None, theme.INK),)
    defaults: Json = field(default_factory=dict)
    custom: Json = field(default_factory=dict)
    overrides: tuple[Json, ...] = ()
    options: Json = field(default_factory=dict)
    transformations: tuple[Json, ...] = ()
    links: tuple[Json, ...] = ()
    repeat: str = ""
    time_from: str = ""
    step: str = ""

    def to_json(self, *, number: int, x: int, y: int) -> Json:
        """Return the panel as classic dashboard JSON, texts not yet resolved."""
        found: Json = {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "gridPos": {"h": self.height, "w": self.width, "x": x, "y": y},
            "datasource": DATASOURCE,
            "targets": [q.target(chr(65 + i)) for i, q in enumerate(self.queries)],
            "fieldConfig": {
                "defaults": {
                    "unit": self.unit,
                    "noValue": self.no_value,
                    "color": {"mode": "thresholds"},
                    "thresholds": theme.thresholds(self.levels),
                    "mappings": [],
                    "custom": self.custom,
                    **({} if self.decimals is None else {"decimals": self.decimals}),
                    **self.defaults,
                },
                "overrides": list(self.overrides),
            },
            "options": self.options,
            "transformations": list(self.transformations),
            "links": list(self.links),
        }
        if self.repeat:
            found |= {"repeat": self.repeat, "repeatDirection": "h", "maxPerRow": 2}
        if self.time_from:
            found |= {"timeFrom": self.time_from, "hideTimeOverride": self.kind == "stat"}
        if self.step:
            found["interval"] = self.step
        return found

    def sized(self, width: int, height: int) -> "Panel":
        """Return the panel in another size."""
        return replace(self, width=width, height=height)


def column(name: str | Text, title: Text | None = None, **properties: Any) -> Json:
    """Return how one column or series looks; a double underscore stands for a dot.

    >>> column("value", unit="kwatth", custom__width=90)["properties"]
    [{'id': 'unit', 'value': 'kwatth'}, {'id': 'custom.width', 'value': 90}]
    """
    found = [] if title is None else [{"id": "displayName", "value": title}]
    found += [{"id": key.replace("__", "."), "value": value} for key, value in properties.items()]
    return {"matcher": {"id": "byName", "options": name}, "properties": found}


def fixed(colour: str) -> Json:
    """Return a colour that never changes."""
    return {"mode": "fixed", "fixedColor": colour}


def mapped(words: dict[str, tuple[Text, str]]) -> list[Json]:
    """Return value mappings: each value shown as a word in a colour ('' keeps the colour)."""
    options = {
        value: {"text": word, "index": index} | ({"color": colour} if colour else {})
        for index, (value, (word, colour)) in enumerate(words.items())
    }
    return [{"type": "value", "options": options}]


def stat(
    title: Text,
    description: Text,
    *queries: Query,
    unit: str | Text,
    levels: theme.Steps = ((None, theme.INK),),
    background: bool = False,
    calc: str = "lastNotNull",
    words: dict[str, tuple[Text, str]] | None = None,
    width: int = 4,
    height: int = 4,
    **others: Any,
) -> Panel:
    """Return a big number, or a sentence when its values are mapped to words."""
    return Panel(
        "stat",
        title,
        description,
        queries,
        unit=unit,
        levels=levels,
        defaults={"mappings": mapped(words or {})} if words else {},
        options={
            "reduceOptions": {"calcs": [calc], "fields": "", "values": False},
            "orientation": "vertical" if len(queries) == 1 else "auto",
            "textMode": "auto",
            "colorMode": "background" if background else "value",
            "graphMode": "none",
            "justifyMode": "auto",
            "wideLayout": True,
            "showPercentChange": False,
        },
        width=width,
        height=height,
        **others,
    )


_LINE: Json = {
    "drawStyle": "line",
    "lineInterpolation": "linear",
    "lineWidth": 2,
    "fillOpacity": 0,
    "showPoints": "never",
    "spanNulls": False,
    "axisBorderShow": False,
    "axisLabel": "",
    "scaleDistribution": {"type": "linear"},
    "thresholdsStyle": {"mode": "off"},
    "stacking": {"mode": "none", "group": "A"},
}


def legend(*, shown: bool, calcs: Sequence[str] = ()) -> Json:
    """Return where the legend stands and what it adds up."""
    return {
        "showLegend": shown,
        "displayMode": "list",
        "placement": "bottom",
        "calcs": list(calcs),
    }


def chart(
    title: Text,
    description: Text,
    *queries: Query,
    unit: str | Text,
    colour: str = theme.INK,
    bars: bool = False,
    limits: bool = False,
    many: bool = False,
    custom: Json | None = None,
    most: float | None = None,
    **others: Any,
) -> Panel:
    """Return lines or bars over time; `limits` draws the thresholds, `many` colours by series.

    `most` is the top of the axis.
    """
    look = dict(_LINE)
    if bars:
        look |= {"drawStyle": "bars", "fillOpacity": 70, "lineWidth": 0, "barAlignment": 1}
    if limits:
        look["thresholdsStyle"] = {"mode": "dashed"}
    return Panel(
        "timeseries",
        title,
        description,
        queries,
        unit=unit,
        defaults={"color": {"mode": "palette-classic"} if many else fixed(colour)}
        | ({} if most is None else {"max": most}),
        custom=look | (custom or {}),
        options={
            "legend": legend(shown=True),
            "tooltip": {"mode": "multi", "sort": "none", "hideZeros": False},
        },
        **others,
    )


def usual_band(unit_name: Text, colour: str) -> tuple[Json, ...]:
    """Return how `value` looks over the grey band between `usual_low` and `usual_high`."""
    edge = {
        "color": fixed(theme.BAND),
        "custom__lineWidth": 0,
        "custom__drawStyle": "line",
        "custom__hideFrom": {"legend": True, "tooltip": False, "viz": False},
    }
    return (
        column("usual_low", Text("平常最低", "usual low"), **edge, custom__fillOpacity=0),
        column(
            "usual_high",
            Text("平常最高", "usual high"),
            **edge,
            custom__fillBelowTo="usual_low",
            custom__fillOpacity=theme.BAND_OPACITY,
        ),
        column("value", unit_name, color=fixed(colour)),
    )


def table(
    title: Text,
    description: Text,
    *queries: Query,
    order: Sequence[str],
    columns: Sequence[Json] = (),
    sort: str = "",
    descending: bool = True,
    merged: bool = False,
    **others: Any,
) -> Panel:
    """Return rows with the columns of `order`; the query's time is left out unless named."""
    hidden = {} if "Time" in order else {"Time": True}
    arrange = {
        "id": "organize",
        "options": {
            "excludeByName": hidden,
            "indexByName": {name: place for place, name in enumerate(order)},
            "renameByName": {},
        },
    }
    sorting = (
        {"id": "sortBy", "options": {"fields": {}, "sort": [{"field": sort, "desc": descending}]}},
    )
    return Panel(
        "table",
        title,
        description,
        queries,
        custom={"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False},
        overrides=tuple(columns),
        options={"showHeader": True, "cellHeight": "sm", "footer": {"show": False}},
        transformations=(
            *(({"id": "merge", "options": {}},) if merged else ()),
            *(sorting if sort else ()),
            arrange,
        ),
        **others,
    )


def ranking(
    title: Text,
    description: Text,
    *queries: Query,
    unit: str | Text,
    colour: str = theme.INK,
    levels: theme.Steps | None = None,
    calc: str = "lastNotNull",
    most: float | None = None,
    **others: Any,
) -> Panel:
    """Return one horizontal bar for each series."""
    return Panel(
        "bargauge",
        title,
        description,
        queries,
        unit=unit,
        levels=levels or ((None, colour),),
        options={
            "reduceOptions": {"calcs": [calc], "fields": "", "values": False},
            "orientation": "horizontal",
            "displayMode": "basic",
            "valueMode": "color",
            "namePlacement": "left",
            "showUnfilled": True,
            "sizing": "auto",
            "minVizHeight": 16,
            "minVizWidth": 8,
            "maxVizHeight": 28,
        },
        defaults={"min": 0} | ({} if most is None else {"max": most}),
        **others,
    )


def calendar(
    title: Text,
    description: Text,
    query: Query,
    *,
    unit: str,
    colours: tuple[str, ...],
    rows: Sequence[Json],
    **others: Any,
) -> Panel:
    """Return a heat map: one row for each series, one column for each time."""
    return Panel(
        "status-history",
        title,
        description,
        (query,),
        unit=unit,
        defaults={
            "color": {"mode": "thresholds"},
            "thresholds": theme.thresholds(theme.shades(colours), percent=True),
        },
        custom={"lineWidth": 0, "fillOpacity": 90},
        overrides=tuple(rows),
        options={
            "rowHeight": 0.96,
            "colWidth": 0.96,
            "showValue": "never",
            "legend": legend(shown=False),
            "tooltip": {"mode": "single", "sort": "none", "hideZeros": False},
        },
        **others,
    )


def states(
    title: Text,
    description: Text,
    *queries: Query,
    words: dict[str, tuple[Text, str]],
    **others: Any,
) -> Panel:
    """Return one row for each series, coloured by state over time."""
    return Panel(
        "state-timeline",
        title,
        description,
        queries,
        defaults={"mappings": mapped(words), "color": {"mode": "thresholds"}},
        custom={"lineWidth": 0, "fillOpacity": 80, "spanNulls": False},
        options={
            "mergeValues": True,
            "showValue": "never",
            "alignValue": "left",
            "rowHeight": 0.8,
            "legend": legend(shown=True),
            "tooltip": {"mode": "single", "sort": "none", "hideZeros": False},
        },
        **others,
    )
