"""What happened, on every chart: incidents, holidays, interventions."""

from typing import Any

from dashboards import theme
from dashboards.query import DATASOURCE, SITE, TIME, is_
from dashboards.text import Text


def _annotation(name: Text, *, colour: str, influxql: str, on: bool, text: str) -> dict[str, Any]:
    return {
        "name": name,
        "datasource": DATASOURCE,
        "enable": on,
        "hide": False,
        "iconColor": colour,
        "query": influxql,
        "titleColumn": "",
        "textColumn": text,
        "tagsColumn": "kind",
        "timeEndColumn": "",
        "fromAnnotations": True,
        "target": {
            "refId": "Anno",
            "datasource": DATASOURCE,
            "rawQuery": True,
            "resultFormat": "table",
            "query": influxql,
            "textColumn": text,
            "tagsColumn": "kind",
            "fromAnnotations": True,
        },
    }


def _days(kinds: tuple[str, ...]) -> str:
    chosen = " OR ".join(is_("kind", kind) for kind in kinds)
    return (
        f'SELECT "day", "name", "kind" FROM "calendar_day" WHERE {SITE} AND ({chosen}) AND {TIME}'
    )


def standard_annotations() -> list[dict[str, Any]]:
    """Return the annotations of every board; a reader switches each with a click.

    School holidays are weeks of days, so they are off at first.
    """
    opened = (
        'SELECT "id", "name", "rule" AS "kind" FROM "incident_event"'
        f" WHERE {SITE} AND ({is_('event', 'opened')} OR {is_('event', 'escalated')}) AND {TIME}"
    )
    return [
        _annotation(
            Text("事件", "Incidents"), colour=theme.RED, influxql=opened, on=True, text="name"
        ),
        _annotation(
            Text("节假日", "Public holidays"),
            colour=theme.FAINT,
            influxql=_days(("holiday", "makeup")),
            on=True,
            text="name",
        ),
        _annotation(
            Text("寒暑假", "School holidays"),
            colour=theme.FAINT,
            influxql=_days(("vacation",)),
            on=False,
            text="name",
        ),
        _annotation(
            Text("节能措施", "Interventions"),
            colour=theme.GREEN,
            influxql=_days(("intervention",)),
            on=True,
            text="name",
        ),
    ]
