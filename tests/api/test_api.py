"""The API: who may do what, what is answered, what is pushed."""

import json
import threading
import time
from datetime import date
from pathlib import Path

import httpx2
import pytest

from api import openapi
from caretaker.calendar import SchoolCalendar
from caretaker.clock import DAY_MS, HOUR_MS
from storage import quality_flags
from storage.quality_flags import KeptFlag
from tests.api.conftest import SITE, START_MS, TOKENS, School

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = json.loads(openapi.description())
OPEN = {"/api/v1/login", "/api/v1/health", "/api/v1/metrics"}
ROUTES = [
    (method.upper(), path)
    for path, operations in DOCUMENT["paths"].items()
    for method in operations
    if path != "/api/v1/live"
]


def _concrete(path: str) -> str:
    for name, value in (("{utility}", "water"), ("{incident}", "1"), ("{device}", "3")):
        path = path.replace(name, value)
    return path.replace("{point}", "1").replace("{number}", "1").removeprefix("/api/v1")


def test_every_route_but_the_open_ones_wants_a_login(school: School) -> None:
    with school.client("") as nobody:
        for method, path in ROUTES:
            answer = nobody.request(method, _concrete(path), json={})
            if path in OPEN:
                assert answer.status_code != 401 or path == "/api/v1/login"
            else:
                assert answer.status_code == 401, (method, path)
                assert answer.json()["error"]["remedy"]
        assert nobody.get("/live").status_code == 401


def test_a_viewer_may_look_and_not_change(school: School) -> None:
    with school.client("viewer") as viewer:
        for method, path in ROUTES:
            answer = viewer.request(method, _concrete(path), json={"text": "x", "reason": "x"})
            if method == "GET":
                assert answer.status_code in {200, 404, 422}, (path, answer.text)
            elif path not in {"/api/v1/login", "/api/v1/logout"}:
                assert answer.status_code == 403, (method, path)


def test_a_browser_logs_in_with_a_cookie_and_needs_the_header_to_change(school: School) -> None:
    with school.client("") as browser:
        assert browser.post("/login", json={"token": "wrong"}).status_code == 401
        answer = browser.post("/login", json={"token": TOKENS["operator"]})
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert browser.get("/me").json()["role"] == "operator"
        assert browser.post("/incidents/1/note", json={"text": "x"}).status_code == 403
        ours = {"X-Caretaker": "1"}
        assert browser.post("/incidents/1/note", json={"text": "x"}, headers=ours).is_success
        assert browser.post("/logout", headers=ours).status_code == 204
        assert browser.get("/me").status_code == 401


def test_wrong_tokens_are_slowed_down(school: School) -> None:
    with school.client("") as browser:
        codes = [browser.post("/login", json={"token": f"no{i}"}).status_code for i in range(12)]
    assert codes == [401] * 10 + [429] * 2


def test_a_foreign_host_name_gets_nothing(school: School) -> None:
    answer = httpx2.get(f"{school.url}/api/v1/health", headers={"Host": "evil.example"})
    assert answer.status_code == 421


def test_today_tells_the_warm_fridge_and_the_meter(school: School) -> None:
    with school.client() as client:
        today = client.get("/today").json()
        incident = today["incidents"][0]
        assert (incident["rule"], incident["device_name"]) == ("cold_storage_warm", "1号冰箱")
        assert incident["chart"]["limit_high"] == 8.0
        assert today["electricity"]["total"] == pytest.approx(12.0)
        assert today["electricity"]["usual"] is None  # no usual day is made up
        assert today["cold"]["units"][0]["state"] in {"alarm", "critical"}
        usage = client.get("/usage/electricity").json()
        assert usage["card"]["total"] == pytest.approx(12.0)
        assert usage["card"]["cost_cny"] == pytest.approx(12.0 * 0.538, abs=0.01)
        assert len(usage["heat"]) == 7


def test_history_is_bounded_and_true(school: School) -> None:
    with school.client() as client:
        points = client.get("/points").json()["items"]
        energy = next(p for p in points if p["quantity"] == "energy")["point"]
        span: dict[str, str | int] = {
            "start_ms": 0,
            "end_ms": 2**45,
            "resolution": "raw",
            "max_points": 10,
        }
        raw = client.get(f"/points/{energy}/history", params=span).json()
        assert len(raw["at_ms"]) <= 20
        assert (raw["value"][0], raw["value"][-1]) == (1000.0, 1012.0)
        hours = client.get(
            f"/points/{energy}/history", params={**span, "resolution": "hour"}
        ).json()
        assert sum(hours["value"]) == pytest.approx(12.0)
        assert client.get(f"/points/{energy}/history?start_ms=5&end_ms=5").status_code == 422
        assert client.get("/points/99999/history?start_ms=0&end_ms=5").status_code == 404


