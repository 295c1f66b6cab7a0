"""What a reader meets on every page: words of one language, contrast, room for a thumb, order."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from caretaker.app import App
from storage import devices, meter_events
from tests.browser.test_page import PLACES, app, browser, page, publish  # noqa: F401  (fixtures)

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]

JUDGE = (Path(__file__).parent / "reading.js").read_text(encoding="utf-8")
NAMES = ["1号冰箱", "梧桐小学", "native:s/fridge", "InfluxDB", "site.toml"]


def judge(page: Page, question: str) -> list[str]:  # noqa: F811
    page.evaluate(JUDGE)
    found = page.evaluate(f"window.reading.{question}")
    assert isinstance(found, list)
    return [str(item) for item in found]


@pytest.mark.parametrize("page", [1440, 390], indirect=True)
def test_every_page_reads_well(page: Page, app: App) -> None:  # noqa: F811
    phone = (page.viewport_size or {"width": 0})["width"] < 500
    wrong: dict[str, list[str]] = {}
    for language, scheme in (
        ("zh-CN", "light"),
        ("en", "dark"),
        ("zh-CN", "dark"),
        ("en", "light"),
    ):
        page.evaluate(
            "([l, s]) => { localStorage.lang = l; localStorage.theme = s; }", [language, scheme]
        )
        for place in (*PLACES, "term"):
            page.goto(f"{app.url}/{place}")
            expect(page.locator("main h1")).not_to_be_empty()
            expect(page.locator(".skeleton")).to_have_count(0)
            questions = {"contrast": "contrast()"}
            if (language, scheme) in {("zh-CN", "light"), ("en", "light")}:
                questions["words"] = f"untranslated({json.dumps(language)}, {json.dumps(NAMES)})"
                if phone:
                    questions |= {"thumb": "narrow(44)", "order": "jumps()"}
            for name, question in questions.items():
                found = judge(page, question)
                if found:
                    wrong[f"/{place} {language} {scheme} {name}"] = found
    assert not wrong, json.dumps(wrong, ensure_ascii=False, indent=1)


@pytest.mark.parametrize("page", [390], indirect=True)
def test_a_cook_takes_a_units_trouble_on_in_one_tap(page: Page, app: App) -> None:  # noqa: F811
    page.goto(f"{app.url}/cold")
    unit = page.get_by_test_id("unit-1")
    expect(unit.get_by_text("超温", exact=False).first).to_be_visible()
    button = unit.get_by_role("button", name="我来处理")
    box = button.bounding_box()
    assert box is not None
    assert box["height"] >= 44
    assert box["y"] + box["height"] < 844, "the first screen has the button"
    button.click()
    expect(unit.get_by_text("操作员正在处理", exact=False)).to_be_visible()
    with app.journal.reader() as connection:
        waiting = connection.execute(
            "SELECT count(*) FROM incident WHERE device = 1 AND state = 'firing'"
        ).fetchone()
    assert waiting[0] == 0


def test_a_meter_exchange_is_recorded_with_author_and_taken_back(page: Page, app: App) -> None:  # noqa: F811
    assert app.broker is not None
    address = app.broker.address("caretaker")
    publish(address, "tele/main_meter/SENSOR", {"ENERGY": {"Total": 41.25, "Power": 250}})
    page.goto(f"{app.url}/inbox")
    page.get_by_role("button", name="认领为", exact=False).click()
    page.get_by_test_id("adopt-confirm").click()
    expect(page.get_by_text("已认领“main_meter”", exact=False)).to_be_visible()
    with app.journal.reader() as connection:
        (number,) = [d.id for d in devices.devices(connection) if d.key == "tasmota:main_meter"]
    page.goto(f"{app.url}/devices/{number}")
    expect(page.get_by_test_id("quality-verdict")).to_be_visible()
    page.get_by_test_id("record-swap").click()
    expect(page.get_by_label("旧表止码（kWh）", exact=False)).to_be_visible()
    page.get_by_test_id("meter-final").fill("41.25")
    page.get_by_test_id("meter-initial").fill("0")
    page.get_by_test_id("meter-reason").fill("到期轮换")
    page.get_by_test_id("meter-person").fill("王工")
    page.get_by_test_id("meter-save").click()
    kept = page.get_by_test_id("meter-events")
    expect(kept).to_contain_text("止码 41.25，起码 0")
    expect(kept).to_contain_text("王工：到期轮换")
    with app.journal.reader() as connection:
        (event,) = meter_events.listing(connection, number, all_of_them=False)
    assert (event.quantity, event.final, event.initial) == ("energy", 41.25, 0.0)
    kept.get_by_role("button", name="撤回").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("原因").fill("登记错了设备")
    dialog.get_by_role("button", name="撤回").click()
    expect(kept).to_contain_text("已由 王工 撤回")
