"""The boards on a campus that lived: simulator, decoder, journal, rules, projection, InfluxDB."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from analytics.kpi_job.job import KpiJob
from api.cold_view import band_of
from caretaker.app import App
from caretaker.calendar import SchoolCalendar
from caretaker.clock import DAY_MS, HOUR_MS, ManualClock
from caretaker.demo import HandoverClock, fill
from caretaker.secrets import load_or_create
from dashboards.generate import FOLDER
from simulators.campus import Campus
from simulators.faults import demo_faults
from simulators.site import demo_site
from storage import incidents
from tests import stores
from tests.conftest import program
from tests.dashboards.grafana import Reader, board_of
from tests.dashboards.influxdb import Influx
from tests.dashboards.quarter import MIDNIGHT, NOW, ms
from tests.dashboards.test_queries import check

DAYS = 8
BOARDS = sorted((FOLDER / "en").glob("*.json"))
QUIET = {
    ("2-electricity", "Peak and capacity", "B"): "the demo's school names no agreed capacity",
    ("2-electricity", "Power factor", "A"): "no meter of the demo counts reactive energy",
    ("6-response", "Incidents by day", "A"): "no rule of the demo raises a notice in these days",
}
"""What may be empty, with the reason."""
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("lived")]


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influx]:
    """InfluxDB as the projection filled it from eight days of the simulated campus."""
    folder = tmp_path_factory.mktemp("lived")
    found = stores.version_1_program() or program("influxd")
    with stores.influxd_1(found, folder / "influxdb") as store:
        influx = Influx.of(store)
        _live(folder, store)
        yield influx


def _live(folder: Path, store: stores.Store) -> None:
    end_ms = ms(NOW)
    start_ms = ms(MIDNIGHT) - DAYS * DAY_MS
    site = replace(demo_site(), influx=store.settings)
    clock = HandoverClock(ManualClock(start_ms))
    app = App(site, data_dir=folder / "data", clock=clock, secrets=load_or_create(folder / "data"))
    app.prepare()
    try:
        campus = Campus(start_ms, faults=demo_faults(end_ms, zone=site.zone))
        for until_ms in (end_ms - 2 * HOUR_MS, end_ms):
            fill(
                app,
                campus,
                clock,
                until_ms=until_ms,
                console=Console(quiet=True),
                save=folder / "campus.json",
            )
            _answer_one(app, until_ms)
            _kpis(app, clock)
            assert app._projection is not None
            app._projection.flush(patience_s=60)
    finally:
        app.stop()


def _kpis(app: App, clock: HandoverClock) -> None:
    """Compute the KPIs as the running Caretaker does, in this thread."""
    site = app.settings
    calendar = SchoolCalendar(site.calendar, site.zone)
    KpiJob(
        app.journal,
        site=site,
        calendar=calendar,
        clock=clock,
        bands=lambda device: band_of(device, site),
    ).run_once()


def _answer_one(app: App, now_ms: int) -> None:
    """Let a person acknowledge the oldest open incident, as nobody in the simulator does."""
    with app.journal.reader() as connection:
        waiting = [
            one
            for one in incidents.listing(connection, state="open", limit=100)
            if one.acknowledged_ms is None
        ]
    if len(waiting) > 1:
        app.journal.call(
            lambda connection: incidents.acknowledge(
                connection, waiting[-1].id, actor="cook", now_ms=now_ms
            )
        )


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_every_query_finds_what_the_projection_wrote(lived: Influx, path: Path) -> None:
    looking = Reader(board_of(path), lived, ms(NOW), ms(MIDNIGHT)).settle()
    empty = set()
    for query in looking.queries():
        found = lived.ask(query.influxql)
        if found:
            check(query, found)
        else:
            empty.add((path.stem, query.panel["title"], query.target["refId"]))
    assert empty <= set(QUIET)


def test_devices_stand_under_the_names_that_people_gave_them(lived: Influx) -> None:
    path = FOLDER / "zh-CN" / "4-cold.json"
    looking = Reader(board_of(path), lived, ms(NOW), ms(MIDNIGHT)).settle()
    assert {"冷藏柜1号", "冷藏柜2号", "冷冻柜", "食品留样柜"} <= set(looking.offered["device"])
    assert looking.offered["building"] == ["c"]  # only where there is a cold unit
