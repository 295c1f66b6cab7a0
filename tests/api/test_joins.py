"""A new battery, an exchanged meter: another id, and the same device as before."""

import json

import httpx2

from caretaker.clock import HOUR_MS, MINUTE_MS
from tests.api.conftest import School


def _heard(client: httpx2.Client, key: str) -> int:
    return next(
        int(item["id"]) for item in client.get("/inbox").json()["items"] if item["key"] == key
    )


def _adopt(client: httpx2.Client, key: str, role: str) -> int:
    number = _heard(client, key)
    body = {"name": key, "role": role, "building": "", "area": "", "parent": 0, "interval_s": 60}
    assert client.post(f"/inbox/{number}/adopt", json=body).status_code == 200
    return number


def _sensor(number: int, temperature: float) -> str:
    return json.dumps(
        {"model": "Acurite-Tower", "id": number, "channel": "A", "temperature_C": temperature}
    )


def _values(school: School, device: int, quantity: str) -> list[float]:
    with school.journal.reader() as connection:
        rows = connection.execute(
            "SELECT r.value FROM reading AS r JOIN point AS p ON p.id = r.point"
            " WHERE p.device = ? AND p.quantity = ? ORDER BY r.at_ms, r.ordinal",
            (device, quantity),
        )
        return [row[0] for row in rows]


def test_a_sensor_with_a_new_battery_goes_on_as_before(school: School) -> None:
    for value in (4.0, 4.5):
        school.send("rtl_433/box/events", _sensor(10, value))
        school.clock.advance(MINUTE_MS)
    with school.client() as client:
        ours = _adopt(client, "rtl_433:Acurite-Tower/A/10", "fridge")
        for value in (5.0, 5.5):
            school.send("rtl_433/box/events", _sensor(77, value))
            school.clock.advance(MINUTE_MS)
        other = _heard(client, "rtl_433:Acurite-Tower/A/77")
        answer = client.post(f"/inbox/{other}/join", json={"device": ours})
        assert answer.json()["device"] == "rtl_433:Acurite-Tower/A/10"
        assert _values(school, ours, "temperature") == [4.0, 4.5, 5.0, 5.5]

        school.send("rtl_433/box/events", _sensor(77, 6.0))
        assert _values(school, ours, "temperature")[-1] == 6.0
        assert other not in [item["id"] for item in client.get("/inbox").json()["items"]]
        assert client.post(f"/inbox/{other}/join", json={"device": ours}).status_code == 200
        assert len(_values(school, ours, "temperature")) == 5  # asked again, nothing is there twice

        assert [item["key"] for item in client.get("/joins").json()["items"]] == [
            "rtl_433:Acurite-Tower/A/77"
        ]
        gone = client.request("DELETE", "/joins", params={"key": "rtl_433:Acurite-Tower/A/77"})
        assert gone.json() == {"items": []}
        school.clock.advance(MINUTE_MS)
        school.send("rtl_433/box/events", _sensor(77, 7.0))
        assert len(_values(school, ours, "temperature")) == 5
        assert _heard(client, "rtl_433:Acurite-Tower/A/77") == other


def test_an_exchanged_meter_is_joined_and_nothing_is_subtracted_across(school: School) -> None:
    with school.client() as client:
        ours = _adopt(client, "tasmota:plug", "electricity")
        for total in (1.5, 2.5):
            school.clock.advance(HOUR_MS // 4)
            school.send("tele/plug/SENSOR", json.dumps({"ENERGY": {"Total": total}}))
        for total in (0.25, 0.75):
            school.clock.advance(HOUR_MS // 4)
            school.send("tele/plug2/SENSOR", json.dumps({"ENERGY": {"Total": total}}))
        other = _heard(client, "tasmota:plug2")
        assert client.post(f"/inbox/{other}/join", json={"device": ours}).status_code == 200
        school.journal.roll_up()
        assert _values(school, ours, "energy") == [1.5, 1.5, 2.5, 0.25, 0.75]
        with school.journal.reader() as connection:
            (day,) = connection.execute(
                "SELECT r.amount, r.reason FROM rollup AS r JOIN point AS p ON p.id = r.point"
                " WHERE p.device = ? AND p.quantity = 'energy' AND r.period = 'day'",
                (ours,),
            ).fetchall()
            swap = connection.execute(
                "SELECT old_serial, new_serial, final, initial FROM meter_event"
            ).fetchall()
        assert [tuple(row) for row in swap] == [("tasmota:plug", "tasmota:plug2", 2.5, 0.25)]
        assert day[0] == 1.5  # 1.5 to 2.5 of the old one, 0.25 to 0.75 of the new one


def test_what_cannot_be_one_is_refused(school: School) -> None:
    school.send("tele/other/SENSOR", '{"ENERGY":{"Total":3.5}}')
    school.send("caretaker/1/s/new/readings", '{"readings":{"energy_kwh":1}}')
    with school.client() as client:
        plug, other = _heard(client, "tasmota:plug"), _heard(client, "tasmota:other")
        native = _heard(client, "native:s/new")
        assert client.post(f"/inbox/{plug}/join", json={"device": other}).status_code == 409
        assert client.post("/inbox/9999/join", json={"device": plug}).status_code == 404
        ours = _adopt(client, "tasmota:plug", "electricity")
        assert client.post(f"/inbox/{native}/join", json={"device": ours}).status_code == 409
        assert client.post(f"/inbox/{ours}/join", json={"device": ours}).status_code == 409
        assert client.request("DELETE", "/joins", params={"key": "nobody"}).status_code == 404
    with school.client("viewer") as viewer:
        assert viewer.post(f"/inbox/{other}/join", json={"device": ours}).status_code == 403


def test_a_sensor_known_by_a_number_is_suggested_by_its_whole_name(school: School) -> None:
    school.send("rtl_433/box/events", _sensor(10, 4.0))
    with school.client() as client:
        names = [item["suggested"]["name"] for item in client.get("/inbox").json()["items"]]
    assert "Acurite-Tower A 10" in names