def test_acknowledge_note_close_and_the_history_that_remains(school: School) -> None:
    with school.client() as client:
        number = client.get("/incidents").json()["items"][0]["id"]
        after = client.post(f"/incidents/{number}/acknowledge", json={"note": "我来"}).json()
        assert after["incident"]["state"] == "acknowledged"
        assert after["incident"]["acknowledged_by"] == "operator"
        client.post(f"/incidents/{number}/note", json={"text": "门没关"})
        closed = client.post(f"/incidents/{number}/close", json={"reason": "关门"}).json()
        kinds = [event["kind"] for event in closed["events"]]
        assert kinds[0] == "opened"
        assert kinds[-3:] == ["acknowledged", "note", "closed"]
        assert client.get("/incidents?state=closed").json()["items"][0]["id"] == number


def test_a_device_of_the_file_is_read_only_and_a_heard_one_is_adopted(school: School) -> None:
    with school.client() as client:
        fridge = next(
            d for d in client.get("/devices").json()["items"] if d["key"] == "native:s/fridge"
        )
        refused = client.patch(f"/devices/{fridge['id']}", json={"name": "x"})
        assert refused.status_code == 409
        assert "site.toml" in refused.json()["error"]["remedy"]
        plug = client.get("/inbox").json()["items"][0]
        assert plug["suggested"]["role"] == "electricity"
        body = {"name": "插座", "role": "electricity"}
        assert client.post(f"/inbox/{plug['id']}/adopt", json=body).json()["status"] == "adopted"
        assert client.get("/inbox").json()["items"] == []
        change = client.patch(f"/devices/{plug['id']}", json={"limits": {"nonsense": 1}})
        assert change.status_code == 422
        assert client.patch(f"/devices/{plug['id']}", json={"name": "新"}).json()["name"] == "新"


def test_a_device_shows_what_its_last_will_says(school: School) -> None:
    def told() -> bool | None:
        with school.client("viewer") as viewer:
            items = viewer.get("/devices").json()["items"]
        (plug,) = (item for item in items if item["key"] == "tasmota:plug")
        available = plug["available"]
        assert available is None or isinstance(available, bool)
        return available

    school.send("tele/plug/SENSOR", '{"ENERGY":{"Power":5}}')
    assert told() is None
    school.send("tele/plug/LWT", "Offline")
    assert told() is False
    school.send("tele/plug/LWT", "Online")
    assert told() is True


def test_quarantine_shows_the_raw_bytes_and_replays(school: School) -> None:
    with school.client() as client:
        held = client.get("/quarantine").json()
        assert held["reasons"] == {"not-json": 1}
        assert held["items"][0]["payload"] == "no json"
        done = client.post("/quarantine/replay", json={"reason": "not-json"}).json()
        assert done == {"replayed": 0, "still_refused": 1}
        assert client.post("/quarantine/replay", json={}).status_code == 422


def test_a_reading_reaches_an_open_page_within_a_second(school: School) -> None:
    arrived: list[tuple[float, str]] = []
    ready = threading.Event()

    def listen() -> None:
        with (
            school.client() as client,
            client.stream("GET", "/live", timeout=20) as stream,
        ):
            for line in stream.iter_lines():
                ready.set()
                arrived.append((time.monotonic(), line))
                if "4321" in line:
                    return

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    assert ready.wait(10)
    sent = time.monotonic()
    school.send("caretaker/1/s/main/readings", '{"readings":{"power_w":4321000}}')
    thread.join(10)
    assert not thread.is_alive()
    assert arrived[-1][0] - sent < 1.0


def test_health_metrics_and_system(school: School) -> None:
    with school.client("") as nobody:
        assert nobody.get("/health").json()["status"] == "ok"
        text = nobody.get("/metrics").text
    assert "caretaker_messages_received_total 3.0" in text
    assert 'caretaker_rejected_total{reason="not-json"} 1.0' in text
    assert "caretaker_incidents_open{severity=" in text
    with school.client("viewer") as viewer:
        assert viewer.get("/system").json()["database_bytes"] > 0


def test_the_description_the_page_is_built_from_is_current() -> None:
    kept = (ROOT / "web" / "openapi.json").read_text(encoding="utf-8")
    assert kept == openapi.description(), "run: python -m api.openapi > web/openapi.json"


def test_every_route_is_documented() -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    missing = [path for _, path in ROUTES if path.removeprefix("/api/v1") not in text]
    assert not missing


