"""The generated boards: fresh, complete in both languages, laid out without overlaps."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alerting.rules import standard_rules
from caretaker.config import SiteSettings
from caretaker.measurements import MEASUREMENTS, SEVERITY_CODES, STATE_CODES
from caretaker.vocabulary import DeviceRole
from dashboards import theme, words
from dashboards.board import Board, Section
from dashboards.boards import BOARDS
from dashboards.generate import FOLDER, stale
from dashboards.panels import stat
from dashboards.query import DATASOURCE, select
from dashboards.text import LANGS, Text
from tests.dashboards.grafana import board_of

FILES = sorted(FOLDER.glob("*/*.json"))
BY_FILE = pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}/{p.stem}")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
COLOURS = {value for value in vars(theme).values() if isinstance(value, str) and value[:1] == "#"}
READ_BY_PEOPLE = {"title", "description", "noValue", "label", "text", "tooltip", "alias"}


def strings(value: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """Return (path, text) of every string."""
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from strings(entry, f"{where}.{key}")
    elif isinstance(value, list):
        for place, entry in enumerate(value):
            yield from strings(entry, f"{where}[{place}]")
    elif isinstance(value, str):
        yield where, value


def panels(path: Path) -> list[dict[str, Any]]:
    return [panel for panel in board_of(path)["panels"] if panel["type"] != "row"]


def test_what_is_committed_is_what_the_code_says() -> None:
    assert not stale(), "run: python -m dashboards"


def test_there_are_seven_boards_in_two_languages() -> None:
    assert len(FILES) == 14
    names = [board.name for board in BOARDS]
    assert names == ["today", "electricity", "water", "cold", "kpis", "response", "health"]
    uids = [board_of(path)["uid"] for path in FILES]
    assert len(set(uids)) == len(uids)
    assert all(len(uid) <= 40 for uid in uids)  # Grafana's limit


@BY_FILE
def test_panels_have_their_own_ids_and_do_not_overlap(path: Path) -> None:
    found = board_of(path)["panels"]
    assert len({panel["id"] for panel in found}) == len(found)
    taken: set[tuple[int, int]] = set()
    for panel in found:
        box = panel["gridPos"]
        assert box["x"] + box["w"] <= 24
        cells = {
            (x, y)
            for x in range(box["x"], box["x"] + box["w"])
            for y in range(box["y"], box["y"] + box["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


@BY_FILE
def test_every_panel_says_what_it_is_in_which_unit_and_when_empty(path: Path) -> None:
    for panel in panels(path):
        defaults = panel["fieldConfig"]["defaults"]
        assert panel["title"]
        assert len(panel["description"]) > 9, panel["title"]
        assert defaults["unit"], panel["title"]
        assert defaults["noValue"], panel["title"]
        assert panel["targets"], panel["title"]


@BY_FILE
def test_every_query_is_influxql_at_the_one_datasource(path: Path) -> None:
    for panel in panels(path):
        assert panel["datasource"] == DATASOURCE
        for target in panel["targets"]:
            assert target["datasource"] == DATASOURCE
            assert target["rawQuery"]
            assert re.match(r"SELECT .* FROM ", target["query"])
            assert "from(bucket" not in target["query"]
            assert "|>" not in target["query"]
    for variable in board_of(path)["templating"]["list"]:
        if variable["type"] == "query":
            assert variable["datasource"] == DATASOURCE
            assert variable["query"].startswith("SHOW TAG VALUES")


@BY_FILE
def test_queries_name_only_what_stands_in_influxdb(path: Path) -> None:
    made = set(re.findall(r'AS "(\w+)"', path.read_text(encoding="utf-8").replace("\\", "")))
    known = {name for m in MEASUREMENTS.values() for name in (m.name, *m.tags, *m.fields)}
    queries = [t["query"] for p in panels(path) for t in p["targets"]]
    queries += [a["query"] for a in board_of(path)["annotations"]["list"]]
    for query in queries:
        assert set(re.findall(r'"(\w+)"', query)) <= known | made, query


@BY_FILE
def test_variables_stand_in_queries_only_as_escaped_regexes(path: Path) -> None:
    text = [text for where, text in strings(board_of(path)) if where.endswith("query")]
    for query in text:
        for name, style in re.findall(r"\$\{(\w+)(:\w+)?\}", query):
            assert style == ":regex" or name in {"__to", "zone"}, query


@BY_FILE
def test_a_year_reads_days_not_readings(path: Path) -> None:
    for panel in panels(path):
        if panel.get("timeFrom", "") in {"53w", "90d", "62d"}:
            for target in panel["targets"]:
                assert re.search(r'FROM "(kpi_(day|week|month)|rollup_1d)"', target["query"]), (
                    panel["title"]
                )


@BY_FILE
def test_colours_are_those_of_the_page(path: Path) -> None:
    used = {text for _, text in strings(board_of(path)) if re.fullmatch(r"#[0-9a-f]{6}", text)}
    shades = {*theme.AMBER_SHADES, *theme.BLUE_SHADES}
    assert used <= COLOURS | shades


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_both_languages_say_the_same_in_their_own_words(board: Board) -> None:
    chinese, english = (dict(strings(board.to_json(lang))) for lang in LANGS)
    assert set(chinese) == set(english)
    for where, text in english.items():
        key = re.sub(r"\[\d+\]$", "", where).rpartition(".")[2]
        other = chinese[where]
        if not CHINESE.search(other):
            assert text == other or key in {"uid", "tags", "unit"}, where
        else:
            assert not CHINESE.search(text), where
            assert text.strip(), where
    for where, text in chinese.items():
        key = where.rpartition(".")[2]
        if key in READ_BY_PEOPLE and text and not text.startswith(("$", "All", "http", "Asia")):
            assert CHINESE.search(text), f"{where}: {text}"


@BY_FILE
def test_boards_link_to_each_other_and_incidents_to_their_evidence(path: Path) -> None:
    board = board_of(path)
    lang = path.parent.name
    assert f"caretaker-{lang}" in board["tags"]
    assert board["links"][0]["tags"] == [f"caretaker-{lang}"]
    for panel in panels(path):
        columns = panel["fieldConfig"]["overrides"]
        if any('"id"' in t["query"] and t["resultFormat"] == "table" for t in panel["targets"]):
            if panel["title"] in {"反复出现的", "What comes back"}:
                continue
            (number,) = (c for c in columns if c["matcher"]["options"] == "id")
            (links,) = (p["value"] for p in number["properties"] if p["id"] == "links")
            assert links[0]["url"] == "${page}/incidents/${__data.fields.id}"


def test_every_code_has_a_word() -> None:
    # A rule that was added since is shown by its own name, so that adding one touches no board.
    assert {rule.name for rule in standard_rules(SiteSettings())} & set(words.RULES)
    assert set(words.SEVERITY) == {str(code) for code in SEVERITY_CODES.values()}
    assert set(words.STATE) == {str(code) for code in STATE_CODES.values()}
    assert {role.value for role in DeviceRole} <= set(words.ROLES)


def test_a_line_that_does_not_fit_is_refused() -> None:
    panel = stat(Text("甲", "a"), Text("乙", "b"), select('"v"', of="m"), unit="none", width=13)
    board = Board("x", Text("", ""), Text("", ""), (Section(None, ((panel, panel),)),), ())
    with pytest.raises(ValueError, match="grid"):
        board.to_json("en")
