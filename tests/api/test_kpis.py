"""GET /kpis: values, texts in both languages, clear refusals; a new row is there at once."""

from dataclasses import replace

import pytest

from analytics.kpi_job.job import KpiJob
from analytics.kpis.registry import REGISTRY
from analytics.kpis.row import Kpi
from analytics.kpis.shared import by_total
from caretaker.calendar import SchoolCalendar
from caretaker.clock import DAY_MS
from storage import kpi as kept
from storage.kpi import KpiValue
from tests.api.conftest import SITE, START_MS, School

DAY_START = START_MS - 8 * 3_600_000


def put(school: School, *values: KpiValue) -> None:
    school.journal.call(lambda connection: kept.write(connection, values))


VALUE = KpiValue(
    scope_kind="campus",
    scope=SITE.id,
    kpi="electricity_kwh",
    period="day",
    start_ms=DAY_START,
    end_ms=DAY_START + DAY_MS,
    value=321.5,
    numerator=321.5,
    denominator=1.0,
    coverage=0.93,
    usual_low=250.0,
    usual_median=300.0,
    usual_high=330.0,
    parameters={"note": "x"},
)


def test_values_come_with_texts_grade_and_band(school: School) -> None:
    lacking = replace(
        VALUE, kpi="water_m3", value=None, coverage=0.4, reason="coverage", missing=("总水表",)
    )
    put(school, VALUE, lacking)
    with school.client("viewer") as client:
        found = client.get("/kpis", params={"period": "day", "from": "2026-09-01"}).json()
    values = {value["kpi"]: value for value in found["values"]}
    kwh, water = values["electricity_kwh"], values["water_m3"]
    assert (kwh["value"], kwh["grade"], kwh["usual_median"]) == (321.5, "usable", 300.0)
    assert (water["value"], water["grade"], water["missing"]) == (None, "not_enough", ["总水表"])
    assert set(found["reasons"]["zh-CN"]) == set(found["reasons"]["en"])
    assert water["reason"] in found["reasons"]["en"]
    info = {row["name"]: row for row in found["kpis"]}
    assert set(info) == set(REGISTRY)
    assert info["electricity_kwh"]["texts"]["zh-CN"]["name"] == "用电量"
    assert info["electricity_kwh"]["texts"]["en"]["name"] == "Electricity"
    assert found["scopes"] == [{"kind": "campus", "id": SITE.id, "name": SITE.name}]


def test_one_kpi_one_scope_some_days(school: School) -> None:
    put(school, VALUE, replace(VALUE, start_ms=DAY_START + DAY_MS, value=1.0))
    put(school, replace(VALUE, scope_kind="building", scope="a"))
    with school.client("viewer") as client:
        one = client.get("/kpis?kpi=electricity_kwh&from=2026-09-02&to=2026-09-02").json()
        building = client.get("/kpis?kpi=electricity_kwh&scope_kind=building&scope=a").json()
    assert [value["value"] for value in one["values"]] == [1.0]
    assert [row["name"] for row in one["kpis"]] == ["electricity_kwh"]
    assert [value["scope"] for value in building["values"]] == ["a"]


@pytest.mark.parametrize(
    "query",
    ["kpi=nothing", "period=year", "from=2026-09-02&to=2026-09-01", "scope_kind=planet", "from=x"],
)
def test_what_makes_no_sense_is_refused_in_words(school: School, query: str) -> None:
    with school.client("viewer") as client:
        answer = client.get(f"/kpis?{query}")
    assert answer.status_code == 422
    assert answer.json()["error"]["remedy"]


def test_nobody_looks_without_a_login(school: School) -> None:
    with school.client("") as client:
        assert client.get("/kpis").status_code == 401


def test_a_new_row_is_served_at_once(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    toy: Kpi = replace(
        REGISTRY["electricity_kwh"],
        name="toy_wh",
        unit="Wh",
        measure=by_total("energy", factor=1e3),
    )
    monkeypatch.setitem(REGISTRY, toy.name, toy)
    school.clock.advance(DAY_MS)
    job = KpiJob(
        school.journal,
        site=SITE,
        calendar=SchoolCalendar(SITE.calendar, SITE.zone),
        clock=school.clock,
        bands=lambda _device: (0.0, 8.0),
    )
    assert job.run_once() > 0
    with school.client("viewer") as client:
        found = client.get("/kpis?kpi=toy_wh&period=hour&from=2026-09-01&to=2026-09-01").json()
    assert found["kpis"][0]["unit"] == "Wh"
    by_hour = {value["start_ms"]: value["value"] for value in found["values"]}
    assert by_hour[START_MS] == pytest.approx(6_000.0)  # 0.1 kWh a minute
