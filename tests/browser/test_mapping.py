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
    page.get_by_test_id("quantity-d.t1").select_option("temperature")
    page.get_by_test_id("unit-d.t1").fill("kWh")
    preview = page.get_by_test_id("unexplained")
    expect(preview.get_by_text("kWh", exact=False).first).to_be_visible()
    expect(keep).to_be_disabled()
    page.get_by_test_id("unit-d.t1").fill("C")
    expect(page.get_by_test_id("mapping-preview")).to_contain_text("62.5")
    page.get_by_test_id("quantity-d.kwh").select_option("energy")
    page.get_by_test_id("unit-d.kwh").fill("Wh")
    expect(page.get_by_test_id("mapping-preview")).to_contain_text("5.00")
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
