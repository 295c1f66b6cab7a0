"""The job by itself: a new row, a killed run, a running day, clocks, targets."""

import sqlite3
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from analytics.kpis.document import table
from analytics.kpis.registry import REGISTRY
from analytics.kpis.row import Combine, Direction, Kpi, Words
from analytics.kpis.shared import by_total
from caretaker.calendar import DayKind
from caretaker.clock import DAY_MS, HOUR_MS, MINUTE_MS, QUARTER_MS
from caretaker.config import Target
from caretaker.errors import ConfigurationError
from simulators.site import BY_ID
from storage import kpi as kept
from storage.journal import Journal
from tests.analytics.school import (
    CALENDAR,
    SITE,
    content,
    forget,
    job_of,
    live,
    open_journal,
    values,
)

pytestmark = pytest.mark.slow

TOY = Kpi(
    name="toy_wh",
    subject="toy",
    unit="Wh",
    needs=("energy",),
    measure=by_total("energy", factor=1000.0),
    direction=Direction.NEUTRAL,
    combine=Combine.SUM,
    zh=Words("玩具", "一个玩具指标。"),
    en=Words("Toy", "A toy."),
    formula="1000 x kWh",
    reference="rule-book 0",
)


def short_school(path: Path, days: int = 10) -> tuple[Journal, int]:
    first = date(2026, 9, 7)
    journal = open_journal(path, first=first)
    live(journal, first=first, days=days, cold=False)
    return journal, CALENDAR.bounds(first + timedelta(days=days))[0] + HOUR_MS


def test_a_new_kpi_is_one_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(REGISTRY, TOY.name, TOY)
    journal, now_ms = short_school(tmp_path / "j.sqlite3", 3)
    job, _ = job_of(journal, now_ms)
    job.run_once()
    toys = values(journal, scope=SITE.id, kpis=("toy_wh",), period="day")
    kwh = values(journal, scope=SITE.id, kpis=("electricity_kwh",), period="day")
    known = [value.value for value in kwh if value.value is not None]
    assert len(known) == 3
    assert [toy.value for toy in toys if toy.enough] == pytest.approx([1000 * v for v in known])
    (line,) = [line for line in table(REGISTRY.values()) if "`toy_wh`" in line]
    docs = Path(__file__).resolve().parents[2] / "docs" / "kpis.md"
    assert line not in docs.read_text(encoding="utf-8")  # so the check of the document names it
    journal.close()


def test_a_row_taken_away_leaves_no_value_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, now_ms = short_school(tmp_path / "j.sqlite3", 3)
    with monkeypatch.context() as patch:
        patch.setitem(REGISTRY, TOY.name, TOY)
        job_of(journal, now_ms)[0].run_once()
    with journal.reader() as connection:
        newest = max(v.revision for v in kept.since(connection, 0, limit=10**6))
    job_of(journal, now_ms)[0].run_once()
    toys = values(journal, kpis=("toy_wh",))
    assert toys
    assert {(toy.value, toy.reason) for toy in toys} == {(None, "gone")}
    assert min(toy.revision for toy in toys) > newest  # other stores hear of it
    journal.close()


def test_a_run_that_was_killed_is_done_again(tmp_path: Path) -> None:
    journal, now_ms = short_school(tmp_path / "j.sqlite3")
    job, _ = job_of(journal, now_ms)
    calls = 0
    write = journal.call

    def dying(work):  # type: ignore[no-untyped-def]
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return write(work)

    journal.call = dying  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        job.run_once()
    journal.call = write  # type: ignore[method-assign]
    halfway = len(content(journal))
    job_of(journal, now_ms)[0].run_once()
    resumed = content(journal)
    assert halfway < len(resumed)
    journal.call(forget)
    job_of(journal, now_ms)[0].run_once()
    assert content(journal) == resumed
    journal.close()


def test_day_by_day_gives_what_all_at_once_gives(tmp_path: Path) -> None:
    first, days = date(2026, 9, 7), 7
    journal = open_journal(tmp_path / "a.sqlite3", first=first)
    live(journal, first=first, days=days, cold=False)
    start_ms = CALENDAR.bounds(first)[0]
    now_ms = start_ms + days * DAY_MS + HOUR_MS
    job, clock = job_of(journal, start_ms)
    for step in range(6, days * 24 + 2, 17):
        clock.at_ms = start_ms + step * HOUR_MS
        job.run_once()
    clock.at_ms = now_ms
    job.run_once()
    stepped = content(journal)
    journal.call(forget)
    job_of(journal, now_ms)[0].run_once()
    assert content(journal) == stepped
    journal.close()