def test_a_number_is_explained_and_a_record_changes_it(school: School) -> None:
    with school.client("operator") as client:
        (main,) = [d for d in client.get("/devices").json()["items"] if d["key"] == "native:s/main"]
        path = f"/devices/{main['id']}"
        before = client.get(f"{path}/explain", params={"day": "2026-09-01"}).json()
        (item,) = before["items"]
        assert (item["quantity"], item["unit"], item["amount"]) == ("energy", "kWh", 12.0)
        assert item["plain_steps"] > 0
        body = {
            "kind": "multiplier",
            "at_ms": 0,
            "value": 10,
            "author": "王工",
            "reason": "CT 50/5",
        }
        made = client.post(f"{path}/meter-events", json=body)
        assert made.status_code == 200, made.text
        school.journal.roll_up()
        after = client.get(f"{path}/explain", params={"day": "2026-09-01", "lang": "en"}).json()
        assert after["items"][0]["amount"] == pytest.approx(120.0)
        assert any("CT 50/5" in line for line in after["items"][0]["text"])
        number = made.json()["id"]
        back = {"author": "王工", "reason": "wrong meter"}
        assert client.post(f"/meter-events/{number}/withdraw", json=back).status_code == 200
        assert client.post(f"/meter-events/{number}/withdraw", json=back).status_code == 409
        (kept,) = client.get(f"{path}/meter-events").json()["items"]
        assert kept["withdrawn_by"] == "王工"
        wrong = client.post(f"{path}/meter-events", json=body | {"value": 0})
        assert (wrong.status_code, wrong.json()["error"]["code"]) == (409, "not_recorded")
        assert client.get("/devices/999/explain", params={"day": "2026-09-01"}).status_code == 404
    with school.client("viewer") as viewer:
        assert viewer.post(f"{path}/meter-events", json=body).status_code == 403


def test_the_quality_of_each_point_is_told_with_since_when_and_what_to_do(school: School) -> None:
    day_ms = SchoolCalendar(SITE.calendar, SITE.zone).bounds(date(2026, 9, 1))[0]
    stuck = KeptFlag(0, day_ms, "stuck", START_MS, START_MS + 3 * HOUR_MS, {"value": 4.0})
    high = KeptFlag(0, day_ms, "high", day_ms, day_ms + DAY_MS, {"amount": 9.0, "usual": 4.0})
    with school.client("viewer") as client:
        known = client.get("/devices").json()["items"]
        (fridge,) = [d for d in known if d["key"] == "native:s/fridge"]
        (main,) = [d for d in known if d["key"] == "native:s/main"]
        air = fridge["points"][0]["point"]
        (energy,) = [p["point"] for p in main["points"] if p["quantity"] == "energy"]
        school.journal.call(lambda c: quality_flags.replace(c, air, day_ms, [stuck]))
        school.journal.call(lambda c: quality_flags.replace(c, energy, day_ms, [high]))
        school.clock.advance(2 * HOUR_MS)  # nothing is heard: the meter's next amount is spread
        school.send("caretaker/1/s/main/readings", '{"readings":{"energy_kwh":1020}}')
        school.send("caretaker/1/s/fridge/readings", '{"readings":{"air.temperature_c":85.0}}')
        school.send("caretaker/1/s/fridge/readings", '{"readings":{"air.temperature_c":-127}}')
        school.journal.roll_up()
        found = client.get(f"/devices/{fridge['id']}/quality").json()
        (point,) = found["points"]
        said = {item["code"]: item for item in point["findings"]}
        assert set(said) == {"stuck", "suspect", "sentinel"}
        assert (said["stuck"]["since_ms"], said["stuck"]["until_ms"]) == (START_MS, None)
        assert "探头" in said["stuck"]["remedy_zh"]
        assert said["suspect"]["times"] == 1
        meter = client.get(f"/devices/{main['id']}/quality", params={"days": 7}).json()
        (register,) = [p for p in meter["points"] if p["point"] == energy]
        said = {item["code"]: item for item in register["findings"]}
        assert set(said) == {"high", "gap"}
        assert said["high"]["use"]
        assert not said["gap"]["use"]
        assert said["gap"]["until_ms"] is not None
        assert register["estimated"] == pytest.approx(8.0 / 20.0)
        span: dict[str, str | int] = {
            "start_ms": day_ms,
            "end_ms": day_ms + DAY_MS,
            "resolution": "15min",
        }
        past = client.get(f"/points/{energy}/history", params=span).json()
        assert "gap" in past["reason"]
        assert [name["code"] for name in past["names"]] == ["gap"]
        assert client.get("/devices/999/quality").status_code == 404


def test_a_site_without_influxdb_says_so(school: School) -> None:
    with school.client() as client:
        assert client.get("/influx").json()["configured"] is False
        refused = client.post("/influx/rebuild")
    assert refused.status_code == 409
    assert "site.toml" in refused.json()["error"]["remedy"]
