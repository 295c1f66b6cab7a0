"""Every panel's query, as Grafana sends it, answered by a real InfluxDB."""

import math
from pathlib import Path
from typing import Any

import pytest

from dashboards.generate import FOLDER
from tests.dashboards.grafana import Asked, Reader, board_of
from tests.dashboards.influxdb import Influx
from tests.dashboards.quarter import HOSTILE, MIDNIGHT, NOW, ms

FILES = sorted(FOLDER.glob("*/*.json"))
ROW_KINDS = {"row", "text"}
pytestmark = pytest.mark.xdist_group("influxdb")


def reader(path: Path, influx: Influx, **chosen: str | list[str]) -> Reader:
    made = Reader(board_of(path), influx, ms(NOW), ms(MIDNIGHT), chosen=dict(chosen))
    return made.settle()


CASES = [
    pytest.param(path, number, id=f"{path.parent.name}/{path.stem}#{panel['id']}")
    for path in FILES
    for number, panel in enumerate(board_of(path)["panels"])
    if panel["type"] not in ROW_KINDS
]

SENSIBLE = {
    "celsius": (-40, 120),
    "percent": (-100, 1000),
    "percentunit": (0, 1),
    "kwatth": (0, 1e6),
    "kwatt": (0, 1e4),
    "m3": (0, 1e5),
    "currencyCNY": (0, 1e6),
    "masskg": (0, 1e6),
    "litre": (0, 1e4),
    "s": (0, 1e7),
    "dtdurations": (-1e7, 1e8),
}


def check(asked: Asked, series: list[dict[str, Any]]) -> None:
    """Hold an answer to the shape its panel needs."""
    assert series, f"{asked.where}: nothing\n{asked.influxql}"
    named = {o["matcher"]["options"] for o in asked.panel["fieldConfig"]["overrides"]}
    low, high = SENSIBLE.get(asked.panel["fieldConfig"]["defaults"]["unit"], (-math.inf, math.inf))
    numbers = 0
    for one in series:
        assert one["columns"][0] == "time"
        assert one["values"]
        for row in one["values"]:
            for column, value in zip(one["columns"][1:], row[1:], strict=True):
                if isinstance(value, str):
                    assert asked.target["resultFormat"] == "table", asked.where
                    continue
                if value is None:
                    continue
                assert math.isfinite(value)
                numbers += 1
                if column not in named and "against" not in str(asked.target["alias"]):
                    assert low <= value <= high, f"{asked.where}: {column} = {value}"
    assert numbers, f"{asked.where}: only nulls\n{asked.influxql}"
    if asked.target["resultFormat"] == "table":
        columns = {*series[0]["columns"], *series[0].get("tags", {}), "Time"}
        arrange = asked.panel["transformations"][-1]["options"]["indexByName"]
        wanted = set(arrange) - {"answer_left_s"}  # only the unanswered have that clock
        assert wanted <= columns, f"{asked.where}: {wanted - columns} is not asked for"
    elif "$tag_" in asked.target["alias"]:
        tag = asked.target["alias"].removeprefix("$tag_")
        assert all(one["tags"][tag] for one in series), asked.where
    elif asked.target["alias"] == "$col":
        assert set(series[0]["columns"][1:]) <= named, asked.where
    else:
        assert len(series) == 1, f"{asked.where}: {len(series)} series under one name"
        assert len(series[0]["columns"]) == 2, asked.where


@pytest.mark.parametrize(("path", "number"), CASES)
def test_every_panel_has_data_of_the_right_shape(filled: Influx, path: Path, number: int) -> None:
    board = board_of(path)
    panel = board["panels"][number]
    assert panel["targets"]
    repeated = [{panel["repeat"]: [name]} for name in HOSTILE] if "repeat" in panel else [{}]
    for chosen in repeated:
        looking = reader(path, filled, **chosen)
        asked = [query for query in looking.queries() if query.panel["id"] == panel["id"]]
        assert len(asked) == len(panel["targets"])
        for query in asked:
            assert "$" not in query.influxql.replace("\\$", "").replace("$/", "")
            check(query, filled.ask(query.influxql))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_variables_offer_what_is_there_and_annotations_answer(filled: Influx, path: Path) -> None:
    looking = reader(path, filled)
    assert looking.offered["site"] == ["demo"]
    for name, values in looking.offered.items():
        assert values, name
    for name, influxql in looking.annotations():
        (series,) = filled.ask(influxql)
        assert {"name", "kind"} <= set(series["columns"]), name


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_chooses_its_device_and_no_other(filled: Influx, name: str) -> None:
    path = FOLDER / "en" / "4-cold.json"
    looking = reader(path, filled, device=[name])
    (panel,) = (p for p in looking.board["panels"] if p["title"] == "Each unit")
    (asked,) = (query for query in looking.queries() if query.panel["id"] == panel["id"])
    found = filled.ask(asked.influxql)
    assert [one["tags"]["name"] for one in found] == [name]


def test_two_hostile_names_choose_both(filled: Influx) -> None:
    path = FOLDER / "en" / "4-cold.json"
    looking = reader(path, filled, device=list(HOSTILE[1:3]))
    (panel,) = (p for p in looking.board["panels"] if p["title"] == "Each unit")
    (asked,) = (query for query in looking.queries() if query.panel["id"] == panel["id"])
    found = filled.ask(asked.influxql)
    assert sorted(one["tags"]["name"] for one in found) == sorted(HOSTILE[1:3])


def value_of(
    influx: Influx, file: str, title: str, *, letter: str = "A", **chosen: str | list[str]
) -> float:
    """Return the last number of a panel's query on an English board."""
    looking = reader(FOLDER / "en" / file, influx, **chosen)
    (asked,) = (
        query
        for query in looking.queries()
        if query.panel["title"] == title and query.target["refId"] == letter
    )
    (series,) = influx.ask(asked.influxql)
    return float(series["values"][-1][-1])


def test_the_figures_on_top_are_right(filled: Influx) -> None:
    assert value_of(filled, "1-today.json", "Now") == 2
    assert value_of(filled, "4-cold.json", "Fullest exposure clock") == pytest.approx(
        100 * 23 / 120
    )
    assert value_of(filled, "1-today.json", "Electricity", letter="B") == pytest.approx(100 / 24)
    assert value_of(filled, "6-response.json", "Overdue now") == 1


def test_an_unanswered_alarm_counts_as_missed(filled: Influx) -> None:
    looking = reader(FOLDER / "en" / "6-response.json", filled)
    start_ms, end_ms = looking.range_of("now-30d")
    where = f'"site" = \'demo\' AND "severity_code" >= 2 AND time >= {start_ms}ms AND time <= {end_ms}ms'  # noqa: E501
    (rows,) = filled.ask(f'SELECT "id", "acknowledge_s", "opened_ms" FROM "incident" WHERE {where}')
    answered = [row[2] for row in rows["values"] if row[2] is not None]
    late = [r for r in rows["values"] if r[2] is None and r[3] < end_ms - 1_800_000]
    wanted = 100 * sum(s <= 1800 for s in answered) / (len(answered) + len(late))
    assert len(late) == 1
    assert value_of(filled, "6-response.json", "Answered within 30 min") == pytest.approx(wanted)


def test_a_school_that_answered_nothing_is_at_zero_not_empty(filled: Influx) -> None:
    for title in ("Answered within 30 min", "Overdue now"):
        found = value_of(filled, "6-response.json", title, site="late", building=["$__all"])
        assert found == (0 if title.startswith("Answered") else 1)
