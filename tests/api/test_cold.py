"""The kitchen's page: one call for a unit, one tap for a state, records that are never lost."""

import httpx2
import pytest

from caretaker.clock import MINUTE_MS
from storage import audit
from tests.api.conftest import School


@pytest.fixture
def hot(school: School) -> School:
    """The school an hour later, its fridge warm all the time."""
    for _ in range(12):
        school.send("caretaker/1/s/fridge/readings", '{"readings":{"air.temperature_c":11.0}}')
        school.clock.advance(5 * MINUTE_MS)
    school.journal.append([])
    return school


def fridge(client: httpx2.Client) -> int:
    (found,) = [u for u in client.get("/cold/units").json()["items"] if u["role"] == "fridge"]
    return int(found["device"])


def test_one_call_says_how_warm_how_long_and_what_to_do(hot: School) -> None:
    with hot.client("viewer") as viewer:
        (unit,) = viewer.get("/cold/units").json()["items"]
    assert (unit["air_c"], unit["limit_high_c"], unit["state"]) == (11.0, 8.0, "critical")
    assert unit["exposure_min"] > 60
    assert unit["left_min"] == max(0, round(120 - unit["exposure_min"], 1))
    assert unit["todo"][0] == "close_door"
    assert {"receiving", "disposition", "probe"} <= set(unit["taps"])
    assert unit["mean_kinetic_24h_c"] > 8
    assert unit["actions"]  # a critical excursion has its record from the start


def test_numbers_are_shown_with_their_marks(school: School) -> None:
    with school.client("viewer") as viewer:
        numbers = viewer.get(f"/cold/units/{fridge(viewer)}").json()["numbers"]
    (limit,) = [n for n in numbers if n["name"] == "limit_hi_c"]
    assert (limit["value"], limit["unit"], limit["mark"], limit["source"]) == (
        8,
        "degC",
        "S",
        "S2a",
    )


def test_a_tap_stands_with_its_author_until_it_is_ended(school: School) -> None:
    with school.client() as client:
        device = fridge(client)
        path = f"/cold/units/{device}"
        body = {"kind": "receiving", "person": "张师傅"}
        standing = client.post(f"{path}/states", json=body).json()["now"]["standing"]
        assert [(s["kind"], s["author"]) for s in standing] == [("receiving", "张师傅 (operator)")]
        ended = client.post(f"/cold/records/{standing[0]['id']}/end", json={}).json()
        assert ended["now"]["standing"] == []
        assert ended["records"][0]["until_ms"] is not None
        refused = client.post(f"{path}/states", json={"kind": "decommissioned"})
        assert refused.json()["error"]["code"] == "food_went_to_missing"
        body = {"kind": "decommissioned", "food_went_to": "2号冰箱"}
        now = client.post(f"{path}/states", json=body).json()["now"]
        assert (now["state"], now["taps"][0]) == ("decommissioned", "resume")
    with school.journal.reader() as connection:
        assert audit.verify(connection) == 0


def test_a_corrective_action_is_amended_and_closed_never_deleted(hot: School) -> None:
    with hot.client() as client:
        device = fridge(client)
        (action,) = client.get("/cold/actions", params={"open_only": True}).json()["items"]
        assert (action["source"], action["device"]) == ("auto", device)
        path = f"/cold/actions/{action['id']}"
        early = client.patch(path, json={"reason": "关掉", "close": True})
        assert early.status_code == 409
        undecided = client.patch(path, json={"reason": "x", "decided": True})
        assert undecided.status_code == 422
        content = {
            "cause": "compressor",
            "person": "张师傅",
            "contents": [{"batch": "牛奶 0901", "product": "牛奶", "kg": 12}],
            "core_temperatures": [
                {"value_c": 9.2, "product": "牛奶", "probe": "P1", "at_ms": hot.clock.now_ms()}
            ],
            "dispositions": [{"batch": "牛奶 0901", "disposition": "discard", "kg": 12}],
        }
        changed = client.patch(path, json={"reason": "处置", "content": content, "decided": True})
        assert changed.json()["content"]["cause"] == "compressor"
        hot.journal.append([])  # the engine judges the disposition with the next batch
        unit = client.get(f"/cold/units/{device}").json()
        assert unit["now"]["exposure_min"] == 0
        body = {"reason": "复核", "content": {"verifier": "李主任"}, "close": True}
        closed = client.patch(path, json=body).json()
        assert closed["closed_ms"] is not None
        assert [a["reason"] for a in closed["amendments"]] == ["处置", "复核"]
        assert client.delete(path).status_code == 405
    with hot.journal.reader() as connection:
        assert audit.verify(connection) == 0


def test_a_manual_probe_of_an_earlier_moment_is_judged_there(hot: School) -> None:
    with hot.client() as client:
        device = fridge(client)
        before = client.get(f"/cold/units/{device}").json()["now"]["exposure_min"]
        at_ms = hot.clock.now_ms() - 60 * 60_000
        body = {"value_c": 5.0, "person": "张师傅", "product": "牛奶", "at_ms": at_ms}
        assert client.post(f"/cold/units/{device}/probes", json=body).is_success
        for _ in range(3):
            hot.clock.advance(40_000)
            hot.journal.append([])
        after = client.get(f"/cold/units/{device}").json()["now"]["exposure_min"]
        assert after < before  # the food was cold then: the estimate begins there anew
        ahead = {"value_c": 5.0, "at_ms": hot.clock.now_ms() + 10**7}
        assert client.post(f"/cold/units/{device}/probes", json=ahead).status_code == 422


def test_only_units_that_hold_food_are_units(school: School) -> None:
    with school.client() as client:
        meter = next(
            d["id"] for d in client.get("/devices").json()["items"] if d["role"] == "electricity"
        )
        for path, body in (("probes", {"value_c": 4.0}), ("states", {"kind": "cleaning"})):
            answer = client.post(f"/cold/units/{meter}/{path}", json=body)
            assert answer.status_code == 404
            assert answer.json()["error"]["remedy"]
