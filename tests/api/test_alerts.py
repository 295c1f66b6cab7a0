"""Silences, explanations, on-call, drills and the link that acknowledges, over the real server."""

import re
from pathlib import Path

import httpx2
import pytest

from alerting.notify.links import Signer
from storage import incidents
from tests.api.conftest import START_MS, School

HOUR_MS = 3_600_000


def warm(school: School) -> int:
    """Return the number of the warm fridge's incident."""
    with school.client() as client:
        items = client.get("/incidents").json()["items"]
    return int(next(i["id"] for i in items if i["rule"] == "cold_storage_warm"))


def test_an_incident_explains_who_was_told_and_why(school: School) -> None:
    with school.client("viewer") as client:
        found = client.get(f"/incidents/{warm(school)}/why").json()
        assert client.get("/incidents/99999/why").status_code == 404
    first = found["decisions"][0]
    assert [ruling["stage"] for ruling in first["rulings"]][:5] == [
        "late", "inhibit", "silence", "quiet", "dedupe",
    ]  # fmt: skip
    assert found["deliveries"][0]["channel"] == "console"
    assert all(ruling["reason"] for d in found["decisions"] for ruling in d["rulings"])


def test_a_silence_needs_an_operator_a_reason_an_end_and_a_place_for_the_food(
    school: School,
) -> None:
    with school.client() as client:
        fridge = next(
            d["id"] for d in client.get("/devices").json()["items"] if d["role"] == "fridge"
        )
        body = {
            "severity": "critical", "device": fridge, "author": "王师傅", "reason": "换压缩机",
            "food_at": "2号冰箱", "ends_ms": school.clock.now_ms() + 3 * HOUR_MS,
        }  # fmt: skip
        for change in (
            {"food_at": ""}, {"ends_ms": school.clock.now_ms() + 5 * HOUR_MS},
            {"ends_ms": 1}, {"reason": ""}, {"author": "x\ny"}, {"severity": "all"},
            {"kind": "maintenance", "ends_ms": school.clock.now_ms() + 9 * HOUR_MS},
        ):  # fmt: skip
            answer = client.post("/silences", json=body | change)
            assert answer.status_code == 422, change
            assert answer.json()["error"]["message"]
        made = client.post("/silences", json=body).json()
        assert (made["author"], made["in_force"]) == ("王师傅 (operator)", True)
        assert client.get("/silences").json()["items"][0]["id"] == made["id"]
        ended = client.post(f"/silences/{made['id']}/end").json()
        assert not ended["in_force"]
        assert client.post("/silences/999/end").status_code == 404
    with school.client("viewer") as client:
        assert client.post("/silences", json=body).status_code == 403
        assert client.post("/drills", json={}).status_code == 403
        assert client.get("/silences").status_code == 200
        assert client.get("/on-call").json()["levels"] == []
        assert client.get("/drills").json()["items"] == []


def test_a_drill_needs_the_running_chain(school: School) -> None:
    with school.client() as client:
        answer = client.post("/drills", json={"author": "x"})
    assert answer.status_code == 409


def test_the_link_shows_first_and_takes_only_when_pressed(school: School) -> None:
    number = warm(school)
    signer = Signer.of("o-token", clock=school.clock)
    token = signer.sign(number, "wang")
    url = f"{school.url}/a/{token}"
    shown = httpx2.get(url)
    assert shown.status_code == 200
    assert "1号冰箱" in shown.text
    assert "我来处理" in shown.text
    assert "script" not in shown.headers["content-security-policy"].split("default-src")[0]
    with school.client() as client:
        assert client.get(f"/incidents/{number}").json()["incident"]["state"] != "acknowledged"
        blind = httpx2.post(url)  # who did not see the page has taken nothing on
        assert blind.status_code == 409
        assert client.get(f"/incidents/{number}").json()["incident"]["state"] != "acknowledged"
        assert "已记录" in httpx2.post(button(url)).text
        after = client.get(f"/incidents/{number}").json()["incident"]
        assert after["acknowledged_by"] == "wang"
    again = httpx2.get(url)
    assert "我来处理" not in again.text
    assert "已经有人处理" in again.text


def button(url: str) -> str:
    """Return where the page's button leads."""
    found = re.search(r'action="(\?raised=\d+)"', httpx2.get(url).text)
    assert found
    return url + found[1]


def test_a_press_counts_once_and_never_for_what_was_raised_later(school: School) -> None:
    number = warm(school)
    url = f"{school.url}/a/{Signer.of('o-token', clock=school.clock).sign(number, 'wang')}"
    press = button(url)
    assert "已记录" in httpx2.post(press).text
    first = _events(school, number)
    assert "已经有人处理" in httpx2.post(press).text  # sent again: nothing more is recorded
    assert _events(school, number) == first
    _raise(school, number)
    again = httpx2.post(press)  # recorded by somebody and played back after it was raised anew
    assert (again.status_code, "我来处理" in again.text) == (409, True)
    with school.client() as client:
        assert client.get(f"/incidents/{number}").json()["incident"]["acknowledged_by"] == ""
    assert httpx2.post(button(url)).status_code == 200  # who looks may
    for wrong in ("?raised=-1", "?raised=x"):
        assert httpx2.post(url + wrong).status_code == 422
    assert httpx2.request("HEAD", url).status_code in {200, 405}


def _raise(school: School, number: int) -> None:
    now_ms = school.clock.now_ms()
    school.journal.call(lambda c: incidents.raise_again(c, number, now_ms=now_ms))


def _events(school: School, number: int) -> list[str]:
    with school.client() as client:
        return [e["kind"] for e in client.get(f"/incidents/{number}").json()["events"]]


@pytest.mark.parametrize("token", ["x", "A" * 40, "a.b~c", "A" * 5_000])
def test_a_forged_link_says_nothing(school: School, token: str) -> None:
    for method in ("GET", "POST"):
        answer = httpx2.request(method, f"{school.url}/a/{token}")
        assert answer.status_code in {404, 405, 410, 422}
        assert "1号冰箱" not in answer.text


def test_an_old_link_and_one_of_another_incident_do_nothing(school: School) -> None:
    signer = Signer.of("o-token", clock=school.clock)
    other, old = signer.sign(4711, "wang"), signer.sign(warm(school), "wang")
    assert httpx2.post(f"{school.url}/a/{other}").status_code == 410
    school.clock.at_ms += 25 * HOUR_MS
    assert httpx2.post(f"{school.url}/a/{old}").status_code == 410
    school.clock.at_ms = START_MS + 2 * HOUR_MS


def test_every_text_of_the_alerts_exists_in_both_languages() -> None:
    from alerting.texts import ACKNOWLEDGE, DAILY, OCCASIONS

    for table in (ACKNOWLEDGE, DAILY, OCCASIONS):
        assert set(table) == {"zh-CN", "en"}
        assert set(table["zh-CN"]) == set(table["en"])
        for name, text in table["zh-CN"].items():
            assert set(re.findall(r"\{(\w+)\}", text)) == set(
                re.findall(r"\{(\w+)\}", table["en"][name])
            )


def test_the_document_names_every_stage() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "alerts.md").read_text("utf-8")
    for stage in ("late", "inhibit", "silence", "quiet", "dedupe", "route", "group"):
        assert f"| {stage} |" in text
