"""A topic nobody knows: the page shows it, previews live what a mapping makes of it, keeps it."""

import pytest
from playwright.sync_api import Browser, Page, expect

from caretaker.app import App
from tests.browser.test_page import app, browser, page, publish  # noqa: F401  (fixtures)

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]


@pytest.mark.parametrize("page", [1440, 390], indirect=True)
def test_a_person_explains_a_message(page: Page, app: App, browser: Browser) -> None:  # noqa: F811
    del browser
    assert app.broker is not None
    address = app.broker.address("caretaker")
    for number in range(3):
        body: dict[str, object] = {"d": {"t1": 60.5 + number, "kwh": 5000 + number}, "n": "锅炉"}
        publish(address, "plant/boiler/now", body)
    page.goto(f"{app.url}/inbox")
    page.get_by_test_id("explain").click()
    keep = page.get_by_test_id("mapping-keep")
    expect(keep).to_be_disabled()
    page.get_by_test_id("quantity-d.kwh").select_option("humidity")
    page.get_by_test_id("unit-d.kwh").select_option("%")
    expect(page.get_by_test_id("mapping-preview")).to_contain_text("数值超出物理上可能的范围")
    expect(keep).to_be_disabled()
    page.get_by_test_id("quantity-d.kwh").select_option("energy")
    expect(keep).to_be_disabled()  # a unit is chosen anew for another quantity
    page.get_by_test_id("unit-d.kwh").select_option("Wh")
    expect(page.get_by_test_id("mapping-preview")).to_contain_text("5.00")
    page.get_by_test_id("quantity-d.t1").select_option("temperature")
    expect(page.get_by_text("还有一个值没有选单位")).to_be_visible()
    expect(keep).to_be_disabled()
    page.get_by_test_id("unit-d.t1").select_option("°C")
    expect(page.get_by_test_id("mapping-preview")).to_contain_text("62.5")
    over = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert over <= 0, "the page scrolls sideways"
    keep.click()
    expect(page.get_by_text("已保存", exact=False)).to_be_visible()
    expect(page.get_by_test_id("explain")).to_have_count(0)
    with app.journal.reader() as connection:
        row = connection.execute(
            "SELECT count(*) FROM reading AS r JOIN point AS p ON p.id = r.point"
            " JOIN device AS d ON d.id = p.device WHERE d.key = 'mapped:boiler/now'"
        ).fetchone()
    assert row[0] == 6


def test_text_is_taken_apart_and_the_mapping_changed_and_removed(
    page: Page,  # noqa: F811
    app: App,  # noqa: F811
) -> None:
    assert app.broker is not None
    address = app.broker.address("caretaker")
    for number in range(2):
        publish(address, f"cellar/p{number}/now", f"{number + 20},5;2026-01-0{number + 1} 08:00:00")
    page.goto(f"{app.url}/inbox")
    page.get_by_test_id("explain").first.click()
    expect(page.get_by_test_id("separator")).to_have_value(";")
    expect(page.get_by_test_id("decimal")).to_have_value(",")
    page.get_by_test_id("level-1").check(force=True)
    page.get_by_test_id("quantity-[0]").select_option("temperature")
    page.get_by_test_id("unit-[0]").select_option("°C")
    page.get_by_test_id("quantity-[1]").select_option("@time")
    preview = page.get_by_test_id("mapping-preview")
    expect(preview).to_contain_text("p0 · 温度 20.5")
    expect(preview).to_contain_text("测于 08:00:00")
    page.get_by_test_id("mapping-keep").click()
    expect(page.get_by_test_id("explain")).to_have_count(0)  # both are explained at once
    page.get_by_test_id("change-p1-now").or_(page.get_by_test_id("change-p0-now")).click()
    expect(page.get_by_test_id("quantity-[0]")).to_have_value("temperature")
    page.get_by_test_id("unit-[0]").select_option("°F")
    expect(preview).to_contain_text("−6.4")
    page.get_by_test_id("mapping-keep").click()
    expect(page.get_by_text("已改好", exact=False)).to_be_visible()
    publish(address, "cellar/p0/now", "50,0;2026-01-03 08:00:00")
    with app.journal.reader() as connection:
        (kept,) = connection.execute("SELECT body FROM mapping").fetchall()
    assert "°F" in kept[0]
    page.get_by_test_id("remove-p1-now").or_(page.get_by_test_id("remove-p0-now")).click()
    page.get_by_test_id("remove-really").click()
    expect(page.get_by_text("已有的说明")).to_have_count(0)


def test_a_unit_is_given_to_what_a_dialect_held_without_one(
    page: Page,  # noqa: F811
    app: App,  # noqa: F811
) -> None:
    assert app.broker is not None
    address = app.broker.address("caretaker")
    publish(address, "tele/sml1/SENSOR", {"MT681": {"E_in": 1234.5, "P": 300}})
    page.goto(f"{app.url}/inbox")
    page.get_by_test_id("explain").click()
    expect(page.get_by_text("下面只补上它缺单位的值")).to_be_visible()
    page.get_by_test_id("quantity-MT681.P").select_option("power")
    page.get_by_test_id("unit-MT681.P").select_option("W")
    expect(page.get_by_test_id("mapping-preview")).to_contain_text("（MT681） 0.30")
    page.get_by_test_id("mapping-keep").click()
    expect(
        page.get_by_text("已保存", exact=False)
    ).to_be_visible()  # and used: the form is gone before
    expect(page.get_by_test_id("explain")).to_have_count(0)
    with app.journal.reader() as connection:
        rows = connection.execute(
            "SELECT p.channel, r.value FROM reading AS r JOIN point AS p ON p.id = r.point"
            " JOIN device AS d ON d.id = p.device WHERE d.key = 'tasmota:sml1'"
        ).fetchall()
    assert {tuple(row) for row in rows} == {("", 1234.5), ("MT681", 0.3)}
