"""The built page in Chromium, over the real server and a real broker."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from playwright.sync_api import Browser, Page, expect, sync_playwright

from api.server import STATIC
from caretaker.app import App
from caretaker.clock import MINUTE_MS, SystemClock
from caretaker.config import BrokerSettings, DeviceSettings, SiteSettings
from caretaker.secrets import load_or_create
from ingest.broker.port import Address
from ingest.broker.supervise import free_port
from ingest.transport.port import Message

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]

FRIDGE = DeviceSettings(key="native:s/fridge", name="1号冰箱", role="fridge", interval_s=300)


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    assert (STATIC / "index.html").is_file(), "the page is not built: make page"
    settings = SiteSettings(
        name="梧桐小学", devices=(FRIDGE,), broker=BrokerSettings(port=free_port())
    )
    settings = replace(settings, api=replace(settings.api, port=free_port()))
    made = App(settings, data_dir=tmp_path, clock=SystemClock(), secrets=load_or_create(tmp_path))
    made.prepare()
    now_ms = made.clock.now_ms()
    for minute in range(60, -1, -5):
        body = json.dumps({"readings": {"air.temperature_c": 4.0 if minute > 45 else 11.5}})
        at_ms = now_ms - minute * MINUTE_MS
        topic = "caretaker/1/s/fridge/readings"
        made.journal.append(made.decoder.decode(Message(topic, body.encode(), at_ms)))
    made.start()
    yield made
    made.stop()


def publish(address: Address, topic: str, body: dict[str, object] | str) -> None:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
    client.username_pw_set(address.username, address.password)
    client.connect(address.host, address.port)
    client.loop_start()
    text = body if isinstance(body, str) else json.dumps(body)
    client.publish(topic, text, qos=1).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


@pytest.fixture
def page(browser: Browser, app: App, request: pytest.FixtureRequest) -> Iterator[Page]:
    width = getattr(request, "param", 1440)
    context = browser.new_context(viewport={"width": width, "height": 900}, locale="zh-CN")
    found = context.new_page()
    errors: list[str] = []
    found.on("pageerror", lambda error: errors.append(str(error)))
    found.goto(app.url)
    found.get_by_test_id("login-token").fill(app.secrets.operator_token)
    found.get_by_test_id("login-submit").click()
    expect(found.get_by_test_id("verdict")).to_be_visible()
    yield found
    context.close()
    assert not errors


def test_acknowledge_adopt_and_a_live_reading(page: Page, app: App) -> None:
    assert app.broker is not None
    address = app.broker.address("caretaker")
    card = page.get_by_test_id(re.compile(r"^incident-\d+$")).first
    expect(card).to_contain_text("1号冰箱超温")
    card.get_by_test_id(re.compile(r"^acknowledge-\d+$")).click()
    expect(page.get_by_test_id(re.compile(r"^incident-\d+$")).first).to_contain_text("正在处理")

    points = app.journal.points()
    air = next(point for point in points if point.quantity == "temperature")
    cell = page.get_by_test_id(f"point-{air.id}").first
    expect(cell).to_contain_text("11.5")
    publish(address, "caretaker/1/s/fridge/readings", {"readings": {"air.temperature_c": 7.3}})
    expect(cell).to_contain_text("7.3", timeout=1_000)  # without a reload

    publish(address, "tele/kitchen_plug/SENSOR", {"ENERGY": {"Total": 41.25, "Power": 250}})
    page.get_by_role("link", name="新设备").first.click()
    expect(page.get_by_text("tasmota:kitchen_plug")).to_be_visible()
    page.get_by_test_id(re.compile(r"^adopt-\d+$")).click()
    page.get_by_test_id("adopt-name").fill("食堂插座")
    page.get_by_test_id("adopt-confirm").click()
    expect(page.get_by_text("已认领“食堂插座”")).to_be_visible()
    page.get_by_role("link", name="设备", exact=True).first.click()
    expect(page.get_by_text("食堂插座")).to_be_visible()


PLACES = ["", "electricity", "water", "cold", "incidents", "devices", "devices/1", "inbox",
          "quarantine", "system", "incidents/1"]  # fmt: skip


_SETTLED = """() => new Promise((done) => {
  let same = 0, before = -1;
  const look = () => {
    const now = document.querySelectorAll("main *").length;
    same = now === before ? same + 1 : 0;
    before = now;
    if (same >= 6) done(); else setTimeout(look, 25);
  };
  look();
})"""
"""Waits until what a page reads later stands in it, too: it may be what is too wide."""


@pytest.mark.parametrize("page", [1440, 390], indirect=True)
def test_every_page_fits_its_screen_in_both_languages_light_and_dark(page: Page, app: App) -> None:
    for language in ("zh-CN", "en"):
        for scheme in ("light", "dark"):
            page.evaluate(
                "([l, s]) => { localStorage.lang = l; localStorage.theme = s; }",
                [language, scheme],
            )
            for place in PLACES:
                page.goto(f"{app.url}/{place}")
                expect(page.locator("main h1")).not_to_be_empty()
                page.evaluate(_SETTLED)
                wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
                assert wide <= 0, (place, language, scheme)
                assert page.evaluate("document.documentElement.lang") == language
                assert page.evaluate("document.documentElement.dataset.theme") == scheme


def test_the_keyboard_reaches_the_first_action(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("跳到正文")
    for _ in range(30):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if focused.count() and (focused.get_attribute("data-testid") or "").startswith("ack"):
            break
    else:
        pytest.fail("no acknowledge button was reached in thirty steps")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id(re.compile(r"^incident-\d+$")).first).to_contain_text("正在处理")


def test_a_lost_connection_is_said(page: Page, app: App) -> None:
    assert app.page is not None
    app.page.stop()
    expect(page.get_by_text("连接已断开", exact=False)).to_be_visible(timeout=40_000)