def test_a_running_day_says_what_was_used_up_to_the_last_quarter_hour(tmp_path: Path) -> None:
    first = date(2026, 9, 7)
    journal = open_journal(tmp_path / "a.sqlite3", first=first)
    truth = live(journal, first=first, days=10, cold=False)
    today = first + timedelta(days=9)
    start_ms = CALENDAR.bounds(today)[0]
    job, _ = job_of(journal, start_ms + 10 * HOUR_MS + 7 * MINUTE_MS)
    job.run_once()
    (found,) = values(
        journal, scope=SITE.id, kpis=("electricity_kwh",), period="day", start_ms=start_ms
    )
    until = (10 * HOUR_MS - QUARTER_MS) // MINUTE_MS
    assert found.value == pytest.approx(truth.minutes["main", today][:until].sum(), rel=1e-6)
    like = [
        truth.minutes["main", day][:until].sum()
        for n in range(1, 10)
        if CALENDAR.kind(day := today - timedelta(days=n)) is DayKind.TEACHING
    ]
    assert found.usual_median == pytest.approx(float(np.median(like)), rel=1e-6)
    assert found.previous == pytest.approx(
        truth.minutes["main", today - timedelta(days=7)][:until].sum(), rel=1e-6
    )
    journal.close()


def test_incidents_start_their_clocks_and_leaks_run_up(tmp_path: Path) -> None:
    journal, now_ms = short_school(tmp_path / "j.sqlite3")
    day = date(2026, 9, 9)
    start_ms = CALENDAR.bounds(day)[0] + 8 * HOUR_MS
    meter = next(d.id for d in journal.devices() if d.key == BY_ID["toilets"].key)

    def put(connection: sqlite3.Connection) -> None:
        for number in range(6):
            opened = start_ms + number * HOUR_MS
            leak = number == 0
            connection.execute(
                "INSERT INTO incident (id, fingerprint, rule, rule_version, device, severity,"
                " state, since_ms, opened_ms, recovered_ms, closed_ms, evidence)"
                " VALUES (?, ?, 'r', '1', ?, 'alarm', 'resolved', ?, ?, ?, ?, ?)",
                (
                    number + 1, f"f{number}", meter, opened - HOUR_MS, opened,
                    opened + 90 * MINUTE_MS, opened + 90 * MINUTE_MS,
                    '{"flow_l_h": 40.0}' if leak else "{}",
                ),
            )  # fmt: skip
            connection.execute(
                "INSERT INTO incident_event (incident, at_ms, kind) VALUES (?, ?, 'acknowledged')",
                (number + 1, opened + (10 + 10 * number) * MINUTE_MS),
            )

    journal.call(put)
    job_of(journal, now_ms)[0].run_once()
    found = {
        v.kpi: v
        for v in values(
            journal, scope=SITE.id, period="day", start_ms=CALENDAR.bounds(day)[0],
            end_ms=CALENDAR.bounds(day)[1],
        )
    }  # fmt: skip
    assert found["incident_acknowledge_min"].value == pytest.approx(35.0)
    assert found["incident_acknowledge_share"].value == pytest.approx(50.0)
    assert found["incident_recover_share"].value == pytest.approx(100.0)
    assert found["water_leak_h"].value == pytest.approx(2.5)
    assert found["water_leak_m3"].value == pytest.approx(2.5 * 0.040)
    journal.close()


def test_targets_stand_beside_the_value_and_a_wrong_one_stops_the_start(tmp_path: Path) -> None:
    journal, now_ms = short_school(tmp_path / "j.sqlite3", 3)
    wanted = replace(SITE, targets=(Target("electricity_kwh", "day", 400.0),))
    job_of(journal, now_ms, wanted)[0].run_once()
    found = values(journal, scope=SITE.id, kpis=("electricity_kwh",), period="day")
    assert {value.target for value in found} == {400.0}
    for target, key in (
        (Target("electricity_kw", "day", 1.0), "target[0].kpi"),
        (Target("electricity_base_kw", "hour", 1.0), "target[0].period"),
    ):
        with pytest.raises(ConfigurationError) as error:
            job_of(journal, now_ms, replace(SITE, targets=(target,)))
        assert error.value.key == key
        assert error.value.remedy
    journal.close()
