"""The inbox page: what waits, a live preview, and nothing kept untested."""

from tests.api.conftest import School

HALL = {
    "name": "hall",
    "topic": "mine/{device}/now",
    "fields": [{"path": "v.t", "quantity": "temperature", "unit": "C"}],
}


def test_a_topic_waits_is_tried_kept_and_used(school: School) -> None:
    for number in range(3):
        school.send("mine/hall/now", f'{{"v": {{"t": {20 + number}, "u": "x"}}}}')
        school.clock.advance(60_000)
    with school.client() as client:
        answer = client.get("/mappings").json()
        (waiting,) = answer["waiting"]
        assert waiting["topic"] == "mine/hall/now"
        assert waiting["count"] == 3
        assert {"path": "v.t", "value": "22"} in waiting["leaves"]
        names = {q["name"]: q for q in answer["quantities"]}
        assert names["temperature"] == {
            "name": "temperature", "unit": "degC", "units": ["°C", "°F", "K", "0.1°C", "0.01°C"],
            "en": "temperature", "zh": "温度",
        }  # fmt: skip

        tried = client.post("/mappings/preview", json=HALL).json()
        assert tried["usable"]
        assert [r["value"] for m in tried["messages"] for r in m["readings"]] == [22, 21, 20]
        assert client.get("/devices").json()["items"][-1]["key"] != "mapped:hall"

        kept = client.post("/mappings", json=HALL).json()
        assert kept["replayed"] == 3
        assert kept["still_refused"] == 0
        devices = {d["key"]: d for d in client.get("/devices").json()["items"]}
        assert devices["mapped:hall"]["points"][0]["value"] == 22

        again = client.post("/mappings", json=HALL)
        assert (again.status_code, again.json()["error"]["code"]) == (409, "name_taken")
        field = HALL["fields"][0] | {"channel": "north"}  # type: ignore[operator]
        changed = client.put("/mappings/hall", json=HALL | {"fields": [field]})
        assert changed.json()["mapping"]["fields"][0]["channel"] == "north"
        assert client.put("/mappings/hall", json=HALL | {"name": "y"}).status_code == 422
        assert client.put("/mappings/nobody", json=HALL).status_code == 404

        school.send("mine/hall/now", '{"v": {"t": 25}}')
        assert not client.get("/mappings").json()["waiting"]

        left = client.delete("/mappings/hall").json()
        assert left["items"] == []
        school.send("mine/hall/now", '{"v": {"t": 26}}')
        assert client.get("/mappings").json()["waiting"][0]["count"] == 1
        assert client.delete("/mappings/hall").status_code == 404


def test_a_row_of_values_waits_with_its_places_and_is_read_by_them(school: School) -> None:
    for number in range(2):
        school.send("emonhub/rx/10/values", f"10,{250 + number},-3,4.5")
        school.clock.advance(60_000)
    row = {
        "name": "node",
        "topic": "emonhub/rx/{device}/values",
        "fields": [{"path": "[1]", "quantity": "power", "unit": "W"}],
    }
    with school.client() as client:
        (waiting,) = client.get("/mappings").json()["waiting"]
        assert {"path": "[1]", "value": "251"} in waiting["leaves"]
        tried = client.post("/mappings/preview", json=row).json()
        assert [r["value"] for m in tried["messages"] for r in m["readings"]] == [0.251, 0.25]
        assert client.post("/mappings", json=row).json()["replayed"] == 2
        devices = {d["key"]: d for d in client.get("/devices").json()["items"]}
        assert devices["mapped:10"]["points"][0]["value"] == 0.251


def test_what_reads_nothing_is_not_kept(school: School) -> None:
    school.send("mine/hall/now", '{"v": {"t": "warm"}}')
    with school.client() as client:
        answer = client.post("/mappings", json=HALL)
        assert answer.status_code == 422
        assert answer.json()["error"]["code"] == "untested"
        tried = client.post("/mappings/preview", json=HALL).json()
        assert not tried["usable"]
        (refusal,) = tried["messages"][0]["refused"]
        assert refusal["reason"] == "wrong-type"
        wrong = HALL | {"fields": [{"path": "v.t", "quantity": "energy", "unit": "C"}]}
        answer = client.post("/mappings/preview", json=wrong)
        assert answer.status_code == 422
        assert "unit" in answer.json()["error"]["message"]
        assert client.get("/mappings").json()["items"] == []
    with school.client("viewer") as viewer:
        assert viewer.post("/mappings", json=HALL).status_code == 403


def test_a_draft_tells_what_stands_in_the_messages(school: School) -> None:
    school.send("mine/tank", "105.3 kPa")
    school.send("mine/row", "21,5;48")
    with school.client() as client:

        def leaves(topic: str, **more: str) -> list[tuple[str, str]]:
            body = {"name": "draft", "topic": topic} | more
            found = client.post("/mappings/preview", json=body).json()
            assert not found["usable"]
            return [(leaf["path"], leaf["value"]) for leaf in found["leaves"]]

        assert leaves("mine/tank") == [("", "105.3 kPa")]
        assert leaves("mine/row") == [("", "21,5;48")]
        assert leaves("mine/row", separator=";", decimal=",") == [("[0]", "21.5"), ("[1]", "48")]
        waits = {w["topic"]: w for w in client.get("/mappings").json()["waiting"]}
        assert (waits["mine/row"]["separator"], waits["mine/row"]["decimal"]) == (";", ",")
