"""The copy is true on real servers: whatever is renamed, dropped, refused or forgotten."""

import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from caretaker.clock import DAY_MS, HOUR_MS, MINUTE_MS
from caretaker.vocabulary import DeviceRole
from ingest.metering import intervals
from storage import devices
from storage.influx.server import Server
from storage.journal import Journal
from tests.storage.influx.copied import NOW_MS, ZONE, Copied, hours
from tests.stores import Store


def test_what_was_there_and_what_comes_are_both_copied(copied: Copied) -> None:
    copied.unfollow()
    copied.send(*hours(50))
    copied.follow()
    copied.flush()
    assert copied.projection.status().phase == "following"
    copied.send((NOW_MS, 1.5), (NOW_MS - 3 * DAY_MS, 2.5))
    copied.flush()
    wanted = dict([*hours(50), (NOW_MS, 1.5), (NOW_MS - 3 * DAY_MS, 2.5)])
    assert {row["time"] // 10**6: row["value"] for row in copied.rows()} == wanted


def test_a_restart_sends_nothing_twice(copied: Copied) -> None:
    copied.send(*hours(10))
    copied.journal.roll_up()
    copied.flush()
    copied.unfollow()
    copied.follow()
    copied.flush()
    assert copied.projection.status().emitted <= 3  # the samples of the minute
    copied.send((NOW_MS, 1.0))
    copied.flush()
    assert len(copied.rows()) == 61


def test_a_point_that_appears_while_the_bucket_is_made_is_copied_whole(copied: Copied) -> None:
    """The names at hand are older than the point whose past is queued."""
    copied.send(*hours(2), device="new")
    copied.projection._named_s = 1e12
    copied.journal.call(copied.projection._begin)
    copied.projection.flush(patience_s=20)
    assert len(copied.rows()) == 12


def test_two_readings_of_one_millisecond_stay_two(copied: Copied) -> None:
    copied.send((NOW_MS, 1.0), ordinal=4)
    copied.send((NOW_MS, 2.0), ordinal=5)
    copied.flush()
    assert sorted(row["time"] % 10**6 for row in copied.rows()) == [4, 5]


def test_a_conflict_sets_aside_the_row_and_keeps_the_rest(copied: Copied) -> None:
    """C2: another program wrote integers into a field of ours."""
    copied.flush()
    at_ns = (NOW_MS + DAY_MS * 30) * 10**6
    theirs = f"voltage,site=other value=1i {at_ns}".encode()
    assert copied.server.write(theirs, raw=True).status == 204
    copied.send((NOW_MS, 1.0))
    copied.send((NOW_MS, 230.0), (NOW_MS + DAY_MS * 30, 230.0), quantity="voltage")
    copied.flush()
    assert len(copied.rows("power")) == 1
    status = copied.projection.status()
    assert sum(status.rejected.values()) >= 1
    assert "conflict" in status.failing
    assert "rebuild" in status.remedy
    with copied.journal.reader() as connection:
        aside = connection.execute("SELECT line, reason FROM projection_rejected").fetchall()
    assert all("voltage" in row[0] for row in aside)


def test_names_with_every_odd_letter_come_back_whole(copied: Copied) -> None:
    odd = ["食堂,电 表=1", 'a"b', "it's", "#x", "ü/ö", "😀", "a\\b"]
    for number, name in enumerate(odd):
        copied.send((NOW_MS, float(number)), device=name)
    copied.flush()
    found = {row["device"]: row["value"] for row in copied.rows()}
    assert found == {f"native:s/{name}": float(number) for number, name in enumerate(odd)}


def test_a_name_that_no_line_can_carry_is_set_aside_with_its_reason(copied: Copied) -> None:
    copied.send((NOW_MS, 1.0), device="a\nadmin,x=1")
    copied.send((NOW_MS, 2.0), device="good")
    copied.flush()
    assert [row["device"] for row in copied.rows()] == ["native:s/good"]
    assert any("bad-name" in reason for reason in copied.projection.status().rejected)
    assert not list(copied.server.query('SELECT * FROM "admin"', raw=True))


def test_a_word_for_people_loses_what_a_line_cannot_carry(copied: Copied) -> None:
    copied.send(*hours(1))
    copied.journal.roll_up()
    copied.journal.call(
        lambda c: devices.adopt(c, 1, name="冷柜\\", role=DeviceRole.FRIDGE, building="a")
    )
    copied.flush()
    assert {row["name"] for row in copied.rows("rollup_15m", raw=False)} == {"冷柜＼"}


def test_older_than_the_store_keeps_stays_in_the_journal_and_is_not_missing(
    copied: Copied,
) -> None:
    """C4."""
    copied.unfollow()
    copied.clock.at_ms = now_ms = _real_now()
    copied.settings = replace(copied.settings, retention_days=2)
    copied.send((now_ms - 5 * DAY_MS, 1.0), (now_ms - HOUR_MS, 2.0))
    copied.follow()
    copied.flush()
    assert [row["value"] for row in copied.rows()] == [2.0]
    copied.clock.advance(3 * HOUR_MS)
    copied.flush()
    status = copied.projection.status()
    assert (status.resent_hours, status.failing, status.rejected) == (0, "", {})
    (point,) = copied.journal.points()
    assert len(copied.journal.history(point.id, start_ms=0, end_ms=2**50)) == 2


def _real_now() -> int:
    from caretaker.clock import SystemClock

    return SystemClock().now_ms()


def test_a_retention_the_settings_do_not_know_costs_no_row_its_place(copied: Copied) -> None:
    copied.unfollow()
    copied.clock.at_ms = now_ms = _real_now()
    server = Server(copied.settings, copied.store.tokens)
    server.recognise()
    assert server.create(copied.settings.bucket, 2).status == 204
    server.close()
    copied.send((now_ms - 5 * DAY_MS, 1.0), (now_ms - HOUR_MS, 2.0))
    copied.follow()
    copied.flush()
    status = copied.projection.status()
    assert status.expired > 0
    assert status.rejected == {}
    assert [row["value"] for row in copied.rows()] == [2.0]


def test_a_dropped_bucket_is_made_and_filled_anew(copied: Copied) -> None:
    """F30, C7: counts equal."""
    copied.send(*hours(30))
    copied.flush()
    _drop(copied)
    copied.send((NOW_MS, 1.0))
    copied.flush()
    assert len(copied.rows()) == 181


def _drop(copied: Copied) -> None:
    bucket = copied.settings.bucket
    if copied.server.kind is not None and copied.server.kind.line_path == "/write":
        assert copied.server.command(f'DROP DATABASE "{bucket}"').status == 204
        return
    _, found = copied.server.get("/api/v2/buckets", {"org": "school", "name": bucket})
    httpx2.delete(
        f"{copied.store.url}/api/v2/buckets/{found['buckets'][0]['id']}",
        headers={"Authorization": f"Token {copied.store.admin}"},
        trust_env=False,
    ).raise_for_status()


def test_what_the_store_confirmed_and_lost_is_found_by_counting(copied: Copied) -> None:
    """C6: the hour is sent again."""
    copied.send(*hours(4))
    copied.send(*hours(4), device="n")
    copied.flush()
    copied.server.delete({"site": copied.site, "device": "native:s/n"})
    assert len(copied.rows()) == 24
    copied.clock.advance(2 * HOUR_MS)
    copied.flush()
    assert len(copied.rows()) == 48
    status = copied.projection.status()
    assert status.resent_hours >= 4
    assert status.failing == ""


def test_a_late_reading_from_when_nobody_followed_is_found_by_counting(copied: Copied) -> None:
    copied.send(*hours(5))
    copied.flush()
    copied.unfollow()
    copied.journal.close()
    copied.journal = Journal(
        copied.folder / "j.sqlite3", zone=ZONE, arithmetic=intervals, clock=copied.clock
    )
    copied.journal.open()
    copied.send((NOW_MS - 2 * HOUR_MS + 1, 3.0))
    copied.follow()
    copied.clock.advance(2 * HOUR_MS)
    copied.flush()
    assert len(copied.rows()) == 31


def test_a_device_that_gets_a_name_and_place_is_there_once(copied: Copied) -> None:
    copied.send(*hours(3))
    copied.send(*hours(3), device="other")
    copied.journal.roll_up()
    copied.flush()
    before = {(row["device"], row["time"]) for row in copied.rows("rollup_15m", raw=False)}
    copied.journal.call(
        lambda c: devices.adopt(c, 1, name="总表", role=DeviceRole.ELECTRICITY, building="a")
    )
    copied.send((NOW_MS, 1.0))
    copied.flush()
    tags = Counter((row["device"], row["building"]) for row in copied.rows())
    assert tags == {("native:s/m", "a"): 19, ("native:s/other", None): 18}
    rollups = copied.rows("rollup_15m", raw=False)
    once = Counter((row["device"], row["time"]) for row in rollups)
    assert set(once.values()) == {1}
    assert before <= once.keys()
    assert {row["name"] for row in rollups} == {"总表", "native:s/other"}


def test_a_rebuild_deletes_this_site_alone_and_fills_it_again(copied: Copied) -> None:
    copied.send(*hours(20))
    copied.journal.roll_up()
    copied.flush()
    other = f"power,site=other,device=d value=1.0 {NOW_MS * 10**6}"
    alien = f"power,site={copied.site},device=alien value=1.0 {NOW_MS * 10**6}"
    copied.server.write(f"{other}\n{alien}".encode(), raw=True)
    before = {
        name: copied.rows(name, raw=False) for name in ("rollup_15m", "rollup_1h", "rollup_1d")
    }
    copied.projection.rebuild()
    copied.flush()
    assert len(copied.rows()) == 120
    assert {row["device"] for row in copied.rows()} == {"native:s/m"}
    for name, rows in before.items():
        assert copied.rows(name, raw=False) == rows
    (kept,) = copied.server.query("SELECT * FROM power WHERE site = 'other'", raw=True)
    assert len(kept.rows) == 1


def test_a_rollup_that_no_reading_supports_any_more_has_no_data_in_the_copy(
    copied: Copied,
) -> None:
    copied.send(*hours(2))
    copied.journal.roll_up()
    copied.flush()
    copied.journal.call(lambda c: c.execute("DELETE FROM rollup WHERE period = 'hour'"))
    copied.flush()
    found = copied.rows("rollup_1h", raw=False)
    assert found
    assert {(row["count"], row["amount"], row["coverage"]) for row in found} == {(0, 0, 0)}


def test_another_bucket_is_filled_from_the_beginning(copied: Copied) -> None:
    """C15: nothing waits for a store that is no longer named."""
    copied.send(*hours(3))
    copied.flush()
    copied.unfollow()
    copied.settings = replace(copied.settings, bucket=copied.settings.bucket + "x")
    copied.follow()
    copied.flush()
    assert len(copied.rows()) == 18


def test_raw_readings_may_have_a_bucket_of_their_own(copied: Copied) -> None:
    copied.unfollow()
    copied.settings = replace(copied.settings, readings_bucket=copied.settings.bucket + "raw")
    copied.follow()
    copied.send(*hours(3))
    copied.journal.roll_up()
    copied.flush()
    assert len(copied.rows(raw=True)) == 18
    assert not copied.rows(raw=False)
    assert copied.rows("rollup_1h", raw=False)
    assert not copied.rows("rollup_1h", raw=True)


def test_incidents_cold_samples_kpis_and_days_are_copied(copied: Copied) -> None:
    copied.send((NOW_MS, 4.0), quantity="temperature")

    def records(c: Any) -> None:
        c.execute(
            "INSERT INTO incident (id, fingerprint, rule, rule_version, device, severity, state,"
            " since_ms, opened_ms, acknowledged_ms) VALUES (7, 'f', 'air_limit', '1', 1, 'alarm',"
            f" 'acknowledged', {NOW_MS - 60000}, {NOW_MS}, {NOW_MS + 30000})"
        )
        c.execute(
            "INSERT INTO incident_event (incident, at_ms, kind) VALUES"
            f" (7, {NOW_MS}, 'opened'), (7, {NOW_MS + 30000}, 'acknowledged')"
        )
        c.execute(
            "INSERT INTO cold_sample (device, at_ms, air_c, limit_hi_c, defrost, revision)"
            f" VALUES (1, {NOW_MS}, 4.0, 8.0, 0, 1)"
        )
        c.execute(
            "INSERT INTO kpi_value (scope_kind, scope, kpi, period, start_ms, end_ms, value,"
            " coverage, estimated_share, enough, version, now_ms, revision) VALUES"
            f" ('building', 'a', 'electricity_kwh', 'hour', {NOW_MS}, {NOW_MS + HOUR_MS}, 12.5,"
            f" 0.9, 0.1, 1, '1', {NOW_MS}, 1)"
        )

    copied.journal.call(records)
    copied.flush()
    (case,) = copied.rows("incident", raw=False)
    assert (case["id"], case["open"], case["state_code"], case["severity_code"]) == (7, 1, 3, 2)
    assert case["acknowledge_s"] == 30.0
    assert case["time"] == (NOW_MS - 60_000) * 10**6 + 7
    assert {row["event"] for row in copied.rows("incident_event", raw=False)} == {
        "opened",
        "acknowledged",
    }
    (cold,) = copied.rows("cold_unit", raw=False)
    assert (cold["air_c"], cold["limit_hi_c"], "food_c" in cold) == (4.0, 8.0, False)
    (kpi,) = copied.rows("kpi_hour", raw=False)
    assert (kpi["value"], kpi["scope_name"], kpi["hour"]) == (12.5, "教学楼", "13")
    assert {"国庆节", "中秋节"} <= {row["name"] for row in copied.rows("calendar_day", raw=False)}

    def change(c: Any) -> None:
        c.execute(
            "UPDATE incident SET state = 'closed', severity = 'critical', recovered_ms = ?,"
            " closed_ms = ? WHERE id = 7",
            (NOW_MS + 90_000, NOW_MS + 90_000),
        )
        c.execute(
            "INSERT INTO incident_event (incident, at_ms, kind) VALUES (7, ?, 'closed')",
            (NOW_MS + 90_000,),
        )
        c.execute("UPDATE kpi_value SET value = 13.5, revision = 2")

    copied.journal.call(change)
    copied.flush()
    (case,) = copied.rows("incident", raw=False)
    assert (case["open"], case["state_code"], case["severity_code"]) == (0, 5, 3)
    assert case["recover_s"] == 90.0
    (kpi,) = copied.rows("kpi_hour", raw=False)
    assert kpi["value"] == 13.5


def test_a_store_that_is_away_costs_no_commit_a_moment(copied: Copied) -> None:
    copied.unfollow()
    copied.settings = replace(copied.settings, url="http://127.0.0.1:1")
    copied.pause = 0.2
    copied.follow()
    copied.projection.start()
    copied.send(*hours(30))
    copied.clock.advance(2 * MINUTE_MS)
    found = copied.projection.check()
    assert found[:2] == ("influx", False)
    assert found[3]


@pytest.mark.slow
def test_victoria_takes_the_same_lines(victoria_metrics: Store, tmp_path: Path) -> None:
    """The /api/v2/write leg, read back through /api/v1/export."""
    copied = Copied(victoria_metrics, tmp_path, victoria_metrics.settings)
    copied.open()
    copied.send(*hours(10))
    copied.send((NOW_MS - 9 * HOUR_MS + 7, 5.0))
    copied.journal.roll_up()
    copied.flush()
    copied.clock.advance(2 * HOUR_MS)
    copied.flush()
    assert copied.projection.status().stretches_to_check == 0
    assert _exported(copied, "power_value") == 61
    assert _exported(copied, "rollup_1h_amount") >= 10
    copied.projection.rebuild()
    copied.flush()
    assert _exported(copied, "power_value") == 61
    copied.close()


def _exported(copied: Copied, metric: str) -> int:
    done = threading.Event()
    found = 0
    for _ in range(100):
        answer = httpx2.get(
            f"{copied.store.url}/api/v1/export",
            params={"match[]": f'{metric}{{site="{copied.site}"}}'},
            trust_env=False,
        )
        series = [line for line in answer.text.splitlines() if line]
        found = sum(len(_json(line)["values"]) for line in series)
        if found:
            return found
        done.wait(0.1)  # VictoriaMetrics shows what it took after a second
    return found


def _json(line: str) -> dict[str, Any]:
    import json

    found: dict[str, Any] = json.loads(line)
    return found
