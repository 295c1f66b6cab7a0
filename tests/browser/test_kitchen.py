"""The kitchen's part of the cold chain page: what now, one-tap states, a probe, a decision."""

import pytest
from playwright.sync_api import Page, expect

from caretaker.app import App
from storage import haccp, unit_records
from tests.browser.test_page import app, browser, page  # noqa: F401  (fixtures)

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]


@pytest.mark.parametrize("page", [1440, 390], indirect=True)
def test_a_cook_records_what_was_done(page: Page, app: App) -> None:  # noqa: F811
    page.goto(f"{app.url}/cold")
    kitchen = page.get_by_test_id("kitchen-1")
    expect(kitchen.get_by_text("现在要做")).to_be_visible()
    expect(kitchen.get_by_text("关好柜门", exact=False)).to_be_visible()
    for name in ("tap-receiving", "tap-probe", "tap-disposition"):
        box = kitchen.get_by_test_id(name).bounding_box()
        assert box is not None
        assert box["height"] >= 44, name
    kitchen.get_by_test_id("tap-probe").click()
    page.get_by_test_id("entry-value").fill("9.4")
    page.get_by_test_id("entry-person").fill("王师傅")
    page.get_by_test_id("entry-save").click()
    expect(kitchen.get_by_text("已记录。")).to_be_visible()
    kitchen.get_by_test_id("tap-receiving").click()
    expect(page.get_by_test_id("entry-person")).to_have_value("王师傅")  # remembered
    page.get_by_test_id("entry-save").click()
    expect(kitchen.get_by_role("button", name="结束“收货中”")).to_be_visible()
    kitchen.get_by_role("button", name="结束“收货中”").click()
    expect(kitchen.get_by_test_id("tap-receiving")).to_be_visible()
    kitchen.get_by_test_id("tap-disposition").click()
    page.get_by_test_id("batch-0").fill("牛奶 20 盒")
    page.get_by_test_id("entry-save").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    over = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert over <= 0, "the page scrolls sideways"
    with app.journal.reader() as connection:
        kinds = [record.kind.value for record in unit_records.listing(connection)]
        (action,) = haccp.listing(connection, device=1, limit=1)
    assert {"probe", "receiving", "disposition"} <= set(kinds)
    assert "牛奶 20 盒" in str(action.content)
    with page.expect_download() as waiting:
        page.get_by_test_id("pack-xlsx").click()
    assert waiting.value.suggested_filename.startswith("cold-storage-")
