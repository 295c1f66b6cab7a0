"""KPIs on the command line: shown, exported, and campuses combined from sums."""

import csv
import io
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from analytics.kpi_job.job import KpiJob
from caretaker.calendar import SchoolCalendar
from caretaker.cli import app
from caretaker.clock import DAY_MS, HOUR_MS, QUARTER_MS, ManualClock
from caretaker.commands.tables import safe
from caretaker.errors import CaretakerError
from caretaker.sitefile import parse_site
from caretaker.vocabulary import Arrival, Measured
from ingest.metering import intervals
from storage.devices import apply_file_settings
from storage.journal import Journal

START_MS = 1_788_192_000_000  # 2026-09-01 00:00 in Shanghai
SITE = """
[site]
id = "{id}"
school = "wutong"
district = "east"
pupils = {pupils}
[[device]]
key = "native:{id}/main"
name = "{name}"
role = "electricity"
"""


def campus(folder: Path, *, site: str, pupils: int, kwh: float, name: str = "总电表") -> Path:
    """Make a data directory with three days of one meter and its KPIs."""
    folder.mkdir()
    text = SITE.format(id=site, pupils=pupils, name=name)
    (folder / "site.toml").write_text(text, encoding="utf-8")
    settings = parse_site(text, file="site.toml")
    clock = ManualClock(START_MS)
    journal = Journal(
        folder / "journal.sqlite3", zone=settings.zone, arithmetic=intervals, clock=clock
    )
    journal.open()
    journal.call(lambda c: apply_file_settings(c, settings.devices, now_ms=START_MS))
    measured = tuple(
        Measured("", "energy", START_MS + n * QUARTER_MS, 100.0 + n * kwh / 96)
        for n in range(3 * 96 + 1)
    )
    clock.at_ms = START_MS + 3 * DAY_MS + HOUR_MS
    journal.append([Arrival("t", b"", clock.at_ms, f"native:{site}/main", "native", measured)])
    journal.roll_up()
    calendar = SchoolCalendar(settings.calendar, settings.zone)
    job = KpiJob(
        journal, site=settings, calendar=calendar, clock=clock, bands=lambda _device: (0.0, 8.0)
    )
    job.run_once()
    journal.close()
    return folder


def run(*words: str) -> str:
    result = CliRunner().invoke(app, list(words))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_kpis_are_listed_explained_and_shown(tmp_path: Path) -> None:
    assert "cold_compliance_share" in run("kpi", "list")
    data = str(campus(tmp_path / "n", site="north", pupils=100, kwh=96.0))
    shown = run("kpi", "show", "electricity_kwh", "--data", data, "--from", "2026-09-01")
    assert "用电量" in shown
    assert "2026-09-02 00:00  96.0 kWh" in shown
    assert "coverage 100%" in shown
    lacking = run("kpi", "show", "electricity_kwh_m2", "--data", data, "--from", "2026-09-01")
    assert "缺少设置" in lacking
    with pytest.raises(CaretakerError, match="kpi list"):
        run("kpi", "show", "nothing", "--data", data)
    with pytest.raises(CaretakerError, match="month"):
        run("kpi", "show", "electricity_bill_cny", "--data", data)


def test_the_export_is_whole_and_safe_to_open(tmp_path: Path) -> None:
    data = campus(tmp_path / "n", site="north", pupils=100, kwh=96.0, name="=1+1")
    rows = table(run("export", "kpis", "--data", str(data), "--out", "-"))
    kwh = [row for row in rows if row["kpi"] == "electricity_kwh"]
    assert [float(row["value"]) for row in kwh[:3]] == pytest.approx([96.0] * 3)
    assert kwh[0]["start"] == "2026-09-01T00:00:00+08:00"
    assert (kwh[0]["school"], kwh[0]["district"], kwh[0]["unit"]) == ("wutong", "east", "kWh")
    out = tmp_path / "k.parquet"
    run("export", "kpis", "--data", str(data), "--out", str(out), "--format", "parquet")
    assert pq.read_table(out).num_rows == len(rows)
    readings = table(run("export", "--data", str(data), "--out", "-"))
    assert {row["name"] for row in readings} == {"'=1+1"}


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert safe(text).startswith("'")


def test_campuses_combine_by_sums_and_not_by_averages(tmp_path: Path) -> None:
    files = []
    for site, pupils, kwh in (("north", 100, 96.0), ("south", 300, 480.0)):
        data = campus(tmp_path / site, site=site, pupils=pupils, kwh=kwh)
        out = tmp_path / f"{site}.csv"
        run("export", "kpis", "--data", str(data), "--out", str(out))
        files.append(str(out))
    rows = table(run("kpi", "combine", *files, "--out", "-"))
    day = {row["kpi"]: row for row in rows if row["start"].startswith("2026-09-02")}
    assert float(day["electricity_kwh"]["value"]) == pytest.approx(576.0)
    per_pupil = day["electricity_kwh_pupil"]
    assert float(per_pupil["value"]) == pytest.approx(576 / 400)  # the mean of both is 1.28
    assert (per_pupil["scope_kind"], per_pupil["scope"]) == ("school", "wutong")
    assert day["electricity_peak_kw"]["reason"] == "not-additive"
    district = table(run("kpi", "combine", *files, "--by", "district", "--out", "-"))
    assert {row["scope"] for row in district} == {"east"}
    # A campus whose file lacks a day leaves that day of the school without a value.
    text = Path(files[1]).read_text(encoding="utf-8-sig").splitlines()
    kept = [line for line in text if not line.startswith("2026-09-02")]
    Path(files[1]).write_text("\n".join(kept), encoding="utf-8")
    rows = table(run("kpi", "combine", *files, "--out", "-"))
    (lost,) = [
        row
        for row in rows
        if row["start"].startswith("2026-09-02") and row["kpi"] == "electricity_kwh"
    ]
    assert (lost["value"], lost["reason"], lost["missing"]) == ("", "member", "south")
    with pytest.raises(CaretakerError, match="export kpis"):
        run("kpi", "combine", str(tmp_path / "north" / "site.toml"), "--out", "-")
